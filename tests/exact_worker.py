# SPDX-License-Identifier: GPL-3.0-or-later
"""Workers whose network makes no errors: its weights file holds the arrays that it gives.

It is the real worker process, and with `python -m tests.exact_worker ...` the real command or server, in which one
function differs: the one that makes a network of a weights file. `write_weights` makes such a file.
"""

from __future__ import annotations

import functools
import json
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast
from unittest import mock

import numpy as np
from numpy.typing import NDArray

from mono3d_addon.depth import network_source
from mono3d_addon.depth.engines.choice import EngineChoice, Result
from mono3d_addon.depth.engines.engine import Arrays
from mono3d_addon.depth.estimator import Estimator, EstimatorCache
from mono3d_addon.depth.model import Model
from mono3d_addon.session import Session

ROOT = Path(__file__).resolve().parents[1]

START = f"""\
import json, sys
before, behind = json.loads(sys.argv.pop(1))
sys.path[:] = [*before, *sys.path, *behind, {str(ROOT)!r}]
from tests.exact_worker import work
work(sys.argv[1:])
"""
"""What such a worker runs, in place of `client._START`."""


class StoredEngines:
    """Stands in for `EngineChoice`: gives the arrays of a file, for pictures of the size that they were made for."""

    device = "cpu"

    def __init__(self, weights: Path) -> None:
        with zipfile.ZipFile(weights) as archive:
            stored = {name: _array(archive, name) for name in archive.namelist()}
        self._size = tuple(stored.pop("size").tolist())
        self._arrays = cast(Arrays, stored)

    def run(self, pictures: NDArray[np.float32], tell: object) -> Result:
        if len(pictures) != 1 or pictures.shape[2:] != self._size:
            raise ValueError(f"the arrays are for one picture of {self._size}, not for {pictures.shape}")
        return Result({name: array[None] for name, array in self._arrays.items()}, "exact")

    def room(self, size: tuple[int, int]) -> int:
        return sys.maxsize


def _array(archive: zipfile.ZipFile, name: str) -> NDArray[Any]:
    with archive.open(name) as file:
        return np.lib.format.read_array(file, allow_pickle=False)


def write_weights(path: Path, arrays: Mapping[str, NDArray[np.float32]], size: tuple[int, int], length: int = 0) -> str:
    """Writes a file that stands for the weights of a network, and returns its path.

    arrays  what the network gives for a picture of `size`, (height, width)
    length  bytes of the file, for places where its size is looked at; 0: as it comes
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        for name, array in {**arrays, "size": np.array(size)}.items():
            with archive.open(name, "w", force_zip64=True) as file:
                np.lib.format.write_array(file, np.ascontiguousarray(array), allow_pickle=False)
    if length:
        content = path.read_bytes()
        # What lies before an archive does not count, and takes no space on the disk.
        with path.open("wb") as file:
            file.seek(length - len(content))
            file.write(content)
    return str(path)


def remember_as_verified(model: Model, weights: Path, data_folder: Path) -> None:
    """Has a data folder know that a file is the published one of a model."""
    from mono3d_addon.depth import weights as weights_module

    record = data_folder / weights_module.RECORD
    record.parent.mkdir(parents=True, exist_ok=True)
    found = {"seen": weights_module._state(weights), "sha256": model.sha256, "fault": ""}
    record.write_text(json.dumps({"verified": {str(weights.resolve()): found}, "first_seen": {}}))


def _load(model: Model, weights: Path, *_: Any, **__: Any) -> Estimator:
    engines = cast(EngineChoice, StoredEngines(weights))
    return Estimator(model, engines, lambda: engines)


class _Session(Session):
    """A session whose networks are those of `write_weights`."""

    @functools.cached_property
    def estimators(self) -> EstimatorCache:
        return EstimatorCache(_load)


def work(arguments: list[str]) -> None:
    """Serves requests as the worker process does. A network that is read from a file needs no packages."""
    from mono3d_addon.worker import server

    with (
        mock.patch.object(server, "Session", _Session),
        mock.patch.object(network_source, "require_packages", lambda model: None),
    ):
        server.main(arguments)


def main(arguments: list[str]) -> int:
    """Runs the command with such workers."""
    from mono3d_addon import cli
    from mono3d_addon.worker import client

    with mock.patch.object(client, "_START", START):
        return cli.main(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
