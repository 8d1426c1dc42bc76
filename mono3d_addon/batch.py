# SPDX-License-Identifier: GPL-3.0-or-later
"""`blender -b --python mono3d_addon/batch.py -- PHOTO... -o FOLDER`: the pipeline inside a headless Blender.

The same command line as `python -m mono3d_addon`; scenes are written by the Blender that runs it. Packages that the
sidebar installed are found, unless --data-folder or MONO3D_DATA name another folder.
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
    from mono3d_addon.blender import addon_folder, network
    from mono3d_addon.blender.scene.headless import BlenderSceneWriter

    if not os.environ.get("MONO3D_DATA") and (folder := addon_folder.with_packages()):
        os.environ["MONO3D_DATA"] = str(folder)
    # The flags --install and --download are the user's leave, unless Blender itself was told to stay offline.
    no_network = network.refusal("use --install, --download or 'models download'") if network.forbidden() else ""
    return cli.main(arguments, PROGRAM, BlenderSceneWriter, no_network)


if __name__ == "__main__":
    code = main(sys.argv[sys.argv.index("--") + 1 :] if "--" in sys.argv else [])
    sys.stdout.flush()
    sys.stderr.flush()
    # Blender maps SystemExit to its own codes, and some versions crash or hang in their clean-up.
    os._exit(code)
