# SPDX-License-Identifier: GPL-3.0-or-later
"""Surface reconstruction with Open3D: point clouds, Poisson, ball pivoting, decimation, smoothing."""
