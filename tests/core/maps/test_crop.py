# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from mono3d_addon.core.maps.crop import cropped
from mono3d_addon.settings import Settings

SHARE = st.floats(0.0, 49.0)


def test_without_a_crop_nothing_changes() -> None:
    mask = np.eye(3, dtype=bool)
    assert cropped(None, (3, 3), Settings()) is None and cropped(mask, (3, 3), Settings()) is mask


def test_each_side_is_its_own() -> None:
    for side, kept in (
        ("left", np.s_[:, 2:]),
        ("right", np.s_[:, :6]),
        ("top", np.s_[1:, :]),
        ("bottom", np.s_[:3, :]),
    ):
        expected = np.zeros((4, 8), bool)
        expected[kept] = True
        settings = Settings.from_json(f'{{"crop_{side}": 25.0}}')
        assert np.array_equal(np.asarray(cropped(None, (4, 8), settings)), expected), side


@given(SHARE, SHARE, SHARE, SHARE)
def test_the_same_part_of_the_photo_at_any_detail(left: float, right: float, top: float, bottom: float) -> None:
    settings = Settings(crop_left=left, crop_right=right, crop_top=top, crop_bottom=bottom)
    mask = np.arange(60 * 80).reshape(60, 80) % 3 > 0
    for rows, columns in ((60, 80), (300, 400)):
        kept = cropped(None, (rows, columns), settings)
        area = 1.0 if kept is None else kept.mean()
        wanted = (100.0 - left - right) * (100.0 - top - bottom) / 1e4
        assert abs(area - wanted) <= 1.0 / rows + 1.0 / columns
    both = cropped(mask, (60, 80), settings)
    alone = cropped(None, (60, 80), settings)
    assert both is not None and np.array_equal(both, mask if alone is None else mask & alone)
