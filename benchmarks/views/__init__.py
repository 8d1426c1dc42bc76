# SPDX-License-Identifier: GPL-3.0-or-later
"""How a result looks when the camera moves: scenes with true side views, and scores of ours from there."""
