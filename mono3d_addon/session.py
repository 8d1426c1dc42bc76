# SPDX-License-Identifier: GPL-3.0-or-later
"""What a process remembers from one photo to the next. The worker makes one session and hands it to every task."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .depth.estimator import EstimatorCache
    from .depth.read_ahead import ReadAhead
    from .reshape import ReshaperCache


class Session:
    """The data folder and what is kept in memory.

    Each part is imported when it is first used: a process that only writes scenes has no Pillow.
    """

    def __init__(self, data_folder: Path) -> None:
        self.data_folder = data_folder

    @functools.cached_property
    def reshapers(self) -> ReshaperCache:
        """The photos that can be given another mesh without reading them again."""
        from .reshape import ReshaperCache

        return ReshaperCache()

    @functools.cached_property
    def estimators(self) -> EstimatorCache:
        """The network used last."""
        from .depth.estimator import EstimatorCache

        return EstimatorCache()

    @functools.cached_property
    def read_ahead(self) -> ReadAhead:
        """The photos that come next, as far as they are read and estimated."""
        from .depth.read_ahead import ReadAhead

        return ReadAhead()

    @property
    def disparity_folder(self) -> Path:
        """The folder with the disparities of earlier photos, unless a job names another."""
        return self.data_folder / "cache" / "disparity"

    def forget(self, key: str) -> None:
        """Drops the photo that is kept as `key`, if there is one."""
        # A process that has not used the cache keeps nothing.
        if "reshapers" in vars(self):
            self.reshapers.drop(key)
