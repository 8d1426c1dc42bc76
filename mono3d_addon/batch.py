# SPDX-License-Identifier: GPL-3.0-or-later
"""`blender -b --python mono3d_addon/batch.py -- PHOTO... -o FOLDER`: the pipeline inside a headless Blender.

The command line is that of `python -m mono3d_addon`; the Blender that runs this writes the scenes. Packages installed
from the sidebar are used, and --install installs where the sidebar finds them, unless --data-folder or MONO3D_DATA
names another folder.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

PROGRAM = "blender -b --python mono3d_addon/batch.py --"


def main(arguments: list[str]) -> int:
    """Runs the batch in this Blender and returns its exit code, as `cli.main` does."""
    root = str(Path(__file__).resolve().parent.parent)
    if root not in sys.path:
        sys.path.insert(0, root)
    from mono3d_addon import cli
    from mono3d_addon.blender import addon_folder
    from mono3d_addon.blender.installing import network
    from mono3d_addon.blender.scene import headless

    # The flags --install and --download are the user's consent, unless Blender was started in offline mode.
    no_network = network.refusal("use --install, --download or 'models download'") if network.forbidden() else ""
    try:
        return cli.main(
            arguments,
            PROGRAM,
            headless.BlenderSceneWriter,
            no_network,
            addon_folder.in_use(),
            addon_folder.to_install_into(),
            headless.decode,
        )
    finally:
        headless.remove_temporary_folder()


if __name__ == "__main__":
    code = main(sys.argv[sys.argv.index("--") + 1 :] if "--" in sys.argv else [])
    sys.stdout.flush()
    sys.stderr.flush()
    # Blender replaces the code of SystemExit, and some versions crash or hang in their clean-up.
    os._exit(code)
