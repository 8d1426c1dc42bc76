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

_WORDS = {name: word for word, name in GRADES.items()}

_BRINGS = {
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
    """

    model: Model
    status: weights.Status
    seconds: Mapping[str, float]

    @property
    def grade(self) -> str:
        """The word for it among the three models that are offered first; empty for the others."""
        return _WORDS.get(self.model.name, "")

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
        return f"about {seconds_in_words(self.model.slow_seconds, digits=1)}"

    @property
    def summary(self) -> str:
        """Where it is or how large its download, its terms and its speed, in words: "99 MB, free for all use, ..."."""
        where = {"bundled": "bundled", "ready": "downloaded"}.get(self.status.state, megabytes(self.model))
        return ", ".join((where, licence.use(self.model), self.speed))

    @property
    def label(self) -> str:
        """Its name for people, after the word for it if it has one: "Better: Depth Anything V2 small"."""
        title = self.model.title
        return title if self.grade in ("", title.lower()) else f"{self.grade.capitalize()}: {title}"


def table(data_folder: Path, models: Mapping[str, Model] = MODELS) -> tuple[Row, ...]:
    """Returns a row for each model, in the catalogue's order; reads the sizes of a few files."""
    measured = timings.measured(data_folder)
    return tuple(
        Row(model, weights.status(model, data_folder), measured.get(name, {})) for name, model in models.items()
    )


def here_first(rows: Iterable[Row]) -> list[Row]:
    """Returns the rows of models that are on this computer, then the others, else in their order."""
    return sorted(rows, key=lambda row: not row.is_here)


def graded(rows: Iterable[Row]) -> list[Row]:
    """Returns the rows of the three models that are offered first: starter, better, best."""
    by_name = {row.model.name: row for row in rows}
    return [by_name[name] for name in GRADES.values() if name in by_name]


def next_step(rows: Iterable[Row]) -> Row | None:
    """Returns the next better model after the starter, for a user who has only that; None for others."""
    rows = list(rows)
    if any(row.is_here and row.grade != "starter" for row in rows):
        return None
    return next((row for row in rows if row.grade == "better"), None)


def promise(row: Row) -> str:
    """Returns what a graded model brings and costs, in words."""
    return f"{row.label} brings {_BRINGS[row.grade]}: {row.summary}"


def megabytes(model: Model) -> str:
    """Returns the size of the weights in words."""
    return f"{model.file_bytes / 1e6:,.0f} MB"


def seconds_in_words(seconds: float, digits: int = 2) -> str:
    """Returns seconds with one or two digits, from ten on in whole ones."""
    return f"{seconds:.0f} s" if seconds >= 9.5 else f"{seconds:.{digits}g} s"
