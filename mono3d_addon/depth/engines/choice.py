# SPDX-License-Identifier: GPL-3.0-or-later
"""Chooses the engine that runs a network: the fastest of the device that agrees with plain float32."""

from __future__ import annotations

import functools
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...core import extras
from ...errors import Mono3DError
from .. import devices, memory
from ..engine_cache import EngineCache
from ..model import Model
from ..tensor_file import is_safetensors
from . import numpy_engine, openvino_engine
from .agreement import compare_all
from .engine import DISPARITY, Arrays, Engine, Pictures, Precision, is_finite, joined
from .numpy_engine import NumpyEngine
from .verdict import Verdict

Tell = Callable[[str], None]
"""Called with a stage, in words for the user, when it takes long."""

_ACCELERATED: tuple[Precision, ...] = ("float16", "bfloat16", "float32")
"""Precisions to try on a graphics card. float16 has three more bits of mantissa, bfloat16 the larger range."""

_LEAST_COMPILED = 2
"""Sizes, at least, for which a graph stays compiled: enough for both orientations of photos."""
_COMPILED_BYTES = 300_000_000
"""Memory for more of them: photos of a folder often have several proportions.

Compiling the starter model takes as long as running it four times.
"""
_BESIDES = 45_000_000
"""Memory of a compiled graph besides its copy of the weights."""

_GRAPH_BYTES = 5
"""Disk space of a graph for each parameter, which is float32, with its description."""

_OUT_OF_RANGE = "left its range of numbers"


@dataclass(frozen=True)
class Candidate:
    """An engine that may be used if it agrees.

    name          library, precision and device
    key           all that the verdict depends on: the name, versions, the device's name, the size where it matters
    precision     the number format of the computation
    is_one_size   whether it runs pictures of one size only
    open          makes the engine
    survives      returns whether it can be opened without a crash; called before it is opened for the first time
    """

    name: str
    key: str
    precision: Precision
    is_one_size: bool
    open: Callable[[], Engine]
    survives: Callable[[], bool] = lambda: True


@dataclass(frozen=True)
class Candidates:
    """Candidates, the fastest first; whether there may be more the next time; why there are none."""

    now: Sequence[Candidate] = ()
    more_later: bool = False
    reason: str = ""


@dataclass(frozen=True)
class Result:
    """What a network gives for pictures.

    arrays  its arrays by name
    engine  the engine that ran it, and `device`, where
    notes   sentences for the user
    seconds duration of running it, without making or choosing an engine; 0: not known
    """

    arrays: Arrays
    engine: str
    notes: tuple[str, ...] = ()
    device: str = "cpu"
    seconds: float = 0.0

    @property
    def disparity(self) -> NDArray[np.float32]:
        """Relative inverse depth, float32 (n, height, width), near = large."""
        return self.arrays[DISPARITY]


def _timed(engine: Engine, pictures: Pictures) -> tuple[Arrays, float]:
    began = time.perf_counter()
    found = engine.run(pictures)
    return found, time.perf_counter() - began


def is_bare() -> bool:
    """Returns whether neither torch nor OpenVINO is installed: then numpy runs what it can."""
    return not devices.has_torch() and not openvino_engine.is_installed()


def require_packages(model: Model) -> None:
    """Raises Mono3DError, a sentence, when no engine that is installed runs `model`."""
    if is_bare() and not model.runs_on_numpy:
        raise _needs_torch(model)


def _needs_torch(model: Model) -> Mono3DError:
    return extras.needed(f"Models such as '{model.name}'", ModuleNotFoundError(name="torch"))


class EngineChoice:
    """The engines of one model on one device. Without packages the only one is numpy's, for models that run on it.

    model     the row of the catalogue
    weights   its verified weights file
    device    'cpu' or one of `devices.ACCELERATORS`
    cache     the cache of these weights; None: nothing is kept, and a processor runs plain float32
    is_plain  whether the user wants plain float32
    """

    def __init__(
        self, model: Model, weights: Path, device: str, cache: EngineCache | None, *, is_plain: bool = False
    ) -> None:
        self.device = device
        self._model = model
        self._weights = weights
        self._cache = cache
        self._is_plain = is_plain
        self._by_size: dict[tuple[int, int], Engine] = {}
        self._for_all_sizes: dict[str, Engine] = {}
        self._verdicts: dict[str, Verdict] = {}
        self._plain: Engine | None = None
        self._numpy: NumpyEngine | None = None
        self._cannot_convert = False
        self._room: dict[tuple[int, int], int] = {}

    def run(self, pictures: Pictures, tell: Tell = lambda words: None) -> Result:
        """Returns the arrays of pictures of one size. What an engine raises for full memory passes through.

        Raises Mono3DError when the weights cannot be read or are another model's. `tell` is called with long stages.
        """
        size = (pictures.shape[2], pictures.shape[3])
        if size not in self._by_size:
            return self._first(pictures, size, tell)
        # Behind the others, so that the size that was not used for the longest time goes first.
        engine = self._by_size[size] = self._by_size.pop(size)
        found, seconds = _timed(engine, pictures)
        outside = ~is_finite(found)
        if engine is self._plain or not outside.any():
            return Result(found, engine.name, device=engine.device, seconds=seconds)
        # Half precision has a small range; a photo unlike the first may exceed it.
        plain = self.plain()
        for name, array in plain.run(pictures[outside]).items():
            found[name][outside] = array
        used = plain.name if outside.all() else f"{engine.name} and {plain.name}"
        device = plain.device if outside.all() else engine.device
        return Result(found, used, (f"{engine.name} {_OUT_OF_RANGE}; {plain.name} was used.",), device)

    def plain(self) -> Engine:
        """Returns the engine of plain float32: torch on the processor, or on the device if the user asked for plain.

        Raises Mono3DError when the weights cannot be read, or when torch is missing and the model needs it.
        """
        if self._plain is None:
            self._plain = self._on_torch() if devices.has_torch() else self._on_numpy()
        return self._plain

    def _reference(self) -> Engine:
        """Returns the engine of plain float32 that others are compared with.

        That is numpy for a network whose graph is made without torch: it has run before torch is imported.
        """
        if not self._needs_no_torch():
            return self.plain()
        if self._numpy is None:
            self._numpy = self._on_numpy()
        return self._numpy

    def _needs_no_torch(self) -> bool:
        """Returns whether the graph for OpenVINO is made from the weights file without torch."""
        if self.device != "cpu" or self._is_plain or self._cache is None or self._cannot_convert:
            return False
        return self._model.runs_on_numpy and openvino_engine.is_usable() and is_safetensors(self._weights)

    def _on_torch(self) -> Engine:
        from .. import loading, threads
        from .torch_engine import on_device

        threads.use_processors()
        # On a graphics card these weights are needed once, for the comparison.
        keeps = self._cache if self._is_plain or self.device == "cpu" else None
        network = loading.network(self._model, self._weights, keeps)
        return on_device(network, self.device if self._is_plain else "cpu")

    def _on_numpy(self) -> NumpyEngine:
        if not self._model.runs_on_numpy:
            raise _needs_torch(self._model)
        return numpy_engine.load(self._model, self._weights)

    def release(self) -> None:
        """Frees all engines and their memory; the next run opens what it needs."""
        self._by_size.clear()
        self._for_all_sizes.clear()
        self._plain = self._numpy = None
        if self.device != "cpu" and sys.modules.get("torch") is not None:
            from .torch_engine import give_back

            give_back(self.device)

    def room(self, size: tuple[int, int]) -> int:
        """Returns how many pictures of a size, (height, width), may fit into the memory as a batch, as far as known."""
        return self._room.get(size, sys.maxsize)

    def overflowed(self, size: tuple[int, int], count: int) -> None:
        """Records that `count` pictures of a size were too many for the memory, and frees it.

        Call it after the except block: while the error is alive, it holds references to what the network computed.
        """
        self._room[size] = count // 2
        self.release()

    def _first(self, pictures: Pictures, size: tuple[int, int], tell: Tell) -> Result:
        """Chooses the engine for a new size, and returns its result."""
        spent = 0.0

        @functools.cache
        def expected() -> Arrays:
            nonlocal spent
            tell("First run at this size")
            first, spent = _timed(self._reference(), pictures[:1])
            return first

        candidates = self._candidates(size, tell)
        notes = [candidates.reason] if candidates.reason else []
        for candidate in candidates.now:
            engine, found, refusal = self._tried_in_room(candidate, pictures, expected)
            if engine is not None and found is not None:
                self._by_size[size] = engine
                self._release_plain()
                return replace(found, notes=tuple(notes))
            notes.append(f"{candidate.name} is not used for '{self._model.name}' here: {refusal}.")
        # While another process makes a graph that needs no torch, none is imported.
        plain = self._reference() if candidates.more_later else self.plain()
        if not candidates.more_later:
            self._by_size[size] = plain
        if self._reference() is not plain:
            result, spent = _timed(plain, pictures)
        elif len(pictures) == 1:
            result = expected()
        else:
            result, spent = joined(expected(), plain.run(pictures[1:])), 0.0
        return Result(result, plain.name, tuple(notes), plain.device, spent)

    def _tried_in_room(
        self, candidate: Candidate, pictures: Pictures, expected: Callable[[], Arrays]
    ) -> tuple[Engine | None, Result | None, str]:
        """Returns the same as `_tried`; if a processor's memory is too small for an engine, plain float32 may fit."""
        try:
            return self._tried(candidate, pictures, expected)
        except (RuntimeError, MemoryError) as error:
            if self.device != "cpu" or not memory.is_full(error):
                raise
        return None, None, "the memory did not suffice for it"

    def _tried(
        self, candidate: Candidate, pictures: Pictures, expected: Callable[[], Arrays]
    ) -> tuple[Engine | None, Result | None, str]:
        """Returns an engine and its result, or None and the reason why it may not be used.

        The first picture is compared with plain float32, unless a verdict is recorded, and the verdict is recorded. A
        failure is not recorded: with another driver, or more free memory, the engine may work the next time.
        """
        verdict = self._verdict(candidate.key)
        if verdict is None:
            expected()
            # There may be no memory for both engines; only its result is needed.
            self._release_plain()
            if not candidate.survives():
                verdict = Verdict(False, 0.0, float("inf"), "it crashes")
                self._remember(candidate.key, verdict)
        if verdict is not None and not verdict.agrees:
            return None, None, verdict.reason
        try:
            engine = self._opened(candidate)
            found, seconds = _timed(engine, pictures)
        except Exception as error:
            if memory.is_full(error) or isinstance(error, Mono3DError):
                raise
            print(f"{candidate.name} does not work:", file=sys.stderr)
            traceback.print_exc()
            return None, None, f"it failed ({type(error).__name__}, the log tells more)"
        if verdict is None:
            verdict = compare_all(expected(), {name: array[:1] for name, array in found.items()}, candidate.precision)
            self._remember(candidate.key, verdict)
            if not verdict.agrees:
                self._for_all_sizes.pop(candidate.key, None)
                return None, None, verdict.reason
        if not is_finite(found).all():
            return None, None, f"it {_OUT_OF_RANGE}"
        return engine, Result(found, engine.name, device=engine.device, seconds=seconds), ""

    def _verdict(self, key: str) -> Verdict | None:
        if key not in self._verdicts and self._cache and (recorded := self._cache.verdict(key)):
            self._verdicts[key] = recorded
        return self._verdicts.get(key)

    def _remember(self, key: str, verdict: Verdict) -> None:
        self._verdicts[key] = verdict
        if self._cache:
            self._cache.record(key, verdict)

    def _opened(self, candidate: Candidate) -> Engine:
        if not candidate.is_one_size:
            if candidate.key not in self._for_all_sizes:
                self._for_all_sizes[candidate.key] = candidate.open()
            return self._for_all_sizes[candidate.key]
        most = max(_LEAST_COMPILED, _COMPILED_BYTES // (4 * self._model.parameters + _BESIDES))
        while len(self._by_size) >= most:
            self._by_size.pop(next(iter(self._by_size)))
        return candidate.open()

    def _release_plain(self) -> None:
        """Frees the plain engine, which holds the weights a second time, unless a size uses it."""
        self._numpy = None
        if self._plain not in self._by_size.values():
            self._plain = None

    def _candidates(self, size: tuple[int, int], tell: Tell) -> Candidates:
        if self._is_plain or is_bare():
            return Candidates()
        try:
            return self._openvino(size, tell) if self.device == "cpu" else Candidates(self._accelerated())
        except Exception as error:
            if memory.is_full(error) or isinstance(error, Mono3DError):
                raise
            # A library may be installed and not load; plain float32 needs none.
            print("The fast engines cannot be used:", file=sys.stderr)
            traceback.print_exc()
            return Candidates()

    def _accelerated(self) -> list[Candidate]:
        import torch

        from .. import loading
        from .torch_engine import device_name, on_device

        card = device_name(self.device)

        def candidate(precision: Precision) -> Candidate:
            def opened() -> Engine:
                network = loading.network(self._model, self._weights, self._cache, precision)
                return on_device(network, self.device, precision)

            name = f"torch {precision} on {self.device}"
            return Candidate(name, f"{name};{card};{torch.__version__}", precision, False, opened)

        return [candidate(precision) for precision in _ACCELERATED]

    def _openvino(self, size: tuple[int, int], tell: Tell) -> Candidates:
        """Returns the graph compiled for a size. With torch it is made the second time that the weights are used.

        That takes several times as long as running the network once, too long for a single photo.
        """
        if self._cache is None or not openvino_engine.is_usable():
            return Candidates()
        if self._cannot_convert:
            return Candidates(reason=self._not_made())
        version = openvino_engine.version()
        name = f"openvino-{version}"
        graph = self._cache.intact(name)
        if graph is None:
            if self._needs_no_torch():
                graph = self._made(self._cache, name, self._build)
            elif not devices.has_torch():
                return Candidates()
            elif not self._cache.remember_use():
                return Candidates(more_later=True)
            else:
                tell(f"Preparing {self._model.name} for this processor, once")
                graph = self._made(self._cache, name, self._convert)
            if graph is None:
                return Candidates(reason=self._not_made()) if self._cannot_convert else Candidates(more_later=True)
        where = f"{openvino_engine.processor()};{version}"
        ways = openvino_engine.ways(graph)
        if self._model.is_quick:
            # There is no time to gain that anyone would notice.
            ways = tuple(way for way in ways if way.precision == "float32")
        return Candidates([_compiled(self._cache, graph, size, way, where) for way in ways])

    def _build(self, folder: Path) -> None:
        from . import openvino_starter

        openvino_engine.write(openvino_starter.graph(self._on_numpy().network), folder)

    def _convert(self, folder: Path) -> None:
        assert self._cache is not None
        openvino_engine.convert_beside(self._model, self._weights, self._cache.folder, folder)

    def _made(self, cache: EngineCache, name: str, fill: Callable[[Path], None]) -> Path | None:
        """Returns the folder of the new graph; None while another process makes it, or if it cannot be made."""
        try:
            made = cache.make_once(name, _GRAPH_BYTES * self._model.parameters, fill)
        except Mono3DError:
            raise
        except Exception:
            print(f"The graph of {self._model.name} was not made:", file=sys.stderr)
            traceback.print_exc()
            self._cannot_convert = True
            return None
        if made is not None:
            cache.discard_others("openvino-", name)
        return made

    def _not_made(self) -> str:
        return f"OpenVINO is not used for '{self._model.name}' here: making its graph failed (the log tells more)."


def _compiled(
    cache: EngineCache, graph: Path, size: tuple[int, int], way: openvino_engine.Way, where: str
) -> Candidate:
    def opened() -> Engine:
        try:
            return openvino_engine.load(graph, size, way)
        except Exception as error:
            if not memory.is_full(error):
                # The graph may be damaged; the next use makes a new one.
                cache.discard(graph.name)
            raise

    def survives() -> bool:
        return openvino_engine.survives(graph, size, way)

    return Candidate(way.name, f"{way.name};{where};{size[0]}x{size[1]}", way.precision, True, opened, survives)
