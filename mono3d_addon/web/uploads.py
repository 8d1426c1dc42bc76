# SPDX-License-Identifier: GPL-3.0-or-later
"""Receives an upload: stores the parts of a multipart form on disk and checks their type and size."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from python_multipart.multipart import parse_options_header
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request

from . import samples, sniff
from .downloads import clean_name
from .form import read_object
from .refusal import Refusal

_FILES = ("photo", "mask", "depth")
_TEXTS = ("sample", "settings", "preset")
_MOST_TEXT = 64 * 1024


class _Parser(MultiPartParser):
    """Keeps little of each upload in memory, because many may arrive at once."""

    spool_max_size = 64 * 1024


@dataclass
class Upload:
    """What a visitor sent: paths of the files, with suffixes that fit their content, and the settings.

    `name` is the photo's file name, for display only; the stored files have fixed names.
    """

    name: str
    photo: Path
    mask: Path | None = None
    depth: Path | None = None
    settings: dict[str, Any] = field(default_factory=dict)
    preset: str = "balanced"


@contextlib.asynccontextmanager
async def received(request: Request, folder: Path, max_pixels: float) -> AsyncIterator[Upload]:
    """Yields the upload, with its files moved to a new folder in the existing `folder`.

    Raises Refusal: 400 for a malformed form, 413 for too many pixels, 415 for files of other types.
    """
    kind, options = parse_options_header(request.headers.get("content-type", ""))
    if kind != b"multipart/form-data":
        raise Refusal(400, "Send a form of the type multipart/form-data with the field 'photo' or 'sample'.")
    # The parser would decode with any codec of Python, some of which take seconds for a few kilobytes.
    if options.get(b"charset", b"utf-8").lower() not in (b"utf-8", b"utf8"):
        raise Refusal(400, "The form cannot be read; send it in UTF-8.")
    try:
        parser = _Parser(
            request.headers,
            request.stream(),
            max_files=len(_FILES),
            max_fields=len(_TEXTS),
            max_part_size=_MOST_TEXT,
        )
        form = await parser.parse()
    except MultiPartException as error:
        raise Refusal(400, f"The form cannot be read ({error.message.rstrip('.')}).") from error
    try:
        unknown = [name for name in form if name not in (*_FILES, *_TEXTS)]
        if unknown:
            raise Refusal(400, "The form may only have the fields photo, sample, mask, depth, settings and preset.")
        twice = [name for name in form if len(form.getlist(name)) > 1]
        if twice:
            raise Refusal(400, f"The form has the field '{twice[0]}' more than once; send one photo at a time.")
        files = {name: part for name in _FILES if isinstance(part := form.get(name), UploadFile)}
        texts = {name: part for name in _TEXTS if isinstance(part := form.get(name), str)}
        # A folder of its own, because the worker writes images of the same names beside it.
        own = folder / "upload"
        own.mkdir(mode=0o700)
        yield await asyncio.to_thread(_taken, files, texts, own, max_pixels)
    finally:
        await form.close()


def _taken(files: dict[str, UploadFile], texts: dict[str, str], folder: Path, max_pixels: float) -> Upload:
    settings = read_object(texts.get("settings") or "{}", "The field 'settings'")
    preset = texts.get("preset") or "balanced"
    sample = texts.get("sample", "")
    if sample and samples.path_of(sample) is None:
        raise Refusal(400, "There is no such sample photo; /api/about lists them.")
    if "photo" in files:
        name = clean_name(files["photo"].filename or "")
        photo = _stored(files["photo"], folder / "photo")
    elif found := samples.path_of(sample):
        name = found.name
        settings = samples.settings_of(sample, settings)
        photo = folder / "photo"
        shutil.copyfile(found, photo)
    else:
        raise Refusal(400, "The form needs the field 'photo' with a file, or 'sample' with the name of a sample photo.")
    upload = Upload(name, _checked_picture(photo, f"'{name}'", max_pixels), settings=settings, preset=preset)
    if "mask" in files:
        upload.mask = _checked_picture(_stored(files["mask"], folder / "mask"), "The mask", max_pixels)
    if "depth" in files:
        depth = _stored(files["depth"], folder / "depth")
        ending = sniff.depth_ending(depth)
        if ending is None:
            raise Refusal(415, "The depth map has an unsupported format; use PNG, TIFF, EXR, NPY or PFM.")
        upload.depth = depth.rename(depth.with_suffix(ending))
    return upload


def _stored(part: UploadFile, path: Path) -> Path:
    with path.open("xb") as file:
        part.file.seek(0)
        shutil.copyfileobj(part.file, file, 1 << 20)
    return path


def _checked_picture(path: Path, subject: str, max_pixels: float) -> Path:
    """Returns the new path of an image; `subject` begins the sentence of a refusal."""
    if path.stat().st_size == 0:
        raise Refusal(415, f"{subject} is empty (0 bytes); choose another file.")
    ending = sniff.photo_ending(path)
    if ending is None:
        raise Refusal(415, f"{subject} is not a photo that can be read; use JPEG, PNG, HEIC or TIFF.")
    size = sniff.size(path)
    if size is not None and size[0] * size[1] > max_pixels * 1e6:
        raise Refusal(
            413,
            f"{subject} has {size[0]} x {size[1]} pixels, more than the limit of {max_pixels:g} megapixels; "
            "make it smaller.",
        )
    return path.rename(path.with_suffix(ending))
