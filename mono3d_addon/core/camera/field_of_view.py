# SPDX-License-Identifier: GPL-3.0-or-later
"""The camera of a photo: weighs what EXIF, XMP and the table of sensors say about its field of view.

The sources contradict each other in real photos. Editors rewrite the pixel size but keep the focal-plane resolution,
some cameras write a false one, some makers include the digital zoom in one tag and some in another, and a crop leaves
all tags as they were. The longer side of the sensor, or of the 35 mm frame, belongs to the longer side of the picture
that the camera took; the photo may be a part of it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from ...settings import Settings
from ..scene_guess import SceneGuess
from .automatic import angle_words, resolve
from .camera import FULL_FRAME_MM, Camera
from .lens import Lens
from .projections import projection_kind
from .sensors import sensor_width
from .sphere_part import WHOLE_SPHERE

_PLAUSIBLE_ANGLES = (math.radians(1.0), math.radians(160.0))
_PLAUSIBLE_WIDTHS = (4.0, 60.0)
"""Millimetres, of sensors whose width only the focal-plane resolution tells."""
_LARGEST_COMPACT = 9.0
"""Width in millimetres of the largest sensors of compact cameras with digital zoom and without a 35 mm equivalent."""
_PHONE_WIDTHS = (3.0, 14.0)
"""Millimetres, up to sensors of one inch."""
_LONGEST_PHONE_LENS = 20.0
_USUAL_PHONE_EQUIVALENT = (22.0, 30.0)
"""35 mm equivalents of the main lenses of phones."""
_LEAST_ZOOM = 1.05
_AGREE = 1.15
"""Factor up to which two sources agree: equivalents are rounded, and widths are nominal."""
_CROP_MODES = ((1.46, 1.56), (1.57, 1.65))
"""How many times as wide a sensor is than the part that its APS-C mode uses, Canon's the second."""
_SAME_SHAPE = 0.02
_USUAL_SHAPES = (1.25, 1.6)
"""Longer by shorter side of pictures that show the whole sensor."""
_WIDEST_SHAPE = 2.4
_ADVICE = "set 'Field of view' if you know it"
_CUT_SHARES = (0.6, 0.97)
"""Shares of a sensor's width that an editor's crop leaves; less is likelier to be a smaller copy."""
_EDITORS = (
    "lightroom",
    "camera raw",
    "photoshop",
    "capture one",
    "darktable",
    "rawtherapee",
    "gimp",
    "snapseed",
    "affinity",
    "paint.net",
    "picasa",
    "acdsee",
    "digikam",
    "aperture",
    "paint shop",
    "pixelmator",
    "luminar",
    "on1 ",
)
"""Parts of names of photo editors in the tag Software, in lower case."""


@dataclass(frozen=True)
class Judgement:
    """The field of view that the sources give together. The focal length is 0 where none of them tells it.

    focal_length  in pixels of the photo
    axis_x, axis_y  the principal point, as shares of the photo's width and height
    source  where it comes from, in words
    notes   sentences for the user: contradictions, and what had to be guessed
    """

    focal_length: float
    axis_x: float
    axis_y: float
    source: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Claim:
    """One source's focal length as a share of the longer side of the picture that the camera took."""

    share: float
    source: str
    notes: tuple[str, ...] = ()


def judge(width: int, height: int, lens: Lens) -> Judgement:
    """Returns the field of view of an upright photo of `width` x `height` pixels.

    A source that gives an angle outside 1 to 160 degrees does not count.
    """
    if lens.view_angle > 0.0:
        focal = 0.5 * max(width, height) / math.tan(0.5 * lens.view_angle)
        degrees = math.degrees(lens.view_angle)
        return Judgement(focal, 0.5, 0.5, f"fisheye of {lens.camera_name}, straightened to {degrees:.0f} degrees")
    full = (width / lens.kept_width, height / lens.kept_height)
    longer, shorter = max(full), min(full)
    table = sensor_width(lens.camera_name)
    shape, notes = _camera_shape(longer, shorter, lens, table)
    taken = max(longer, shorter * shape)
    claims = (
        _by_equivalent(lens, table, shape),
        _by_sensor(lens, table),
    )
    photo = max(width, height)
    for claim in claims:
        if claim is not None and claim.share > 0.0 and _is_plausible(photo, claim.share * taken):
            axis = (lens.axis_x, lens.axis_y)
            return Judgement(claim.share * taken, *axis, claim.source, (*notes, *claim.notes, *_crop_notes(lens)))
    unknown: tuple[str, ...] = ()
    if lens.focal_length > 0.0 and not projection_kind(lens.camera_name, lens.lens_name):
        unknown = (
            f"The photo tells a focal length of {lens.focal_length:.3g} mm but not the size of the sensor; {_ADVICE}.",
        )
    return Judgement(0.0, 0.5, 0.5, "", unknown)


def angle_of(size: tuple[int, int], lens: Lens) -> float:
    """Returns the angle in radians across the longer side that the metadata tell of an ordinary photo, 0 for none."""
    focal = judge(*size, lens).focal_length
    return 2.0 * math.atan(0.5 * max(size) / focal) if focal > 0.0 else 0.0


def camera_of(width: int, height: int, field_of_view: float, lens: Lens, scene: SceneGuess | None = None) -> Camera:
    """Returns the camera of an upright photo of `width` x `height` pixels.

    `field_of_view` is the user's angle across the longer side in radians, 0 to judge by the photo's metadata, and where
    they tell nothing by a network's guesses in `scene`.
    """
    if field_of_view > 0.0:
        return Camera.from_field_of_view(width, height, field_of_view, "your setting")
    found = judge(width, height, lens)
    if found.focal_length <= 0.0:
        angle = resolve(Settings(), scene).field_of_view
        return Camera.from_field_of_view(width, height, angle.value, angle_words(angle))
    center = (found.axis_x * width, found.axis_y * height)
    return Camera(width, height, found.focal_length, found.focal_length, *center, found.source)


def photo_camera(
    size: tuple[int, int], lens: Lens, settings: Settings, *, is_panorama: bool, scene: SceneGuess | None = None
) -> Camera:
    """Returns the camera of a photo of `size` (width, height) by the settings, not yet placed in a scene.

    `scene` is what a network guesses of it.
    """
    if is_panorama:
        part = lens.sphere_part if lens.sphere_part.width > 0.0 else WHOLE_SPHERE
        angles = (math.degrees(angle) for angle in (part.width, part.height))
        source = "360-degree panorama"
        if part != WHOLE_SPHERE:
            source = "panorama of {:.0f} x {:.0f} degrees, XMP".format(*angles)
        return Camera.panorama(*size, source, part)
    camera = camera_of(*size, math.radians(settings.field_of_view), lens, scene)
    return camera.shifted(settings.shift_x / 100.0, settings.shift_y / 100.0)


def camera_notes(size: tuple[int, int], lens: Lens, settings: Settings, *, is_panorama: bool) -> tuple[str, ...]:
    """Returns sentences for the user about the camera of `photo_camera`: contradictions, guesses, other projections."""
    if is_panorama:
        return ()
    if lens.view_angle > 0.0:
        return ()
    kind = projection_kind(lens.camera_name, lens.lens_name)
    notes = _PROJECTION_NOTES.get(kind, "").format(camera=lens.camera_name, lens=lens.lens_name)
    if lens.projection and settings.projection == "auto":
        notes = _UNKNOWN_PANORAMA.format(projection=lens.projection)
    found = () if settings.field_of_view > 0.0 else judge(*size, lens).notes
    return (*((notes,) if notes else ()), *found)


_UNKNOWN_PANORAMA = (
    "XMP tells of a panorama ({projection}) but not of a part of the sphere that can be used, so the photo is treated "
    "as an ordinary one."
)
_PROJECTION_NOTES = {
    "fisheye": "'{lens}' is a fisheye lens, whose picture is bent; straighten it first for true shapes.",
    "action": "{camera} has a fisheye lens, whose picture is bent unless the camera's linear mode was on; straighten "
    "it first for true shapes.",
    "sphere": "{camera} takes pictures of all directions, which are no ordinary photos; export them as a panorama "
    "(set 'Projection' to equirectangular) or as a flat view.",
}


def _camera_shape(longer: float, shorter: float, lens: Lens, table: float) -> tuple[float, tuple[str, ...]]:
    """Returns longer by shorter side of the picture that the camera took, and notes where the photo has another shape.

    `longer` and `shorter` are the photo's, without a crop that is known.
    """
    shape = longer / shorter
    now = f"{longer:.0f} x {shorter:.0f} pixels"
    tags = sorted((lens.tagged_width, lens.tagged_height))
    native = _sensor_shape(lens, table, shape)
    if abs(shape / native - 1.0) <= _SAME_SHAPE:
        native = shape
    if tags[0] > 0.0:
        tagged = tags[1] / tags[0]
        is_other = abs(shape / tagged - 1.0) > _SAME_SHAPE + 1.0 / tags[0]
        if is_other and tagged <= _WIDEST_SHAPE:
            note = (
                f"The photo has {now}, but its tags tell of {tags[1]:.0f} x {tags[0]:.0f}: it is taken as the middle "
                "of that picture; set 'Field of view' and shifts if it is another part."
            )
            return tagged, (note,)
    if shape > _WIDEST_SHAPE and _tells_lens(lens):
        note = (
            f"The photo has {now}, a strip that no sensor has: it is cropped, or a stitched panorama, whose field of "
            f"view is wider than the tags tell; {_ADVICE}."
        )
        return native, (note,)
    if shape < _USUAL_SHAPES[0] and _tells_lens(lens) and not projection_kind(lens.camera_name, lens.lens_name):
        note = f"The photo has {now}, which is taken as the middle of a wider picture; {_ADVICE}."
        return native, (note,)
    return native, ()


def _sensor_shape(lens: Lens, table: float, shape: float) -> float:
    """Returns longer by shorter side of the camera's sensor: by its size, else that of an ordinary photo."""
    if table:
        is_four_thirds = table < 12.0 or 17.0 <= table < 20.0 or table > 37.0
        return 4 / 3 if is_four_thirds else 3 / 2
    if _USUAL_SHAPES[0] <= shape <= _USUAL_SHAPES[1]:
        return shape
    if shape > _USUAL_SHAPES[1]:
        return 3 / 2
    crop = lens.focal_length_35mm / lens.focal_length if lens.focal_length > 0.0 else 0.0
    return 3 / 2 if 0.0 < crop < 1.8 else 4 / 3


def _tells_lens(lens: Lens) -> bool:
    return lens.focal_length > 0.0 or lens.focal_length_35mm > 0.0


def _by_equivalent(lens: Lens, table: float, shape: float) -> _Claim | None:
    """Returns what the 35 mm equivalent says; None where it is absent, or impossible with the sensor in the table.

    CIPA DCG-001 defines the equivalent by the diagonal of the picture.
    """
    if lens.focal_length_35mm <= 0.0:
        return None
    frame = math.hypot(*FULL_FRAME_MM) * shape / math.hypot(shape, 1.0)
    equivalent, notes = lens.focal_length_35mm, []
    source = f"{lens.source}, {lens.focal_length_35mm:g} mm equivalent"
    zoom = lens.digital_zoom if lens.digital_zoom > _LEAST_ZOOM else 1.0
    if zoom > 1.0 and not _includes_zoom(lens, table, frame):
        equivalent *= zoom
        source += f" with a digital zoom of {zoom:.3g}"
        notes.append(
            f"The 35 mm equivalent of {lens.focal_length_35mm:g} mm seems to lack the digital zoom of {zoom:.3g}, "
            f"which was added; {_ADVICE}."
        )
    share = equivalent / frame
    if lens.focal_length <= 0.0:
        return _Claim(share, source, tuple(notes))
    if table:
        ratio = share * table / (lens.focal_length * zoom)
        if ratio < 1.0 / _AGREE:
            return None
        if ratio > _AGREE and not _is_crop_mode(ratio, lens):
            notes.append(
                f"The 35 mm equivalent of {lens.focal_length_35mm:g} mm contradicts the focal length of "
                f"{lens.focal_length:.3g} mm on the sensor of {lens.camera_name}; the equivalent was used. "
                f"{_ADVICE.capitalize()}."
            )
    elif _is_width(lens.plane_width):
        ratio = share * lens.plane_width / lens.focal_length
        if not any(_agree(ratio, factor) for factor in {1.0, zoom, 1.0 / zoom}) and not _is_resized(lens, ratio):
            notes.append(
                f"The 35 mm equivalent of {lens.focal_length_35mm:g} mm contradicts the focal-plane resolution "
                f"({lens.focal_length:.3g} mm on a sensor {lens.plane_width:.3g} mm wide); the equivalent was used. "
                f"{_ADVICE.capitalize()}."
            )
    return _Claim(share, source, tuple(notes))


def _includes_zoom(lens: Lens, table: float, frame: float) -> bool:
    """Tells whether the 35 mm equivalent already includes the digital zoom, which depends on the maker.

    The sensor's size decides where it is known, or where only one answer leaves a possible one.
    """
    zoom, equivalent = lens.digital_zoom, lens.focal_length_35mm
    if lens.focal_length <= 0.0:
        return True
    width = lens.focal_length * frame / equivalent
    if table:
        return abs(math.log(width * zoom / table)) < abs(math.log(width / table))
    narrowest, widest = _PHONE_WIDTHS if lens.focal_length < _LONGEST_PHONE_LENS else _PLAUSIBLE_WIDTHS
    if not narrowest <= width * zoom <= widest:
        return False
    if width < narrowest or lens.camera_name.lower().startswith("apple"):
        return True
    low, high = _USUAL_PHONE_EQUIVALENT
    return not low <= equivalent <= high


def _by_sensor(lens: Lens, table: float) -> _Claim | None:
    """Returns what focal length and sensor say; None without a focal length, or where no possible width is known."""
    focal, plane = lens.focal_length, lens.plane_width
    if focal <= 0.0:
        return None
    zoom = lens.digital_zoom if lens.digital_zoom > _LEAST_ZOOM else 1.0
    zoomed = f", digital zoom {zoom:.3g}" if zoom > 1.0 else ""
    if table:
        source = f"{lens.source}, {focal:.3g} mm on the sensor of {lens.camera_name}{zoomed}"
        notes = []
        if lens.focal_length_35mm > 0.0:
            notes.append(
                f"The 35 mm equivalent of {lens.focal_length_35mm:g} mm is impossible for {focal:.3g} mm on the sensor "
                f"of {lens.camera_name}, {table:.3g} mm wide; the sensor was used. {_ADVICE.capitalize()}."
            )
        elif plane > 0.0:
            ratio = table / plane
            by_plane = f"{lens.source}, {focal:.3g} mm on a sensor {plane:.3g} mm wide"
            if zoom == 1.0 and _is_width(plane) and _is_crop_mode(ratio, lens):
                return _Claim(focal / plane, by_plane)
            if zoom == 1.0 and _is_cut(lens, table):
                cut = f"The photo shows {plane:.3g} of the sensor's {table:.3g} mm, by its shape and its tags."
                return _Claim(focal / plane, by_plane, (cut,))
            is_resized = _is_resized(lens, ratio)
            if not any(_agree(ratio, factor) for factor in {1.0, zoom}) and not is_resized and _is_width(plane):
                notes.append(
                    f"By the focal-plane resolution the sensor is {plane:.3g} mm wide, but {lens.camera_name} has one "
                    f"{table:.3g} mm wide, which was used; {_ADVICE}."
                )
        return _Claim(focal * zoom / table, source, tuple(notes))
    includes_zoom = zoom > 1.0 and plane * zoom <= _LARGEST_COMPACT
    if _is_width(plane * zoom if includes_zoom else plane):
        used = focal if includes_zoom else focal * zoom
        source = f"{lens.source}, {focal:.3g} mm on a sensor {plane:.3g} mm wide"
        return _Claim(used / plane, source if includes_zoom else source + zoomed)
    return None


def _is_width(width: float) -> bool:
    return _PLAUSIBLE_WIDTHS[0] <= width <= _PLAUSIBLE_WIDTHS[1]


def _agree(one: float, other: float) -> bool:
    return 1.0 / _AGREE < one / other < _AGREE


def _is_crop_mode(ratio: float, lens: Lens) -> bool:
    low, high = _CROP_MODES[lens.camera_name.lower().startswith("canon")]
    return low <= ratio <= high


def _is_resized(lens: Lens, ratio: float) -> bool:
    """Tells whether a focal plane too small by `ratio` is that of a picture whose pixel size an editor has rewritten.

    Cameras with lens data have more pixels; makers' own small pictures are rare.
    """
    return ratio > _AGREE and 0.0 < max(lens.tagged_width, lens.tagged_height) < 2500.0


def _is_cut(lens: Lens, table: float) -> bool:
    """Tells whether the tagged picture is a part of the sensor's at its full resolution: it has another shape."""
    tags = sorted((lens.tagged_width, lens.tagged_height))
    share = lens.plane_width / table
    if tags[0] <= 0.0 or not _CUT_SHARES[0] <= share <= _CUT_SHARES[1]:
        return False
    return abs(tags[1] / tags[0] / _sensor_shape(lens, table, 1.0) - 1.0) > 2.0 * _SAME_SHAPE


def _crop_notes(lens: Lens) -> tuple[str, ...]:
    if lens.crop == "applied":
        kept = f"{100 * lens.kept_width:.0f} x {100 * lens.kept_height:.0f} %"
        return (f"The photo is a crop of {kept} of a larger picture, by its XMP data; lens and shift follow it.",)
    if lens.crop == "pending":
        return ("XMP tells of a crop that is not yet made in this file; the whole picture was used.",)
    if lens.crop != "none" and any(name in lens.software.lower() for name in _EDITORS):
        return (
            f"The photo was edited with {lens.software}, which does not tell of a crop; if it was cropped, set 'Field "
            "of view'.",
        )
    return ()


def _is_plausible(longer: int, focal_pixels: float) -> bool:
    low, high = _PLAUSIBLE_ANGLES
    return low <= 2.0 * math.atan(0.5 * longer / focal_pixels) <= high
