# SPDX-License-Identifier: GPL-3.0-or-later
"""Estimates of earlier photos on disk, so that the network runs once for each photo, model and size."""

from __future__ import annotations

import contextlib
import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core import scene_guess
from ..core.camera.affine_view import AffineView
from ..core.estimate import Estimate
from ..core.files import atomic_write
from ..errors import Mono3DError

_VERSION = 6
"""To be raised when the same photo, model and size give another estimate, or when the files change."""

_LARGEST = 65535
"""Probabilities of sky are stored in so many steps."""
_UNIT = 32767
"""Steps from 0 to 1 in which normals are stored."""
_MAPS = ("sky", "valid", "normals", "points", "places", "lens")


@dataclass(frozen=True)
class DisparityCache:
    """The .npz files of a folder; `key` names all that an estimate depends on. Several processes may use it.

    most_bytes  size of all files beyond which those go that were not used for the longest time
    """

    folder: Path
    most_bytes: int = 512 * 2**20

    def __contains__(self, key: str) -> bool:
        return self._file(key).is_file()

    def get(self, key: str) -> Estimate | None:
        """Returns the estimate stored as `key`; None where there is none, or one that a crash cut off."""
        file = self._file(key)
        try:
            with np.load(file, allow_pickle=False) as stored:
                maps = {name: stored[name] for name in _MAPS if name in stored}
                estimate = Estimate(
                    stored["disparity"],
                    str(stored["engine"]),
                    tuple(map(str, stored["notes"])),
                    device=str(stored["device"]),
                    scene=scene_guess.from_json(json.loads(str(stored["scene"]))),
                    sky=maps["sky"].astype(np.float32) / np.float32(_LARGEST) if "sky" in maps else None,
                    valid=maps.get("valid"),
                    normals=maps["normals"].astype(np.float32) / np.float32(_UNIT) if "normals" in maps else None,
                    view=_view(maps),
                )
        except (OSError, ValueError, EOFError, KeyError, TypeError, zipfile.BadZipFile):
            return None
        # The time of change is that of the last use, by which `_prune` goes.
        with contextlib.suppress(OSError):
            file.touch()
        return estimate

    def put(self, key: str, estimate: Estimate) -> None:
        """Stores a network's estimate. A folder that cannot be written costs time the next time, not the photo."""
        file = self._file(key)
        with contextlib.suppress(OSError, Mono3DError):
            self.folder.mkdir(parents=True, exist_ok=True)
            with atomic_write(file) as beside:
                words = {
                    "engine": np.array(estimate.engine),
                    "notes": np.array(estimate.notes, dtype=np.str_),
                    "device": np.array(estimate.device),
                    "scene": np.array(json.dumps(scene_guess.to_json(estimate.scene))),
                }
                maps: dict[str, NDArray[Any]] = {"disparity": estimate.disparity}
                if estimate.sky is not None:
                    maps["sky"] = np.round(estimate.sky * _LARGEST).astype(np.uint16)
                if estimate.valid is not None:
                    maps["valid"] = estimate.valid
                if estimate.normals is not None:
                    maps["normals"] = np.round(estimate.normals * _UNIT).astype(np.int16)
                if (view := estimate.view) is not None:
                    maps |= {"points": view.points, "places": view.places}
                    maps["lens"] = np.array([view.scale, view.shift, view.focal])
                np.savez(beside, allow_pickle=False, **maps, **words)
            self.prune()

    def prune(self) -> None:
        """Removes the longest unused files beyond `most_bytes`; other processes may do so at the same time."""
        files: list[tuple[float, int, Path]] = []
        for item in self.folder.glob("*.np[yz]"):
            with contextlib.suppress(OSError):
                found = item.stat()
                files.append((found.st_mtime, found.st_size, item))
        total = 0
        for _, size, item in sorted(files, reverse=True):
            total += size
            if total > self.most_bytes:
                item.unlink(missing_ok=True)

    def _file(self, key: str) -> Path:
        return self.folder / f"{key}-{_VERSION}.npz"


def _view(maps: Mapping[str, NDArray[Any]]) -> AffineView | None:
    if "lens" not in maps:
        return None
    scale, shift, focal = (float(one) for one in maps["lens"])
    return AffineView(maps["points"], maps["places"], scale, shift, focal)
