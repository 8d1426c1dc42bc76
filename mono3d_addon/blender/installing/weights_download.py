# SPDX-License-Identifier: GPL-3.0-or-later
"""The download of a model's weights in a thread. Imports no bpy."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ...depth.model import Model
from .background import Background, Progress


class WeightsDownload(Background):
    """Downloads the weights of `model`; a cancelled download can be continued.

    `accepts_licence` as in `depth.download.download`.
    """

    def __init__(self, model: Model, data_folder: Path, *, accepts_licence: bool = False) -> None:
        super().__init__("mono3d download")
        self.model = model
        self._data_folder = data_folder
        self._accepts_licence = accepts_licence

    @property
    def running(self) -> bool:
        """Whether the thread is running and not cancelled: leaving a silent server may take it a while."""
        return super().running and not self.cancelled

    def work(self, progress: Progress, cancelled: Callable[[], bool]) -> None:
        """Downloads. Raises Mono3DError."""
        from ...depth.download import download

        download(self.model, self._data_folder, progress, cancelled, accepts_licence=self._accepts_licence)
