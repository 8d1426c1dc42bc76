# SPDX-License-Identifier: GPL-3.0-or-later
"""What is known about a model, as plain facts; `catalogue` has all of them."""

from __future__ import annotations

import types
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from ..settings import GRADES

ResizeRule = Literal["minimal", "upper_bound", "lower_bound", "longest", "patches"]
Sampling = Literal["cubic", "cubic, averaged", "linear, averaged", "area"]
Channels = tuple[float, float, float]

Gives = Literal["disparity", "depth", "metres", "metres by focal length", "points"]
"""Disparity up to scale and shift; depth up to a scale; depth in metres, as it is or after a product with the focal
length; points in space with a mask, normals, lens and a scale in metres."""

GIVES: Mapping[Gives, tuple[str, ...]] = types.MappingProxyType(
    {
        "disparity": (),
        "depth": ("proportions", "sky"),
        "metres": ("metres",),
        "metres by focal length": ("metres where the lens is known", "sky"),
        "points": ("metres", "lens", "sky", "normals"),
    }
)
"""What a network gives beside the order of near and far, in words."""

_GRADE_OF: Mapping[str, str] = types.MappingProxyType({name: word for word, name in GRADES.items()})

HALF: Channels = (0.5, 0.5, 0.5)
IMAGENET_MEAN: Channels = (0.485, 0.456, 0.406)
IMAGENET_DEVIATION: Channels = (0.229, 0.224, 0.225)


@dataclass(frozen=True)
class Accuracy:
    """How accurate a model is, in a few words, and who has published that."""

    words: str
    source: str


@dataclass(frozen=True)
class Model:
    """A row of the catalogue.

    name             what the user chooses; also the row of `networks.architectures`
    title            what people call it
    choose_when      one line that helps to choose
    file             name of the weights file
    address          where the publisher offers the file; empty for a bundled one
    file_bytes       size of the file; within 50 kB where not `size_is_exact`
    size_is_exact    whether the publisher states that size
    sha256           hash of the file in hexadecimal; None: unknown, recorded on first use
    known_by         where `sha256` is unknown: names of tensors that the file must hold, deep ones of the network
    licence          licence of the weights
    parameters       learnt numbers, as MiDaS counts them: with those that it never uses
    network_size     side of the pictures the model was trained with, in pixels
    slow_seconds     seconds for a photo on two slow cores with AVX2: measured, or by the count of operations
    resize           how the size of the network's input follows from that of the photo, see `resize.input_size`
    sampling         how the photo is brought to that size, see `resize.picture`
    mean, deviation  normalise RGB in 0..1: (value - mean) / deviation
    multiple         the sides of the network's input are multiples of this
    square_only      whether the network takes pictures of `network_size` x `network_size` only
    sees_aspect      whether a fourth channel of the input tells the photo's width / height
    gives            what the network gives
    guesses          what it guesses beside that
    accuracy         what is published of its accuracy; None: nothing
    bundled          whether the file comes with the add-on
    is_quick         whether a processor runs it in some tens of milliseconds, so that fine detail costs little
    numpy_seconds    seconds for a photo on numpy alone; 0: it needs the packages that the installer brings
    """

    name: str
    title: str
    choose_when: str
    file: str
    address: str
    file_bytes: int
    size_is_exact: bool
    sha256: str | None
    licence: str
    parameters: int
    network_size: int
    slow_seconds: float
    resize: ResizeRule
    mean: Channels
    deviation: Channels
    sampling: Sampling = "cubic"
    multiple: int = 32
    square_only: bool = False
    sees_aspect: bool = False
    gives: Gives = "disparity"
    guesses: tuple[str, ...] = ()
    accuracy: Accuracy | None = None
    bundled: bool = False
    known_by: tuple[str, ...] = ()
    is_quick: bool = False
    numpy_seconds: float = 0.0

    @property
    def runs_on_numpy(self) -> bool:
        """Whether it runs without the packages that the installer brings."""
        return self.numpy_seconds > 0.0

    @property
    def is_for_all_use(self) -> bool:
        """Whether the weights may be used for commercial work too."""
        return not self.licence.startswith("CC-BY-NC")

    @property
    def grade(self) -> str:
        """The word for it among the three models that are offered first; empty for the others."""
        return _GRADE_OF.get(self.name, "")

    @property
    def label(self) -> str:
        """What people call it, after the word for it if it has one: "Better: Depth Anything V2 small"."""
        return self.title if self.grade in ("", self.title.lower()) else f"{self.grade.capitalize()}: {self.title}"

    @property
    def gives_words(self) -> tuple[str, ...]:
        """What it gives beside the order of near and far, each in a word or a few."""
        return (*GIVES[self.gives], *((f"guesses of {' and '.join(self.guesses)}",) if self.guesses else ()))
