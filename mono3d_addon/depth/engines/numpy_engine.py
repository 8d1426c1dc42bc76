# SPDX-License-Identifier: GPL-3.0-or-later
"""numpy on the processor: runs the starter model where no other library is installed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .. import tensor_file
from ..model import Model
from ..networks.names import WrongTensorsError
from ..numpy_network import products
from ..numpy_network.convolutions import Tools
from ..numpy_network.network import Network, build
from ..numpy_network.workspace import Workspace
from ..weights import of_another_model, remedy_for
from .engine import ARRAY_NAMES, Arrays, Pictures


@dataclass(frozen=True)
class NumpyEngine:
    """The network with its tools. Make it with `on_numpy`."""

    network: Network
    tools: Tools

    @property
    def name(self) -> str:
        """Library, precision and device."""
        return f"numpy {np.__version__} float32 on {self.device}"

    @property
    def device(self) -> str:
        """The processor."""
        return "cpu"

    def run(self, pictures: Pictures) -> Arrays:
        """Returns the network's arrays of all pictures, which run one after the other."""
        found = [self.network.run(self.tools, picture) for picture in pictures]
        return {name: np.stack(arrays) for name, arrays in zip(ARRAY_NAMES, zip(*found, strict=True), strict=False)}


def load(model: Model, weights: Path) -> NumpyEngine:
    """Returns the engine that runs the starter `model` with the tensors of its weights file.

    Raises Mono3DError when the file cannot be read, or holds the tensors of another network.
    """
    try:
        network = build(tensor_file.read(weights, remedy_for(model, weights)))
    except WrongTensorsError as error:
        raise of_another_model(model, weights, error) from error
    return on_numpy(network)


def on_numpy(network: Network) -> NumpyEngine:
    """Returns the engine that runs `network` in the faster of numpy's ways on this computer."""
    return NumpyEngine(network, Tools(Workspace(), products.fastest()))
