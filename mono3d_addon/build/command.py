# SPDX-License-Identifier: GPL-3.0-or-later
"""The command `python3 -m mono3d_addon.build`: the extension's zip or, with --release, all files of a release."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from ..errors import Mono3DError
from .editions import EDITIONS
from .extension import build
from .release import make_release


def main(arguments: Sequence[str]) -> int:
    """Builds the zip or the release and prints its path; returns the exit code."""
    options = _parser().parse_args(arguments)
    try:
        if options.release:
            made = make_release(
                options.output, blender=options.blender, website=options.website, is_draft=options.draft
            )
        else:
            made = build(options.output, edition=options.edition, website=options.website)
    except Mono3DError as error:
        print(error, file=sys.stderr)
        return 1
    print(made)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python3 -m mono3d_addon.build", description="Builds the extension's zip, or all files of a release."
    )
    parser.add_argument("-o", "--output", type=Path, default=Path("dist"), help="folder for the result (default: dist)")
    parser.add_argument(
        "--edition",
        choices=tuple(EDITIONS),
        default="full",
        help="'full' can install packages; 'store' cannot, as extensions.blender.org demands (default: full)",
    )
    parser.add_argument(
        "--website",
        default="",
        metavar="URL",
        help="address of the page that offers the full edition, for the manifest; the store's edition links to it",
    )
    parser.add_argument(
        "--release",
        action="store_true",
        help="make both zips, the extension repository, wheel, sdist, bill of materials and checksums",
    )
    parser.add_argument(
        "--blender",
        default="",
        metavar="PROGRAM",
        help="Blender, or the blender_ext.py of its Python module, for the extension repository (default: 'blender')",
    )
    parser.add_argument(
        "--draft",
        action="store_true",
        help="take the changelog's section 'Unreleased' if there is none for the version yet",
    )
    return parser
