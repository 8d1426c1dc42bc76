# SPDX-License-Identifier: GPL-3.0-or-later
"""The catalogue's rows."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from mono3d_addon.depth.catalogue import BUNDLED_FOLDER, MODELS, Model, model_named
from mono3d_addon.errors import Mono3DError
from mono3d_addon.settings import MODEL_NAMES

ROWS = pytest.mark.parametrize("model", MODELS.values(), ids=lambda model: model.name)


def test_the_settings_offer_the_catalogue() -> None:
    assert tuple(MODELS) == MODEL_NAMES


@ROWS
def test_rows_are_complete(model: Model) -> None:
    assert model.choose_when.endswith(".")
    assert model.licence and model.parameters > 1_000_000
    assert model.network_size % 32 == 0
    assert model.sha256 is None or len(bytes.fromhex(model.sha256)) == 32
    assert bool(model.known_by) is (model.sha256 is None)
    assert bool(model.address) is not model.bundled
    if model.address:
        assert model.address.startswith("https://github.com/isl-org/MiDaS/releases/download/v")
        assert model.address.endswith(f"/{model.file}")


def test_from_small_to_large() -> None:
    parameters = [model.parameters for model in MODELS.values()]
    assert parameters == sorted(parameters)


@ROWS
def test_bundled_files_and_their_cards_are_there(model: Model) -> None:
    if model.bundled:
        assert (BUNDLED_FOLDER / model.file).stat().st_size == model.file_bytes
        assert model.sha256 and model.sha256 in (BUNDLED_FOLDER / "MODEL_CARD.md").read_text(encoding="utf-8")


def test_unknown_model() -> None:
    with pytest.raises(Mono3DError, match="no model 'nonsense'; choose one of starter, "):
        model_named("nonsense")


def test_catalogue_and_weights_need_no_torch() -> None:
    code = "import mono3d_addon.depth.weights, sys; sys.exit('torch' in sys.modules or 'numpy' in sys.modules)"
    root = Path(__file__).resolve().parents[2]
    assert subprocess.run([sys.executable, "-c", code], cwd=root, check=False).returncode == 0
