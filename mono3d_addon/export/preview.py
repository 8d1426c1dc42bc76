# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes the preview of a result: a PNG from beside the photo's camera, and a WebP that sways to both sides."""

from __future__ import annotations

import math
from pathlib import Path

from ..core.arrays import Bytes
from ..core.camera.camera import Camera
from ..core.photo.photo import shown_by
from ..core.photo.png_writer import encoded
from ..core.preview import views
from ..core.preview.backdrop import backdrop
from ..core.preview.rendering import Part, rendered
from ..core.reconstruction import Reconstruction
from ..core.resampling import resize
from ..errors import Mono3DError
from .files import Staging

LONG_SIDE = 960
"""Length of a preview's longer side in pixels; a strip, whose sides are more unequal than 2 to 1, is longer."""
TURNTABLE_SIDE = 480
FRAMES = 24
_MILLISECONDS = 110
_QUALITIES = (82, 65, 45, 25)
MOST_BYTES = 3_000_000

_MOST_UNEQUAL = 2.0
_LONGEST = 2.0
"""Largest factor by which a strip is longer than other previews."""
_NOTE = ("Note", "Mono3D preview")
_SOFTWARE = 0x0131
"""Metadata by which `run.photos` recognises previews: a text in a PNG, an EXIF tag in a WebP."""


def write_preview(result: Reconstruction, path: Path, staging: Staging) -> None:
    """Writes the PNG."""
    camera = result.camera
    size = size_of(camera, LONG_SIDE)
    view = views.beside(_orbit(result), is_panorama=camera.is_panorama)
    picture = rendered(_parts(result, size), view, size, backdrop(result.mesh), hides_backs=camera.is_panorama)
    staging.path_for(path).write_bytes(encoded(picture, texts=dict([_NOTE])))


def write_turntable(result: Reconstruction, path: Path, staging: Staging) -> None:
    """Writes the looping WebP, of at most `MOST_BYTES`. Raises Mono3DError where Pillow cannot write WebP."""
    from PIL import Image, features

    if not features.check("webp"):
        raise Mono3DError("This Pillow cannot write WebP, which a turntable needs; choose --preview picture.")
    camera = result.camera
    size = size_of(camera, TURNTABLE_SIDE)
    parts, background = _parts(result, size), backdrop(result.mesh)
    loop = views.sway(_orbit(result), FRAMES, is_panorama=camera.is_panorama)
    # Each place but the ends is passed twice.
    pictures = {
        id(view): Image.fromarray(rendered(parts, view, size, background, hides_backs=camera.is_panorama))
        for view in {id(view): view for view in loop}.values()
    }
    frames = [pictures[id(view)] for view in loop]
    mark = Image.Exif()
    mark[_SOFTWARE] = _NOTE[1]
    place = staging.path_for(path)
    for quality in _QUALITIES:
        frames[0].save(
            place,
            "WEBP",
            save_all=True,
            append_images=frames[1:],
            duration=_MILLISECONDS,
            loop=0,
            exif=mark.tobytes(),
            quality=quality,
            method=3,
        )
        if place.stat().st_size <= MOST_BYTES:
            return


def size_of(camera: Camera, long_side: int) -> tuple[int, int]:
    """Returns the width and height of a preview: the photo's proportions, enlarged if they are very unequal.

    A panorama seen from outside is twice as wide as high.
    """
    width, height = (2.0, 1.0) if camera.is_panorama else (camera.width, camera.height * camera.fx / camera.fy)
    unequal = max(width, height) / min(width, height)
    longer = min(_LONGEST, math.sqrt(max(1.0, unequal / _MOST_UNEQUAL)))
    scale = long_side * longer / max(width, height)
    return max(16, round(scale * width)), max(16, round(scale * height))


def _orbit(result: Reconstruction) -> views.Orbit:
    return views.orbit_of(result.mesh.vertices, result.camera)


def _parts(result: Reconstruction, size: tuple[int, int]) -> list[Part]:
    """Returns what is drawn: the surface and what is filled in behind it."""
    if result.settings.material == "vertex_colours":
        return [Part(mesh, None) for mesh in (result.mesh, result.background) if mesh is not None]
    parts = [Part(result.mesh, _texture(result.texture, result.pixels, size))]
    if result.background is not None and result.background_texture is not None:
        parts.append(Part(result.background, _texture(result.background_texture, result.background_pixels, size)))
    return parts


def _texture(path: Path, pixels: Bytes | None, size: tuple[int, int]) -> Bytes:
    """Returns a texture, uint8 (h, w, 3), no larger than a picture of `size` can show."""
    pixels = shown_by(path, pixels)
    # More texels than samples would flicker from frame to frame.
    height, width = pixels.shape[:2]
    shrunk = min(1.0, 2.0 * max(size) / max(width, height))
    if shrunk == 1.0:
        return pixels
    return resize(pixels, max(1, round(width * shrunk)), max(1, round(height * shrunk)), "box")
