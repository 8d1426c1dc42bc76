# SPDX-License-Identifier: GPL-3.0-or-later
"""In Blender: runs a script's function and ends the program at once, with the exit code that tells how that went."""

import os
import sys
import traceback
from collections.abc import Callable


def run(main: Callable[..., None]) -> None:
    """Calls `main` with the words after "--"; the exit code is 1 if it raises an error, which is printed, else 0."""
    code = 0
    try:
        main(*sys.argv[sys.argv.index("--") + 1 :])
    except BaseException:
        traceback.print_exc()
        code = 1
    sys.stdout.flush()
    os._exit(code)
