# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m mono3d_addon`."""

import sys

# Before anything that an older Python cannot read is imported.
if sys.version_info < (3, 11):  # noqa: UP036
    sys.exit("Mono3D needs Python 3.11 or newer; this is Python {}.{}.".format(*sys.version_info))

from .cli import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], "python -m mono3d_addon"))
