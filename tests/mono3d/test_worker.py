# SPDX-License-Identifier: GPL-3.0-or-later
"""`mono3d.reconstruct` and `mono3d.Worker`: settings, errors, and what they load."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, get_args, get_type_hints

import numpy as np
import pytest
from PIL import Image

import mono3d
from mono3d.keywords import Format, Keywords, Preset
from mono3d_addon.formats import FORMATS, PREVIEWS
from mono3d_addon.settings import PRESETS, Settings, fields_of

ROOT = Path(__file__).resolve().parents[2]
COFFEE = ROOT / "tests" / "photos" / "coffee.png"


def test_the_keywords_are_those_of_the_settings() -> None:
    from docs.make_settings import KEYWORDS, keywords

    assert KEYWORDS.read_text(encoding="utf-8") == keywords(), "run: python3 docs/make_settings.py"
    hints = get_type_hints(Keywords)
    assert list(hints) == [item.name for item in fields_of(Settings)]
    assert get_args(hints["edges"]) == ("fill", "tear", "connected") and hints["detail"] is int
    assert get_args(Preset) == tuple(PRESETS) and get_args(Format) == (*FORMATS, *PREVIEWS)


if TYPE_CHECKING:
    # mypy reports an ignored error that is none, so these hold that misuse is one.
    mono3d.reconstruct("cup.jpg", preset="best", edges="tear", detail=512, mask=Path("keep.png")).save("cup.glb")
    mono3d.reconstruct("cup.jpg", edges="torn")  # type: ignore[arg-type]
    mono3d.reconstruct("cup.jpg", edge="tear")  # type: ignore[call-arg]
    mono3d.reconstruct("cup.jpg").save("cup", "gltf")  # type: ignore[arg-type]


def test_a_worker_makes_several_photos_with_its_settings(tmp_path: Path) -> None:
    stages: list[str] = []
    with mono3d.Worker(tmp_path) as worker:
        first = worker.reconstruct(COFFEE, preset="fast", detail=64, progress=lambda stage, share: stages.append(stage))
        process = worker._runner.process_id
        second = worker.reconstruct(str(COFFEE), detail=32, edges="connected", near=1.0, far=2.0)
        assert worker._runner.process_id == process
    assert not worker._runner.alive and "Estimating" in " ".join(stages)
    assert first.settings.detail == 64 and first.settings.edges == "fill" and first.engine.startswith("numpy")
    assert max(second.depth.shape) == 32 and (second.near, second.far) == (1.0, 2.0)


def test_a_preset_is_where_settings_start(tmp_path: Path) -> None:
    with mono3d.Worker(tmp_path) as worker:
        assert worker.reconstruct(COFFEE, preset="fast").settings.detail == PRESETS["fast"]["detail"]


def test_paths_are_those_of_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where the worker has been started in another one."""
    with mono3d.Worker(tmp_path / "data") as worker:
        worker._runner.start()
        (tmp_path / "photos").mkdir()
        monkeypatch.chdir(tmp_path / "photos")
        Image.open(COFFEE).convert("RGB").save("cup.png")
        keep = np.zeros((400, 600), np.uint8)
        keep[100:300, 200:400] = 255
        Image.fromarray(keep).save("keep.png")
        result = worker.reconstruct(Path("cup.png"), detail=60, mask=Path("keep.png"))
    assert np.isnan(result.depth[0, 0]) and np.isfinite(result.depth[20, 30])
    assert result.settings.mask == str(tmp_path / "photos" / "keep.png")


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"edge": "tear"}, "There is no setting 'edge': did you mean 'edges'?"),
        ({"colour_of_the_sky": 1}, "There is no setting 'colour_of_the_sky': the page of settings lists them all."),
        ({"preset": "finest"}, "There is no preset 'finest'; choose one of fast, balanced, best."),
        ({"detail": 3}, "Detail: 3 px is outside 16 to 8,192 px."),
        ({"edges": "torn"}, "Edges: 'torn' is not one of fill, tear, connected."),
        (
            {"surface": "poisson"},
            "'poisson' (Surface) needs packages that are not installed: run 'python3 -m mono3d_addon --install', "
            "or choose 'grid'.",
        ),
    ],
)
def test_wrong_settings_are_one_sentence(settings: dict[str, object], sentence: str, tmp_path: Path) -> None:
    worker = mono3d.Worker(tmp_path)
    with pytest.raises(mono3d.Mono3DError) as error:
        worker.reconstruct(COFFEE, **settings)  # type: ignore[arg-type]
    assert str(error.value) == sentence and not worker._runner.alive


def test_a_photo_that_cannot_be_read_is_one_sentence_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with mono3d.Worker(tmp_path / "data") as worker:
        with pytest.raises(mono3d.Mono3DError, match=r"There is no file '.*absent\.jpg'"):
            worker.reconstruct("absent.jpg")
        (tmp_path / "broken.png").write_bytes(COFFEE.read_bytes()[:1000])
        with pytest.raises(mono3d.Mono3DError, match=r"'broken\.png'"):
            worker.reconstruct(tmp_path / "broken.png")
    assert not list(tmp_path.glob("mono3d-python-*"))


def test_nothing_but_numpy_is_loaded_into_the_callers_process(tmp_path: Path) -> None:
    """Even if this Python has PyTorch and Open3D; files that need another package are written by a worker."""
    code = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r})\nimport mono3d\n"
        f"cup = mono3d.reconstruct({str(COFFEE)!r}, detail=64, data_folder={str(tmp_path)!r})\n"
        f"cup.save({str(tmp_path / 'cup.glb')!r}), repr(cup)\n"
        "print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    from mono3d_addon.core import extras

    assert set(done.stdout.split()) & set(extras.NAMES) <= {"PIL"}, done.stdout


def test_without_pillow_a_program_of_the_system_decodes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The pixels are handed over as on the command line."""
    asked: list[Path] = []

    def decode(photo: Path, settings: Settings, folder: Path) -> dict[str, str]:
        asked.append(photo)
        with Image.open(photo) as picture:
            np.save(folder / "pixels.npy", np.asarray(picture))
        return {str(photo): str(folder / "pixels.npy")}

    monkeypatch.setattr("mono3d_addon.core.extras.found", lambda *names: tuple(name for name in names if name != "PIL"))
    monkeypatch.setattr("mono3d_addon.run.system_decoder.for_job", decode)
    photo = ROOT / "tests" / "photos" / "china.jpg"
    result = mono3d.reconstruct(photo, detail=64, data_folder=tmp_path)
    assert asked == [photo] and max(result.depth.shape) == 64


@pytest.mark.torch
def test_packages_of_the_data_folder_are_used(tmp_path: Path) -> None:
    data = os.environ.get("MONO3D_TEST_DATA")
    if not data:
        pytest.skip("MONO3D_TEST_DATA names no data folder with packages")
    result = mono3d.reconstruct(COFFEE, data_folder=data, detail=96, surface="poisson")
    assert not result.engine.startswith("numpy") and len(result.mesh.triangles) > 1000
    assert result.save(tmp_path / "cup.exr") == (tmp_path / "cup.exr",)
