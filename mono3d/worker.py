# SPDX-License-Identifier: GPL-3.0-or-later
"""Reconstructs photos in a worker process."""

from __future__ import annotations

import contextlib
import dataclasses
import difflib
import os
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Unpack

from mono3d_addon import environment
from mono3d_addon.core import extras, reconstruction
from mono3d_addon.core.claimed_folder import ClaimedFolder, remove_abandoned
from mono3d_addon.core.user_path import user_path
from mono3d_addon.errors import Mono3DError
from mono3d_addon.run import system_decoder
from mono3d_addon.settings import Settings, coerce, fields_of, preset_values
from mono3d_addon.worker.local import LocalRunners

from .keywords import Keywords, Preset
from .reconstruction import Reconstruction

_PREFIX = "mono3d-python-"
"""Start of the names of the folders of results, in the folder for temporary files."""

_INSTALL = "run 'python3 -m mono3d_addon --install'"

Progress = Callable[[str, float], None]
"""Is told the current stage in words and the completed share of the whole, 0..1."""


def reconstruct(
    photo: str | os.PathLike[str],
    *,
    preset: Preset = "balanced",
    data_folder: str | os.PathLike[str] | None = None,
    progress: Progress | None = None,
    **settings: Unpack[Keywords],
) -> Reconstruction:
    """Returns the reconstruction of a photo, made by a worker process that ends then; see `Worker`."""
    with Worker(data_folder) as worker:
        return worker.reconstruct(photo, preset=preset, progress=progress, **settings)


class Worker:
    """A process that reconstructs photos, one at a time, and keeps its network loaded until `close`.

    Use it in a `with` statement. It works with the packages that are installed in the data folder, else with those of
    this Python if pip has put all of `mono3d[worker]` there, else with numpy and Pillow alone.

    data_folder  folder with packages, weights and cache; None: MONO3D_DATA, else the user's data folder
    """

    def __init__(self, data_folder: str | os.PathLike[str] | None = None) -> None:
        folder = environment.data_folder(None if data_folder is None else os.fspath(data_folder)).absolute()
        self._data_folder = folder
        components = (environment.WORKER, environment.SCENE, environment.VTP)
        packages = {name: path for name in components if (path := environment.packages(name, folder))}
        self._is_bare = not environment.is_available(environment.WORKER, folder)
        allowed = extras.found(extras.PILLOW)
        self._needs_decoder = self._is_bare and not allowed
        self._runners = LocalRunners(folder, packages, is_bare=self._is_bare, allowed=allowed)
        self._runner = self._runners.for_photos("python")

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends the process; the next photo would start it again. Results stay."""
        self._runner.stop()

    def reconstruct(
        self,
        photo: str | os.PathLike[str],
        *,
        preset: Preset = "balanced",
        progress: Progress | None = None,
        **settings: Unpack[Keywords],
    ) -> Reconstruction:
        """Returns the reconstruction of a photo with the preset, in which `settings` replace single values.

        Raises Mono3DError with a sentence when a setting is wrong or unknown, or needs packages or weights that are not
        there, or when the photo cannot be processed.
        """
        chosen = _settings(preset, settings)
        if self._is_bare:
            environment.check_bare(chosen, _INSTALL)
        path = user_path(os.fspath(photo)).absolute()
        remove_abandoned(Path(tempfile.gettempdir()), _PREFIX)
        with contextlib.ExitStack() as undo:
            folder = ClaimedFolder(_PREFIX)
            undo.callback(folder.remove)
            decoded = system_decoder.for_job(path, chosen, folder.path) if self._needs_decoder else {}
            request = {
                "task": "reconstruct",
                "photo": str(path),
                "settings": dataclasses.asdict(chosen),
                "folder": str(folder.path),
                "decoded": dict(decoded),
            }
            self._runner.submit(request).wait(progress)
            result = Reconstruction(reconstruction.load(folder.path), folder, self._runners)
            undo.pop_all()
        return result


def _settings(preset: str, given: Mapping[str, Any]) -> Settings:
    """Returns the settings, with absolute paths: the worker keeps the folder that it was started in."""
    items = {item.name: item for item in fields_of(Settings)}
    for name in given:
        if name not in items:
            near = difflib.get_close_matches(name, items, 1)
            hint = f"did you mean '{near[0]}'?" if near else "the page of settings lists them all."
            raise Mono3DError(f"There is no setting '{name}': {hint}")
    values = coerce(Settings, {**preset_values(preset), **given})
    for name, value in values.items():
        if items[name].choice.is_path and value:
            values[name] = str(user_path(value).absolute())
    return Settings(**values)
