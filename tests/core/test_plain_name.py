# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from mono3d_addon.core.plain_name import plain_name


def test_different_names_stay_different() -> None:
    assert plain_name("coffee_2.a-b") == "coffee_2.a-b"
    assert plain_name("a b") != plain_name("a_b") != plain_name("a-b")
    assert plain_name("é") != plain_name("è")
