# SPDX-License-Identifier: GPL-3.0-or-later
"""`python3 -m training.photos gather|label`: downloads freely licensed photos, and labels photos with a teacher."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from PIL import Image
from tqdm import tqdm

from mono3d_addon import environment
from mono3d_addon.core.photo.photo import read_photo
from mono3d_addon.depth.catalogue import MODELS
from mono3d_addon.depth.transfer import TransferError
from mono3d_addon.errors import Mono3DError
from mono3d_addon.run.photos import is_photo

from . import photo_table
from .near_duplicates import difference_hash

DONE, FAILED = 0, 1


def main(arguments: Sequence[str] | None = None) -> int:
    """Carries out the command and returns the exit code: 0 done, 1 failed with a message on standard error."""
    options = _parser().parse_args(arguments)
    try:
        act = {"gather": _gather, "label": _label}[options.action]
        print(act(options))
    except (Mono3DError, TransferError, ValueError, OSError) as error:
        print(error, file=sys.stderr)
        return FAILED
    return DONE


def _gather(options: argparse.Namespace) -> str:
    from . import gathering

    rows = photo_table.read(options.list)
    registries = {kind: getattr(options, kind) for kind in photo_table.REGISTRIES}
    avoided = [_hash_of(file) for place in options.avoid for file in sorted(place.rglob("*")) if is_photo(file)]
    new = gathering.gather(
        rows,
        options.out,
        options.downloads or options.out / "packages",
        registries,
        avoided,
        lambda words: print(words, file=sys.stderr, flush=True),
    )
    return f"{new} of {len(rows)} photos are new in {options.out}"


def _label(options: argparse.Namespace) -> str:
    # These import torch, which the other command does not need.
    from mono3d_addon.depth import estimator, weights

    from . import labels

    model = MODELS[options.model]
    data_folder = environment.data_folder(options.data_folder)
    file = weights.find(model, data_folder, options.weights)
    teacher = estimator.load(model, file, options.device, is_plain=True)
    with tqdm(unit="photo", file=sys.stderr) as bar:

        def advance(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        new = labels.label(options.photos, options.out, teacher, options.sizes, advance)
    return f"{new} photos are new in {options.out}"


def _hash_of(file: Path) -> int:
    return difference_hash(Image.fromarray(read_photo(file).pixels))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python3 -m training.photos", description=__doc__)
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    gather = actions.add_parser(
        "gather",
        help="download the packages of a table and write their photos as JPEG",
        description="Downloads the packages that a table names, verifies them, and writes the photos that it names "
        "as NAME.jpg with a short side of at most 288 pixels, and NAME.json with the lens where the photo's file tells "
        "it. Existing files are kept.",
    )
    gather.add_argument("--list", type=Path, required=True, metavar="CSV", help="the table, training/photos.csv")
    gather.add_argument("--out", type=Path, required=True, metavar="FOLDER", help="folder for the photos")
    gather.add_argument("--downloads", type=Path, metavar="FOLDER", help="folder for the packages (OUT/packages)")
    gather.add_argument(
        "--avoid",
        type=Path,
        nargs="+",
        default=[],
        metavar="FOLDER",
        help="skip near-duplicates of the photos in these folders, such as those of an evaluation",
    )
    for kind, address in photo_table.REGISTRIES.items():
        gather.add_argument(
            f"--{kind}", default=address, metavar="ADDRESS", help=f"mirror for {kind} packages (%(default)s)"
        )
    label = actions.add_parser(
        "label",
        help="write photos with a teacher's disparity as a set",
        description="Writes each photo of a folder with the disparity that a model estimates, as a set for training. "
        "Existing files are kept.",
    )
    label.add_argument("--photos", type=Path, required=True, metavar="FOLDER", help="folder with the photos")
    label.add_argument("--out", type=Path, required=True, metavar="SET", help="folder for the set")
    label.add_argument("--model", choices=MODELS, default="starter", metavar="NAME", help="model of the catalogue")
    label.add_argument("--weights", type=Path, metavar="FILE", help="weights file instead of the installed one")
    label.add_argument("--data-folder", type=Path, metavar="FOLDER", help="data folder with the installed weights")
    label.add_argument("--device", default="auto", help="auto, cpu, cuda, mps or xpu")
    label.add_argument(
        "--sizes",
        type=int,
        nargs="+",
        default=[256, 384],
        metavar="PIXELS",
        help="network sizes whose results are averaged (256 384)",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
