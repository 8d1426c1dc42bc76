# SPDX-License-Identifier: GPL-3.0-or-later
"""The models as a user chooses among them: one table with what is known of each, published and on this computer.

Panel, command line, web page and documents show its rows. Standard library only.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ..settings import GRADES
from . import licence, timings, weights
from .catalogue import MODELS
from .model import Model

_OFFERED = ".next_step_offered"

BRINGS = {
    "better": "more exact depth and finer outlines",
    "best": "metres, lens, sky and normals from the photo itself",
}
"""What the grades above the starter bring."""


@dataclass(frozen=True)
class Row:
    """A model, and what is known of it on this computer.

    model    its row of the catalogue
    status   the state of its weights
    seconds  seconds for a picture as measured here, by device; the device used last is last; empty if it never ran
    is_bare  whether the packages are not installed that all models but the starter need
    """

    model: Model
    status: weights.Status
    seconds: Mapping[str, float]
    is_bare: bool = False

    @property
    def is_here(self) -> bool:
        """Whether its weights are on this computer and not known to be damaged."""
        return self.status.state in ("bundled", "ready")

    @property
    def speed(self) -> str:
        """Seconds for a picture, in words: as measured here, else about what a slow processor takes."""
        if self.seconds:
            device, seconds = list(self.seconds.items())[-1]
            return f"{seconds_in_words(seconds)} here" + (f" ({device})" if device != "cpu" else "")
        runs_on_numpy = self.is_bare and self.model.runs_on_numpy
        seconds = self.model.numpy_seconds if runs_on_numpy else self.model.slow_seconds
        return f"about {seconds_in_words(seconds, digits=1)}"

    @property
    def summary(self) -> str:
        """Where it is or how large its download, its terms and its speed, in words: "99 MB, free for all use, ..."."""
        return ", ".join(self.facts(megabytes(self.model)))

    def facts(self, size: str) -> tuple[str, ...]:
        """Returns the words of `summary`, with the size of the download given in words."""
        where = {"bundled": "bundled", "ready": "downloaded"}.get(self.status.state, size)
        return where, licence.use(self.model), self.speed


def table(data_folder: Path, models: Mapping[str, Model] = MODELS, *, is_bare: bool = False) -> tuple[Row, ...]:
    """Returns a row for each model, in the catalogue's order; reads the sizes of a few files.

    `is_bare`: the packages are not installed that all models but the starter need.
    """
    measured = timings.measured(data_folder)
    return tuple(
        Row(model, weights.status(model, data_folder), measured.get(name, {}), is_bare)
        for name, model in models.items()
    )


def here_first(rows: Iterable[Row]) -> list[Row]:
    """Returns the rows of models that are on this computer, then the others, else in their order."""
    return sorted(rows, key=lambda row: not row.is_here)


def graded(rows: Iterable[Row]) -> list[Row]:
    """Returns the rows of the three models that are offered first: starter, better, best."""
    by_name = {row.model.name: row for row in rows}
    return [by_name[name] for name in GRADES.values() if name in by_name]


def next_step(rows: Iterable[Row], model: str) -> Row | None:
    """Returns the next better model for a user who has a result by `model` and nothing better here; else None."""
    rows = list(rows)
    if model != GRADES["starter"] or any(row.is_here and row.model.name != model for row in rows):
        return None
    return next((row for row in rows if row.model.grade == "better"), None)


def is_first_offer(data_folder: Path) -> bool:
    """Returns whether the next step was never offered on this computer, and remembers that it is now."""
    try:
        data_folder.mkdir(parents=True, exist_ok=True)
        (data_folder / _OFFERED).touch(exist_ok=False)
    except OSError:
        # It is there, or would be offered each time.
        return False
    return True


def promise(row: Row, package_bytes: int = 0) -> str:
    """Returns what a graded model brings and costs, in words; `package_bytes` is as in `cost`."""
    facts = ", ".join(row.facts(cost(row, package_bytes)))
    return f"{row.model.label} brings {BRINGS[row.model.grade]}: {facts}"


def cost(row: Row, package_bytes: int = 0) -> str:
    """Returns the size of a model's download, in words.

    Where the packages are not installed, they are part of it: `package_bytes` of them, 0 if that is not known.
    """
    if not row.is_bare:
        return megabytes(row.model)
    if package_bytes:
        return f"{(row.model.file_bytes + package_bytes) / 1e6:,.0f} MB with the packages that it needs"
    return f"{megabytes(row.model)} and the packages that it needs"


def megabytes(model: Model) -> str:
    """Returns the size of the weights in words."""
    return f"{model.file_bytes / 1e6:,.0f} MB"


def seconds_in_words(seconds: float, digits: int = 2) -> str:
    """Returns seconds with one or two digits, from ten on in whole ones."""
    return f"{seconds:.0f} s" if seconds >= 9.5 else f"{seconds:.{digits}g} s"
