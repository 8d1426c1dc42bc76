# SPDX-License-Identifier: GPL-3.0-or-later
"""The web page and its HTTP interface: a photo in, a model to turn and take away.

The server's process holds no photo decoder, no torch and no numpy: whatever touches a photo runs in workers.
"""
