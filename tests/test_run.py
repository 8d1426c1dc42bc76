# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import os
from pathlib import Path

import pytest

from mono3d_addon.errors import Mono3DError, WrongUsage
from mono3d_addon.run.photos import PhotoTask
from mono3d_addon.run.placement import prepare, prepare_report, reject_overwrites
from mono3d_addon.run.target import target_of
from mono3d_addon.settings import RunOptions

CUP = PhotoTask(Path("photos/cup.jpg"), "cup")


def test_a_folder_gets_all_formats() -> None:
    target = target_of(RunOptions(output="out", format=("glb", "npy")))
    assert target.files(CUP) == {
        "glb": Path("out/cup.glb"),
        "npy": Path("out/cup_depth.npy"),
        "picture": Path("out/cup_preview.png"),
    }


@pytest.mark.parametrize(
    ("name", "form"), [("a.ply", "ply"), ("a.GLB", "glb"), ("depth.npy", "npy"), ("d.exr", "exr"), ("d.png", "png16")]
)
def test_a_name_with_an_ending_is_that_one_file(tmp_path: Path, name: str, form: str) -> None:
    target = target_of(RunOptions(output=str(tmp_path / name)))
    assert target.files(CUP) == {form: tmp_path / name}


def test_a_folder_with_an_ending_stays_a_folder(tmp_path: Path) -> None:
    (tmp_path / "scans.ply").mkdir()
    assert target_of(RunOptions(output=str(tmp_path / "scans.ply"))).folder == tmp_path / "scans.ply"


@pytest.mark.parametrize("name", ["out.png", "out.glb", "scan.ply"])
def test_a_slash_at_the_end_says_folder(tmp_path: Path, name: str) -> None:
    target = target_of(RunOptions(output=f"{tmp_path / name}/"))
    assert target.folder == tmp_path / name and not target.name


def test_an_output_that_contradicts_the_format_is_told() -> None:
    with pytest.raises(WrongUsage, match=r"'a\.ply' is one ply file, but --format asks for glb\."):
        target_of(RunOptions(output="a.ply", format=("glb",)))
    assert target_of(RunOptions(output="a.ply", format=("ply",))).formats == ("ply",)


@pytest.mark.parametrize("name", ["cup.gltf", "cup.xyz", "cup.jpeg", "out/scan.las"])
def test_an_ending_that_is_not_written_is_told(tmp_path: Path, name: str) -> None:
    with pytest.raises(WrongUsage, match="cannot be written.*end in '/'"):
        target_of(RunOptions(output=str(tmp_path / name)))
    assert target_of(RunOptions(output=f"{tmp_path / name}/")).folder == tmp_path / name
    (tmp_path / name).mkdir(parents=True)
    assert target_of(RunOptions(output=str(tmp_path / name))).folder == tmp_path / name


@pytest.mark.parametrize("name", ["out", ".", "..", "2026.11.26", "v1.5", ".hidden", "scans.of the house", "a. b"])
def test_a_folder_may_have_points_in_its_name(tmp_path: Path, name: str) -> None:
    assert target_of(RunOptions(output=str(tmp_path / name))).folder == tmp_path / name


def test_nothing_to_write_is_told(tmp_path: Path) -> None:
    with pytest.raises(WrongUsage, match="--format"):
        prepare(target_of(RunOptions(output=str(tmp_path / "out"), format=(), preview="off")))
    assert not (tmp_path / "out").exists()


def test_a_report_that_cannot_be_one_is_told_before_the_work(tmp_path: Path) -> None:
    with pytest.raises(WrongUsage, match="is a folder"):
        prepare_report(tmp_path, [CUP])
    with pytest.raises(WrongUsage, match="would replace a photo"):
        prepare_report(CUP.path, [CUP])
    prepare_report(tmp_path / "new" / "report.json", [CUP])
    assert list((tmp_path / "new").iterdir()) == []


def test_no_result_replaces_a_photo_of_the_run(tmp_path: Path) -> None:
    tasks = [PhotoTask(tmp_path / "x.png", "x"), PhotoTask(tmp_path / "x_preview.png", "x_preview")]
    checked = reject_overwrites(tasks, target_of(RunOptions(output=str(tmp_path), format=("glb",))))
    assert "x_preview.png" in checked[0].problem and not checked[1].problem
    assert not any(
        task.problem for task in reject_overwrites(tasks, target_of(RunOptions(output=str(tmp_path / "out"))))
    )


@pytest.mark.skipif(os.name == "nt", reason="making links there takes a right of its own")
def test_a_photo_is_known_by_whatever_path(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "x_preview.png").touch()
    (tmp_path / "out").symlink_to(tmp_path / "in")
    tasks = [PhotoTask(tmp_path / "x.png", "x"), PhotoTask(tmp_path / "in" / "x_preview.png", "x_preview")]
    for output in (tmp_path / "out", tmp_path / "in" / ".." / "in"):
        checked = reject_overwrites(tasks, target_of(RunOptions(output=str(output), format=("glb",))))
        assert "x_preview.png" in checked[0].problem and not checked[1].problem


def test_an_output_below_a_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(Mono3DError, match="choose another folder"):
        prepare(target_of(RunOptions(output=str(tmp_path / "file" / "out"))))
