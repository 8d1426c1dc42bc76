# SPDX-License-Identifier: GPL-3.0-or-later
"""Programs of the system decode what a worker without Pillow cannot; real ones where they are installed."""

from __future__ import annotations

import shutil
import stat
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from mono3d_addon.core.photo.hand_over import handed_over
from mono3d_addon.core.photo.photo import read_photo
from mono3d_addon.errors import Mono3DError
from mono3d_addon.run import system_decoder
from mono3d_addon.run.system_decoder import TOOLS, Tool, for_job
from mono3d_addon.settings import Settings

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the stand-ins are shell scripts")

SMOOTH = np.stack(np.meshgrid(np.arange(64) * 3, np.arange(48) * 5), axis=2).astype(np.uint8)
SMOOTH = np.dstack([SMOOTH, np.full((48, 64), 90, np.uint8)])
BY_NAME = {tool.name: tool for tool in TOOLS}
WITHIN = {"djpeg": 0, "magick": 2, "convert": 2, "ffmpeg": 4, "sips": 3}
"""Largest difference from Pillow's pixels: ffmpeg has a converter of its own."""


@pytest.fixture(autouse=True)
def folder_for_pixels(tmp_path: Path) -> Path:
    (tmp_path / "job").mkdir()
    return tmp_path / "job"


def works(name: str) -> bool:
    """Returns whether a program is installed that is what its name says."""
    place = shutil.which(name)
    return place is not None and "stand" not in Path(place).read_bytes()[:400].decode("latin-1").lower()


@pytest.mark.parametrize("name", sorted(WITHIN))
@pytest.mark.parametrize("kind", ["L", "RGB", "CMYK"])
@pytest.mark.parametrize("file", ["a.jpg", "-a @b%d*[0].jpg"])
def test_a_jpeg_by_a_real_program(tmp_path: Path, name: str, kind: str, file: str) -> None:
    if not works(name):
        pytest.skip(f"{name} is not installed")
    path = tmp_path / file
    exif = Image.Exif()
    exif[274] = 6
    Image.fromarray(SMOOTH).convert(kind).save(path, quality=92, exif=exif)
    decoded = for_job(path, Settings(), tmp_path / "job", [BY_NAME[name]])
    photo = read_photo(path, handed=handed_over({"decoded": decoded}))
    wanted = read_photo(path)
    assert photo.size == wanted.size == (48, 64)
    assert np.abs(photo.pixels.astype(int) - wanted.pixels).max() <= WITHIN[name] + (2 if kind == "CMYK" else 0)
    assert (photo.lens, photo.notes) == (wanted.lens, wanted.notes)


@pytest.mark.parametrize("name", ["magick", "convert", "ffmpeg"])
@pytest.mark.parametrize("ending", ["webp", "gif", "jp2"])
def test_other_formats_by_a_real_program(tmp_path: Path, name: str, ending: str) -> None:
    if not works(name) or (name == "ffmpeg" and ending == "jp2"):
        pytest.skip(f"{name} is not installed, or does not decode {ending}")
    path = tmp_path / f"a.{ending}"
    alpha = np.where(np.arange(64)[None, :] < 20, 0, 255).astype(np.uint8).repeat(48, 0).reshape(48, 64, 1)
    picture = Image.fromarray(np.concatenate([SMOOTH, alpha], axis=2) if ending == "webp" else SMOOTH)
    options: dict[str, Any] = {"lossless": True, "exact": True} if ending == "webp" else {}
    picture.save(path, **options)
    try:
        decoded = for_job(path, Settings(), tmp_path / "job", [BY_NAME[name]])
    except Mono3DError as error:
        pytest.skip(f"this {name} is built without {ending}: {error}")
    photo, wanted = read_photo(path, handed=handed_over({"decoded": decoded})), read_photo(path)
    shown = slice(None) if wanted.mask is None else wanted.mask
    assert np.array_equal(photo.mask, wanted.mask)  # type: ignore[arg-type]
    assert np.abs(photo.pixels.astype(int) - wanted.pixels)[shown].max() <= 2


def stand_in(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str, name: str = "djpeg") -> None:
    """Puts a program in the place of all others."""
    (folder / "bin").mkdir(exist_ok=True)
    place = folder / "bin" / name
    place.write_text(f"#!{sys.executable}\nimport sys, time\nfrom pathlib import Path\n{script}\n", encoding="utf-8")
    place.chmod(place.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", str(folder / "bin"))


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    Image.fromarray(SMOOTH).save(tmp_path / "a.jpg")
    return tmp_path / "a.jpg"


def test_without_any_program_the_sentence_names_what_is_missing(
    tmp_path: Path, photo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Mono3DError, match=r"JPEG files need the package Pillow, or one of the programs djpeg or .*--i"):
        for_job(photo, Settings(), tmp_path / "job")


def test_what_is_decoded_here_needs_no_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    Image.fromarray(SMOOTH).save(tmp_path / "a.png")
    assert for_job(tmp_path / "a.png", Settings(), tmp_path / "job") == {}


def test_the_next_program_is_asked_if_one_fails(tmp_path: Path, photo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in(tmp_path, monkeypatch, "sys.exit('broken')")
    header = b"P7\nWIDTH 64\nHEIGHT 48\nDEPTH 3\nMAXVAL 255\nTUPLTYPE RGB\nENDHDR\n"
    stand_in(tmp_path, monkeypatch, f"sys.stdout.buffer.write({header!r} + bytes(64 * 48 * 3))", "magick")
    (decoded,) = for_job(photo, Settings(), tmp_path / "job").values()
    assert np.load(decoded).shape == (48, 64, 3)


@pytest.mark.parametrize(
    ("script", "told"),
    [
        ("sys.exit('Not a JPEG file')", "Not a JPEG file"),
        ("print('P6 64 48 255'); print('too little')", "no picture"),
        ("sys.stdout.buffer.write(b'P6 32 24 255\\n' + bytes(32 * 24 * 3))", "no picture"),
        ("sys.stdout.buffer.write(b'P7\\nWIDTH x\\nENDHDR\\n')", "no picture"),
        ("sys.stdout.buffer.write(bytes(10_000_000))", "code|Errno|no picture"),
    ],
)
def test_a_program_that_fails_is_one_sentence(
    tmp_path: Path, photo: Path, monkeypatch: pytest.MonkeyPatch, script: str, told: str
) -> None:
    stand_in(tmp_path, monkeypatch, script)
    with pytest.raises(Mono3DError, match=rf"'a.jpg' cannot be decoded by djpeg \(.*({told})") as caught:
        for_job(photo, Settings(), tmp_path / "job")
    assert "\n" not in str(caught.value)
    assert not list((tmp_path / "job").iterdir()), "nothing is left"


def test_a_program_that_does_not_end_is_ended(tmp_path: Path, photo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in(tmp_path, monkeypatch, "time.sleep(60)")
    monkeypatch.setattr(system_decoder, "_SECONDS", 1)
    began = time.monotonic()
    with pytest.raises(Mono3DError, match="more than 1 seconds"):
        for_job(photo, Settings(), tmp_path / "job")
    assert time.monotonic() - began < 30


def test_its_memory_and_output_are_limited(tmp_path: Path, photo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("resource")
    if sys.platform == "darwin":
        pytest.skip("macOS does not limit memory")
    told = tmp_path / "limits.txt"
    script = f"import resource as r; Path({str(told)!r}).write_text(f'{{r.getrlimit(r.RLIMIT_AS)[0]}}')"
    stand_in(tmp_path, monkeypatch, script)
    with pytest.raises(Mono3DError):
        for_job(photo, Settings(), tmp_path / "job")
    assert int(told.read_text()) == system_decoder._MOST_MEMORY


def test_a_photo_that_is_too_large_is_not_decoded(tmp_path: Path, photo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in(tmp_path, monkeypatch, f"Path({str(tmp_path / 'ran')!r}).write_text('ran')")
    Image.new("RGB", (200, 100)).save(photo)
    with pytest.raises(Mono3DError, match="more than the limit"):
        for_job(photo, Settings(max_pixels=0.01), tmp_path / "job")
    assert not (tmp_path / "ran").exists()


def test_a_program_that_takes_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "-a.jpg"
    Image.fromarray(SMOOTH).save(path)
    Image.fromarray(SMOOTH).save(tmp_path / "made.png")
    script = (
        f"assert sys.argv[1:4] == ['-s', 'format', 'png'] and sys.argv[4] == {str(path)!r}\n"
        f"Path(sys.argv[6]).write_bytes(Path({str(tmp_path / 'made.png')!r}).read_bytes())"
    )
    stand_in(tmp_path, monkeypatch, script, "sips")
    (decoded,) = for_job(path, Settings(), tmp_path / "job").values()
    assert np.array_equal(np.load(decoded), SMOOTH)


def test_masks_are_decoded_too(tmp_path: Path, photo: Path) -> None:
    if not works("djpeg"):
        pytest.skip("djpeg is not installed")
    (tmp_path / "masks").mkdir()
    Image.fromarray(SMOOTH[..., 0]).save(tmp_path / "masks" / "a.jpg")
    decoded = for_job(
        photo, Settings(mask=str(tmp_path / "masks")), tmp_path / "job", [Tool("djpeg", BY_NAME["djpeg"].arguments)]
    )
    assert [Path(name).parent.name for name in decoded] == [tmp_path.name, "masks"]
