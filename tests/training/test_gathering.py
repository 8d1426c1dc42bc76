# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.file_server import Behaviour, serving
from tests.training.made_packages import collection, deb, tar
from training import photo_table, photos

TABLE = Path(photo_table.__file__).with_name("photos.csv")
LENSES = TABLE.with_name("lenses.csv")


def _picture(seed: int, size: tuple[int, int] = (600, 400), kind: str = "PNG") -> bytes:
    coarse = np.random.default_rng(seed).integers(0, 256, (9, 12, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC).save(buffer, kind)
    return buffer.getvalue()


def _photo(seed: int, size: tuple[int, int], equivalent: int, orientation: int = 1) -> bytes:
    """Returns a JPEG whose EXIF tells the focal length as a 35 mm equivalent."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif.get_ifd(0x8769)[0xA405] = equivalent
    buffer = io.BytesIO()
    Image.open(io.BytesIO(_picture(seed, size))).save(buffer, "JPEG", exif=exif)
    return buffer.getvalue()


PACKAGE = deb(
    {
        "usr/share/wide.png": _picture(1),
        "usr/share/small.jpg": _picture(2, (250, 240), "JPEG"),
        "usr/share/more.rcc": collection({"pictures/tall.webp": _picture(3, (300, 800), "WEBP")}),
    }
)
PATHS = ("usr/share/wide.png", "usr/share/small.jpg", "usr/share/more.rcc!/pictures/tall.webp")


@pytest.fixture
def server() -> Iterator[Behaviour]:
    with serving() as behaviour:
        behaviour.content = PACKAGE
        yield behaviour


def _table(folder: Path, *paths: str, sha256: str = "", kind: str = "debian", package: bytes = PACKAGE) -> Path:
    table = folder / "photos.csv"
    with table.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(photo_table.COLUMNS)
        for number, path in enumerate(paths, 1):
            digest = sha256 or hashlib.sha256(package).hexdigest()
            name = f"made_{number:03d}"
            writer.writerow([name, kind, "pool/a_1_all.deb", len(package), digest, path, "CC0-1.0", "Ann"])
    return table


def _gather(table: Path, server: Behaviour, *more: str, kind: str = "debian") -> int:
    out = table.with_name("out")
    return photos.main(["gather", "--list", str(table), "--out", str(out), f"--{kind}", server.address, *more])


def test_photos_come_out_small_and_only_once(tmp_path: Path, server: Behaviour) -> None:
    table = _table(tmp_path, *PATHS)
    assert _gather(table, server) == 0
    assert [path for path, _ in server.requests] == ["/pool/a_1_all.deb"]
    sizes = {path.name: Image.open(path).size for path in (tmp_path / "out").glob("*.jpg")}
    assert sizes == {"made_001.jpg": (432, 288), "made_002.jpg": (250, 240), "made_003.jpg": (288, 768)}
    original = Image.open(io.BytesIO(_picture(1))).resize((432, 288), Image.Resampling.LANCZOS)
    error = np.asarray(original, np.float32) - np.asarray(Image.open(tmp_path / "out" / "made_001.jpg"), np.float32)
    assert np.abs(error).mean() < 3
    (tmp_path / "out" / "made_002.jpg").unlink()
    assert _gather(table, server) == 0
    assert len(server.requests) == 1
    assert (tmp_path / "out" / "made_002.jpg").is_file()


def test_a_lens_is_kept_that_the_file_tells(tmp_path: Path, server: Behaviour) -> None:
    server.content = tar(
        {
            "whole.jpg": _photo(1, (800, 600), 30),
            "upright.jpg": _photo(2, (800, 600), 30, orientation=6),
            "cropped.jpg": _photo(3, (800, 500), 30),
            "silent.png": _picture(4, (800, 600)),
        },
        "gz",
    )
    names = ("whole.jpg", "upright.jpg", "cropped.jpg", "silent.png")
    assert _gather(_table(tmp_path, *names, package=server.content), server) == 0
    kept = {path.name: json.loads(path.read_text(encoding="utf-8")) for path in (tmp_path / "out").glob("*.json")}
    # The equivalent is that of the diagonal, which is 43.27 mm, and 5/4 of the longer side of 4:3.
    known = pytest.approx({"focal": 30 / (43.267 * 0.8)}, rel=1e-3)
    assert kept == {"made_001.json": known, "made_002.json": known}
    assert Image.open(tmp_path / "out" / "made_002.jpg").size == (288, 384)


@pytest.mark.parametrize("kind", ["pypi", "npm"])
def test_other_registries_can_be_used(tmp_path: Path, server: Behaviour, kind: str) -> None:
    server.content = tar({"package/a.png": _picture(4)}, "gz")
    assert _gather(_table(tmp_path, "package/a.png", kind=kind, package=server.content), server, kind=kind) == 0
    assert (tmp_path / "out" / "made_001.jpg").is_file()


def test_another_package_than_the_table_names_is_refused(
    tmp_path: Path, server: Behaviour, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _gather(_table(tmp_path, PATHS[0], sha256="0" * 64), server) == 1
    assert "another SHA-256" in capsys.readouterr().err
    assert not [path for path in (tmp_path / "out").rglob("*") if path.is_file()]


def test_a_damaged_package_is_downloaded_again(tmp_path: Path, server: Behaviour) -> None:
    table = _table(tmp_path, PATHS[0])
    assert _gather(table, server, "--downloads", str(tmp_path / "kept")) == 0
    (package,) = (tmp_path / "kept").iterdir()
    package.write_bytes(b"damaged")
    (tmp_path / "out" / "made_001.jpg").unlink()
    assert _gather(table, server, "--downloads", str(tmp_path / "kept")) == 0
    assert len(server.requests) == 2


@pytest.mark.parametrize("path", ["../../made.png", "/usr/share/wide.png", "usr/share/none.png"])
def test_paths_outside_the_package_are_refused(
    tmp_path: Path, server: Behaviour, capsys: pytest.CaptureFixture[str], path: str
) -> None:
    assert _gather(_table(tmp_path, path), server) == 1
    assert path in capsys.readouterr().err
    assert not list((tmp_path / "out").glob("*.jpg"))


def test_a_missing_package_ends_the_command(
    tmp_path: Path, server: Behaviour, capsys: pytest.CaptureFixture[str]
) -> None:
    server.statuses.append(404)
    assert _gather(_table(tmp_path, PATHS[0]), server) == 1
    assert "404" in capsys.readouterr().err


def test_photos_to_be_avoided_are_left_out_mirrored_or_not(
    tmp_path: Path, server: Behaviour, capsys: pytest.CaptureFixture[str]
) -> None:
    avoided = tmp_path / "avoided" / "deep"
    avoided.mkdir(parents=True)
    picture = Image.open(io.BytesIO(_picture(1))).resize((200, 140))
    picture.save(avoided / "one.png")
    Image.open(io.BytesIO(_picture(2, (250, 240)))).transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(avoided / "two.png")
    assert _gather(_table(tmp_path, *PATHS), server, "--avoid", str(avoided.parent)) == 0
    assert [path.name for path in (tmp_path / "out").glob("*.jpg")] == ["made_003.jpg"]
    assert "made_001 is left out" in capsys.readouterr().err


@pytest.mark.parametrize(("table", "fewest"), [(TABLE, 400), (LENSES, 20)])
def test_the_bundled_tables_are_valid(table: Path, fewest: int) -> None:
    rows = photo_table.read(table)
    assert len(rows) > fewest
    assert len({(row.package, row.path) for row in rows}) == len(rows)
    assert all(len(row.package.sha256) == 64 and row.package.size > 0 for row in rows)
    needs_name = [row for row in rows if row.licence not in ("public-domain", "CC0-1.0")]
    assert all(row.author for row in needs_name)
    free = ("CC0", "CC-BY-", "public-domain", "GPL-", "LGPL-", "BSD-", "MIT")
    assert all(row.licence.startswith(free) for row in rows)


def test_photos_with_a_lens_are_not_among_those_for_training() -> None:
    trained, scored = photo_table.read(TABLE), photo_table.read(LENSES)
    assert not {row.name for row in trained} & {row.name for row in scored}
    assert not {(row.package, row.path) for row in trained} & {(row.package, row.path) for row in scored}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("made_001", "made-001"), "is not a valid name"),
        (("debian", "gopher"), "must be one of debian, pypi, npm"),
        (("licence", "license"), "does not have the columns"),
        (("made_002", "made_001"), "made_001 twice"),
    ],
)
def test_a_wrong_table_is_named(tmp_path: Path, change: tuple[str, str], words: str) -> None:
    table = _table(tmp_path, *PATHS)
    table.write_text(table.read_text(encoding="utf-8").replace(*change), encoding="utf-8")
    with pytest.raises(ValueError, match=words):
        photo_table.read(table)
