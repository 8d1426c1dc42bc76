# SPDX-License-Identifier: GPL-3.0-or-later
"""What Blender says of weights that a real worker cannot use."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mono3d_addon.blender import state
from mono3d_addon.blender.photos import running
from mono3d_addon.worker.client import Worker
from tests import unfit_weights
from tests.blender.made import bpy
from tests.blender.worked import COFFEE, PYTHON


@pytest.mark.skipif(not PYTHON, reason="no Python with the worker's packages (run 'python3 tests/run.py')")
def test_each_is_one_sentence_and_half_precision_is_read(
    registered: None, worker: Worker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mono3d_addon.environment.worker_packages", lambda folder: (tmp_path,))
    monkeypatch.setattr(running, "worker", lambda: worker)
    values: Any = bpy.context.scene.mono3d
    values.photo, values.detail, values.tiles, values.engine = str(COFFEE), 96, "off", "plain"
    faults = (
        ("starter", unfit_weights.cut_off(tmp_path), "it is damaged"),
        ("moge_2_vits_normal", unfit_weights.without_configuration(tmp_path), "it has no model_config"),
    )
    for model, file, said in faults:
        values.model, values.weights = model, str(file)
        with pytest.raises(RuntimeError, match=said) as caught:
            bpy.ops.mono3d.generate()
        told = str(caught.value).removeprefix("Error: ").strip()
        assert told.endswith(".") and ". " not in told and "Traceback" not in told, told
        assert " ".join(state.current.messages).startswith(told.partition("'")[0][:20]), state.current.messages
    # The starter's own file is in half precision; under another name nothing but its tensors can tell.
    own = tmp_path / "own.safetensors"
    own.write_bytes(unfit_weights.STARTER.read_bytes())
    values.model, values.weights = "starter", str(own)
    assert bpy.ops.mono3d.generate() == {"FINISHED"}
