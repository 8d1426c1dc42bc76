# SPDX-License-Identifier: GPL-3.0-or-later
"""Meshes exported from a real Blender and read back show the photo."""

from __future__ import annotations

import json
import shutil

import pytest

from tests.programs.program import ONE_EDITION, WORK, Program


@pytest.mark.parametrize("bare", ONE_EDITION, indirect=True)
def test_what_is_exported_shows_the_photo_when_read_back(bare: Program) -> None:
    folder = bare.work / "out" / f"exports-{bare.profile}"
    shutil.rmtree(folder, ignore_errors=True)
    words = (f"{WORK}/repository/tests/photos/coffee.png", bare.inside(folder))
    done = bare.script("check_exports.py", *words, options=("--offline-mode",))
    assert done.returncode == 0, done.stdout + done.stderr
    rows = json.loads(next(line for line in reversed(done.stdout.splitlines()) if line.startswith("[[")))
    formats = {kind for kind, *_ in rows}
    assert {"obj", "fbx", "obj by Blender", "fbx by Blender", "glb"} <= formats
    for kind in formats:
        for shading in ("emission", "principled"):
            found = [row[2:] for row in rows if row[:2] == [kind, shading]]
            assert {is_behind for _, is_behind, _, _ in found} == {False, True}
            unlit = kind == "glb" and shading == "emission"
            for socket, _, colours, coordinates in found:
                assert socket == ("EMISSION Color" if unlit else "BSDF_PRINCIPLED Base Color")
                assert colours < 0.01 and coordinates < 1e-3, (kind, shading, colours, coordinates)
