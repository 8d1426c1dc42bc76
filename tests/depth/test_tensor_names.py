# SPDX-License-Identifier: GPL-3.0-or-later
"""Telling files of torch's without torch and without running them."""

from __future__ import annotations

import io
import pickle
import zipfile
from pathlib import Path

import pytest

from mono3d_addon.depth import tensor_names
from mono3d_addon.depth.catalogue import MODELS
from mono3d_addon.depth.model import Model
from tests.checkpoint_file import checkpoint

NAMES = ("backbone.weight", "head.bias")
WHOLE = checkpoint(NAMES, 5000)


def fault(path: Path, content: bytes, names: tuple[str, ...] = NAMES) -> str:
    path.write_bytes(content)
    return tensor_names.fault_of(path, names)


def packed(pickled: bytes, beside: bytes = b"", kind: int = zipfile.ZIP_STORED) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", kind) as archive:
        archive.writestr("archive/data.pkl", pickled)
        archive.writestr("archive/data/0", beside)
    return made.getvalue()


def test_a_whole_file_with_its_tensors(tmp_path: Path) -> None:
    assert fault(tmp_path / "w.pt", WHOLE) == ""
    assert fault(tmp_path / "w.pt", WHOLE, (*NAMES, "other.bias")) == "it has no tensor 'other.bias'"


@pytest.mark.parametrize("place", [60, 2500, 4990], ids=["names", "numbers", "directory"])
def test_a_single_changed_byte(tmp_path: Path, place: int) -> None:
    changed = bytearray(WHOLE)
    changed[place] ^= 1
    assert fault(tmp_path / "w.pt", bytes(changed))


def test_a_mixture_of_two_files_of_the_same_tensors(tmp_path: Path) -> None:
    assert "damaged" in fault(tmp_path / "w.pt", WHOLE[:2500] + checkpoint(NAMES, 5000, seed=1)[2500:])


@pytest.mark.parametrize(
    "content",
    [
        bytes(5000),
        b"",
        b"<html>Please log in</html>",
        packed(b""),
        packed(b"\x80\x02X\xff\xff\xff\x7f"),
        packed(b"(" * 5000),
        packed(pickle.dumps(dict.fromkeys(NAMES)), bytes(10_000_000), zipfile.ZIP_DEFLATED),
    ],
    ids=["zeros", "nothing", "a page", "no pickle", "a word without end", "marks", "a bomb"],
)
def test_files_of_another_kind(tmp_path: Path, content: bytes) -> None:
    assert "damaged" in fault(tmp_path / "w.pt", content)


def test_nothing_in_it_is_run(tmp_path: Path) -> None:
    class Hostile:
        def __reduce__(self) -> tuple[object, ...]:
            return Path.touch, (tmp_path / "was here",)

    pickled = pickle.dumps({**dict.fromkeys(NAMES), "c": Hostile()})
    assert fault(tmp_path / "w.pt", packed(pickled)) == ""
    assert not (tmp_path / "was here").exists()


def test_a_file_that_cannot_be_opened(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="directory"):
        tensor_names.fault_of(tmp_path, NAMES)


@pytest.mark.torch
@pytest.mark.parametrize("is_zip", [True, False], ids=["zip", "oldest"])
def test_what_torch_writes(tmp_path: Path, is_zip: bool) -> None:
    torch = pytest.importorskip("torch")
    path = tmp_path / "w.pt"
    torch.save({name: torch.ones(300) for name in NAMES}, path, _use_new_zipfile_serialization=is_zip)
    assert tensor_names.fault_of(path, NAMES) == ""
    assert tensor_names.fault_of(path, ["other.bias"])


@pytest.mark.parametrize("model", [row for row in MODELS.values() if row.known_by], ids=lambda row: row.name)
def test_the_published_files_have_these_tensors(model: Model) -> None:
    pytest.importorskip("torch")
    from tests.depth import reference

    assert set(model.known_by) <= set(reference.description(model.name)["keys"])
