# SPDX-License-Identifier: GPL-3.0-or-later
"""Fields of view of pictures with the tags of real cameras and editors; the right values are the makers' data."""

from __future__ import annotations

import math
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mono3d_addon.core.camera.camera import Camera
from mono3d_addon.core.camera.field_of_view import camera_notes, camera_of, judge
from mono3d_addon.core.camera.lens import Lens
from mono3d_addon.core.photo.photo import read_photo
from mono3d_addon.settings import Settings
from tests import shared_data
from tests.core.camera import tagged
from tests.core.camera.tagged import IFDRational, picture, xmp_packet

Found = tuple[float, Camera, str]


def seen(path: Path) -> Found:
    """Returns the angle across the longer side in degrees, the camera, and all notes."""
    photo = read_photo(path)
    camera = camera_of(*photo.size, 0.0, photo.lens)
    notes = camera_notes(photo.size, photo.lens, Settings(), is_panorama=False)
    return math.degrees(camera.field_of_view), camera, " ".join(notes)


def canon(model: str, focal: float, resolution: Any, pixels: tuple[int, int], **others: Any) -> dict[int, Any]:
    tags = {tagged.MAKE: "Canon", tagged.MODEL: model, tagged.FOCAL: focal, tagged.PLANE_X: resolution}
    tags |= {tagged.PLANE_UNIT: tagged.INCH, tagged.PIXELS_X: pixels[0], tagged.PIXELS_Y: pixels[1]}
    return tags | others.get("more", {})


def phone(make: str, model: str, focal: float, equivalent: int, zoom: float = 0.0) -> dict[int, Any]:
    tags = {tagged.MAKE: make, tagged.MODEL: model, tagged.FOCAL: focal, tagged.EQUIVALENT: equivalent}
    return tags | ({tagged.ZOOM: zoom} if zoom else {})


def across(focal: float, width: float) -> float:
    return math.degrees(2 * math.atan(0.5 * width / focal))


# Resized photos.


def test_the_web_copy_of_a_known_body_keeps_the_angle(tmp_path: Path) -> None:
    resolution = IFDRational(5184000, 907)
    original = seen(picture(tmp_path / "o.jpg", (648, 432), canon("Canon EOS 7D", 18.0, resolution, (5184, 3456))))
    copy = seen(picture(tmp_path / "c.jpg", (648, 432), canon("Canon EOS 7D", 18.0, resolution, (648, 432))))
    assert copy[0] == original[0] == pytest.approx(63.6, abs=0.5) and copy[2] == ""


@pytest.mark.parametrize("pixels", [(3888, 2592), (1944, 1296), (320, 213)])
def test_canons_fraction_tells_the_width_of_an_unknown_body(tmp_path: Path, pixels: tuple[int, int]) -> None:
    tags = canon("Canon EOS 9999D", 50.0, IFDRational(3888000, 874), pixels)
    angle, camera, notes = seen(picture(tmp_path / "a.jpg", (324, 216), tags))
    assert angle == pytest.approx(across(50.0, 22.2), abs=0.1) and notes == ""
    assert camera.source == "EXIF, 50 mm on a sensor 22.2 mm wide"


@pytest.mark.parametrize(
    ("make", "model", "focal", "resolution", "unit", "pixels", "right"),
    [
        ("Canon", "Canon DIGITAL IXUS 400", 15.4, 8114.285714, tagged.INCH, (100, 75), 26.0),
        ("FUJIFILM", "FinePix E500", 4.7, 4000.0, tagged.CENTIMETRE, (59, 100), 63.0),
        ("FUJIFILM", "FinePix E500", 4.7, 4000.0, tagged.CENTIMETRE, (1024, 768), 63.0),
    ],
)
def test_a_rewritten_pixel_size_gives_way_to_the_table(
    tmp_path: Path,
    make: str,
    model: str,
    focal: float,
    resolution: float,
    unit: int,
    pixels: tuple[int, int],
    right: float,
) -> None:
    tags = {tagged.MAKE: make, tagged.MODEL: model, tagged.FOCAL: focal, tagged.PLANE_X: resolution}
    tags |= {tagged.PLANE_UNIT: unit, tagged.PIXELS_X: pixels[0], tagged.PIXELS_Y: pixels[1]}
    size = (320, 240) if pixels[0] > pixels[1] else (200, 340)
    assert seen(picture(tmp_path / "a.jpg", size, tags))[0] == pytest.approx(right, abs=0.5)


def test_an_impossible_sensor_of_an_unknown_camera_does_not_count(tmp_path: Path) -> None:
    tags = {tagged.MAKE: "Acme", tagged.MODEL: "One", tagged.FOCAL: 15.4, tagged.PLANE_X: 8114.3, tagged.PIXELS_X: 100}
    angle, camera, notes = seen(picture(tmp_path / "a.jpg", (320, 240), tags))
    assert angle == pytest.approx(55.0) and camera.source == "assumed 55 degrees"
    assert "15.4 mm" in notes and "'Field of view'" in notes


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    factor=st.floats(0.02, 1.0),
    kind=st.sampled_from(["Canon EOS 40D", "NIKON D100", "ILCE-7", "Canon PowerShot S40", "Unknown 35 mm"]),
    rewritten=st.booleans(),
    upright=st.booleans(),
)
def test_a_photo_keeps_its_angle_at_any_size(
    tmp_path: Path, factor: float, kind: str, rewritten: bool, upright: bool
) -> None:
    focal = {"NIKON D100": 50.0, "ILCE-7": 28.0, "Canon PowerShot S40": 21.3}.get(kind, 18.0)
    make = kind.split()[0] if kind != "ILCE-7" else "SONY"
    tags: dict[int, Any] = {tagged.MAKE: make, tagged.MODEL: kind, tagged.FOCAL: focal}
    if kind.startswith("Unknown"):
        tags[tagged.EQUIVALENT] = 28
    shape = (1600, 1200) if kind == "Canon PowerShot S40" else (1500, 1000)
    size = (max(24, round(shape[0] * factor)), max(16, round(shape[1] * factor)))
    size = size[::-1] if upright else size
    pixel_size = size if rewritten else (3888, 3888 * shape[1] // shape[0])
    tags |= {tagged.PLANE_X: 4438.36, tagged.PLANE_UNIT: tagged.INCH} if kind.startswith("Canon EOS") else {}
    tags |= {tagged.PIXELS_X: pixel_size[0], tagged.PIXELS_Y: pixel_size[1]}
    width = {"Canon EOS 40D": 22.2, "NIKON D100": 23.7, "ILCE-7": 35.8, "Canon PowerShot S40": 7.11}.get(kind, 0.0)
    right = across(focal, width) if width else across(28.0, 36.0)
    assert seen(picture(tmp_path / "a.png", size, tags))[0] == pytest.approx(right, rel=0.03)


# A false resolution, and APS-C modes.


def test_a_false_resolution_gives_way_to_the_table_with_a_note(tmp_path: Path) -> None:
    tags = canon("Canon EOS 6D Mark II", 50.0, IFDRational(66738, 10), (6240, 4160))
    angle, camera, notes = seen(picture(tmp_path / "a.jpg", (312, 208), tags))
    assert angle == pytest.approx(39.6, abs=0.3) and "6D Mark II" in camera.source
    assert "23.7 mm" in notes and "35.8 mm" in notes


def test_the_aps_c_mode_of_a_full_frame_body_is_believed(tmp_path: Path) -> None:
    plain = 5088 * 25.4 / 22.3
    angle, _, notes = seen(
        picture(tmp_path / "a.jpg", (318, 212), canon("Canon EOS R5", 50.0, round(plain, 1), (5088, 3392)))
    )
    assert angle == pytest.approx(across(50.0, 22.3), abs=0.2) and notes == ""
    tags = phone("SONY", "ILCE-7M3", 50.0, 75)
    angle, _, notes = seen(picture(tmp_path / "b.jpg", (318, 212), tags))
    assert angle == pytest.approx(27.0, abs=0.1) and notes == ""


def test_an_equivalent_that_forgets_the_sensor_gives_way_to_the_table(tmp_path: Path) -> None:
    tags = phone("NIKON CORPORATION", "NIKON D100", 50.0, 50)
    angle, camera, notes = seen(picture(tmp_path / "a.jpg", (300, 200), tags))
    assert angle == pytest.approx(26.7, abs=0.2) and "on the sensor" in camera.source and "impossible" in notes


def test_an_equivalent_that_contradicts_the_focal_plane_is_told(tmp_path: Path) -> None:
    tags = phone("Acme", "One", 50.0, 50) | {tagged.PLANE_X: 4200.0, tagged.PIXELS_X: 4000, tagged.PIXELS_Y: 2667}
    assert "contradicts" in seen(picture(tmp_path / "a.jpg", (300, 200), tags))[2]
    assert seen(picture(tmp_path / "b.jpg", (300, 200), tags | {tagged.EQUIVALENT: 75}))[2] == ""


def test_a_crop_at_full_resolution_shows_a_part_of_the_sensor(tmp_path: Path) -> None:
    tags = canon("Canon EOS 40D", 10.0, 4438.356164, (2888, 1700))
    angle, _, notes = seen(picture(tmp_path / "a.jpg", (289, 170), tags))
    assert angle == pytest.approx(across(10.0, 16.53), abs=0.1) and "16.5" in notes


@pytest.mark.parametrize("pixels", [640, 1600])
def test_canons_small_pictures_show_the_whole_sensor(tmp_path: Path, pixels: int) -> None:
    resolution = IFDRational(pixels * 1000, 206)
    tags = canon("Canon PowerShot S9999", 10.8, resolution, (pixels, pixels * 3 // 4))
    angle, _, notes = seen(picture(tmp_path / "a.jpg", (320, 240), tags))
    assert angle == pytest.approx(across(10.8, 5.23), abs=0.1) and notes == ""


# Digital zoom.


def test_a_focal_plane_that_includes_the_digital_zoom_is_not_zoomed_twice(tmp_path: Path) -> None:
    tags = canon("Canon PowerShot S40", 21.3, IFDRational(2216011, 100), (2272, 1704), more={tagged.ZOOM: 2272 / 832})
    angle, _, notes = seen(picture(tmp_path / "a.jpg", (320, 240), tags))
    assert angle == pytest.approx(7.0, abs=0.1) and notes == ""
    unknown = canon("Canon PowerShot S9999", 21.3, IFDRational(2216011, 100), (2272, 1704), more={tagged.ZOOM: 2.7308})
    assert seen(picture(tmp_path / "b.jpg", (320, 240), unknown))[0] == pytest.approx(7.0, abs=0.1)


def test_a_focal_plane_without_the_digital_zoom_is_zoomed(tmp_path: Path) -> None:
    tags = canon("Canon PowerShot S40", 21.3, IFDRational(2272000, 280), (2272, 1704), more={tagged.ZOOM: 2.0})
    assert seen(picture(tmp_path / "a.jpg", (320, 240), tags))[0] == pytest.approx(across(42.6, 7.11), abs=0.1)


@pytest.mark.parametrize(
    ("tags", "size", "right", "has_note"),
    [
        (phone("Google", "Pixel 8 Pro", 6.9, 24, 2.0), (240, 320), 39.7, True),
        (phone("samsung", "SM-S918B", 6.3, 23, 4.0), (320, 214), 22.1, True),
        (phone("samsung", "SM-S918B", 6.3, 92, 4.0), (320, 214), 22.1, False),
        (phone("Apple", "iPhone 13 Pro Max", 5.7, 45, 1.73993), (320, 240), 42.1, False),
        (phone("Apple", "iPhone 13 Pro Max", 5.7, 130, 5.0), (320, 240), 15.2, False),
        (phone("Canon", "Canon PowerShot S40", 21.3, 280, 2.73), (320, 240), 7.07, False),
        (phone("Canon", "Canon PowerShot S40", 21.3, 104, 2.73), (320, 240), 7.0, True),
        (phone("Test", "Phone", 4.0, 26, math.inf), (320, 214), 69.4, False),
    ],
)
def test_whether_the_equivalent_includes_the_digital_zoom(
    tmp_path: Path, tags: dict[int, Any], size: tuple[int, int], right: float, has_note: bool
) -> None:
    if math.isinf(tags.get(tagged.ZOOM, 0.0)):
        tags = tags | {tagged.ZOOM: IFDRational(1, 0)}
    angle, _, notes = seen(picture(tmp_path / "a.jpg", size, tags))
    assert angle == pytest.approx(right, abs=0.2)
    assert ("digital zoom" in notes) == has_note


# Crops and shapes.

_MIDDLE = {
    "crs:HasCrop": "True",
    "crs:CropLeft": 0.25,
    "crs:CropRight": 0.75,
    "crs:CropTop": 0.25,
    "crs:CropBottom": 0.75,
}


@pytest.mark.parametrize("as_elements", [False, True])
@pytest.mark.parametrize(
    "marked", [{"crs:AlreadyApplied": "True"}, {"xmp:CreatorTool": "Adobe Lightroom 6.0 (Windows)"}]
)
def test_an_applied_crop_narrows_the_lens(tmp_path: Path, marked: dict[str, str], as_elements: bool) -> None:
    packet = xmp_packet(_MIDDLE | marked, as_elements=as_elements)
    angle, camera, notes = seen(picture(tmp_path / "a.jpg", (300, 200), phone("SONY", "ILCE-7", 28.0, 28), packet))
    assert angle == pytest.approx(across(28.0, 18.0), abs=0.1) and "50 x 50 %" in notes
    assert (camera.cx, camera.cy) == (150.0, 100.0)


@pytest.mark.parametrize("marked", [{"crs:AlreadyApplied": "False"}, {}])
def test_a_pending_crop_leaves_the_lens_with_a_note(tmp_path: Path, marked: dict[str, str]) -> None:
    packet = xmp_packet(_MIDDLE | marked)
    angle, _, notes = seen(picture(tmp_path / "a.jpg", (300, 200), phone("SONY", "ILCE-7", 28.0, 28), packet))
    assert angle == pytest.approx(across(28.0, 36.0), abs=0.1) and "not yet made" in notes


@given(
    left=st.floats(0.0, 0.6), top=st.floats(0.0, 0.6), width=st.floats(0.1, 0.4), height=st.floats(0.1, 0.4),
    orientation=st.integers(1, 8),
)  # fmt: skip
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_a_crop_keeps_lens_and_axis_wherever_it_lies(
    tmp_path: Path, left: float, top: float, width: float, height: float, orientation: int
) -> None:
    size = (round(6000 * width), round(4000 * height))
    # What whole pixels really keep.
    width, height = size[0] / 6000, size[1] / 4000
    sides = {"crs:CropLeft": left, "crs:CropTop": top, "crs:CropRight": left + width, "crs:CropBottom": top + height}
    packet = xmp_packet({"crs:HasCrop": "True", "crs:AlreadyApplied": "True", **sides})
    tags = phone("SONY", "ILCE-7", 35.0, 35) | {tagged.ORIENTATION: orientation}
    camera = seen(picture(tmp_path / "a.jpg", size, tags, packet))[1]
    assert camera.fx == camera.fy == pytest.approx(35.0 / 36.0 * 6000, rel=1e-3)
    x, y = 3000 - 6000 * left, 2000 - 4000 * top
    w, h = size
    upright = {1: (x, y), 2: (w - x, y), 3: (w - x, h - y), 4: (x, h - y), 5: (y, x), 6: (h - y, x)}
    upright |= {7: (h - y, w - x), 8: (y, w - x)}
    assert (camera.cx, camera.cy) == pytest.approx(upright[orientation], abs=1.0)


@pytest.mark.parametrize("angle", [-12.0, 7.5])
def test_a_turned_crop_keeps_the_lens(tmp_path: Path, angle: float) -> None:
    # A rectangle of 1500 x 900 about the point (2700, 2100) of 6000 x 4000, turned; its corners as Lightroom has them.
    cos, sin = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    u, v = (750 * cos - 450 * sin, 750 * sin + 450 * cos)
    sides = {"crs:CropLeft": (2700 - u) / 6000, "crs:CropTop": (2100 - v) / 4000}
    sides |= {"crs:CropRight": (2700 + u) / 6000, "crs:CropBottom": (2100 + v) / 4000, "crs:CropAngle": angle}
    packet = xmp_packet({"crs:HasCrop": "True", "crs:AlreadyApplied": "True", **sides})
    camera = seen(picture(tmp_path / "a.jpg", (1500, 900), phone("SONY", "ILCE-7", 35.0, 35), packet))[1]
    assert camera.fx == pytest.approx(35.0 / 36.0 * 6000, rel=1e-3)
    x, y = (300 * cos - 100 * sin, -300 * sin - 100 * cos)
    assert (camera.cx, camera.cy) == pytest.approx((750 + x, 450 + y), abs=1.0)


def test_a_crop_told_for_the_picture_on_its_side_is_exported_upright(tmp_path: Path) -> None:
    # 6000 x 4000 on its side; the lower 2/3 of its width is kept and turned upright: 4000 x 4000.
    sides = {"crs:CropLeft": 0.0, "crs:CropTop": 0.25, "crs:CropRight": 1.0, "crs:CropBottom": 0.75}
    packet = xmp_packet({"crs:HasCrop": "True", "crs:AlreadyApplied": "True", **sides})
    camera = seen(picture(tmp_path / "a.jpg", (200, 600), phone("SONY", "ILCE-7", 35.0, 35), packet))[1]
    assert camera.fx == pytest.approx(35.0 / 36.0 * 600, rel=1e-3)


@pytest.mark.parametrize(
    "broken",
    [
        {"crs:CropLeft": 0.8},
        {"crs:CropTop": "nan"},
        {"crs:CropRight": 1e9},
        {"crs:CropBottom": "wide"},
        {"crs:CropAngle": "1/0"},
        {"crs:CropAngle": 89.0},
        {"crs:HasCrop": "False"},
    ],
)
def test_a_broken_crop_still_gives_a_camera(tmp_path: Path, broken: dict[str, Any]) -> None:
    packet = xmp_packet(_MIDDLE | {"crs:AlreadyApplied": "True"} | broken)
    angle = seen(picture(tmp_path / "a.jpg", (300, 200), phone("SONY", "ILCE-7", 28.0, 28), packet))[0]
    assert 30.0 < angle < 70.0


def test_an_edited_photo_without_a_recorded_crop_gets_a_note(tmp_path: Path) -> None:
    tags = phone("SONY", "ILCE-7", 28.0, 28) | {tagged.SOFTWARE: "Adobe Lightroom 6.0"}
    assert "Adobe Lightroom 6.0" in seen(picture(tmp_path / "a.jpg", (300, 200), tags))[2]
    assert seen(picture(tmp_path / "b.jpg", (300, 200), tags | {tagged.SOFTWARE: "Ver.1.10"}))[2] == ""
    uncropped = xmp_packet({"crs:HasCrop": "False"})
    assert seen(picture(tmp_path / "c.jpg", (300, 200), tags, uncropped))[2] == ""
    later = tags | {tagged.SOFTWARE: "Adobe Photoshop 25.0"}
    assert "Photoshop" in seen(picture(tmp_path / "d.jpg", (300, 200), later, uncropped))[2]


def test_a_square_of_a_wider_picture_is_its_middle_with_a_note(tmp_path: Path) -> None:
    tags = phone("Apple", "iPhone 12", 4.2, 26) | {tagged.PIXELS_X: 4032, tagged.PIXELS_Y: 3024}
    angle, _, notes = seen(picture(tmp_path / "a.jpg", (300, 300), tags))
    assert angle == pytest.approx(across(26.0, 43.2666 * 0.6), abs=0.1)
    assert "4032 x 3024" in notes and "300 x 300" in notes
    without = seen(picture(tmp_path / "b.jpg", (300, 300), phone("Apple", "iPhone 12", 4.2, 26)))
    assert without[0] == pytest.approx(angle) and "middle" in without[2]


def test_a_panorama_strip_gets_a_note(tmp_path: Path) -> None:
    tags = phone("Apple", "iPhone 12", 4.2, 26) | {tagged.PIXELS_X: 16000, tagged.PIXELS_Y: 3600}
    assert "panorama" in seen(picture(tmp_path / "a.jpg", (640, 144), tags))[2]


def test_a_sixteen_by_nine_photo_shows_the_whole_width(tmp_path: Path) -> None:
    angle, _, notes = seen(picture(tmp_path / "a.jpg", (320, 180), phone("SONY", "ILCE-7", 28.0, 28)))
    assert angle == pytest.approx(65.5, abs=0.1) and notes == ""
    assert seen(picture(tmp_path / "b.jpg", (320, 180), phone("Phone", "One", 4.2, 26)))[0] == pytest.approx(
        69.4, abs=0.1
    )


# XMP.


@pytest.mark.parametrize("ending", ["jpg", "png"])
@pytest.mark.parametrize("as_elements", [False, True])
def test_focal_lengths_of_xmp_count(tmp_path: Path, ending: str, as_elements: bool) -> None:
    properties = {"tiff:Make": "SONY", "tiff:Model": "ILCE-6400", "exif:FocalLength": "50/1"}
    packet = xmp_packet(properties | {"exif:FocalLengthIn35mmFilm": "75"}, as_elements=as_elements)
    angle, camera, _ = seen(picture(tmp_path / f"a.{ending}", (300, 200), xmp=packet))
    assert angle == pytest.approx(27.0, abs=0.1) and camera.source == "XMP, 75 mm equivalent"
    packet = xmp_packet(properties, as_elements=as_elements)
    angle, camera, _ = seen(picture(tmp_path / f"b.{ending}", (300, 200), xmp=packet))
    assert angle == pytest.approx(across(50.0, 23.5), abs=0.3)
    assert camera.source == "XMP, 50 mm on the sensor of SONY ILCE-6400"


def test_exif_goes_before_xmp(tmp_path: Path) -> None:
    packet = xmp_packet({"exif:FocalLengthIn35mmFilm": "75", "exif:FocalLength": "1/0"})
    camera = seen(picture(tmp_path / "a.jpg", (300, 200), phone("SONY", "ILCE-7", 28.0, 28), packet))[1]
    assert camera.source == "EXIF, 28 mm equivalent"


@given(st.text(max_size=300), st.binary(max_size=300))
def test_any_packet_is_read(text: str, data: bytes) -> None:
    from mono3d_addon.core.camera.xmp import number, read_xmp

    assert isinstance(read_xmp(data), dict) and isinstance(read_xmp(f"<a:b>{text}</a:b>".encode()), dict)
    assert math.isfinite(number(text))


@pytest.mark.parametrize("part", ["a", "a:", " ", "=", '"', "<a:b ", "a:b=", "<a:b>", "<a:b>x"])
def test_a_large_packet_is_read_in_no_time(part: str) -> None:
    from mono3d_addon.core.camera.xmp import read_xmp

    began = time.monotonic()
    read_xmp((part * (1_000_000 // len(part))).encode())
    assert time.monotonic() - began < 5.0


# Other projections.


@pytest.mark.parametrize(
    ("make", "model", "lens", "word"),
    [
        ("GoPro", "HERO9 Black", "", "fisheye"),
        ("GoPro", "FUSION", "", "directions"),
        ("JK Imaging, Ltd.", "KODAK PIXPRO SP360", "", "directions"),
        ("Insta360", "ONE X2", "", "directions"),
        ("Arashi Vision", "Insta360 ONE RS", "", "directions"),
        ("RICOH", "RICOH THETA V", "", "directions"),
        ("SONY", "FDR-X3000", "", "fisheye"),
        ("Canon", "Canon EOS 5D Mark III", "EF8-15mm f/4L FISHEYE USM", "fisheye"),
        ("Panasonic", "DMC-G5", "LUMIX G FISHEYE 8/F3.5", "fisheye"),
        ("NIKON CORPORATION", "NIKON D300", "10.5mm f/2.8G", ""),
    ],
)
def test_fisheye_and_all_round_cameras_get_a_note(tmp_path: Path, make: str, model: str, lens: str, word: str) -> None:
    tags = phone(make, model, 10.5, 16) | ({tagged.LENS: lens} if lens else {})
    notes = seen(picture(tmp_path / "a.jpg", (300, 200), tags))[2]
    assert (word or "fisheye") in notes


def test_ordinary_photos_get_no_note(tmp_path: Path) -> None:
    for number, (size, tags) in enumerate(
        [
            ((300, 200), phone("SONY", "ILCE-7", 28.0, 28)),
            ((300, 225), phone("Apple", "iPhone 12", 4.2, 26)),
            ((300, 200), {tagged.MAKE: "EPSON", tagged.MODEL: "Perfection V600"}),
            ((200, 300), phone("NIKON CORPORATION", "NIKON D700", 50.0, 50)),
        ]
    ):
        assert seen(picture(tmp_path / f"{number}.jpg", size, tags))[2] == ""


def test_the_users_angle_needs_no_notes() -> None:
    lens = Lens(focal_length_35mm=24.0, focal_length=6.9, digital_zoom=2.0, camera_name="Google Pixel 8 Pro")
    assert judge(300, 225, lens).notes
    assert camera_notes((300, 225), lens, Settings(field_of_view=40.0), is_panorama=False) == ()


# The shared cases.


@pytest.mark.parametrize(
    ("name", "right", "note"),
    [
        ("canon7d_original.jpg", 64.4, ""),
        ("canon40d_planeres.jpg", 9.4, ""),
        ("canon40d_planeres_resized.jpg", 9.4, ""),
        ("canon_6d2_exiv2_3097.jpg", 39.6, "35.8 mm"),
        ("real_canon_s40_digital_zoom.jpg", 7.0, ""),
        ("real_ixus400_resized.jpg", 26.0, ""),
        ("real_finepix_e500_resized.jpg", 63.0, ""),
        ("real_pixel8pro_zoom2.jpg", 40.0, "digital zoom"),
        ("samsung_zoom4.jpg", 22.0, "digital zoom"),
        ("real_iphone13pm_zoom1_74.jpg", 42.1, ""),
        ("nikon_d100.jpg", 26.7, ""),
        ("pentax_istd.jpg", 26.4, ""),
        ("olympus_e500.jpg", 19.8, ""),
        ("f35_zero.jpg", 39.5, ""),
        ("crop_half_lightroom.jpg", 65.4, "if it was cropped"),
        ("panorama_strip_phone.jpg", None, "strip"),
        ("kodak_sp360_fisheye.jpg", None, "directions"),
        ("gopro_fusion_fisheye.jpg", None, "fisheye"),
        ("gopro_hero9.jpg", None, "fisheye"),
        ("insta360.jpg", None, "directions"),
        ("xmp_only.jpg", 27.0, "not yet made"),
        ("xmp_only.png", 27.0, "not yet made"),
        ("zero_denominator.jpg", 84.0, ""),
        ("plane_res_zero.jpg", 55.0, "size of the sensor"),
        ("digital_zoom_inf.jpg", 69.4, ""),
        ("pixel_dims_rotated.jpg", 25.1, ""),
        ("fuji_x100.jpg", 54.4, ""),
        ("scanned_film.jpg", 55.0, ""),
    ],
)
def test_the_shared_cases(name: str, right: float | None, note: str) -> None:
    angle, _, notes = seen(shared_data.case(f"camera/{name}"))
    assert right is None or angle == pytest.approx(right, rel=0.015)
    assert note in notes if note else notes == ""
