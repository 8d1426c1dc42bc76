# SPDX-License-Identifier: GPL-3.0-or-later
"""The messages for a failed import of Open3D."""

from __future__ import annotations

import sys

import pytest

from mono3d_addon.errors import Mono3DError
from mono3d_addon.settings import Settings
from mono3d_addon.surface import open3d_library, requirements
from mono3d_addon.surface.open3d_library import explain


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ("libusb-1.0.so.0: cannot open shared object file: No such file or directory", ["libusb-1.0-0", "libusb1"]),
        ("libGL.so.1: cannot open shared object file: No such file", ["libgl1", "libglvnd-glx"]),
        ("libfoo.so.3: cannot open shared object file: No such file", ["libfoo.so.3"]),
        ("/lib/libm.so.6: version `GLIBC_2.35' not found", ["newer system", "grid surface"]),
        ("DLL load failed", ["cannot be loaded", "DLL load failed"]),
    ],
)
def test_a_failed_import_becomes_a_sentence_with_what_to_do(message: str, words: list[str]) -> None:
    sentence = explain(message)
    assert all(word in sentence for word in words)
    assert "\n" not in sentence
    assert sentence.endswith(".")


def test_without_open3d_a_sentence_says_what_needs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "open3d", None)
    sentence = "Poisson and ball pivoting surfaces need the package open3d, which is not installed: click Install"
    with pytest.raises(Mono3DError, match=sentence):
        open3d_library.load()
    for surface in ("poisson", "ball_pivoting"):
        with pytest.raises(Mono3DError, match=sentence):
            requirements.require(Settings(surface=surface))
    for surface in ("grid", "adaptive"):
        requirements.require(Settings(surface=surface, target_triangles=100))
