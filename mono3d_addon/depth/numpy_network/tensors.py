# SPDX-License-Identifier: GPL-3.0-or-later
"""Hands out what a network has learnt, checked, in the form in which the layers take it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ...core.arrays import Floats
from ..networks.names import WrongTensorsError, brief
from .convolutions import Layer


class Tensors:
    """The tensors of a weights file by their names in `networks`; each may be taken once."""

    def __init__(self, found: Mapping[str, Floats]) -> None:
        self._left = dict(found)

    def has_any(self, beginning: str) -> bool:
        """Returns whether the name of a tensor begins so."""
        return any(name.startswith(beginning) for name in self._left)

    def take(self, name: str, *shape: int) -> Floats:
        """Returns the tensor of this name and shape. Raises WrongTensorsError when it is missing or of another one."""
        if name not in self._left:
            raise WrongTensorsError(f"{brief([name])} missing")
        if self._left[name].shape != shape:
            raise WrongTensorsError(f"{brief([name])} of another shape or kind")
        return self._left.pop(name)

    def layer(self, name: str, outputs: int, inputs: int, kernel: int = 1, *, has_bias: bool = True) -> Layer:
        """Returns the convolution `name`."""
        weights = self.take(f"{name}.weight", outputs, inputs, kernel, kernel)
        bias = self.take(f"{name}.bias", outputs) if has_bias else np.zeros(outputs, np.float32)
        return Layer(np.ascontiguousarray(weights), bias[:, None, None])

    def normalised(
        self, name: str, normalisation: str, outputs: int, inputs: int, kernel: int, *, epsilon: float
    ) -> Layer:
        """Returns the convolution `name`, which has no bias, with the batch normalisation that follows it."""
        weights = self.take(f"{name}.weight", outputs, inputs, kernel, kernel)
        gain, shift, mean, variance = (
            self.take(f"{normalisation}.{part}", outputs).astype(np.float64)
            for part in ("weight", "bias", "running_mean", "running_var")
        )
        scale = gain / np.sqrt(variance + epsilon)
        scaled = weights * scale[:, None, None, None]
        return Layer(scaled.astype(np.float32), (shift - mean * scale).astype(np.float32)[:, None, None])

    def finish(self) -> None:
        """Raises WrongTensorsError when there are tensors that were not taken."""
        if self._left:
            raise WrongTensorsError(f"{brief(self._left)} unknown")
