# SPDX-License-Identifier: GPL-3.0-or-later
"""Maps the tensor names of published weights files to those of the networks here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeVar

Value = TypeVar("Value")

_MOST_LETTERS = 60

Names = Mapping[str, str | None]
"""Prefixes of published names -> prefixes here; None: the network does not use such tensors."""

OUR_NAMES: Names = {"": ""}
"""For a file with the names of this package."""

COMPUTED = (
    "num_batches_tracked",
    "relative_position_index",
    "relative_coords_table",
    "attn_mask",
    "attention_bias_idxs",
)
"""Suffixes of tensors that are not learnt."""


class WrongTensorsError(ValueError):
    """The tensors belong to another network; the text says what does not fit."""


def renamed(tensors: Mapping[str, Value], names: Names) -> tuple[dict[str, Value], list[str]]:
    """Returns `tensors` under our names, and the published names that no beginning in `names` fits.

    The longest fitting beginning counts.
    """
    beginnings = sorted(names, key=len, reverse=True)
    known: dict[str, Value] = {}
    unknown: list[str] = []
    for name, tensor in tensors.items():
        if name.endswith(COMPUTED):
            continue
        beginning = next((one for one in beginnings if name.startswith(one)), None)
        if beginning is None:
            unknown.append(name)
        elif (ours := names[beginning]) is not None:
            known[ours + name.removeprefix(beginning)] = tensor
    return known, unknown


def brief(names: Iterable[str]) -> str:
    """Returns a list of names for a sentence: the first, without what would not print, and how many more there are."""
    ordered = sorted(names)
    first = ordered[0] if len(ordered[0]) <= _MOST_LETTERS else f"{ordered[0][:_MOST_LETTERS]}..."
    more = f" and {len(ordered) - 1} more" if len(ordered) > 1 else ""
    return f"{first!r}{more}"
