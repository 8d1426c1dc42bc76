# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run writes and where, as `--output`, `--format` and `--preview` say."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, replace
from pathlib import Path

from ..core.user_path import exists, is_folder, user_path
from ..errors import WrongUsage
from ..formats import previews_of
from ..settings import RunOptions
from .outputs import BY_ENDING, output_files
from .photos import PhotoTask

_FILE_ENDING = re.compile(r"\.(?!\d+$)[A-Za-z0-9]{2,5}")
"""Suffixes of file names. Folder names such as `2026.11.26` and `v1.5` end in digits."""


@dataclass(frozen=True)
class Target:
    """Output folder and formats (previews among them); `name` is set if a single file was asked for.

    `compress` is one of `settings.COMPRESS`.
    """

    folder: Path
    formats: tuple[str, ...]
    name: str = ""
    compress: str = "none"

    def files(self, task: PhotoTask, folder: Path | None = None) -> dict[str, Path]:
        """Returns the path of each format's file for a photo, in `folder` (default: the target's own)."""
        folder = folder or self.folder
        if self.name:
            return {self.formats[0]: folder / self.name}
        return output_files(task.name, self.formats, folder)

    def without(self, form: str) -> Target:
        """Returns the same without a format."""
        return replace(self, formats=tuple(one for one in self.formats if one != form))

    def label(self, task: PhotoTask) -> str:
        """Returns the name under which the results of a photo are recorded in the folder."""
        return self.name or task.name


def target_of(options: RunOptions) -> Target:
    """Returns what `--output` and `--format` ask for; an output with a known ending is one file of that format.

    Raises WrongUsage when the two contradict each other, or the output looks like a file of an unknown format.
    """
    output = user_path(options.output)
    names_folder = options.output.endswith(("/", os.sep)) or is_folder(output)
    form = BY_ENDING.get(output.suffix.lower())
    if form and not names_folder:
        if options.format not in (RunOptions.format, (form,)):
            others = ", ".join(options.format) or "none"
            raise WrongUsage(f"The output '{options.output}' is one {form} file, but --format asks for {others}.")
        return Target(output.parent, (form,), output.name, options.compress)
    if _FILE_ENDING.fullmatch(output.suffix) and not names_folder and not exists(output):
        raise WrongUsage(
            f"A file '{output.name}' cannot be written: supported endings are {' '.join(BY_ENDING)}. "
            "For a new folder of that name, let it end in '/'."
        )
    return Target(output, (*options.format, *previews_of(options.preview)), compress=options.compress)
