# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads weights files of the format safetensors with numpy alone.

Such a file has eight bytes of length, then a JSON object with dtype, shape and place of each tensor, then their
numbers: nothing in it can run.
"""

from __future__ import annotations

import json
import math
import mmap
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.arrays import Floats
from ..errors import Mono3DError

_LENGTH_BYTES = 8
_MOST_HEADER_BYTES = 100_000_000
"""The format's own limit."""
_METADATA = "__metadata__"
_TYPES = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "<u2"}
"""Floating-point types, and how numpy reads them. Networks learn no others."""


def is_safetensors(path: Path) -> bool:
    """Returns, by its content, whether a file is of the format safetensors. Raises OSError when it cannot be read."""
    with path.open("rb") as stream:
        # torch's files begin with "PK" or a pickle's opcode.
        return stream.read(_LENGTH_BYTES + 1)[_LENGTH_BYTES:] == b"{"


def read(path: Path, remedy: str = "choose another file") -> dict[str, Floats]:
    """Returns the floating-point tensors of a safetensors file by name, converted to float32.

    Raises Mono3DError, with the `remedy` at the end of its sentence, when the file cannot be read, is damaged or of
    another format.
    """
    try:
        with path.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as content:
            return _tensors(content)
    except OSError as error:
        raise Mono3DError(f"The weights file {path} cannot be read ({error.strerror or error}); {remedy}.") from error
    # An empty file cannot be mapped; headers of damaged files are not JSON, or not of the expected kinds.
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError, OverflowError) as error:
        raise Mono3DError(
            f"The weights file {path} cannot be read: it is damaged, or not of the format safetensors, the only one "
            f"that is read without torch; {remedy}."
        ) from error


def _tensors(content: mmap.mmap) -> dict[str, Floats]:
    length = int.from_bytes(content[:_LENGTH_BYTES], "little")
    start = _LENGTH_BYTES + length
    if length > min(_MOST_HEADER_BYTES, len(content) - _LENGTH_BYTES):
        raise ValueError("the header is longer than the file")
    header = json.loads(content[_LENGTH_BYTES:start])
    entries = [(name, entry) for name, entry in header.items() if name != _METADATA]
    return {name: _tensor(content, start, entry) for name, entry in entries if entry["dtype"] in _TYPES}


def _tensor(content: mmap.mmap, start: int, entry: dict[str, Any]) -> Floats:
    """Returns a copy of a tensor, whose place counts from the `start` of the numbers."""
    stored = np.dtype(_TYPES[entry["dtype"]])
    begin, end = entry["data_offsets"]
    shape = tuple(entry["shape"])
    if not all(type(number) is int and number >= 0 for number in (begin, end, *shape)):
        raise ValueError("sizes are natural numbers")
    count = math.prod(shape)
    if end - begin != count * stored.itemsize or end > len(content) - start:
        raise ValueError("the numbers do not fill their place")
    values: NDArray[Any] = np.frombuffer(content, stored, count, start + begin)
    if entry["dtype"] == "BF16":
        # The upper half of a float32.
        return (values.astype(np.uint32) << 16).view(np.float32).reshape(shape)
    return values.astype(np.float32).reshape(shape)
