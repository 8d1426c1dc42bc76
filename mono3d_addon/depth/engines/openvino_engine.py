# SPDX-License-Identifier: GPL-3.0-or-later
"""OpenVINO on the processor: a network is converted once to a graph, which later runs without torch.

Height and width of a graph are dynamic where the model allows it, so that one file serves all photos. Compiling it for
a size takes a fraction of the time that torch takes to import. Its weights stay float32 in the file.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from ...core import computer, extras
from ..model import Model
from . import trial
from .engine import ARRAY_NAMES, Arrays, Pictures, Precision

if TYPE_CHECKING:
    from torch import nn

GRAPH = "graph.xml"
_PROCESSORS = (Path("/proc/cpuinfo"), Path("/sys/devices/system/cpu"))
_HINTS: Mapping[Precision, str] = {"float32": "f32", "bfloat16": "bf16"}
_END = "mono3d_end"
"""Key in the graph's file for the first parts of the names of its last steps, see `Decoder.end`."""

_SMALL_SIZES = {32: (64, 96), 14: (56, 84)}
"""Height and width for tracing a network, by the multiple of its sizes.

They differ from each other and from all sizes of training.
"""


@dataclass(frozen=True)
class Way:
    """How a graph is computed.

    precision  the number format of the computation
    exact      the last steps that bfloat16 computes in float32, because its rounding would show on even surfaces: the
               last weighted "sum" of channels, or the whole "end" of `Decoder.end`, which is slower and more exact
    is_fused   whether OpenVINO compiles fused kernels (snippets); without them it is slower, but does not crash
    """

    precision: Precision
    exact: Literal["sum", "end"] = "end"
    is_fused: bool = True

    @property
    def name(self) -> str:
        """Library, precision and device."""
        is_slower = self.precision != "float32" and self.exact == "end"
        parted = ", last steps in float32" if is_slower else ""
        return f"OpenVINO {self.precision} on cpu{parted}{'' if self.is_fused else ', step by step'}"


@dataclass(frozen=True)
class OpenVinoEngine:
    """A graph compiled for one input size, in one part or in two that run one after the other."""

    parts: tuple[Any, ...]
    name: str

    @property
    def channels(self) -> int:
        """Channels of the pictures."""
        return int(self.parts[0].input(0).get_shape()[1])

    @property
    def device(self) -> str:
        """The processor."""
        return "cpu"

    def run(self, pictures: Pictures) -> Arrays:
        """Returns the network's arrays of all pictures.

        They run one after the other: batches are no faster on a processor.
        """
        found = [self._run_one(picture[None]) for picture in pictures]
        return {name: np.concatenate([one[name] for one in found]) for name in found[0]}

    def _run_one(self, picture: Pictures) -> dict[str, NDArray[np.float32]]:
        given: list[NDArray[np.float32]] = [picture]
        arrays: dict[str, NDArray[np.float32]] = {}
        for part in self.parts:
            values = part(given)
            given = []
            for output, value in zip(part.outputs, values.values(), strict=True):
                name = _array_of(output)
                if name is None:
                    given.append(value)
                else:
                    arrays[name] = value
        return arrays


def _array_of(output: Any) -> str | None:
    """Returns the name of the array that an output of a graph is; None if only the next part of the graph takes it."""
    return next((name for name in ARRAY_NAMES if name in output.get_names()), None)


def is_installed() -> bool:
    """Returns, without importing it, whether OpenVINO is installed."""
    return extras.has("openvino")


def is_usable() -> bool:
    """Returns, without importing it, whether OpenVINO is installed and can run here."""
    return is_installed() and _tells_processors()


def _tells_processors() -> bool:
    """Returns whether Linux lists its processors. If neither path exists, OpenVINO 2026.4 searches for them for ever.

    This is so in a chroot without /proc and /sys.
    """
    return sys.platform != "linux" or any(place.exists() for place in _PROCESSORS)


def version() -> str:
    """Returns OpenVINO's version in the form 2026.4.1; a graph is for one version."""
    import openvino

    return str(openvino.__version__).split("-")[0]


def processor() -> str:
    """Returns the name of the processor; the result of a graph depends on it."""
    import openvino

    return str(openvino.Core().get_property("CPU", "FULL_DEVICE_NAME"))


def precisions() -> tuple[Precision, ...]:
    """Returns the precisions to try on this processor, the fastest first.

    On a processor without bfloat16 in hardware, it is many times slower.
    """
    import openvino

    able = openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    return ("bfloat16", "float32") if "BF16" in able else ("float32",)


def ways(folder: Path) -> tuple[Way, ...]:
    """Returns the ways to compute the graph that `convert` wrote into `folder` on this processor, the fastest first."""
    found: list[Way] = []
    for precision in precisions():
        if precision != "float32" and _ends_with_sum(folder):
            found.append(Way(precision, "sum"))
        found.append(Way(precision))
    return (*found, Way("float32", is_fused=False))


def _ends_with_sum(folder: Path) -> bool:
    import openvino

    try:
        return _last_sum(openvino.Core().read_model(folder / GRAPH)) is not None
    except RuntimeError:
        # Loading it reports what is wrong with it.
        return False


def convert_beside(model: Model, weights: Path, cache: Path, folder: Path) -> None:
    """Writes the graph of a model into the existing `folder`, in a separate process, because it takes much memory.

    weights  the verified weights file
    cache    the folder of its `EngineCache`
    Raises MemoryError when the system ended the process, RuntimeError when it failed; its trace is in the log.
    """
    if not trial.succeeds(__name__, convert_from.__name__, model.name, str(weights), str(cache), str(folder)):
        raise RuntimeError("the process that makes the graph failed")


def convert_from(model: str, weights: str, cache: str, folder: str) -> None:
    """Writes the graph of the model by that name, with its `weights`, into the existing `folder`."""
    from .. import loading
    from ..catalogue import model_named
    from ..engine_cache import EngineCache

    row = model_named(model)
    convert(loading.network(row, Path(weights), EngineCache(Path(cache))), row, Path(folder))


def convert(network: nn.Module, model: Model, folder: Path) -> None:
    """Writes the graph of a torch `network`, float32 on the processor, into the existing `folder`."""
    import warnings

    import openvino
    import torch

    side, channels = model.network_size, 4 if model.sees_aspect else 3
    height, width = (side, side) if model.square_only else _SMALL_SIZES[model.multiple]
    shape = (1, channels, height, width) if model.square_only else (1, channels, -1, -1)
    example = torch.zeros(1, channels, height, width)
    with warnings.catch_warnings(), torch.no_grad():
        # It warns of each size that tracing makes constant; the comparison shows whether that matters.
        warnings.simplefilter("ignore")
        # OpenVINO would trace by itself, and run the network three times to check it.
        traced = torch.jit.trace(network, example, check_trace=False, strict=False)
        graph = openvino.convert_model(traced, example_input=example, input=[openvino.PartialShape(shape)])
    for output, name in zip(graph.outputs, network.outputs, strict=True):  # type: ignore[arg-type]
        output.get_tensor().set_names({name})
    end: tuple[str, ...] = network.end()  # type: ignore[operator]
    graph.set_rt_info(" ".join(f"__module.{name}" for name in end), [_END])
    write(graph, folder)


def write(graph: Any, folder: Path) -> None:
    """Writes a graph into the existing `folder`."""
    import openvino

    openvino.save_model(graph, folder / GRAPH, compress_to_fp16=False)


def survives(folder: Path, size: tuple[int, int], way: Way) -> bool:
    """Returns whether the graph can be loaded (see `load`) and run without a crash. Takes as long as doing so."""
    return trial.survives(__name__, try_out.__name__, str(folder), *size, way.precision, way.exact, way.is_fused)


def try_out(
    folder: str, height: int, width: int, precision: Precision, exact: Literal["sum", "end"], is_fused: bool
) -> None:
    """Loads the graph and runs it once."""
    engine = load(Path(folder), (height, width), Way(precision, exact, is_fused))
    engine.run(np.zeros((1, engine.channels, height, width), np.float32))


def load(folder: Path, size: tuple[int, int], way: Way) -> OpenVinoEngine:
    """Returns the graph that `convert` wrote into `folder`, compiled for pictures of `size`, (height, width).

    Raises ValueError when the graph does not have the last steps that `way.exact` names.
    """
    import openvino

    core = openvino.Core()
    graph = core.read_model(folder / GRAPH)
    channels = graph.input(0).get_partial_shape()[1].get_length()
    graph.reshape([1, channels, *size])

    def compiled(part: Any, kind: Precision) -> Any:
        settings = {
            "PERFORMANCE_HINT": "LATENCY",
            # By default it uses bfloat16 on processors that have it.
            "INFERENCE_PRECISION_HINT": _HINTS[kind],
            "INFERENCE_NUM_THREADS": computer.threads(),
            # It would bind one thread to the first processor, and so those of all workers to the same.
            "ENABLE_CPU_PINNING": False,
            "SNIPPETS_MODE": "ENABLE" if way.is_fused else "DISABLE",
        }
        return core.compile_model(part, "CPU", settings)

    if way.precision == "float32":
        return OpenVinoEngine((compiled(graph, "float32"),), way.name)
    if way.exact == "sum":
        _write_out_last_sum(graph)
        return OpenVinoEngine((compiled(graph, way.precision),), way.name)
    body, end = _parted(graph)
    return OpenVinoEngine((compiled(body, way.precision), compiled(end, "float32")), way.name)


def _last_sum(graph: Any) -> Any:
    """Returns the last convolution of a graph if it is a 1x1 convolution to one channel; else None."""
    *_, last = (step for step in graph.get_ordered_ops() if _is_convolution(step))
    outputs, _, *kernel = last.input_value(1).get_shape()
    return last if [outputs, *kernel] == [1, 1, 1] else None


def _write_out_last_sum(graph: Any) -> None:
    """Replaces the last convolution by a product and a sum, which OpenVINO computes in float32.

    It computes all simple steps after the last convolution in float32, and does not round that one's result.
    Raises ValueError when the last convolution is more than a weighted sum.
    """
    from openvino import opset8

    step = _last_sum(graph)
    if step is None:
        raise ValueError("the graph does not end with a sum of channels")
    product = opset8.multiply(step.input_value(0), step.input_value(1))
    total = opset8.reduce_sum(product, np.array([1]), keep_dims=True)
    for target in list(step.output(0).get_target_inputs()):
        target.replace_source_output(total.output(0))
    graph.validate_nodes_and_infer_types()


def _parted(graph: Any) -> tuple[Any, Any]:
    """Returns a graph of a fixed size in two parts; the second, its last steps, takes what the first gives.

    Raises ValueError when the last steps are not found.
    """
    import openvino
    from openvino import opset8
    from openvino.passes import ConstantFolding, Manager

    # Otherwise the last steps would depend on other maps for the sizes to which maps are enlarged.
    folding = Manager()
    folding.register_pass(ConstantFolding())
    folding.run_passes(graph)
    begin = tuple(graph.get_rt_info([_END]).astype(str).split())
    steps = graph.get_ordered_ops()
    first = [step for step in steps if step.get_friendly_name().startswith(begin) and _is_convolution(step)]
    # If the decoder does not project, its last resize leads straight into the head.
    sources = [source.get_node() for step in first for source in step.input_values()]
    first += [node for node in sources if node.get_type_name() == "Interpolate"]
    begins = {step.get_friendly_name() for step in first}
    end: dict[str, Any] = {}
    for step in steps:
        if step.get_friendly_name() in begins or any(
            source.get_node().get_friendly_name() in end for source in step.input_values()
        ):
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
    # What else the network gives may not depend on the last steps, as the sky does not.
    early = [one for one in results if one.get_friendly_name() not in end]
    late = [one for one in results if one.get_friendly_name() in end]
    return openvino.Model([*(opset8.result(one) for one in given), *early], inputs), openvino.Model(late, between)


def _is_convolution(step: Any) -> bool:
    return str(step.get_type_name()).startswith("Convolution")
