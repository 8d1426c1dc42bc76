# SPDX-License-Identifier: GPL-3.0-or-later
"""Training the starter model: pictures with disparity, training, evaluation, and export of the bundled file."""
