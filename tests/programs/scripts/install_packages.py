# SPDX-License-Identifier: GPL-3.0-or-later
"""In Blender: makes a mesh before and after Install and after Uninstall; nothing of Blender's own may change.

Arguments: a photo, and the words of the refusal that is expected, or "online" where none is.
"""

import shutil
import subprocess
import sys
from pathlib import Path

import bpy
import numpy

sys.path.insert(0, str(Path(__file__).parent))
import ending

NAME = "bl_ext.user_default.mono3d"


def refused(words):
    try:
        bpy.ops.mono3d.install()
    except RuntimeError as error:
        assert words in str(error), error
    else:
        raise AssertionError("the network was used without leave")


def numpy_of_a_new_process():
    """Returns version and path of the numpy that a new process of Blender's Python imports."""
    code = "import numpy; print(numpy.__version__, numpy.__file__)"
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout


def made_by(photo, own):
    """Makes a mesh of a photo and returns what the add-on says about it, with the engine."""
    # Else the network would not run again.
    shutil.rmtree(own / "cache", ignore_errors=True)
    bpy.context.scene.mono3d.photo = photo
    bpy.context.scene.mono3d.detail = 128
    assert bpy.ops.mono3d.generate() == {"FINISHED"}
    assert len(bpy.context.view_layer.objects.active.data.polygons) > 5000
    return " ".join(sys.modules[f"{NAME}.mono3d_addon.blender.state"].current.messages)


def main(photo, expected):
    if expected != "online":
        refused(expected)
        print("CHECKED refusal")
        return
    before = list(sys.path), numpy.__version__, numpy.__file__, numpy_of_a_new_process()
    own = Path(bpy.utils.extension_path_user(NAME, create=True))
    assert not list(own.rglob("*.whl")) and not (own / "environments").exists()
    assert "numpy" in made_by(photo, own)
    assert bpy.ops.mono3d.install() == {"FINISHED"}
    assert list((own / "environments").glob("worker-*/manifest.json"))
    assert "numpy" not in made_by(photo, own), "the installed packages are not used"
    after = list(sys.path), numpy.__version__, sys.modules["numpy"].__file__, numpy_of_a_new_process()
    assert before == after, "Blender's own packages are shadowed"
    size = sum(path.stat().st_size for path in own.rglob("*") if path.is_file())
    assert bpy.ops.mono3d.uninstall() == {"FINISHED"}
    assert "numpy" in made_by(photo, own), "removed packages are in use"
    # As Blender's own exit does; `ending` ends without it.
    bpy.ops.preferences.addon_disable(module=NAME)
    print(f"CHECKED install, {size / 1e6:.0f} MB, own folder {own}")


ending.run(main)
