# SPDX-License-Identifier: GPL-3.0-or-later
"""From a photo to disparity: a loaded network and the one method that runs it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ..errors import Mono3DError
from . import checkpoint, devices, resize, threads
from .catalogue import Model
from .networks.architectures import WrongTensorsError, build


@dataclass(frozen=True)
class Estimator:
    """A model with its network on a device; keep it, loading is what takes time."""

    model: Model
    network: nn.Module
    device: str

    def disparity(self, pixels: NDArray[np.uint8], network_size: int = 0) -> NDArray[np.float32]:
        """Returns relative inverse depth, float32 (rows, columns) at the network's size, near = large, finite.

        `pixels` is uint8 (h, w, 3), sRGB, upright. `network_size` replaces the size that the model was trained with,
        rounded to a multiple of 32; 0 keeps it. The values have no unit: scale and shift differ from photo to photo.
        Raises Mono3DError when the memory does not suffice or the network's result is of no use.
        """
        width, height = resize.input_size(pixels.shape[1], pixels.shape[0], self.model, network_size)
        picture = self._picture(pixels, width, height)
        try:
            with torch.inference_mode():
                result = self.network(picture.to(self.device))[0].float().cpu().numpy()
        except (RuntimeError, MemoryError) as error:
            if devices.is_out_of_memory(error):
                raise Mono3DError(
                    f"The memory of the device '{self.device}' does not suffice for '{self.model.name}' "
                    f"at {width}x{height}: choose a smaller network size or model, or another device."
                ) from error
            raise
        if not np.isfinite(result).all():
            raise Mono3DError(
                f"'{self.model.name}' gave no usable depth on the device '{self.device}' (numbers out of range): "
                "choose the device 'cpu', or other weights if that is what was used."
            )
        return result

    def _picture(self, pixels: NDArray[np.uint8], width: int, height: int) -> Tensor:
        """Returns the network's input, float32 (1, 3, height, width), normalised."""
        shrinks = pixels.shape[0] > height or pixels.shape[1] > width
        to_size = resize.averaged if self.model.antialias and shrinks else resize.sampled
        picture = to_size(pixels, width, height)
        picture -= np.array(self.model.mean, dtype=np.float32)
        picture /= np.array(self.model.deviation, dtype=np.float32)
        return torch.from_numpy(picture).permute(2, 0, 1)[None]


def load(model: Model, weights: Path, device: str = "auto") -> Estimator:
    """Returns `model` with the tensors of its `weights` file on a device; 'auto' takes the best there is.

    `weights.find` gives the file. Raises Mono3DError when the device is not there or its memory is full,
    or when the file cannot be read or is another model's.
    """
    chosen = devices.choose(device)
    threads.use_processors()
    tensors = checkpoint.read(weights)
    try:
        network = build(model.name, tensors)
    except WrongTensorsError as error:
        raise Mono3DError(
            f"The weights file {weights} does not belong to the model '{model.name}' ({error}); "
            "choose the model that it was made for, or another file."
        ) from error
    try:
        return Estimator(model, network.to(chosen), chosen)
    except RuntimeError as error:
        if devices.is_out_of_memory(error):
            raise Mono3DError(
                f"The memory of the device '{chosen}' does not suffice for '{model.name}': "
                "choose a smaller model or the device 'cpu'."
            ) from error
        raise
