# SPDX-License-Identifier: GPL-3.0-or-later
"""The catalogue's rows."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from mono3d_addon.depth.catalogue import BUNDLED_FOLDER, FAMILIES, MODELS, model_named
from mono3d_addon.depth.midas_models import MIDAS
from mono3d_addon.depth.model import Model
from mono3d_addon.errors import Mono3DError
from mono3d_addon.settings import GRADES, MODEL_NAMES

ROWS = pytest.mark.parametrize("model", MODELS.values(), ids=lambda model: model.name)


def test_the_settings_offer_the_catalogue() -> None:
    assert tuple(MODELS) == MODEL_NAMES


@ROWS
def test_rows_are_complete(model: Model) -> None:
    assert model.choose_when.endswith(".")
    assert model.licence and model.parameters > 1_000_000
    assert model.network_size % model.multiple == 0
    assert model.sha256 is None or len(bytes.fromhex(model.sha256)) == 32
    assert bool(model.known_by) is (model.sha256 is None)
    assert bool(model.address) is not model.bundled
    if model in MIDAS:
        assert model.address.startswith("https://github.com/isl-org/MiDaS/releases/download/v")
        assert model.address.endswith(f"/{model.file}")
    elif model.address:
        # The main branch moves: the address names a revision.
        assert re.fullmatch(r"https://huggingface\.co/[\w.-]+/[\w.-]+/resolve/[0-9a-f]{40}/[\w.]+", model.address)
        assert model.address.rsplit(".", 1)[1] == model.file.rsplit(".", 1)[1]
        assert model.sha256


def test_what_people_read_of_models() -> None:
    titles = [model.title for model in MODELS.values()]
    assert len(set(titles)) == len(titles) and not any("_" in title for title in titles)
    for model in MODELS.values():
        assert model.slow_seconds > 0.0 and (model.accuracy is None or model.accuracy.source)
    assert MODELS["depth_anything_v2_vits"].slow_seconds < MODELS["dpt_hybrid_384"].slow_seconds


def test_the_words_for_three_models_promise_what_holds() -> None:
    starter, better, best = (MODELS[name] for name in GRADES.values())
    assert starter.bundled and better.is_for_all_use and best.is_for_all_use
    assert {"metres", "lens", "sky", "normals"} <= set(best.gives_words)


def test_files_and_addresses_differ() -> None:
    rows = [model for model in MODELS.values() if not model.bundled]
    for facts in ([row.file for row in rows], [row.address for row in rows]):
        assert len(set(facts)) == len(rows)
    hashes = [row.sha256 for row in rows if row.sha256]
    assert len(set(hashes)) == len(hashes)


@pytest.mark.parametrize("family", FAMILIES, ids=lambda rows: rows[0].name)
def test_from_small_to_large(family: tuple[Model, ...]) -> None:
    parameters = [model.parameters for model in family]
    assert parameters == sorted(parameters)


def test_what_is_not_for_commercial_work() -> None:
    restricted = [model.name for model in MODELS.values() if not model.is_for_all_use]
    assert restricted == [
        f"depth_anything_v2_{kind}vit{size}" for size in "bl" for kind in ("", "metric_hypersim_", "metric_vkitti_")
    ]


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
