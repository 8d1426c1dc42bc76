# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the build: `python3 -m mono3d_addon.build`."""

import sys

from .command import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
