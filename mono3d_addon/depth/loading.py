# SPDX-License-Identifier: GPL-3.0-or-later
"""From a weights file to a network: from the published file the first time, from a converted copy afterwards."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from ..errors import Mono3DError
from . import checkpoint
from .engine_cache import EngineCache
from .engines.engine import Precision
from .engines.torch_engine import TYPES
from .model import Model
from .networks.architectures import assemble, learnt
from .networks.names import WrongTensorsError
from .tensor_file import is_safetensors
from .weights import of_another_model, remedy_for

_COPY = "weights.safetensors"


def network(model: Model, weights: Path, cache: EngineCache | None, precision: Precision = "float32") -> nn.Module:
    """Returns the network of `model` on the CPU; tensors that are float32 or of the `precision` are memory-mapped.

    Published files are pickles with parts that no network uses. The first time, a copy of the needed tensors is cached
    as safetensors in the given precision. `torch_engine.on_device` converts all tensors to one dtype.
    Raises Mono3DError when the file cannot be read or is another model's.
    """
    if cache is not None and (copied := _from_copy(model, cache, precision)) is not None:
        return copied
    try:
        file = checkpoint.read(weights, remedy_for(model, weights))
        found = learnt(model.name, file.tensors, file.configuration)
    except WrongTensorsError as error:
        raise of_another_model(model, weights, error) from error
    if cache is not None and not _serves_as_it_is(weights, found, precision):
        _keep_copy(cache, found, precision)
    return assemble(model.name, found, TYPES[precision])


def _from_copy(model: Model, cache: EngineCache, precision: Precision) -> nn.Module | None:
    """Returns the network from the cached copy; None if there is none, or if it cannot be used."""
    copy = cache.intact(_name(precision))
    if copy is None:
        return None
    try:
        return assemble(model.name, checkpoint.read(copy / _COPY).tensors, TYPES[precision])
    except (Mono3DError, WrongTensorsError):
        cache.discard(copy.name)
        return None


def _name(precision: Precision) -> str:
    return f"weights-{precision}"


def _serves_as_it_is(weights: Path, found: Mapping[str, Tensor], precision: Precision) -> bool:
    """Returns whether a copy has no advantage: the file is safetensors, and no larger than a copy."""
    if not is_safetensors(weights):
        return False
    return all(tensor.element_size() <= TYPES[precision].itemsize for tensor in found.values())


def _keep_copy(cache: EngineCache, found: Mapping[str, Tensor], precision: Precision) -> None:
    """Writes the copy unless another process does; if that fails, the published file is read again next time."""
    from safetensors.torch import save_file

    kind = TYPES[precision]

    def fill(folder: Path) -> None:
        save_file({name: _converted(tensor, kind) for name, tensor in found.items()}, folder / _COPY)

    try:
        cache.make_once(_name(precision), sum(tensor.numel() for tensor in found.values()) * kind.itemsize, fill)
    # The result does not depend on it; the log says why the next start is slower than it could be.
    except Exception:
        print("The converted copy of the weights was not kept:", file=sys.stderr)
        traceback.print_exc()


def _converted(tensor: Tensor, kind: torch.dtype) -> Tensor:
    """Returns a copy of a tensor as the dtype `kind`; as it is if its values do not fit that dtype."""
    converted = tensor.to(kind, copy=True).contiguous()
    return converted if torch.isfinite(converted).all() else tensor.clone().contiguous()
