# SPDX-License-Identifier: GPL-3.0-or-later
"""Exports the weights file of a training run: `python3 -m training.export --checkpoint FILE --out own.safetensors`."""

from __future__ import annotations

import argparse
import hashlib
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

from mono3d_addon.depth.networks.architectures import build

LARGEST_FILE = 16_000_000
"""Bytes; the file is bundled with the add-on."""


def export(average: Mapping[str, Tensor], out: Path) -> int:
    """Writes the averaged weights in half precision and returns the number of parameters.

    Raises ValueError if half precision cannot represent them or the file would be too large, and the errors of `build`
    if they are not those of the starter network.
    """
    halves = {name: value.half().contiguous() for name, value in average.items() if value.dtype.is_floating_point}
    if not all(bool(torch.isfinite(value).all()) for value in halves.values()):
        raise ValueError("Half precision cannot represent these weights.")
    network = build("starter", halves)
    beside = out.with_suffix(".partial")
    save_file(halves, beside)
    if beside.stat().st_size > LARGEST_FILE:
        beside.unlink()
        raise ValueError(f"The file would be larger than {LARGEST_FILE} bytes.")
    beside.replace(out)
    return sum(parameter.numel() for parameter in network.parameters())


def main() -> None:
    """Reads the command line, writes the file, and prints the values for its catalogue row."""
    parser = argparse.ArgumentParser(prog="python3 -m training.export", description=__doc__)
    parser.add_argument("--checkpoint", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument(
        "--last", action="store_true", help="the last weights, not the moving average, which lags behind in a short run"
    )
    options = parser.parse_args()
    state = torch.load(options.checkpoint, map_location="cpu", weights_only=True)
    parameters = export(state["network" if options.last else "average"], options.out)
    digest = hashlib.sha256(options.out.read_bytes()).hexdigest()
    print(f"step {state['step']}: file_bytes={options.out.stat().st_size}, parameters={parameters}, sha256={digest}")


if __name__ == "__main__":
    main()
