# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes the downloads of results, and puts what a worker says into words for visitors."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path, PurePath

from ..run.scenes import RunnerSceneWriter
from . import downloads
from .jobs import Job
from .pool import Pool, Work, too_long

_REST = r"([^\s'\"]*)"
"""What follows the path of a folder in a sentence that names something in it."""


class Writer:
    """Writes files of results in the workers of `pool`, and Blender's scenes by `scenes`, each in at most `seconds`."""

    def __init__(self, pool: Pool, scenes: RunnerSceneWriter, seconds: float) -> None:
        self._pool = pool
        self._scenes = scenes
        self._seconds = seconds
        self._scene_turn = asyncio.Lock()

    async def close(self) -> None:
        """Ends the writing of scenes."""
        await asyncio.to_thread(self._scenes.close)

    async def write(self, job: Job, folder: Path, format: str) -> Path:
        """Writes a file of the mesh of `job` in `folder` there and returns its path. Raises Mono3DError on failure."""
        # Some libraries choose the format by the suffix.
        path = folder / f"download-{format}{Path(downloads.file_name('', format)).suffix}"
        if format == "blend":
            await self._write_scene(folder, path)
            return path
        request = {
            "task": "export",
            "folder": str(folder),
            "format": format,
            "path": str(path),
            "name": downloads.stem_of(job.name),
        }
        work = self._pool.submit(Work(request, job.id, is_urgent=True))
        await work.done
        await work.left
        return path

    async def _write_scene(self, folder: Path, path: Path) -> None:
        async with self._scene_turn:
            writing = asyncio.ensure_future(asyncio.to_thread(self._scenes.write, folder, path))
            await asyncio.wait({writing}, timeout=self._seconds)
            if not writing.done():
                await asyncio.to_thread(self._scenes.close)
                await asyncio.wait({writing})
                raise too_long(self._seconds) from writing.exception()
            await writing


def for_visitors(sentence: str, job: Job, server: Path, data: Path) -> str:
    """Returns a sentence with the file name that the visitor gave, and without paths of this computer.

    server, data  the server's folder and the data folder, in which they would be
    """
    cleaned = sentence.replace(job.photo.name, job.name)
    cleaned = re.sub(r" The log is [^\n]*", "", cleaned)
    # Visitors cannot change that limit.
    cleaned = cleaned.replace(" or raise 'Largest photo'", "")
    cleaned = re.sub(re.escape(str(server)) + _REST, "the server", cleaned)
    # Weights are told apart by their names, which are public.
    return re.sub(
        re.escape(str(data)) + _REST,
        lambda found: PurePath(found[0]).name if found[1] else "the server",
        cleaned,
    )
