# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mono3d_addon.core.photo.photo import read_photo
from mono3d_addon.errors import Mono3DError
from tests.core.photo.test_colours import GREY, TRUTH

BITS = np.packbits(GREY < 128, axis=1)
TEXT = b" ".join(b"%d" % value for value in TRUTH.ravel())
FILES = {
    "P6": (b"P6 32 24 255\n" + TRUTH.tobytes(), TRUTH),
    "P6 with a comment": (b"P6\n# made by hand\n32\t24 # size\n255\n" + TRUTH.tobytes(), TRUTH),
    "P6 of 16 bits": (b"P6 32 24 65535\n" + (TRUTH.astype(">u2") * 257).tobytes(), TRUTH),
    "P3": (b"P3 32 24 255\n" + TEXT, TRUTH),
    "P5": (b"P5 32 24 255\n" + GREY.tobytes(), GREY[..., None]),
    "P5 up to 51": (b"P5 32 24 51\n" + (GREY // 5).tobytes(), (GREY // 5 * 5)[..., None]),
    "P2": (b"P2 32 24 255\n" + b"\n".join(b"%d" % value for value in GREY.ravel()), GREY[..., None]),
    "P4": (b"P4 32 24\n" + BITS.tobytes(), ((GREY >= 128) * 255)[..., None]),
    "P1": (b"P1 32 24\n" + b"".join(b"%d" % value for value in (GREY < 128).ravel()), ((GREY >= 128) * 255)[..., None]),
    "Pf": (b"Pf\n32 24\n-1.0\n" + (GREY[::-1] / 255).astype("<f4").tobytes(), GREY[..., None]),
}


@pytest.mark.parametrize("name", sorted(FILES))
def test_all_kinds(tmp_path: Path, name: str) -> None:
    data, wanted = FILES[name]
    (tmp_path / "a.ppm").write_bytes(data)
    assert (read_photo(tmp_path / "a.ppm").pixels == wanted).all()
    (tmp_path / "a.ppm").write_bytes(data[: len(data) - 200])
    with pytest.raises(Mono3DError, match="damaged or cut off"):
        read_photo(tmp_path / "a.ppm")


@pytest.mark.parametrize("data", [b"P6 32 24 70000\n", b"P6 x\n", b"P6\n", b"P2 32 24 255\n" + b"9 300 " * 999])
def test_what_is_wrong_is_one_sentence(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "a.ppm").write_bytes(data)
    with pytest.raises(Mono3DError, match="damaged or cut off|variety"):
        read_photo(tmp_path / "a.ppm")
