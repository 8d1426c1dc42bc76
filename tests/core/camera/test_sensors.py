# SPDX-License-Identifier: GPL-3.0-or-later
"""Cameras' names as EXIF has them (from public sample photos), and their sensors by the makers' data sheets."""

from __future__ import annotations

import pytest

from mono3d_addon.core.camera.sensors import TABLE, maker_and_model, sensor_width


@pytest.mark.parametrize(
    ("name", "width"),
    [
        ("Apple iPhone 3GS", 3.58),
        ("Canon EOS 10D", 22.7),
        ("Canon EOS 300D DIGITAL", 22.7),
        ("Canon EOS DIGITAL REBEL XT", 22.2),
        ("Canon EOS 5D", 35.8),
        ("Canon EOS 6D Mark II", 35.9),
        ("Canon PowerShot S40", 7.11),
        ("Canon DIGITAL IXUS 400", 7.11),
        ("NIKON CORPORATION NIKON D100", 23.7),
        ("NIKON CORPORATION NIKON D3", 36.0),
        ("NIKON E5000", 8.8),
        ("OLYMPUS IMAGING CORP. E-500", 17.3),
        ("OLYMPUS CORPORATION E-300", 17.3),
        ("OLYMPUS OPTICAL CO.,LTD C5050Z", 7.11),
        ("OLYMPUS OPTICAL CO.,LTD C2000Z", 6.4),
        ("OLYMPUS OPTICAL CO.,LTD C40Z,D40Z", 7.11),
        ("OLYMPUS CORPORATION u10D,S300D,u300D", 5.75),
        ("Eastman Kodak Company DC200 Plus (V05.00)", 7.27),
        ("OLYMPUS IMAGING CORP. u760,S760", 6.16),
        ("OM Digital Solutions OM-1", 17.3),
        ("PENTAX Corporation PENTAX *ist D", 23.5),
        ("RICOH IMAGING COMPANY, LTD. PENTAX K-3 II", 23.5),
        ("SONY ILCE-7", 35.8),
        ("SONY DSC-W1", 7.11),
        ("FUJIFILM FinePix E500", 5.76),
        ("EASTMAN KODAK COMPANY KODAK DX4530 ZOOM DIGITAL CAMERA", 5.75),
        ("KONICA MINOLTA MAXXUM 7D", 23.5),
        ("Minolta Co., Ltd. DiMAGE 7Hi", 8.8),
        ("Panasonic DMC-FZ50", 7.18),
        ("CASIO COMPUTER CO.,LTD. EX-Z30", 5.75),
        ("Samsung Techwin <Digimax A7>", 7.11),
        ("LEICA CAMERA AG LEICA M8 Digital Camera", 27.0),
        ("SEIKO EPSON CORP. R-D1s", 23.7),
    ],
)
def test_cameras_are_found_by_the_names_that_exif_has(name: str, width: float) -> None:
    assert sensor_width(name) == pytest.approx(width, rel=0.02)


@pytest.mark.parametrize(
    "name", ["", "Canon", "Canon EOS 5D Mark IX", "Canon Canon", "SONY CYBERSHOT", "Test Phone", "D100", ", ,(", "é"]
)
def test_unknown_cameras_have_no_width(name: str) -> None:
    assert sensor_width(name) == 0.0


def test_phones_with_several_cameras_are_left_out() -> None:
    assert sensor_width("Apple iPhone XS") == sensor_width("Google Pixel 8 Pro") == 0.0


def test_the_table_is_spelled_as_names_are_looked_up() -> None:
    for line in TABLE.read_text(encoding="ascii").splitlines():
        maker, width, *models = line.split(" ")
        assert 3.0 < float(width) < 61.0 and models == sorted(set(models))
        assert all(maker_and_model(f"{maker} x{model}") == (maker, f"x{model}") for model in models)
