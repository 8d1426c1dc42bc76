# SPDX-License-Identifier: GPL-3.0-or-later
"""What the command says of weights that are missing, wrong or cut, and of the next better model."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from mono3d_addon.depth.catalogue import MODELS
from mono3d_addon.settings import GRADES
from tests import unfit_weights
from tests.test_cli import DATA, PHOTOS, data, light, mono3d  # noqa: F401

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not DATA, reason="no installed packages (run 'python3 tests/run.py')"),
]

BETTER = MODELS[GRADES["better"]]


@pytest.fixture(autouse=True)
def private_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))


def test_a_first_result_names_the_next_step_in_one_line_once(data: Path, tmp_path: Path) -> None:  # noqa: F811
    # The starter's own file, in half precision, under another name: only its tensors have to fit.
    own = Path(shutil.copy(unfit_weights.STARTER, tmp_path / "own.safetensors"))
    for is_first in (True, False):
        done = mono3d(data, PHOTOS / "coffee.png", "-o", tmp_path / "out", "--weights", own, *light())
        assert done.returncode == 0, done.stderr
        told = [line for line in done.stdout.splitlines() if "Better" in line]
        assert len(told) == is_first, done.stdout
        assert not told or told[0] == (
            "Better: Depth Anything V2 small brings more exact depth and finer outlines: 99 MB, free for all use, "
            "about 1 s; add --download --model better."
        )


@pytest.mark.parametrize(
    "fault",
    ["missing", "wrong hash", "truncated safetensors", pytest.param("no model_config", marks=pytest.mark.thorough)],
)
def test_weights_that_cannot_be_used_are_one_sentence_and_a_remedy(
    data: Path,  # noqa: F811
    tmp_path: Path,
    fault: str,
) -> None:
    words: tuple[object, ...] = ("--model", "better")
    if fault == "missing":
        said, remedy = "are not on this computer", f"'models download {BETTER.name}' downloads {BETTER.file} (99 MB, "
    elif fault == "wrong hash":
        (data / "weights").mkdir()
        with (data / "weights" / BETTER.file).open("wb") as file:
            file.truncate(BETTER.file_bytes)
        said, remedy = "its SHA-256 is", f"'models download {BETTER.name}' downloads {BETTER.file} again."
    elif fault == "no model_config":
        words = ("--model", "moge_2_vits_normal", "--weights", unfit_weights.without_configuration(tmp_path))
        said, remedy = "it has no model_config, which would tell how its network is built", ""
    else:
        words, said, remedy = ("--weights", unfit_weights.cut_off(tmp_path)), "it is damaged", ""
    done = mono3d(data, PHOTOS / "coffee.png", "-o", tmp_path / "out", *words, *light())
    assert done.returncode == 1 and "Traceback" not in done.stdout + done.stderr
    told = [line for line in (done.stdout + done.stderr).splitlines() if said in line]
    assert len(told) == 1 and ". " not in told[0].partition("failed. ")[2], done.stdout + done.stderr
    last = done.stderr.strip().splitlines()[-1] if done.stderr.strip() else ""
    assert last.startswith(remedy) if remedy else "models download" not in last
