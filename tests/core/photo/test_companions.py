# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest

from mono3d_addon.core.photo.companions import companion


@pytest.mark.parametrize(("mask", "photo"), [("NFC", "NFD"), ("NFD", "NFC")])
def test_the_unicode_form_of_a_name_makes_no_difference(tmp_path: Path, mask: str, photo: str) -> None:
    own = tmp_path / (unicodedata.normalize(mask, "Café") + "_mask.png")  # type: ignore[arg-type]
    own.touch()
    photo_path = Path(unicodedata.normalize(photo, "CAFÉ") + ".jpg")  # type: ignore[arg-type]
    assert companion(str(tmp_path), photo_path, "mask", ("", "_mask"), (".png",)) == own
