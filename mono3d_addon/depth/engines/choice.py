# SPDX-License-Identifier: GPL-3.0-or-later
"""Which engine runs a network: the fastest of the device whose result is that of plain float32."""

from __future__ import annotations

import functools
import sys
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from .. import memory
from ..catalogue import Model
from ..kept import Kept
from . import openvino_engine
from .agreement import compare
from .engine import Engine, Pictures, Precision

if TYPE_CHECKING:
    from .torch_engine import TorchEngine

Tell = Callable[[str], None]
"""Called with what is being done, in words for the user, where it takes a while."""

_ACCELERATED: tuple[Precision, ...] = ("float16", "bfloat16", "float32")
"""What to try on a graphics card. The first has three digits more than the second, which has the larger range."""

_GRAPH_BYTES = 5
"""Room that a graph needs for each learnt number, which is float32, with its description."""

_OUT_OF_RANGE = "left its range of numbers"


@dataclass(frozen=True)
class Candidate:
    """An engine that may be used if it agrees.

    name       library, kind of number and device
    key        all that the verdict depends on: the name, versions, the device's name, the size where it counts
    precision  the kind of number
    open       makes the engine
    """

    name: str
    key: str
    precision: Precision
    open: Callable[[], Engine]


@dataclass(frozen=True)
class Result:
    """Disparity of pictures, float32 (n, height, width), the engine that ran the network, and notes for the user."""

    disparity: NDArray[np.float32]
    engine: str
    notes: tuple[str, ...] = ()


class EngineChoice:
    """The engines of one model on one device.

    model     the row of the catalogue
    weights   its verified weights file
    device    'cpu' or one of `devices.ACCELERATORS`
    kept      what is kept of these weights; None: nothing is read or kept, and plain float32 runs on the processor
    is_plain  whether the user wants plain float32
    """

    def __init__(self, model: Model, weights: Path, device: str, kept: Kept | None, *, is_plain: bool = False) -> None:
        self.device = device
        self._model = model
        self._weights = weights
        self._kept = kept
        self._is_plain = is_plain
        self._by_size: dict[tuple[int, int], Engine] = {}
        self._by_key: dict[str, Engine] = {}
        self._plain: TorchEngine | None = None
        self._has_more_to_come = False

    def run(self, pictures: Pictures, tell: Tell = lambda words: None) -> Result:
        """Returns the disparity of pictures of one size. What an engine raises for full memory passes through.

        Raises Mono3DError when the weights cannot be read or are another model's. `tell` hears of what takes a while.
        """
        size = (pictures.shape[2], pictures.shape[3])
        if size not in self._by_size:
            return self._first(pictures, size, tell)
        engine = self._by_size[size]
        found = engine.run(pictures)
        if engine is self._plain or np.isfinite(found).all():
            return Result(found, engine.name)
        # A half precision has a small range, which a photo unlike the first may leave.
        plain = self.plain()
        return Result(plain.run(pictures), plain.name, (f"{engine.name} {_OUT_OF_RANGE}; {plain.name} was used.",))

    def plain(self) -> TorchEngine:
        """Returns plain float32: torch on the processor or, where the user wants it plain, on the device."""
        if self._plain is None:
            from .. import loading, threads
            from .torch_engine import on_device

            threads.use_processors()
            network = loading.network(self._model, self._weights, self._kept)
            self._plain = on_device(network, self.device if self._is_plain else "cpu")
        return self._plain

    def _first(self, pictures: Pictures, size: tuple[int, int], tell: Tell) -> Result:
        """Finds the engine for a new size, and returns what it gives."""
        notes: list[str] = []

        @functools.cache
        def expected() -> NDArray[np.float32]:
            tell("Running plain float32")
            return self.plain().run(pictures)

        for candidate in self._candidates(tell, size):
            engine, found, refusal = self._tried(candidate, pictures, expected)
            if engine is not None and found is not None:
                self._by_size[size] = engine
                self._release_plain()
                return Result(found, engine.name, tuple(notes))
            notes.append(f"{candidate.name} is not used for '{self._model.name}' here: {refusal}.")
        result = expected()
        if not self._has_more_to_come:
            self._by_size[size] = self.plain()
        return Result(result, self.plain().name, tuple(notes))

    def _tried(
        self, candidate: Candidate, pictures: Pictures, expected: Callable[[], NDArray[np.float32]]
    ) -> tuple[Engine | None, NDArray[np.float32] | None, str]:
        """Returns an engine and its result, or nothing and why it may not be used.

        It is held against plain float32 unless that has been done before, and then the verdict is recorded. That it
        failed is not: with another driver, or less in the memory, it may work the next time.
        """
        verdict = self._kept.verdict(candidate.key) if self._kept else None
        if verdict is not None and not verdict.agrees:
            return None, None, verdict.reason
        try:
            engine = self._by_key.get(candidate.key) or candidate.open()
            found = engine.run(pictures)
        except Exception as error:
            if memory.is_full(error):
                raise
            print(f"{candidate.name} does not work:", file=sys.stderr)
            traceback.print_exc()
            return None, None, f"it failed ({type(error).__name__}, the log tells more)"
        if verdict is None:
            verdict = compare(expected(), found, candidate.precision)
            if self._kept:
                self._kept.record(candidate.key, verdict)
            if not verdict.agrees:
                return None, None, verdict.reason
        if not np.isfinite(found).all():
            return None, None, f"it {_OUT_OF_RANGE}"
        self._by_key[candidate.key] = engine
        return engine, found, ""

    def _release_plain(self) -> None:
        """Lets go of the plain engine, which holds the weights a second time, where no size needs it."""
        if self._plain not in self._by_size.values():
            self._plain = None

    def _candidates(self, tell: Tell, size: tuple[int, int]) -> Iterator[Candidate]:
        """Yields what to try, the fastest first."""
        if self._is_plain:
            return
        if self.device != "cpu":
            yield from self._accelerated()
        elif self._kept is not None and openvino_engine.is_installed():
            graph = self._graph(self._kept, tell)
            if graph is not None:
                yield from _compiled(graph, size)

    def _accelerated(self) -> Iterator[Candidate]:
        import torch

        from .. import loading
        from .torch_engine import device_name, on_device

        for precision in _ACCELERATED:

            def opened(precision: Precision = precision) -> Engine:
                network = loading.network(self._model, self._weights, self._kept, precision)
                return on_device(network, self.device, precision)

            name = f"torch {precision} on {self.device}"
            yield Candidate(name, f"{name};{device_name(self.device)};{torch.__version__}", precision, opened)

    def _graph(self, kept: Kept, tell: Tell) -> Path | None:
        """Returns the folder of the graph, which is made the second time that the weights are used.

        Making it takes several times as long as running the network once, which does not pay for a single photo.
        None the first time, while another process makes it, and where there is no room for it.
        """
        name = f"openvino-{openvino_engine.version()}"
        found = kept.whole(name)
        self._has_more_to_come = found is None and not kept.remember_use()
        if found is not None or self._has_more_to_come:
            return found
        with kept.alone() as alone:
            self._has_more_to_come = not alone
            if alone and kept.room_for(_GRAPH_BYTES * self._model.parameters):
                tell(f"Preparing {self._model.name} for this processor, once")
                try:
                    with kept.making(name) as folder:
                        openvino_engine.convert(self.plain().network, self._model, folder)
                # Without the graph plain float32 gives the same result.
                except Exception:
                    print(f"The graph of {self._model.name} was not made:", file=sys.stderr)
                    traceback.print_exc()
        return kept.whole(name)


def _compiled(graph: Path, size: tuple[int, int]) -> Iterator[Candidate]:
    processor, version = openvino_engine.processor(), openvino_engine.version()
    for precision in openvino_engine.precisions():

        def opened(precision: Precision = precision) -> Engine:
            return openvino_engine.load(graph, size, precision)

        name = f"OpenVINO {precision} on cpu"
        yield Candidate(name, f"{name};{processor};{version};{size[0]}x{size[1]}", precision, opened)
