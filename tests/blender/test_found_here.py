# SPDX-License-Identifier: GPL-3.0-or-later
"""Photos in the clipboard and in lists. Real windows are in `tests/programs/test_start_anywhere.py`."""

from __future__ import annotations

import os
import sys
import types
from pathlib import Path

import pytest

from mono3d_addon.blender import state, status_bar
from mono3d_addon.blender.photos import chosen, clipboard, found_here
from tests.blender.made import bpy

PHOTOS = Path(__file__).parents[1] / "photos"


def test_paths_in_a_text_are_those_of_photos_that_exist(tmp_path: Path) -> None:
    for name in ("a cup.jpg", "b.PNG", "notes.txt"):
        (tmp_path / name).write_bytes(b"x")
    cup, other = str(tmp_path / "a cup.jpg"), str(tmp_path / "b.PNG")
    address = (tmp_path / "a cup.jpg").as_uri()
    assert "%20" in address
    assert found_here.paths_in(f'"{cup}"\n {other} \r\n') == [cup, other]
    assert found_here.paths_in(address) == [cup]
    assert found_here.paths_in(f"{tmp_path / 'notes.txt'}\n{tmp_path / 'gone.jpg'}\nhello\n\n") == []


def test_photos_are_added_to_the_list_and_removed(registered: None) -> None:
    values = bpy.context.scene.mono3d
    photo = str(Path(__file__).parents[1] / "photos" / "coffee.png")
    chosen.choose(values, ["/a.jpg", "/b.jpg", "/c.jpg"])
    bpy.ops.mono3d.open_photo(filepath=photo, add=True)
    assert chosen.paths(values) == ["/a.jpg", "/b.jpg", "/c.jpg", photo]
    values.photo_index = 1
    assert bpy.ops.mono3d.drop_photo() == {"FINISHED"} and chosen.paths(values) == ["/a.jpg", "/b.jpg", photo]
    values.photo_index = 1
    bpy.ops.mono3d.drop_photo()
    assert chosen.paths(values) == ["/a.jpg", "/b.jpg"] and values.photo_index == 0
    bpy.ops.mono3d.open_photo(filepath=photo)
    assert chosen.paths(values) == [photo] and not bpy.ops.mono3d.drop_photo.poll()


def test_an_empty_clipboard_is_said(registered: None) -> None:
    bpy.context.window_manager.clipboard = ""
    with pytest.raises(RuntimeError, match="The clipboard has no picture"):
        bpy.ops.mono3d.paste_photo()


@pytest.mark.skipif(sys.platform == "win32", reason="the stand-in for the clipboard's program is a script")
def test_a_picture_that_blender_cannot_paste_comes_from_the_systems_program(
    registered: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    photo = PHOTOS / "coffee.png"
    program = tmp_path / "xclip"
    program.write_text(f'#!/bin/sh\ncase "$*" in *image/png*) cat "{photo}";; *) exit 1;; esac\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    found = clipboard.image(bpy.context)
    assert tuple(found.size) == (600, 400) and found.packed_file.data == photo.read_bytes()
    assert chosen.is_usable(found) and found.name == "Clipboard"
    program.write_text("#!/bin/sh\necho no picture\n")
    assert clipboard.image(bpy.context) is None


def test_the_active_empty_gives_the_image_it_shows(registered: None) -> None:
    image = bpy.data.images.load(str(PHOTOS / "coffee.png"))
    empty = bpy.data.objects.new("Reference", None)
    bpy.context.scene.collection.objects.link(empty)
    bpy.context.view_layer.objects.active = empty
    assert found_here.image_here(bpy.context) is None and not bpy.ops.mono3d.photo_here.poll()
    empty.empty_display_type, empty.data = "IMAGE", image
    assert found_here.image_here(bpy.context) == image and bpy.ops.mono3d.photo_here.poll()
    image.source = "MOVIE"
    assert not bpy.ops.mono3d.photo_here.poll(), "no still picture"


def test_an_asset_of_another_file_is_added_to_this_one(registered: None, tmp_path: Path) -> None:
    library = tmp_path / "library.blend"
    image = bpy.data.images.load(str(PHOTOS / "coffee.png"))
    image.name = "Cup"
    bpy.data.libraries.write(str(library), {image})
    bpy.data.images.remove(image)
    asset = types.SimpleNamespace(id_type="IMAGE", local_id=None, full_library_path=str(library), name="Cup")
    assert found_here.asset_here(types.SimpleNamespace(asset=asset)) is asset
    found = found_here.appended(asset)
    assert found.library is None and tuple(found.size) == (600, 400) and chosen.is_usable(found)
    asset.name = "Gone"
    assert found_here.appended(asset) is None
    library.unlink()
    assert found_here.appended(asset) is None


def test_the_status_bar_is_cleared_once(registered: None, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = []
    monkeypatch.setattr(bpy.types.WorkSpace, "status_text_set", lambda self, words: shown.append(words))
    status_bar.clear()
    assert shown == [] and state.current.status == "", "what others show there stays"
    status_bar.show("Mono3D: Meshing 3%")
    assert state.current.status == "Mono3D: Meshing 3%"
    status_bar.clear()
    assert shown[-1] is None and state.current.status == ""
