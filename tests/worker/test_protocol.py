# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import importlib.util
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mono3d_addon.worker import protocol

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)


@given(st.dictionaries(st.text(), VALUES))
def test_every_message_is_one_line_and_comes_back(message: dict[str, Any]) -> None:
    line = protocol.encode(message)
    assert line.endswith(b"\n") and line.count(b"\n") == 1 and line.isascii()
    assert protocol.decode(line) == message


@pytest.mark.parametrize("line", [b"", b"[]\n", b"[Open3D WARNING] bad average roots\n", b"\xff\xfe\n"])
def test_what_is_no_message_is_refused(line: bytes) -> None:
    with pytest.raises(ValueError):
        protocol.decode(line)


def test_every_task_has_its_module() -> None:
    for name in protocol.TASKS.values():
        assert importlib.util.find_spec(name) is not None
