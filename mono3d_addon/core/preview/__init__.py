# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures of a result: seen from beside the photo's camera, in the photo's own colours."""
