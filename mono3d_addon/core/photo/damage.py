# SPDX-License-Identifier: GPL-3.0-or-later
"""How much of a damaged picture must be left for it to be used, and what is said about it."""

from __future__ import annotations

ENOUGH = 0.25
"""Smallest share of a picture's rows that is reconstructed; what is missing is masked out."""


class Damaged(Exception):
    """A picture is damaged and too little of it can be decoded."""


class NotAPicture(Exception):
    """A file is no picture of a format that is known."""


class Unsupported(Exception):
    """A picture is sound but of a variety that is not supported; the text names it."""


def incomplete(share: float) -> tuple[str, ...]:
    """Returns the note about a picture of which `share`, 0..1, can be decoded. Raises Damaged if that is too little."""
    if share < ENOUGH:
        raise Damaged(f"only {100.0 * share:.0f} % of the picture can be decoded")
    if share >= 1.0:
        return ("The photo's file is damaged or cut off at its end, but the whole picture can be decoded.",)
    percent = min(99, max(1, int(100.0 * share)))
    return (
        f"The photo's file is damaged or cut off: the upper {percent} % of the picture (as stored) can be decoded, "
        "and the rest was masked out.",
    )
