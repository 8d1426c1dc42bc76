# SPDX-License-Identifier: GPL-3.0-or-later
"""A run over many photos: from the words that the user typed to the results in place."""
