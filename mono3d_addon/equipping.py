# SPDX-License-Identifier: GPL-3.0-or-later
"""What a command that processes photos needs on this computer: packages, weights, workers, a writer of scenes."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from . import environment, models_command
from .core import extras
from .display import say
from .environment import SCENE, VTP, WORKER
from .run import parallel, system_decoder
from .run.loop import Decode
from .run.scenes import RunnerSceneWriter, SceneWriter
from .run.target import Target
from .settings import RunOptions, Settings
from .worker.local import LocalRunners

REMEDY = "add --install"
"""What to do where packages are missing."""

MakeSceneWriter = Callable[[], SceneWriter]


@dataclass(frozen=True)
class Place:
    """Where a command runs.

    data_folder   folder with packages, weights and cache
    scene_writer  makes what writes .blend files; None: a runner with the `bpy` wheel
    decode        decodes photos for a worker without packages, which then uses numpy alone; None: a worker uses Pillow
                  too, and without it a program of the system decodes
    """

    data_folder: Path
    scene_writer: MakeSceneWriter | None = None
    decode: Decode | None = None


@dataclass(frozen=True)
class Equipment:
    """What is there for a run: the folders of the packages by component, whether its workers are bare.

    `allowed` and `decode` are for bare workers, see `LocalRunners` and `run.loop.run`.
    """

    place: Place
    packages: Mapping[str, Path]
    is_bare: bool
    allowed: tuple[str, ...]
    decode: Decode | None

    def runners(self, jobs: int, *, is_expendable: bool = False) -> LocalRunners:
        """Returns what makes the workers, of which `jobs` for photos share the processors."""
        return LocalRunners(
            self.place.data_folder,
            self.packages,
            is_expendable=is_expendable,
            is_bare=self.is_bare,
            allowed=self.allowed,
            jobs=jobs,
        )

    def scenes(self, runners: LocalRunners, *, is_likely: bool) -> SceneWriter:
        """Returns what writes scenes; where that `is_likely` it gets ready while the first photo is reconstructed."""
        if self.place.scene_writer is not None:
            return self.place.scene_writer()
        runner = runners.for_scenes()
        if is_likely and environment.is_available(SCENE, self.place.data_folder):
            # Loading Blender takes seconds.
            runner.start()
        return RunnerSceneWriter(runner)


def components_of(target: Target, place: Place) -> tuple[str, ...]:
    """Returns the components, sets of packages, that a run with this target needs."""
    wanted = [WORKER]
    if place.scene_writer is None and "blend" in target.formats:
        wanted.append(SCENE)
    if "vtp" in target.formats:
        wanted.append(VTP)
    return tuple(wanted)


def equipped(settings: Settings, options: RunOptions, target: Target, place: Place) -> tuple[Target, Equipment]:
    """Returns what can be written of a target, and with what.

    Raises Mono3DError if the run asks for what needs packages that are not available.
    """
    data_folder = place.data_folder
    components: Sequence[str] = components_of(target, place)
    is_bare = not environment.is_available(WORKER, data_folder)
    if is_bare:
        environment.check_bare(settings, REMEDY)
    folders = {name: path for name in components if (path := environment.packages(name, data_folder))}
    has_scenes = SCENE not in components or environment.is_available(SCENE, data_folder)
    if not has_scenes and options.format == RunOptions.format and not target.name:
        say(f".blend files are left out: they need Blender as a Python module; {REMEDY}.", sys.stdout)
        target = target.without("blend")
        components = [name for name in components if name != SCENE]
    for name in components:
        # The writer of VTP files is a package beside those of the worker.
        if name != WORKER or VTP in components:
            environment.require_available(name, data_folder)
    decode = place.decode
    allowed = () if decode else extras.found(extras.PILLOW)
    if is_bare and decode is None and not allowed:
        decode = system_decoder.for_job
    return target, Equipment(place, folders, is_bare, allowed, decode if is_bare else None)


def jobs_for(settings: Settings, options: RunOptions, photos: int, data_folder: Path) -> int:
    """Returns how many photos to process at the same time: as many as asked for, else as go."""
    # Workers without a photo would take their share of the processors from the others.
    return min(options.jobs or _jobs(settings, photos, data_folder), max(1, photos))


def _jobs(settings: Settings, photos: int, data_folder: Path) -> int:
    has_card = settings.device not in ("auto", "cpu") or (
        settings.device == "auto" and environment.may_use_card(data_folder)
    )
    size = models_command.weights_bytes(settings)
    return parallel.jobs_for(photos, size, parallel.available(has_card=has_card))
