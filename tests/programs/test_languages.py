# SPDX-License-Identifier: GPL-3.0-or-later
"""The translations in a real Blender; the `bpy` wheels have none of Blender's own, and show no other language."""

from __future__ import annotations

import json

import pytest

from tests.programs.program import ONE_EDITION, Program


@pytest.mark.parametrize("bare", ONE_EDITION, indirect=True)
def test_blender_shows_every_text_of_the_catalogues(bare: Program) -> None:
    done = bare.script("check_languages.py")
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(next(line for line in done.stdout.splitlines() if line.startswith("FOUND "))[6:])
    assert list(found) == ["de_DE", "fr_FR"]
    for language, one in found.items():
        assert one["count"] > 300 and not one["labels"] and not one["tooltips"], (language, one)
    assert found["de_DE"]["said"] == "Entfernungen: geschätzt 0.5 bis 2 m."
