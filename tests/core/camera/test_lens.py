# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import io
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from mono3d_addon.core.camera.field_of_view import camera_of
from mono3d_addon.core.camera.lens import Lens, read_lens
from mono3d_addon.core.photo import metadata
from mono3d_addon.core.photo.photo import read_photo
from tests import shared_data


def degrees(lens: Lens, width: int = 4000, height: int = 3000, chosen: float = 0.0) -> tuple[float, str]:
    camera = camera_of(width, height, math.radians(chosen), lens)
    return math.degrees(camera.field_of_view), camera.source


def test_the_users_angle_wins() -> None:
    angle, source = degrees(Lens(focal_length_35mm=28.0), chosen=40.0)
    assert angle == pytest.approx(40.0) and source == "your setting"


def test_equivalent_goes_by_the_diagonal() -> None:
    # A 3:2 photo has the aspect ratio of full frame: 36 mm wide.
    angle, source = degrees(Lens(focal_length_35mm=28.0), 3000, 2000)
    assert angle == pytest.approx(2 * math.degrees(math.atan(18 / 28)))
    assert source == "EXIF, 28 mm equivalent"
    # A 4:3 photo with the same equivalent has the same diagonal, so its longer side covers a smaller angle.
    assert degrees(Lens(focal_length_35mm=28.0), 4000, 3000)[0] < angle


def test_portrait_and_landscape_agree() -> None:
    lens = Lens(focal_length_35mm=35.0)
    assert degrees(lens, 3000, 4000) == degrees(lens, 4000, 3000)


def test_focal_length_with_sensor_and_zoom() -> None:
    angle, source = degrees(Lens(focal_length=6.0, plane_width=6.0))
    assert angle == pytest.approx(2 * math.degrees(math.atan(0.5)))
    assert source == "EXIF, 6 mm on a sensor 6 mm wide"
    assert degrees(Lens(focal_length=6.0, plane_width=6.0, digital_zoom=2.0))[0] < angle


def test_sensor_table() -> None:
    angle, source = degrees(Lens(focal_length=35.8, camera_name="Canon EOS 5D"), 3000, 2000)
    assert angle == pytest.approx(2 * math.degrees(math.atan(0.5)))
    assert "Canon EOS 5D" in source
    assert degrees(Lens(focal_length=35.8, camera_name="Canon EOS 5D Mark IX"))[1] == "assumed 55 degrees"


def test_nothing_known() -> None:
    angle, source = degrees(Lens())
    assert angle == pytest.approx(55.0) and source == "assumed 55 degrees"


@given(
    st.floats(0, 1e9),
    st.floats(0, 1e9),
    st.floats(0, 1e9),
    st.floats(1, 1e6),
    st.integers(16, 30000),
    st.integers(16, 30000),
)
def test_any_numbers_give_a_usable_camera(
    focal: float, equivalent: float, plane: float, zoom: float, width: int, height: int
) -> None:
    camera = camera_of(width, height, 0.0, Lens(focal, equivalent, plane, zoom))
    assert math.radians(0.9) <= camera.field_of_view <= math.radians(161)


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("iphone.jpg", "EXIF, 57 mm equivalent"),
        ("iphone_13_pro_max.heic", "EXIF, 26 mm equivalent"),
        ("coolpix_p6000.jpg", "EXIF, 112 mm equivalent"),
        ("canon_ixus.jpg", "EXIF, 10.8 mm on the sensor of Canon DIGITAL IXUS"),
        ("chelsea.png", "XMP, 55 mm on the sensor of PENTAX K100D Super"),
        ("fujifilm_dx10.jpg", "EXIF, 5.8 mm on a sensor 4.76 mm wide"),
        ("nokia_8_3.jpg", "assumed 55 degrees"),
        ("jolla.jpg", "assumed 55 degrees"),
        ("coffee.png", "assumed 55 degrees"),
    ],
)
def test_real_cameras(name: str, source: str) -> None:
    photo = read_photo(shared_data.path(f"photos/{name}"))
    assert camera_of(*photo.size, 0.0, photo.lens).source == source


def lens_of(exif: Image.Exif | bytes) -> Lens:
    """Returns the lens of a JPEG with these tags."""
    buffer = io.BytesIO()
    Image.new("RGB", (40, 30)).save(buffer, "JPEG", exif=exif)
    said = metadata.of_jpeg(buffer.getvalue())
    return read_lens(said.exif, said.xmp, (40, 30))


def test_resized_photo_uses_the_size_the_resolution_speaks_of() -> None:
    exif = Image.Exif()
    exif.get_ifd(0x8769).update({37386: 10.0, 41486: 1000.0, 41488: 3, 40962: 2000, 40963: 1500})
    assert lens_of(exif).plane_width == pytest.approx(20.0)


@pytest.mark.parametrize("value", ["wide", b"\xff", (1, 2), 0, -5])
def test_nonsense_in_tags_is_nothing_known(value: object) -> None:
    exif = Image.Exif()
    exif.get_ifd(0x8769).update({41989: value if not isinstance(value, int) else max(0, value)})
    assert lens_of(exif).focal_length_35mm == 0.0


def test_damaged_exif_is_nothing_known() -> None:
    assert lens_of(b"Exif\0\0MM\0*\xff\xff\xff\xff garbage") == Lens()
