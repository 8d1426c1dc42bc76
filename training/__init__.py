# SPDX-License-Identifier: GPL-3.0-or-later
"""How the starter model is made: pictures with disparity, training, scores, the file that the add-on brings along."""
