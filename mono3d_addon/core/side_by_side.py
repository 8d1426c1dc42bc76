# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs independent computations at the same time, in threads: numpy lets others compute while it does.

With one thread for each process (see `computer.threads`) they run one after the other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from . import computer

First = TypeVar("First")
Second = TypeVar("Second")
Item = TypeVar("Item")
Result = TypeVar("Result")


def both(first: Callable[[], First], second: Callable[[], Second]) -> tuple[First, Second]:
    """Returns the results of two functions, neither of which changes what the other one uses.

    Both have ended when it returns or raises.
    """
    if computer.threads() < 2:
        return first(), second()
    with ThreadPoolExecutor(1) as pool:
        other = pool.submit(second)
        return first(), other.result()


def each(function: Callable[[Item], Result], items: Iterable[Item]) -> list[Result]:
    """Returns the results of a function for each of the `items`, in their order."""
    if computer.threads() < 2:
        return list(map(function, items))
    with ThreadPoolExecutor(computer.threads()) as pool:
        return list(pool.map(function, items))
