# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading safetensors with numpy: every type of number, damaged and hostile files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from mono3d_addon.depth import tensor_file
from mono3d_addon.depth.catalogue import BUNDLED_FOLDER
from mono3d_addon.errors import Mono3DError

VALUES = np.array([[0.0, -1.5, 2.0], [0.25, 1024.0, -0.0078125]], dtype=np.float32)
"""Numbers that every floating-point type holds exactly."""


def stored(kind: str) -> bytes:
    """Returns VALUES as the format stores them."""
    if kind == "BF16":
        return (VALUES.view(np.uint32) >> 16).astype("<u2").tobytes()
    return VALUES.astype({"F64": "<f8", "F32": "<f4", "F16": "<f2"}[kind]).tobytes()


def write(path: Path, header: Any, numbers: bytes, *, length: int | None = None) -> Path:
    """Writes a file with this header, of the `length` that it claims."""
    text = json.dumps(header).encode()
    path.write_bytes((len(text) if length is None else length).to_bytes(8, "little") + text + numbers)
    return path


def entry(kind: str = "F32", shape: Any = (2, 3), offsets: Any = (0, 24)) -> dict[str, Any]:
    return {"dtype": kind, "shape": shape, "data_offsets": offsets}


@pytest.mark.parametrize("kind", ["F64", "F32", "F16", "BF16"])
def test_every_type_becomes_float32(tmp_path: Path, kind: str) -> None:
    numbers = stored(kind)
    # Behind another tensor, so that the place counts, and with notes, as writers put them there.
    header = {
        "__metadata__": {"format": "pt"},
        "first": entry("F32", (1,), (0, 4)),
        "a.b": entry(kind, (2, 3), (4, 4 + len(numbers))),
        "counter": entry("I64", (), (4, 12)),
    }
    found = tensor_file.read(write(tmp_path / "w.safetensors", header, b"\0\0\0\0" + numbers))
    assert set(found) == {"first", "a.b"}
    assert found["a.b"].dtype == np.float32 and np.array_equal(found["a.b"], VALUES)


def test_the_bundled_file_is_as_the_library_reads_it() -> None:
    library = pytest.importorskip("safetensors.numpy")
    path = BUNDLED_FOLDER / "starter.safetensors"
    expected: dict[str, NDArray[Any]] = library.load_file(path)
    found = tensor_file.read(path)
    assert set(found) == set(expected)
    for name, values in expected.items():
        assert found[name].dtype == np.float32 and np.array_equal(found[name], values.astype(np.float32)), name


def test_nothing_keeps_the_file_open(tmp_path: Path) -> None:
    path = write(tmp_path / "w.safetensors", {"a": entry()}, stored("F32"))
    found = tensor_file.read(path)
    path.write_bytes(b"")
    assert np.array_equal(found["a"], VALUES)


@pytest.mark.parametrize(
    "header",
    [
        [],
        "text",
        {"a": 3},
        {"a": {}},
        {"a": {**entry(), "dtype": ["F32"]}},
        {"a": entry(shape=(2, 4))},
        {"a": entry(shape=(-2, -3))},
        {"a": entry(shape=(2.0, 3.0))},
        {"a": entry(shape=(True, 6))},
        {"a": entry(shape=3)},
        {"a": entry(shape=(2**62, 2**62, 0), offsets=(10**30, 10**30))},
        {"a": entry(shape=(2**62, 2**62))},
        {"a": entry(offsets=(4, 28))},
        {"a": entry(offsets=(-24, 0))},
        {"a": entry(offsets=(24, 0))},
        {"a": entry(offsets=(0, 10**30))},
        {"a": entry(offsets=(0,))},
        {"a": entry(offsets=None)},
    ],
)
def test_a_hostile_header_is_a_sentence(tmp_path: Path, header: Any) -> None:
    path = write(tmp_path / "w.safetensors", header, stored("F32"))
    with pytest.raises(Mono3DError, match=r"w\.safetensors cannot be read: it is damaged, .*; buy another\.$"):
        tensor_file.read(path, "buy another")


@pytest.mark.parametrize("length", [0, 1, 10**6, 2**63, 2**64 - 1])
def test_a_wrong_length_is_a_sentence(tmp_path: Path, length: int) -> None:
    path = write(tmp_path / "w.safetensors", {"a": entry()}, stored("F32"), length=length)
    with pytest.raises(Mono3DError, match="it is damaged"):
        tensor_file.read(path)


@pytest.mark.parametrize("content", [b"", b"hello", b"PK\x03\x04" * 9, b"\0" * 100, b"[" * 10**6, b"\xff" * 8 + b"{}"])
def test_files_of_another_kind(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "w.pt"
    path.write_bytes(content)
    with pytest.raises(Mono3DError, match="not of the format safetensors, the only one that is read without torch"):
        tensor_file.read(path)


def test_deep_nesting_is_a_sentence(tmp_path: Path) -> None:
    path, text = tmp_path / "w.safetensors", b"[" * 200_000
    path.write_bytes(len(text).to_bytes(8, "little") + text)
    with pytest.raises(Mono3DError, match="it is damaged"):
        tensor_file.read(path)


def test_a_missing_file_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(Mono3DError, match=r"none\.safetensors cannot be read \(No such file"):
        tensor_file.read(tmp_path / "none.safetensors")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_damage_gives_a_sentence_or_tensors(tmp_path: Path, data: st.DataObject) -> None:
    header = {"a": entry(), "b": entry("F16", (3, 2), (24, 36))}
    path = write(tmp_path / "w.safetensors", header, stored("F32") + bytes(12))
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(content[: data.draw(st.integers(0, len(content)))])
    try:
        found = tensor_file.read(path)
    except Mono3DError:
        return
    assert all(tensor.dtype == np.float32 for tensor in found.values())
