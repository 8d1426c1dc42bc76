# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m mono3d`: the command line, as `python -m mono3d_addon`."""

import sys

from mono3d_addon.cli import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], "python -m mono3d"))
