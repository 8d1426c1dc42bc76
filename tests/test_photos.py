# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

import pytest
from PIL import Image, PngImagePlugin

from mono3d_addon.core.photo.endings import PHOTO_ENDINGS
from mono3d_addon.core.plain_name import plain_name
from mono3d_addon.formats import FORMATS, PREVIEWS
from mono3d_addon.run.outputs import output_files
from mono3d_addon.run.photos import PhotoTask, find, is_photo


def make(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


def collect(words: Iterable[str]) -> list[PhotoTask]:
    return find(words).tasks


def test_files_folders_and_patterns(tmp_path: Path) -> None:
    make(tmp_path, "b.jpg", "a.PNG", "notes.txt", "._b.jpg", "sub/c.heic", "sub/d.tif")
    assert [task.name for task in collect([str(tmp_path)])] == ["a", "b"]
    assert [task.name for task in collect([str(tmp_path / "*.jpg")])] == ["b"]
    assert [task.name for task in collect([str(tmp_path / "**" / "*.*")])] == ["a", "b", "c", "d"]
    assert [task.name for task in collect([str(tmp_path / "b.jpg"), str(tmp_path)])] == ["b", "a"]


def test_brackets_in_a_real_name_are_no_pattern(tmp_path: Path) -> None:
    make(tmp_path, "cup [1].jpg")
    (task,) = collect([str(tmp_path / "cup [1].jpg")])
    assert task.name == "cup [1]" and not task.problem


def test_names_of_results_are_distinct(tmp_path: Path) -> None:
    make(tmp_path, "a.jpg", "a.png", "A.tif", "x/a.jpg", "b.jpg")
    tasks = collect([str(tmp_path), str(tmp_path / "x")])
    names = [task.name.casefold() for task in tasks]
    assert len(set(names)) == len(names) == 5
    assert "b" in names


def test_what_leads_nowhere_is_told(tmp_path: Path) -> None:
    problems = [task.problem for task in collect([str(tmp_path), str(tmp_path / "*.jpg"), str(tmp_path / "gone.jpg")])]
    assert "contains no photos" in problems[0] and "matches no photo" in problems[1]
    assert problems[2] == ""  # the worker says that the file is missing, as it does for one that vanishes later


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="this user may read everything")
def test_a_locked_folder_is_told(tmp_path: Path) -> None:
    (tmp_path / "locked").mkdir(mode=0)
    assert "cannot be read" in collect([str(tmp_path / "locked")])[0].problem


def test_what_counts_as_photo() -> None:
    assert is_photo(Path("A.JPG")) and is_photo(Path("b.heic"))
    assert not is_photo(Path("a.txt")) and not is_photo(Path("._a.jpg"))


def test_pictures_of_an_earlier_run_are_no_photos(tmp_path: Path) -> None:
    make(tmp_path, "cup.jpg", "cup.mtl", "cup_preview.png", "cup_depth.png", "cup_texture.png", "sea_depth.png")
    assert [task.name for task in collect([str(tmp_path)])] == ["cup", "sea_depth"]
    assert [task.name for task in collect([str(tmp_path / "*.*")])] == ["cup", "sea_depth"]
    assert [task.name for task in collect([str(tmp_path / "cup_preview.png")])] == ["cup_preview"]


def test_pictures_of_an_earlier_run_are_no_photos_whatever_the_photos_are_called(tmp_path: Path) -> None:
    """Photos of one stem or from several folders, layers and maps, and names that OBJ cannot hold."""
    ours = ("cup_jpg_depth.png", "cup_png_preview.png", "cup_2_depth.png", "sea_behind_texture.png")
    plain = f"{plain_name('my säa')}_normal_texture.png"
    make(tmp_path, "cup.jpg", "cup.png", "sea.jpg", "my säa.jpg", *ours, plain, "old_depth.png")
    make(tmp_path, "sea.blend", f"{plain_name('my säa')}.mtl")
    names = ["cup_jpg", "cup_png", "my säa", "old_depth", "sea"]
    found = find([str(tmp_path)])
    assert [task.name for task in found.tasks] == names
    assert sorted(path.name for path in found.skipped) == sorted([*ours, plain])
    named = find([str(tmp_path), str(tmp_path / "cup_2_depth.png")])
    assert named.tasks[-1].name == "cup_2_depth" and len(named.skipped) == len(ours)


@pytest.mark.parametrize("key", ["Software", "Note"])
def test_pictures_that_mono3d_wrote_are_no_photos_without_their_photo(key: str, tmp_path: Path) -> None:
    text = PngImagePlugin.PngInfo()
    text.add_text(key, "Mono3D")
    for name in ("cup_depth.png", "cup_preview.png", "cup.png"):
        Image.new("L", (16, 16)).save(tmp_path / name, pnginfo=text)
    Image.new("L", (16, 16)).save(tmp_path / "sea_depth.png")
    found = find([str(tmp_path)])
    assert [task.name for task in found.tasks] == ["cup", "sea_depth"]
    assert [path.name for path in found.skipped] == ["cup_depth.png", "cup_preview.png"]


def test_a_texture_beside_no_mesh_is_a_photo(tmp_path: Path) -> None:
    """It would be left out first and then written over by the texture of the other's mesh."""
    make(tmp_path, "wood.jpg", "wood_texture.jpg", "lawn.jpg", "lawn.blend", "lawn_texture.jpg")
    found = find([str(tmp_path)])
    assert [task.name for task in found.tasks] == ["lawn", "wood", "wood_texture"]
    assert [path.name for path in found.skipped] == ["lawn_texture.jpg"]


def test_one_photo_by_two_spellings_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(tmp_path, "in/a/cup.jpg", "in/b/cup.jpg")
    monkeypatch.chdir(tmp_path)
    words = ["in/a/cup.jpg", "./in/../in/a/cup.jpg", str(tmp_path / "in" / "a"), "in/b/cup.jpg"]
    assert [str(task.path) for task in collect(words)] == [str(Path("in/a/cup.jpg")), str(Path("in/b/cup.jpg"))]


@pytest.mark.parametrize("ending", PHOTO_ENDINGS)
def test_every_ending_is_found_in_folders_and_patterns(tmp_path: Path, ending: str) -> None:
    make(tmp_path, f"cup{ending}", f"sea{ending.upper()}", "notes.txt")
    assert len(collect([str(tmp_path)])) == len(collect([str(tmp_path / "*")])) == 2


def test_a_name_that_begins_with_a_tilde_is_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(tmp_path, "~x.jpg", "~/y.jpg")
    monkeypatch.chdir(tmp_path)
    assert [str(task.path) for task in collect(["~x.jpg", "~not_a_user_1/*.jpg", "~not_a_user_1.jpg"])] == [
        "~x.jpg",
        "~not_a_user_1/*.jpg",
        "~not_a_user_1.jpg",
    ]
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("USERPROFILE", str(tmp_path / "home"))
    assert collect(["~/cup.jpg"])[0].path in (tmp_path / "home" / "cup.jpg", Path("~/cup.jpg"))


def test_brackets_in_the_name_of_a_folder_are_no_pattern(tmp_path: Path) -> None:
    make(tmp_path, "shoot[2024]/a/cup.jpg", "shoot[2024]/img1.jpg", "shoot[2024]/img[2].jpg", "shoot2/no.jpg")
    folder = tmp_path / "shoot[2024]"
    assert [task.path.name for task in collect([str(folder / "*.jpg")])] == ["img1.jpg", "img[2].jpg"]
    assert [task.path.name for task in collect([str(folder / "**" / "*.jpg")])] == ["cup.jpg", "img1.jpg", "img[2].jpg"]
    assert [task.path.name for task in collect([str(tmp_path / "shoot[123]" / "*.jpg")])] == ["no.jpg"]
    assert collect([str(tmp_path / "shoot[2024]" / "x*.jpg")])[0].problem


def test_long_names_leave_room_for_the_endings_of_results(tmp_path: Path) -> None:
    long = "a" * 251
    make(tmp_path, f"{long}.jpg")
    (task,) = collect([str(tmp_path)])
    for path in output_files(task.name, [*FORMATS, *PREVIEWS], tmp_path).values():
        path.touch()
    assert find([str(tmp_path)]).tasks == [task]
    assert not collect([str(tmp_path / ("b" * 300 + ".jpg"))])[0].problem
