# SPDX-License-Identifier: GPL-3.0-or-later
"""Inside Blender: the Install button, then a mesh, with nothing of Blender's own changed."""

import os
import sys
import traceback
from pathlib import Path

import bpy
import numpy

NAME = "bl_ext.user_default.mono3d"


def refused(words):
    try:
        bpy.ops.mono3d.install()
    except RuntimeError as error:
        assert words in str(error), error
    else:
        raise AssertionError("the network was used without leave")


def main(photo, expected):
    if expected != "online":
        refused(expected)
        print("CHECKED refusal")
        return
    paths, numpy_file = list(sys.path), numpy.__file__
    own = Path(bpy.utils.extension_path_user(NAME, create=True))
    assert not list(own.rglob("*.whl")) and not (own / "environments").exists()
    assert bpy.ops.mono3d.install() == {"FINISHED"}
    assert list((own / "environments").glob("worker-*/manifest.json"))
    bpy.context.scene.mono3d.photo = photo
    bpy.context.scene.mono3d.detail = 128
    assert bpy.ops.mono3d.generate() == {"FINISHED"}
    assert len(bpy.context.view_layer.objects.active.data.polygons) > 5000
    assert sys.path == paths and numpy.__file__ == numpy_file, "Blender's own packages are shadowed"
    size = sum(path.stat().st_size for path in own.rglob("*") if path.is_file())
    print(f"CHECKED install, {size / 1e6:.0f} MB")


try:
    main(*sys.argv[sys.argv.index("--") + 1 :])
except BaseException:
    traceback.print_exc()
    sys.stdout.flush()
    os._exit(1)
sys.stdout.flush()
os._exit(0)
