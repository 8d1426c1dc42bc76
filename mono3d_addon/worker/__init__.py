# SPDX-License-Identifier: GPL-3.0-or-later
"""The child process that does the heavy work, so that a crash or a cancel never costs the user's scene."""
