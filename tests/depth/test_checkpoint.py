# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading weights files: right, damaged, hostile ones."""

from __future__ import annotations

import pickle
import shutil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

torch = pytest.importorskip("torch")

from mono3d_addon.depth import checkpoint, loading  # noqa: E402
from mono3d_addon.depth.catalogue import BUNDLED_FOLDER, MODELS  # noqa: E402
from mono3d_addon.errors import Mono3DError  # noqa: E402
from tests.depth import reference  # noqa: E402

pytestmark = pytest.mark.torch

TENSORS = {"a.weight": torch.arange(6.0).reshape(2, 3), "b.bias": torch.ones(3, dtype=torch.half)}


class Hostile:
    """Makes a file when it is unpickled."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.target,)


def assert_same(found: dict[str, Any]) -> None:
    assert set(found) == set(TENSORS)
    for name, tensor in TENSORS.items():
        assert torch.equal(found[name], tensor) and found[name].dtype == tensor.dtype


@pytest.mark.parametrize(
    "wrap", [lambda x: x, lambda x: {"model": x, "optimizer": {"step": 3}}, lambda x: {"state_dict": x}]
)
@pytest.mark.parametrize("is_zip", [True, False], ids=["zip", "oldest"])
def test_torch_files(tmp_path: Path, wrap: Any, is_zip: bool) -> None:
    path = tmp_path / "w.pt"
    torch.save(wrap(TENSORS), path, _use_new_zipfile_serialization=is_zip)
    assert_same(checkpoint.read(path).tensors)


def test_safetensors_are_known_by_their_content(tmp_path: Path) -> None:
    from safetensors.torch import save_file

    path = tmp_path / "renamed.pt"
    save_file(TENSORS, path)
    assert_same(checkpoint.read(path).tensors)


@pytest.mark.parametrize("form", ["zip", "oldest", "plain pickle", "beside tensors"])
def test_hostile_pickles_run_nothing(tmp_path: Path, form: str) -> None:
    path, target = tmp_path / "w.pt", tmp_path / "was here"
    hostile = Hostile(target)
    if form == "plain pickle":
        path.write_bytes(pickle.dumps(hostile))
    else:
        content = {**TENSORS, "c": hostile} if form == "beside tensors" else hostile
        torch.save(content, path, _use_new_zipfile_serialization=form != "oldest")
    # The file is able to do harm: read carelessly, it does.
    if form == "plain pickle":
        pickle.loads(path.read_bytes())
    else:
        torch.load(path, weights_only=False)
    assert target.exists()
    target.unlink()
    with pytest.raises(Mono3DError, match="nothing in it was run"):
        checkpoint.read(path)
    assert not target.exists()


@pytest.mark.parametrize(
    "content", [b"", b"hello", b"PK\x03\x04", b"\x80\x02.", b"\0" * 100, b"\xff" * 8 + b"{}", b"12345678{}"]
)
def test_files_of_another_kind(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "w.pt"
    path.write_bytes(content)
    with pytest.raises(Mono3DError, match=r"weights file .*w\.pt"):
        checkpoint.read(path)


@pytest.mark.parametrize("content", [[1, 2], {"a": 1}, {"a": [TENSORS["a.weight"]]}, {1: TENSORS["a.weight"]}, "text"])
def test_torch_files_without_a_networks_tensors(tmp_path: Path, content: Any) -> None:
    path = tmp_path / "w.pt"
    torch.save(content, path)
    with pytest.raises(Mono3DError, match="does not hold the tensors of a network"):
        checkpoint.read(path)


@pytest.mark.parametrize("share", [0.0, 0.0001, 0.1, 0.5, 0.999999])
def test_truncated_starter(tmp_path: Path, share: float) -> None:
    content = (BUNDLED_FOLDER / "starter.safetensors").read_bytes()
    path = tmp_path / "own.safetensors"
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(Mono3DError, match="cannot be read"):
        loading.network(MODELS["starter"], path, None)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data(), st.sampled_from(["zip", "oldest", "safetensors"]))
def test_damaged_files_give_a_sentence_or_tensors(tmp_path: Path, data: st.DataObject, form: str) -> None:
    path = tmp_path / "w.pt"
    if form == "safetensors":
        from safetensors.torch import save_file

        save_file(TENSORS, path)
    else:
        torch.save(TENSORS, path, _use_new_zipfile_serialization=form == "zip")
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(content[: data.draw(st.integers(0, len(content)))])
    try:
        found = checkpoint.read(path)
    except Mono3DError:
        return
    assert all(isinstance(tensor, torch.Tensor) for tensor in found.tensors.values())


def test_a_damaged_file_says_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "midas_v21_small_256.pt"
    path.write_bytes(bytes(100))
    with pytest.raises(Mono3DError) as caught:
        loading.network(MODELS["midas_v21_small_256"], path, None)
    for word in ("damaged", "download it again", MODELS["midas_v21_small_256"].address):
        assert word in str(caught.value)
    assert str(caught.value).count(". ") == 0 and str(caught.value).endswith(".")


def test_a_file_that_cannot_be_opened_is_not_called_damaged(tmp_path: Path) -> None:
    with pytest.raises(Mono3DError, match=r"cannot be read \(Is a directory\)") as caught:
        checkpoint.read(tmp_path)
    assert "damaged" not in str(caught.value)


@pytest.mark.parametrize("name", ["a\n\x1b[31mred", "a" * 5000])
def test_names_in_hostile_files_are_told_in_brief(tmp_path: Path, name: str) -> None:
    path = tmp_path / "own.pt"
    torch.save({**reference.state_dict("midas_v21_small_256"), name: torch.ones(3)}, path)
    with pytest.raises(Mono3DError, match="unknown") as caught:
        loading.network(MODELS["midas_v21_small_256"], path, None)
    told = str(caught.value)
    assert told.isprintable() and name[:1] in told and len(told) < 400 + len(str(path))


@pytest.mark.parametrize("form", ["sparse", "compressed", "meta", "nested"])
def test_tensors_that_are_no_plain_numbers(tmp_path: Path, form: str) -> None:
    path = tmp_path / "own.pt"
    tensors = reference.state_dict("midas_v21_small_256")
    name = "scratch.output_conv.4.weight"
    made = {
        "sparse": lambda: tensors[name].to_sparse(),
        "compressed": lambda: tensors[name].reshape(1, -1).to_sparse_csr(),
        "meta": lambda: tensors[name].to("meta"),
        "nested": lambda: torch.nested.nested_tensor([tensors[name][0]]),
    }
    tensors[name] = made[form]()
    torch.save(tensors, path)
    with pytest.raises(Mono3DError, match=r"own\.pt"):
        loading.network(MODELS["midas_v21_small_256"], path, None)


def test_weights_of_another_model(tmp_path: Path) -> None:
    other = tmp_path / "other.safetensors"
    shutil.copy(BUNDLED_FOLDER / "starter.safetensors", other)
    with pytest.raises(Mono3DError, match=r"does not belong to the model 'midas_v21_small_256' \(.* more missing\)"):
        loading.network(MODELS["midas_v21_small_256"], other, None)


def test_a_published_file_from_disk(tmp_path: Path) -> None:
    path = tmp_path / "midas_v21_small_256.pt"
    torch.save(reference.state_dict("midas_v21_small_256"), path)
    network = loading.network(MODELS["midas_v21_small_256"], path, None)
    expected = reference.outputs("midas_v21_small_256")[128, 256]
    with torch.inference_mode():
        disparity = network(reference.picture(128, 256))[0][0].numpy()
    assert abs(disparity[::4, ::4] - expected).max() < 3e-5 * expected.std()
