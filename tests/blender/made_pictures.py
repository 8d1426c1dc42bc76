# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes picture files of many formats and, beside each, what Pillow decodes of it.

Run as `PYTHON made_pictures.py FOLDER` by a Python with the worker's packages; `bpy` wheels have no Pillow.
"""

from __future__ import annotations

import io
import struct
import sys
from pathlib import Path
from typing import Any

ORIENTATION = 274
SIZE = (210, 140)


def main(folder: Path) -> None:
    import numpy as np
    import OpenEXR
    from PIL import Image

    with Image.open(Path(__file__).parents[1] / "photos" / "coffee.png") as photo:
        rgb = photo.convert("RGB").resize(SIZE)
    alpha = np.broadcast_to(np.linspace(0, 255, SIZE[0]).astype(np.uint8), SIZE[::-1])
    rgba = Image.fromarray(np.dstack([np.asarray(rgb), alpha]))
    noise = Image.fromarray(np.random.default_rng(1).integers(0, 256, (*SIZE[::-1], 3), dtype=np.uint8))
    grey = rgb.convert("L")

    def save(name: str, picture: Any, **options: Any) -> None:
        picture.save(folder / name, **options)
        with Image.open(folder / name) as written:
            np.save(folder / f"{name}.npy", np.asarray(written.convert("RGB") if written.mode == "P" else written))

    save("a.jpg", rgb, quality=92)
    save("progressive.jpg", rgb, quality=90, progressive=True)
    save("noise 420.jpg", noise, quality=80, subsampling=2)
    save("noise 444.jpg", noise, quality=95, subsampling=0)
    save("grey.jpg", grey)
    save("several.mpo", rgb)
    for number in range(1, 9):
        exif = Image.Exif()
        exif[ORIENTATION] = number
        save(f"turned {number}.jpg", rgb, exif=exif)
    save("lossy.webp", rgb, quality=90)
    save("alpha.webp", rgba, quality=90)
    save("lossless.webp", rgba, lossless=True)
    save("a.gif", rgb.convert("P", palette=Image.Palette.ADAPTIVE))
    save("a.jp2", rgb)
    save("alpha.jp2", rgba)
    save("grey.jp2", grey)
    deep = np.asarray(grey).astype(np.uint16) * 257
    Image.fromarray(deep).save(folder / "deep.jp2")
    np.save(folder / "deep.jp2.npy", deep)
    for bits in (8, 16):
        values = np.asarray(rgb) if bits == 8 else np.asarray(rgb).astype(np.uint16) * 257
        (folder / f"{bits} bits.psd").write_bytes(_photoshop(values, bits))
        np.save(folder / f"{bits} bits.psd.npy", values)
    light = np.asarray(rgb).astype(np.float32) / np.float32(70.0)
    for name, kind in (("full", np.float32), ("half", np.float16)):
        for word in ("NO", "RLE", "ZIP", "PIZ"):
            header = {"compression": getattr(OpenEXR, f"{word}_COMPRESSION"), "type": OpenEXR.scanlineimage}
            with OpenEXR.File(header, {"RGB": light.astype(kind)}) as file:
                file.write(str(folder / f"{name} {word}.exr"))
            np.save(folder / f"{name} {word}.exr.npy", light.astype(kind).astype(np.float32))
    for name in ("Z", "depth"):
        header = {"compression": OpenEXR.PIZ_COMPRESSION, "type": OpenEXR.scanlineimage}
        with OpenEXR.File(header, {name: np.ascontiguousarray(light[..., 0])}) as file:
            file.write(str(folder / f"only {name}.exr"))
    layers = {f"View.Combined.{name}": np.ascontiguousarray(light[..., place]) for place, name in enumerate("RGB")}
    with OpenEXR.File({"type": OpenEXR.scanlineimage}, layers) as file:
        file.write(str(folder / "layers.exr"))

    whole = (folder / "a.jpg").read_bytes()
    (folder / "junk.jpg").write_bytes(b"\xff\xd8\xff" + bytes(500))
    (folder / "head.jpg").write_bytes(whole[:200])
    rgb.save(file_of_webp := io.BytesIO(), "WEBP")
    (folder / "cut.webp").write_bytes(file_of_webp.getvalue()[:2000])


def more(folder: Path) -> None:
    """Writes pictures whose colours a worker converts, and pictures that a worker without packages reads itself."""
    import numpy as np
    import pillow_heif
    from PIL import Image

    sys.path.insert(0, str(Path(__file__).parents[2]))
    from tests.core.photo.picture_files import LINEAR, rgb_profile

    pillow_heif.register_heif_opener()
    with Image.open(Path(__file__).parents[1] / "photos" / "coffee.png") as photo:
        rgb = photo.convert("RGB").resize(SIZE)
    values = np.asarray(rgb)
    alpha = np.broadcast_to(np.linspace(0, 255, SIZE[0]).astype(np.uint8), SIZE[::-1])
    rgba, grey = Image.fromarray(np.dstack([values, alpha])), rgb.convert("L")
    deep = Image.fromarray(np.asarray(grey).astype(np.uint16) * 257)
    profile = rgb_profile(LINEAR, "linear")
    rgb.save(folder / "profile.jpg", quality=95, icc_profile=profile)
    rgb.save(folder / "profile.png", icc_profile=profile)
    rgb.save(folder / "profile.webp", lossless=True, icc_profile=profile)
    rgb.save(folder / "profile.tif", icc_profile=profile)
    rgb.convert("CMYK").save(folder / "cmyk.jpg", quality=95)
    for name, picture in (("rgb", rgb), ("rgba", rgba), ("grey", grey), ("deep", deep), ("palette", rgb.convert("P"))):
        picture.save(folder / f"{name}.png")
    rgba.convert("LA").save(folder / "grey and alpha.png")
    for compression in ("raw", "tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg"):
        rgb.save(folder / f"{compression}.tif", compression=compression)
    deep.save(folder / "deep.tif")
    rgba.save(folder / "alpha.tif")
    exif = Image.Exif()
    exif[ORIENTATION] = 8
    rgb.save(folder / "turned.png", exif=exif)
    rgb.save(folder / "turned.webp", exif=exif, lossless=True)
    rgb.save(folder / "turned.tif", tiffinfo={ORIENTATION: 6})
    for ending in ("bmp", "tga", "ppm", "heic", "avif"):
        rgb.save(folder / f"rgb.{ending}")
    rgba.save(folder / "alpha.tga")


def _photoshop(values: Any, bits: int) -> bytes:
    import numpy as np

    height, width, channels = values.shape
    header = b"8BPS" + struct.pack(">H6xHIIHH", 1, channels, height, width, bits, 3)
    planes = np.moveaxis(values, 2, 0)
    return header + bytes(12) + bytes(2) + planes.astype(f">u{bits // 8}").tobytes()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
    (Path(sys.argv[1]) / "more").mkdir()
    more(Path(sys.argv[1]) / "more")
