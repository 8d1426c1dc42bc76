# SPDX-License-Identifier: GPL-3.0-or-later
"""Has a program of the system decode the picture files that a worker without Pillow cannot (see `photo.hand_over`).

The program gets the file on its standard input, so that no name is taken for an option, a pattern or an address, and
writes plain pixels to its output; sips takes full paths only. It runs without a shell, with limits of time, memory and
output.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..core.photo.damage import Damaged
from ..core.photo.format_names import name_of
from ..core.photo.hand_over import named_pictures, needs_hand_over
from ..core.photo.stated_size import check_size, stated_size
from ..errors import Mono3DError
from ..settings import Settings

if TYPE_CHECKING:
    from numpy.typing import NDArray

_SECONDS = 120
_MOST_MEMORY = 6 * 2**30
_MOST_PIXEL_BYTES = 8
_HEADER = 4096
_LIMITED = """\
import os, sys
try:
    import resource
    for kind, most in ((resource.RLIMIT_AS, int(sys.argv[1])), (resource.RLIMIT_FSIZE, int(sys.argv[2]))):
        resource.setrlimit(kind, (most, most))
except (ImportError, OSError, ValueError):
    pass
os.execv(sys.argv[3], sys.argv[3:])
"""
"""Replaces itself with the program, which inherits the limits. Windows has none, and macOS not all of them."""

_SOURCE, _TARGET = "{source}", "{target}"
_PNM = re.compile(rb"(P[56])\s+(?:#[^\n]*\n)*(\d{1,7})\s+(\d{1,7})\s+(\d{1,5})\s")
_PAM = re.compile(rb"P7\n(.{1,400}?)ENDHDR\n", re.DOTALL)
_CHANNELS = {"GRAYSCALE": 1, "GRAYSCALE_ALPHA": 2, "RGB": 3, "RGB_ALPHA": 4}
_MAGICK_FORMATS = {"JPEG": "jpeg", "WebP": "webp", "GIF": "gif", "Photoshop": "psd", "JPEG 2000": "jp2"}
_FFMPEG_FORMATS = {"JPEG": "jpeg_pipe", "WebP": "webp_pipe", "GIF": "gif"}


@dataclass(frozen=True)
class Tool:
    """A program that decodes pictures.

    name       of its file
    arguments  returns what it is called with for a format of `format_names.name_of`; nothing if it does not decode that
    has_paths  whether it takes the paths of the file and of what it writes, in the place of `_SOURCE` and `_TARGET`
    """

    name: str
    arguments: Callable[[str], Sequence[str]]
    has_paths: bool = False


def _djpeg(kind: str) -> Sequence[str]:
    return ("-pnm",) if kind == "JPEG" else ()


def _magick(kind: str) -> Sequence[str]:
    form = _MAGICK_FORMATS.get(kind)
    if form is None:
        return ()
    limits = ("-limit", "memory", "2GiB", "-limit", "map", "2GiB", "-limit", "disk", "2GiB")
    # Its first picture; without a colour space it would write the inks of CMYK.
    depth = "16" if kind == "JPEG 2000" else "8"
    return (*limits, f"{form}:-[0]", "-colorspace", "sRGB", "-depth", depth, "pam:-")


def _ffmpeg(kind: str) -> Sequence[str]:
    form = _FFMPEG_FORMATS.get(kind)
    if form is None:
        return ()
    source = ("-protocol_whitelist", "pipe", "-f", form, "-noautorotate", "-i", "pipe:0")
    exact = ("-sws_flags", "bicubic+accurate_rnd+full_chroma_int")
    layout = "rgb24" if kind == "JPEG" else "rgba"
    target = ("-frames:v", "1", "-c:v", "pam", "-pix_fmt", layout, "-f", "image2pipe", "pipe:1")
    return ("-nostdin", "-v", "error", *source, *exact, *target)


def _sips(kind: str) -> Sequence[str]:
    return ("-s", "format", "png", _SOURCE, "--out", _TARGET) if kind in _MAGICK_FORMATS else ()


# On Windows `convert` is a program for file systems.
TOOLS = (
    Tool("djpeg", _djpeg),
    Tool("magick", _magick),
    *(() if os.name == "nt" else (Tool("convert", _magick),)),
    Tool("ffmpeg", _ffmpeg),
    Tool("sips", _sips, has_paths=True),
)
"""In order of preference: djpeg gives the pixels that Pillow gives."""


def for_job(photo: Path, settings: Settings, folder: Path, tools: Sequence[Tool] = TOOLS) -> Mapping[str, str]:
    """Returns the key `decoded` of a request for `photo`: {path of a picture file: path of its .npy in `folder`}.

    Raises Mono3DError if a file is too large, or no program decodes it.
    """
    return {
        str(path): str(_decoded(path, settings.max_pixels, folder, tools))
        for path in named_pictures(photo, settings)
        if needs_hand_over(path)
    }


def _decoded(path: Path, max_pixels: float, folder: Path, tools: Sequence[Tool]) -> Path:
    size = stated_size(path)
    if size is not None:
        check_size(path, size, max_pixels)
    with path.open("rb") as file:
        kind = name_of(file.read(64)) or path.suffix.lstrip(".").upper()
    usable = [(tool, place) for tool in tools if tool.arguments(kind) and (place := shutil.which(tool.name))]
    if not usable:
        programs = " or ".join(tool.name for tool in tools if tool.arguments(kind))
        raise Mono3DError(
            f"'{path.name}' cannot be decoded here: {kind} files need the package Pillow"
            f"{f', or one of the programs {programs}' if programs else ''}; add --install, or save it as PNG."
        )
    most = (int(max_pixels * 1e6) if size is None else size[0] * size[1]) * _MOST_PIXEL_BYTES + _HEADER
    reason = ""
    for tool, place in usable:
        with tempfile.TemporaryDirectory(dir=folder) as scratch:
            output = Path(scratch) / "pixels.png"
            reason = _run(path.absolute(), tool, place, tool.arguments(kind), most, output) or reason
            values = _values(output, path, max_pixels)
            if values is not None and size in (None, (values.shape[1], values.shape[0])):
                return _stored(values, folder)
    names = ", ".join(tool.name for tool, _ in usable)
    raise Mono3DError(f"'{path.name}' cannot be decoded by {names} ({reason or 'no picture'}); copy it again.")


def _run(path: Path, tool: Tool, place: str, arguments: Sequence[str], most_output: int, output: Path) -> str:
    """Has a program write the pixels of a file to `output`; returns what it complains about, empty if it does not."""
    words = {_SOURCE: str(path), _TARGET: str(output)}
    command = [place, *(words.get(word, word) for word in arguments)]
    if os.name == "posix":
        command = [sys.executable, "-I", "-S", "-c", _LIMITED, str(_MOST_MEMORY), str(most_output), *command]
    try:
        with path.open("rb") as file, output.open("wb") as target:
            done = subprocess.run(
                command,
                stdin=subprocess.DEVNULL if tool.has_paths else file,
                stdout=subprocess.DEVNULL if tool.has_paths else target,
                stderr=subprocess.PIPE,
                timeout=_SECONDS,
                check=False,
            )
    except subprocess.TimeoutExpired:
        return f"it took more than {_SECONDS} seconds"
    except OSError as error:
        return error.strerror or str(error)
    lines = done.stderr.decode("utf-8", "replace").strip().splitlines()
    return lines[0][:200] if lines else f"code {done.returncode}" if done.returncode else ""


def _values(output: Path, path: Path, max_pixels: float) -> NDArray[Any] | None:
    """Returns the pixels in what a program wrote, (h, w) or (h, w, c); None if they are not complete.

    Raises Mono3DError if they are more than `max_pixels` megapixels.
    """
    from ..core.photo import png_file

    data = output.read_bytes()
    if data.startswith(png_file.SIGNATURE):
        try:
            check_size(path, png_file.size_of(data), max_pixels)
            return png_file.stored_values(png_file.parse(data))
        except Damaged:
            return None
    return _plain_values(data)


def _plain_values(data: bytes) -> NDArray[Any] | None:
    """Returns the pixels of a binary PGM, PPM or PAM file; None if it is another file, or not complete."""
    import numpy as np

    start = data[:_HEADER]
    found: re.Match[bytes] | None
    if found := _PNM.match(start):
        width, height, most = (int(found[number]) for number in (2, 3, 4))
        channels = 3 if found[1] == b"P6" else 1
    elif found := _PAM.match(start):
        words = dict(line.partition(" ")[::2] for line in found[1].decode("ascii", "replace").splitlines())
        try:
            width, height, depth, most = (int(words[name]) for name in ("WIDTH", "HEIGHT", "DEPTH", "MAXVAL"))
        except (KeyError, ValueError):
            return None
        channels = _CHANNELS.get(words.get("TUPLTYPE", "").strip(), 0)
        if channels != depth:
            return None
    if found is None or most not in (255, 65535) or min(width, height) < 1:
        return None
    dtype = np.dtype(np.uint8 if most == 255 else ">u2")
    if len(data) < found.end() + width * height * channels * dtype.itemsize:
        return None
    values = np.frombuffer(data, dtype, width * height * channels, found.end()).reshape(height, width, channels)
    return values[..., 0] if channels == 1 else values


def _stored(values: NDArray[Any], folder: Path) -> Path:
    import numpy as np

    handle, name = tempfile.mkstemp(".npy", "pixels-", folder)
    with os.fdopen(handle, "wb") as file:
        # With the byte order of this machine.
        np.save(file, values.astype(np.uint8 if values.dtype == np.uint8 else np.uint16), allow_pickle=False)
    return Path(name)
