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
LIGHT = np.where(TRUTH <= 0.04045 * 255, TRUTH / 255 / 12.92, ((TRUTH / 255 + 0.055) / 1.055) ** 2.4)


def pam(values: np.ndarray, kind: bytes, most: int = 255) -> bytes:
    height, width, channels = values.shape
    head = b"P7\n# made by hand\nWIDTH %d\nHEIGHT %d\nDEPTH %d\nMAXVAL %d\nTUPLTYPE %s\nENDHDR\n"
    return head % (width, height, channels, most, kind) + values.tobytes()


FILES = {
    "P6 with a comment at once": (b"P6#made by hand\n32 24 255\n" + TRUTH.tobytes(), TRUTH),
    "PF": (b"PF\n32 24\n1.0\n" + LIGHT[::-1].astype(">f4").tobytes(), TRUTH),
    "P7": (pam(TRUTH, b"RGB"), TRUTH),
    "P7 grey": (pam(GREY[..., None], b"GRAYSCALE"), GREY[..., None]),
    "P7 of 16 bits": (pam(TRUTH.astype(">u2") * 257, b"RGB", 65535), TRUTH),
    "P7 of one bit": (
        pam((GREY >= 128).astype(np.uint8)[..., None], b"BLACKANDWHITE", 1),
        ((GREY >= 128) * 255)[..., None],
    ),
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


def test_the_alpha_of_pam_is_the_mask(tmp_path: Path) -> None:
    alpha = np.repeat(np.where(np.arange(32) < 16, 0, 255)[None], 24, axis=0).astype(np.uint8)
    (tmp_path / "a.pam").write_bytes(pam(np.dstack([TRUTH, alpha]), b"RGB_ALPHA"))
    photo = read_photo(tmp_path / "a.pam")
    assert photo.mask is not None and photo.mask[:, 16:].all() and not photo.mask[:, :16].any()
    assert (photo.pixels == TRUTH).all()


@pytest.mark.parametrize(
    "data",
    [b"P7\nWIDTH 9\nENDHDR\n", b"P7\n", b"P6 32 24 70000\n", b"P6 x\n", b"P6\n", b"P2 32 24 255\n" + b"9 300 " * 999],
)
def test_what_is_wrong_is_one_sentence(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "a.ppm").write_bytes(data)
    with pytest.raises(Mono3DError, match="damaged or cut off|variety"):
        read_photo(tmp_path / "a.ppm")
