# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from mono3d_addon.core.plain_name import comparable, plain_name, printable, short_name


def test_different_names_stay_different() -> None:
    assert plain_name("coffee_2.a-b") == "coffee_2.a-b"
    assert plain_name("a b") != plain_name("a_b") != plain_name("a-b")
    assert plain_name("é") != plain_name("è")


def test_long_names_are_cut_and_stay_different() -> None:
    assert short_name("é" * 100) == "é" * 100
    one, other = short_name("é" * 120 + "a"), short_name("é" * 120 + "b")
    assert one != other and len(one.encode()) <= 200 and one.startswith("é" * 90)
    assert len(short_name("\udce9" * 250).encode("utf-8", "surrogateescape")) <= 200


def test_names_are_compared_without_case_and_unicode_form() -> None:
    assert comparable("Cafe\u0301.JPG") == comparable("caf\u00e9.jpg") != comparable("cafe.jpg")


def test_control_characters_are_escaped() -> None:
    assert printable("a\x1b[31mb\r\nc\u202egpj\x9b写") == "a\\x1b[31mb\\r\\nc\\u202egpj\\x9b写"
    assert printable("a\nb\r", keep="\n") == "a\nb\\r"
