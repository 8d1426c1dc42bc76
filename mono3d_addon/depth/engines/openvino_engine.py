# SPDX-License-Identifier: GPL-3.0-or-later
"""OpenVINO on the processor: a network converted once to a graph, which later starts without torch.

A graph keeps the height and width of its pictures open where the model allows, so that one file serves all photos; it
is compiled for a size in a fraction of the time that torch takes to import. Its weights stay float32 in the file.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .. import threads
from ..catalogue import Model
from . import trial
from .engine import Pictures, Precision

if TYPE_CHECKING:
    from torch import nn

GRAPH = "graph.xml"
_PROCESSORS = (Path("/proc/cpuinfo"), Path("/sys/devices/system/cpu"))
_HINTS: Mapping[Precision, str] = {"float32": "f32", "bfloat16": "bf16"}
_END = "mono3d_end"
"""Under this the graph's file keeps how the names of its last steps begin, see `Decoder.end`."""

_SMALL_SIZE = (64, 96)
"""Height and width at which a network is traced: unlike each other and unlike any size that it was trained with."""


@dataclass(frozen=True)
class OpenVinoEngine:
    """A graph compiled for one size of picture, in one part or in two that follow each other."""

    parts: tuple[Any, ...]
    precision: Precision
    is_fused: bool = True

    @property
    def name(self) -> str:
        """Library, kind of number and device."""
        return name_of(self.precision, is_fused=self.is_fused)

    def run(self, pictures: Pictures) -> NDArray[np.float32]:
        """Returns the disparity of each picture, float32 (n, height, width), near = large.

        One picture after the other: more of them at a time are no faster on a processor.
        """
        return np.concatenate([self._run_one(picture[None]) for picture in pictures])

    def _run_one(self, picture: Pictures) -> NDArray[np.float32]:
        found = [picture]
        for part in self.parts:
            found = list(part(found).values())
        return found[0]


def name_of(precision: Precision, *, is_fused: bool = True) -> str:
    """Returns the name of an engine."""
    return f"OpenVINO {precision} on cpu{'' if is_fused else ', step by step'}"


def is_usable() -> bool:
    """Tells whether OpenVINO is there, without importing it, and finds here what it looks for."""
    return importlib.util.find_spec("openvino") is not None and _tells_processors()


def _tells_processors() -> bool:
    """Tells whether Linux shows its processors: where neither place is there, OpenVINO 2026.4 looks for them for ever.

    So it is in a root folder without /proc and /sys.
    """
    return sys.platform != "linux" or any(place.exists() for place in _PROCESSORS)


def version() -> str:
    """Returns OpenVINO's version in the form 2026.4.1; graphs belong to it."""
    import openvino

    return str(openvino.__version__).split("-")[0]


def processor() -> str:
    """Returns the name of the processor, on which depends how a graph computes."""
    import openvino

    return str(openvino.Core().get_property("CPU", "FULL_DEVICE_NAME"))


def precisions() -> tuple[Precision, ...]:
    """Returns the kinds of number to try on this processor, the fastest first.

    Where the processor has no bfloat16 of its own, computing with it is many times slower, not faster.
    """
    import openvino

    able = openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    return ("bfloat16", "float32") if "BF16" in able else ("float32",)


def convert(network: nn.Module, model: Model, folder: Path) -> None:
    """Writes the graph of a torch `network`, float32 on the processor, into the existing `folder`."""
    import warnings

    import openvino
    import torch

    side = model.network_size
    height, width = (side, side) if model.square_only else _SMALL_SIZE
    shape = (1, 3, height, width) if model.square_only else (1, 3, -1, -1)
    example = torch.zeros(1, 3, height, width)
    with warnings.catch_warnings(), torch.no_grad():
        # It warns of each size that a trace takes for a constant; whether that matters, the comparison tells.
        warnings.simplefilter("ignore")
        # OpenVINO would trace by itself, and for a check run the network three times.
        traced = torch.jit.trace(network, example, check_trace=False, strict=False)
        graph = openvino.convert_model(traced, example_input=example, input=[openvino.PartialShape(shape)])
    end: tuple[str, ...] = network.decoder.end()  # type: ignore[operator,union-attr]
    graph.set_rt_info(" ".join(f"__module.decoder.{name}" for name in end), [_END])
    openvino.save_model(graph, folder / GRAPH, compress_to_fp16=False)


def survives(folder: Path, size: tuple[int, int], precision: Precision, *, is_fused: bool = True) -> bool:
    """Tells whether the graph can be loaded and run without a crash; see `load`. Takes as long as doing it."""
    return trial.survives(__name__, try_out.__name__, str(folder), *size, precision, is_fused)


def try_out(folder: str, height: int, width: int, precision: Precision, is_fused: bool) -> None:
    """Loads the graph and runs it once."""
    engine = load(Path(folder), (height, width), precision, is_fused=is_fused)
    engine.run(np.zeros((1, 3, height, width), np.float32))


def load(folder: Path, size: tuple[int, int], precision: Precision, *, is_fused: bool = True) -> OpenVinoEngine:
    """Returns the graph that `convert` wrote into `folder`, compiled for pictures of `size`, (height, width).

    With bfloat16 its last steps compute in float32, see `Decoder.end`. Where it is not `is_fused`, OpenVINO
    compiles no code of its own for several steps together: slower, and without the crashes of that.
    """
    import openvino

    core = openvino.Core()
    graph = core.read_model(folder / GRAPH)
    graph.reshape([1, 3, *size])

    def compiled(part: Any, kind: Precision) -> Any:
        settings = {
            "PERFORMANCE_HINT": "LATENCY",
            # Its own choice on processors with bfloat16 is that, asked or not.
            "INFERENCE_PRECISION_HINT": _HINTS[kind],
            "INFERENCE_NUM_THREADS": threads.wanted(),
            "SNIPPETS_MODE": "ENABLE" if is_fused else "DISABLE",
        }
        return core.compile_model(part, "CPU", settings)

    if precision == "float32":
        return OpenVinoEngine((compiled(graph, precision),), precision, is_fused)
    body, end = _parted(graph)
    return OpenVinoEngine((compiled(body, precision), compiled(end, "float32")), precision, is_fused)


def _parted(graph: Any) -> tuple[Any, Any]:
    """Returns a graph of a fixed size in two parts; the second, its last steps, takes what the first gives.

    Raises ValueError when the last steps are not found.
    """
    import openvino
    from openvino import opset8
    from openvino.passes import ConstantFolding, Manager

    # The sizes to which maps are enlarged are those of other maps, which the last steps would ask for else.
    folding = Manager()
    folding.register_pass(ConstantFolding())
    folding.run_passes(graph)
    begin = tuple(graph.get_rt_info([_END]).astype(str).split())
    end: dict[str, Any] = {}
    for step in graph.get_ordered_ops():
        is_first = step.get_friendly_name().startswith(begin) and _is_convolution(step)
        if is_first or any(source.get_node().get_friendly_name() in end for source in step.input_values()):
            end[step.get_friendly_name()] = step
    if not end:
        raise ValueError(f"the graph has no step whose name begins with {' or '.join(begin)}")
    inputs, results = graph.get_parameters(), graph.get_results()
    given: list[Any] = []
    between: list[Any] = []
    for step in end.values():
        for number, source in enumerate(step.input_values()):
            node = source.get_node()
            if node.get_friendly_name() in end or node.get_type_name() == "Constant":
                continue
            parameter = opset8.parameter(source.get_partial_shape(), np.float32)
            step.input(number).replace_source_output(parameter.output(0))
            given.append(source)
            between.append(parameter)
    return openvino.Model([opset8.result(one) for one in given], inputs), openvino.Model(results, between)


def _is_convolution(step: Any) -> bool:
    return str(step.get_type_name()).startswith("Convolution")
