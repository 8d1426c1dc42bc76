# SPDX-License-Identifier: GPL-3.0-or-later
"""Every format in a real process that has Python and numpy only: the photo is the one that Pillow gives.

What such a process does not decode is handed over, decoded here by Pillow in the place of Blender.
"""

from __future__ import annotations

import io
import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageCms

from mono3d_addon.core.photo.hand_over import needs_hand_over
from mono3d_addon.core.photo.photo import read_photo
from mono3d_addon.errors import Mono3DError
from mono3d_addon.version import ROOT
from tests.core.camera.tagged import xmp_packet
from tests.core.photo.picture_files import LINEAR, exr_header, grey_profile, png, rgb_profile, tags_of, tiff
from tests.core.photo.test_colours import GREY, TRUTH, adobe_jpeg, light
from tests.core.photo.test_formats import psd, radiance

CHILD = """\
import json, sys
sys.path[:0] = sys.argv[1:3]
from pathlib import Path
from dataclasses import asdict
import numpy as np
from mono3d_addon.core.photo.hand_over import handed_over
from mono3d_addon.core.photo.photo import read_photo
from mono3d_addon.errors import Mono3DError
for line in sys.stdin:
    request = json.loads(line)
    try:
        photo = read_photo(Path(request["photo"]), handed=handed_over(request))
    except Mono3DError as error:
        answer = {"error": str(error)}
    else:
        np.savez(request["result"], pixels=photo.pixels, mask=photo.mask if photo.mask is not None else 0)
        answer = {"lens": asdict(photo.lens), "notes": photo.notes, "digest": photo.digest,
                  "texture": photo.texture and photo.texture[1], "has_mask": photo.mask is not None}
    print(json.dumps(answer), flush=True)
assert "PIL" not in sys.modules and "OpenEXR" not in sys.modules
"""

GRADIENT = np.stack(np.meshgrid(np.linspace(0, 255, 160), np.linspace(0, 255, 120)), axis=2).astype(np.uint8)
GRADIENT = np.dstack([GRADIENT, np.full((120, 160), 90, np.uint8)])
ALPHA = np.where(np.arange(160)[None, :] < 40, 0, 255).astype(np.uint8).repeat(120, 0).reshape(120, 160)


class Bare:
    """A process whose interpreter finds the standard library, numpy and this program, and nothing else."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        site = folder / "site"
        site.mkdir()
        installed = Path(np.__file__).parent
        for place in (installed, installed.with_name("numpy.libs")):
            if place.exists():
                (site / place.name).symlink_to(place)
        command = [sys.executable, "-I", "-S", "-c", CHILD, str(site), str(ROOT)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def read(self, path: Path, values: NDArray[Any] | None = None) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """Returns what the process tells of a photo, and its arrays."""
        result, place = self.folder / "result.npz", self.folder / "values.npy"
        request: dict[str, Any] = {"photo": str(path), "result": str(result)}
        if values is not None:
            np.save(place, values, allow_pickle=False)
            request["decoded"] = {str(path): str(place)}
        assert self.process.stdin is not None and self.process.stdout is not None
        print(json.dumps(request), file=self.process.stdin, flush=True)
        answer = json.loads(self.process.stdout.readline())
        return answer, {} if "error" in answer else dict(np.load(result))


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Any:
    made = Bare(tmp_path_factory.mktemp("bare"))
    yield made
    assert made.process.stdin is not None and made.process.stdout is not None
    made.process.stdin.close()
    made.process.stdout.close()
    assert made.process.wait(20) == 0, "it imported an extra"


def saved(form: str, values: NDArray[Any] = GRADIENT, mode: str = "RGB", **options: Any) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(values).convert(mode).save(buffer, form, **options)
    return buffer.getvalue()


def with_alpha(form: str, **options: Any) -> bytes:
    return saved(form, np.dstack([GRADIENT, ALPHA]), "RGBA", **options)


def exif(orientation: int = 1) -> Image.Exif:
    made = Image.Exif()
    made[271], made[272], made[274] = "Canon", "Canon EOS 5D", orientation
    made.get_ifd(0x8769).update({37386: 35.8, 41989: 36, 42036: "EF35mm f/2"})
    return made


P3 = rgb_profile(b"curv" + bytes(4) + (1).to_bytes(4, "big") + (563).to_bytes(2, "big") + bytes(2), "wide")
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
XMP = xmp_packet({"exif:FocalLength": "50/1", "tiff:Model": "PENTAX K100D Super"}).encode()


def cut(data: bytes, share: float) -> bytes:
    return data[: int(share * len(data))]


def masked_gif() -> bytes:
    return saved("GIF", GRADIENT, "P", transparency=3)


FILES: dict[str, Callable[[], bytes]] = {
    "plain.png": lambda: png(GRADIENT),
    "sixteen_bits.png": lambda: png(GRADIENT.astype(np.uint16) * 257),
    "alpha.png": lambda: with_alpha("PNG"),
    "palette.png": lambda: saved("PNG", mode="P"),
    "transparent_palette.png": lambda: saved("PNG", mode="P", transparency=5),
    "bits.png": lambda: saved("PNG", mode="1"),
    "tagged.png": lambda: saved("PNG", exif=exif(6), icc_profile=P3),
    "cut.png": lambda: cut(png(np.random.default_rng(1).integers(0, 256, GRADIENT.shape, np.uint8)), 0.7),
    "plain.tif": lambda: saved("TIFF"),
    "lzw.tif": lambda: saved("TIFF", compression="tiff_lzw", exif=exif(8)),
    "packbits.tif": lambda: saved("TIFF", compression="packbits"),
    "deflate.tif": lambda: saved("TIFF", compression="tiff_adobe_deflate", icc_profile=P3),
    "alpha.tif": lambda: with_alpha("TIFF"),
    "palette.tif": lambda: saved("TIFF", mode="P"),
    "bits.tif": lambda: saved("TIFF", mode="1"),
    "cmyk.tif": lambda: saved("TIFF", mode="CMYK"),
    "sixteen_bits.tif": lambda: tiff(tags_of(TRUTH.astype(np.uint16), 2), [(TRUTH.astype("<u2") * 257).tobytes()]),
    "plain.bmp": lambda: saved("BMP"),
    "palette.bmp": lambda: saved("BMP", mode="P"),
    "bits.bmp": lambda: saved("BMP", mode="1"),
    "alpha.bmp": lambda: with_alpha("BMP"),
    "run_lengths.bmp": lambda: run_lengths(8),
    "run_lengths_of_four_bits.bmp": lambda: run_lengths(4),
    "plain.tga": lambda: saved("TGA"),
    "alpha.tga": lambda: with_alpha("TGA", compression="tga_rle"),
    "bits.tga": lambda: saved("TGA", mode="1"),
    "plain.ppm": lambda: saved("PPM"),
    "grey.pgm": lambda: saved("PPM", mode="L"),
    "light.hdr": lambda: radiance(light(TRUTH), is_packed=True),
    "plain.jpg": lambda: saved("JPEG", quality=90),
    "grey.jpg": lambda: saved("JPEG", mode="L", icc_profile=grey_profile(LINEAR)),
    "turned.jpg": lambda: saved("JPEG", exif=exif(6)),
    "turned_by_xmp.jpg": lambda: saved("JPEG", xmp=xmp_packet({"tiff:Orientation": "3"}).encode()),
    "lens_in_xmp.jpg": lambda: saved("JPEG", xmp=XMP),
    "wide.jpg": lambda: saved("JPEG", icc_profile=P3),
    "srgb.jpg": lambda: saved("JPEG", icc_profile=SRGB),
    "adobe.jpg": lambda: adobe_jpeg(65535, "R03"),
    "progressive.jpg": lambda: saved("JPEG", progressive=True),
    "cut_progressive.jpg": lambda: cut(saved("JPEG", progressive=True, quality=95), 0.8),
    "without_its_end.jpg": lambda: saved("JPEG")[:-2],
    "cmyk.jpg": lambda: saved("JPEG", mode="CMYK"),
    "two_pictures.mpo": lambda: saved("MPO", save_all=True, append_images=[Image.fromarray(255 - GRADIENT)]),
    "lossy.webp": lambda: saved("WEBP", quality=90, exif=exif(6), icc_profile=P3, xmp=XMP),
    "alpha.webp": lambda: with_alpha("WEBP", lossless=True, exact=True),
    "plain.gif": lambda: saved("GIF"),
    "transparent.gif": masked_gif,
    "plain.jp2": lambda: saved("JPEG2000"),
    "composite.psd": psd,
    "transparent.psd": lambda: psd(channels=4, layers=-1),
    "stored_selection.psd": lambda: psd(channels=4),
    "jpeg.tif": lambda: saved("TIFF", compression="jpeg"),
}


def run_lengths(bits: int) -> bytes:
    """Returns a BMP with runs, plain pixels, a jump and short rows."""
    codes = bytes([100, 0x11, 0, 0, 0, 3, 0x12, 0x23, 0x31, 0, 0, 0] if bits == 8 else [100, 0x12, 0, 0])
    codes = codes.replace(bytes([0, 3, 0x12, 0x23, 0x31, 0]), bytes([0, 4, 1, 2, 3, 2])) if bits == 8 else codes
    codes += bytes(
        [0, 2, 5, 1, 20, 0x22 if bits == 4 else 2, 0, 5, *((3, 2, 1, 3, 2, 0) if bits == 8 else (0x32, 0x13, 0x20, 0))]
    )
    codes += bytes([0, 0, 7, 1, 0, 1])
    palette = bytes([10, 20, 30, 0, 200, 100, 50, 0, 0, 255, 0, 0, 90, 90, 255, 0])
    start = 14 + 40 + len(palette)
    header = b"BM" + (start + len(codes)).to_bytes(4, "little") + bytes(4) + start.to_bytes(4, "little")
    info = np.array([40, 100, 30], "<i4").tobytes() + np.array([1, bits], "<u2").tobytes()
    info += np.array([1 if bits == 8 else 2, len(codes), 0, 0, 4, 0], "<i4").tobytes()
    return header + info + palette + codes


def stored_pixels(path: Path) -> NDArray[Any]:
    """Returns the values of a file as Blender hands them over: not turned upright, with RGB for CMYK and palettes."""
    data = path.read_bytes()
    # Blender's decoder fills what is missing, as Pillow's does at the end of the file.
    complete = data if data[:2] != b"\xff\xd8" or data.endswith(b"\xff\xd9") else data + b"\xff\xd9"
    with Image.open(io.BytesIO(complete)) as picture:
        if picture.mode in ("P", "PA") or (picture.mode == "RGB" and "transparency" in picture.info):
            return np.asarray(picture.convert("RGBA"))
        return np.asarray(picture.convert("RGB") if picture.mode in ("CMYK", "YCbCr") else picture)


@pytest.mark.parametrize("name", sorted(FILES))
def test_a_bare_process_reads_the_photo_that_pillow_reads(bare: Bare, tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(FILES[name]())
    values = stored_pixels(path) if needs_hand_over(path) else None
    assert (values is not None) == (
        path.suffix in (".jpg", ".mpo", ".webp", ".gif", ".jp2", ".psd") or name == "jpeg.tif"
    )
    told, arrays = bare.read(path, values)
    assert "error" not in told, told
    wanted = read_photo(path)
    assert arrays["pixels"].shape == wanted.pixels.shape
    assert np.abs(arrays["pixels"].astype(int) - wanted.pixels).max() <= 2
    assert told["has_mask"] == (wanted.mask is not None)
    assert wanted.mask is None or np.array_equal(arrays["mask"], wanted.mask)
    assert told["lens"] == json.loads(json.dumps(asdict(wanted.lens)))
    assert (told["notes"], told["digest"]) == (list(wanted.notes), wanted.digest)
    assert told["texture"] == (wanted.texture and wanted.texture[1])


@pytest.mark.parametrize("share", [0.4, 0.6, 0.9])
@pytest.mark.parametrize("subsampling", [0, 2])
def test_a_cut_jpeg_keeps_its_upper_rows(bare: Bare, tmp_path: Path, share: float, subsampling: int) -> None:
    noise = np.random.default_rng(5).integers(60, 200, (160, 120, 3), np.uint8)
    path = tmp_path / "cut.jpg"
    path.write_bytes(cut(saved("JPEG", noise, quality=90, subsampling=subsampling), share))
    told, arrays = bare.read(path, stored_pixels(path))
    wanted = read_photo(path)
    assert wanted.mask is not None and told["texture"] is None and "the upper" in told["notes"][0]
    assert abs(int(arrays["mask"].all(axis=1).sum()) - int(wanted.mask.all(axis=1).sum())) <= 16
    both = arrays["mask"] & wanted.mask
    assert np.array_equal(arrays["pixels"][both], wanted.pixels[both])


def test_openexr(bare: Bare, tmp_path: Path) -> None:
    library = pytest.importorskip("OpenEXR")
    values = light(TRUTH).astype(np.float32)
    alpha = np.ones(GREY.shape, np.float32)
    alpha[:, :9] = 0.0
    channels = dict(zip("RGBA", np.moveaxis(np.dstack([values * alpha[..., None], alpha]), 2, 0).copy(), strict=True))
    header = {"compression": library.ZIP_COMPRESSION, "type": library.scanlineimage}
    header["chromaticities"] = (0.708, 0.292, 0.17, 0.797, 0.131, 0.046, 0.3127, 0.329)
    stored = np.dstack([channels[name] for name in "RGBA"])
    library.File(header, channels).write(str(tmp_path / "a.exr"))
    told, arrays = bare.read(tmp_path / "a.exr", stored)
    wanted = read_photo(tmp_path / "a.exr")
    assert wanted.mask is not None and np.array_equal(arrays["mask"], wanted.mask)
    assert np.abs(arrays["pixels"].astype(int) - wanted.pixels).max() <= 1 and told["notes"] == list(wanted.notes)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.jpg", saved("JPEG"), "JPEG files need the package Pillow"),
        ("a.webp", saved("WEBP"), "WebP files need the package Pillow"),
        ("a.gif", saved("GIF"), "GIF files need the package Pillow"),
        ("a.jp2", saved("JPEG2000"), "JPEG 2000 files need the package Pillow"),
        ("a.psd", psd(), "Photoshop files need the package Pillow"),
        ("a.tif", saved("TIFF", compression="jpeg"), "TIFF files"),
        ("a.heic", b"\0\0\0\x18ftypheic" + bytes(40), "HEIC files need the package pillow-heif"),
        ("a.avif", b"\0\0\0\x18ftypavif" + bytes(40), "AVIF files need the package Pillow"),
        ("a.exr", exr_header((9, 9)), "EXR files of this compression need the package OpenEXR"),
        ("a.jxl", b"\xff\x0a" + b"\xff" * 40, "JPEG XL files need the package pillow-jxl-plugin"),
        ("a.txt", b"Dear diary", "is not a photo that can be read"),
        ("b.jpg", b"Dear diary", "is not a photo that can be read"),
    ],
)
def test_what_is_not_read_says_what_would_read_it(
    bare: Bare, tmp_path: Path, name: str, content: bytes, words: str
) -> None:
    (tmp_path / name).write_bytes(content)
    told, _ = bare.read(tmp_path / name)
    assert words in told["error"] and "\n" not in told["error"]
    if "package" in words:
        assert "Install" in told["error"] and "--install" in told["error"]


def test_the_child_process_is_bare(bare: Bare, tmp_path: Path) -> None:
    """Without this, a Pillow that the child finds would make all tests above vain."""
    site = bare.folder / "site"
    code = "import sys; sys.path.insert(0, sys.argv[1]); import numpy; import PIL"
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code, str(site)], capture_output=True, text=True, check=False
    )
    assert "No module named 'PIL'" in done.stderr


def test_pixels_are_the_same_with_and_without_pillow_for_a_damaged_file(bare: Bare, tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(cut(png(GRADIENT), 0.1))
    told, _ = bare.read(path)
    with pytest.raises(Mono3DError) as caught:
        read_photo(path)
    assert told["error"] == str(caught.value)
