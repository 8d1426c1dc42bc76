# SPDX-License-Identifier: GPL-3.0-or-later
"""Parts of a run that several machines process, each with the same command."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable

from ..errors import WrongUsage
from .photos import PhotoTask, fold

_SHARD = re.compile(r"(\d{1,7})/(\d{1,7})")


def select(tasks: Iterable[PhotoTask], shard: str) -> list[PhotoTask]:
    """Returns the tasks of a shard such as "3/20", the third of 20; all of them for an empty one.

    Which shard a photo belongs to follows from the name of its results alone. So it stays the same on machines that see
    the photos at other paths, and when photos are added between the starts of two shards. Raises WrongUsage for other
    words.
    """
    if not shard:
        return list(tasks)
    number, count = parsed(shard)
    return [task for task in tasks if _number_of(task.name, count) == number]


def parsed(shard: str) -> tuple[int, int]:
    """Returns the number, from 1, and the count of parts that a shard such as "3/20" names.

    Raises WrongUsage for other words.
    """
    match = _SHARD.fullmatch(shard.strip())
    number, count = map(int, match.groups()) if match else (0, 0)
    if not 1 <= number <= count:
        raise WrongUsage(f"The shard '{shard}' is not one of the parts 1/N to N/N; give 1/4 for the first of four.")
    return number, count


def _number_of(name: str, count: int) -> int:
    """Returns the number of the shard, 1 to `count`, of the photo whose results are called `name`."""
    digest = hashlib.sha256(fold(name).encode(errors="surrogateescape")).digest()
    return int.from_bytes(digest[:8], "big") % count + 1
