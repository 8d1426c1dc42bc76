# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from dataclasses import replace

import pytest

from mono3d_addon.core.camera.lens import Lens
from training.known_lens import known_focal

TOLD = Lens(focal_length_35mm=36.0)
CAMERA = replace(TOLD, tagged_width=4032.0, tagged_height=2268.0)


@pytest.mark.parametrize(
    ("size", "lens"),
    [
        ((1500, 1000), TOLD),
        ((600, 800), TOLD),
        # Made smaller: the tags still have the size of the camera's picture.
        ((600, 400), replace(TOLD, tagged_width=6000.0, tagged_height=4000.0)),
        # A phone's wide picture, also turned.
        ((4032, 2268), CAMERA),
        ((2268, 4032), CAMERA),
        # Canon's EOS 400D is in the table of sensors.
        ((1500, 1000), Lens(focal_length=22.2, camera_name="Canon EOS 400D DIGITAL")),
        ((1500, 1000), replace(TOLD, software="Adobe Photoshop Lightroom 5.0", crop="none")),
    ],
)
def test_whole_pictures_have_a_known_lens(size: tuple[int, int], lens: Lens) -> None:
    assert known_focal(size, lens) == pytest.approx(1.0, rel=0.05)


@pytest.mark.parametrize(
    ("size", "lens"),
    [
        ((1500, 1000), Lens()),
        # Nothing tells the size of the sensor.
        ((1500, 1000), Lens(focal_length=4.5, camera_name="Nokia 8.3")),
        ((1500, 1000), replace(TOLD, software="GIMP 2.10.30")),
        # Cropped: to a wallpaper, to another shape than the tags', or to a square.
        ((2560, 1600), TOLD),
        ((3840, 2160), TOLD),
        ((1920, 1080), replace(TOLD, tagged_width=1920.0, tagged_height=1080.0)),
        ((1500, 1000), replace(TOLD, tagged_width=4000.0, tagged_height=3000.0)),
        ((1000, 1000), TOLD),
        # XMP tells of a crop, or the sources contradict each other.
        ((1500, 1000), replace(TOLD, crop="applied", kept_width=0.5, kept_height=0.5)),
        ((1500, 1000), replace(TOLD, focal_length=60.0, camera_name="Canon EOS 400D DIGITAL")),
        # Bent pictures.
        ((4000, 3000), replace(TOLD, camera_name="GoPro HERO3")),
        ((1500, 1000), replace(TOLD, lens_name="AF DX Fisheye-Nikkor 10.5mm f/2.8G ED")),
        ((4000, 3000), replace(TOLD, view_angle=1.5)),
        ((4000, 3000), replace(TOLD, projection="cylindrical")),
    ],
)
def test_others_have_none(size: tuple[int, int], lens: Lens) -> None:
    assert known_focal(size, lens) is None
