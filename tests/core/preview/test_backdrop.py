# SPDX-License-Identifier: GPL-3.0-or-later
"""The background has the hue of the photo's border, muted, and differs from it in brightness."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import settings as limits
from hypothesis import strategies as st

from mono3d_addon.core.mesh.mesh import Mesh
from mono3d_addon.core.preview.backdrop import backdrop

LUMA = np.array([0.2126, 0.7152, 0.0722])


def mesh(border: tuple[int, int, int], middle: tuple[int, int, int] = (255, 0, 255)) -> Mesh:
    y, x = np.mgrid[0:21, 0:21] / 20.0
    uv = np.stack([x.ravel(), y.ravel()], 1).astype(np.float32)
    is_inner = (np.abs(uv - 0.5) < 0.3).all(axis=1, keepdims=True)
    colors = np.where(is_inner, middle, border).astype(np.uint8)
    points = np.zeros((len(uv), 3), np.float32)
    return Mesh(points, np.empty((0, 3), np.int32), uv, colors, points)


@limits(max_examples=30, deadline=None)
@given(st.tuples(*[st.integers(0, 255)] * 3))
def test_it_is_muted_and_set_off_from_the_border(border: tuple[int, int, int]) -> None:
    colour, found = np.array(border) / 255.0, backdrop(mesh(border)).astype(float)
    assert ((found >= 0.0) & (found <= 1.0)).all()
    assert 0.08 < abs(found @ LUMA - colour @ LUMA) < 0.45
    assert np.ptp(found) <= 0.31 * np.ptp(colour) + 1e-6


def test_it_keeps_the_hue() -> None:
    red, green, blue = backdrop(mesh((40, 90, 160)))
    assert blue > green > red


def test_a_cut_out_object_gives_its_own_colour_and_nothing_a_grey() -> None:
    whole = mesh((0, 0, 0), (200, 40, 40))
    kept = ((whole.uv > 0.3) & (whole.uv < 0.7)).all(axis=1)
    part = Mesh(whole.vertices[kept], whole.triangles, whole.uv[kept], whole.colors[kept], whole.normals[kept])
    red, green, blue = backdrop(part)
    assert red > green == blue
    nothing = Mesh(
        *(np.empty((0, side), kind) for side, kind in ((3, "f4"), (3, "i4"), (2, "f4"), (3, "u1"), (3, "f4")))
    )
    assert np.ptp(backdrop(nothing)) == 0.0
