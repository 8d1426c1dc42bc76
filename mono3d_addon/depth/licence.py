# SPDX-License-Identifier: GPL-3.0-or-later
"""The licence of a model's weights: what the user sees before a download, and what was accepted. Standard library only.

Every interface shows `offer` or `terms` before it downloads. Where the weights are not for all use, it asks `question`
too, and tells `download.download` that the answer was yes, which is kept in the data folder for all of them.
"""

from __future__ import annotations

import contextlib
from pathlib import Path

from ..core.files import atomic_write
from . import weights
from .model import Model

FOR_ALL_USE = "free for all use"
NOT_COMMERCIAL = "not for commercial work"

_FOLDER = "licences"

_TEXTS = {
    "Apache-2.0": "https://www.apache.org/licenses/LICENSE-2.0",
    "CC-BY-NC-4.0": "https://creativecommons.org/licenses/by-nc/4.0/",
    "GPL-3.0-or-later": "https://www.gnu.org/licenses/gpl-3.0.html",
    "MIT": "https://opensource.org/license/mit",
}


def use(model: Model) -> str:
    """Returns what the weights may be used for, in a few words."""
    if not model.is_for_all_use:
        return NOT_COMMERCIAL
    # A licence with a reservation tells it itself.
    return model.licence if "NC" in model.licence else FOR_ALL_USE


def terms(model: Model) -> str:
    """Returns the name of the licence and, where it is not for all use, what it excludes."""
    return model.licence if model.is_for_all_use else f"{model.licence}: {NOT_COMMERCIAL}"


def offer(model: Model) -> str:
    """Returns what would be downloaded, in words: name, size, licence and address."""
    return f"{model.file} ({model.file_bytes / 1e6:,.0f} MB, licence: {terms(model)}) from {weights.address_of(model)}"


def question(model: Model) -> str:
    """Returns the question that must be answered with yes before weights are downloaded that are not for all use."""
    return (
        f"The weights of '{model.name}' are under {model.licence}, which excludes commercial work. Is your work not "
        "commercial, and do you accept this licence?"
    )


def refusal(model: Model, how: str = "") -> str:
    """Returns the sentence where weights are not for all use, and the licence was not accepted.

    `how` tells the way to accept it here: " (with ...)".
    """
    return (
        f"The weights of '{model.name}' are under {model.licence}, {NOT_COMMERCIAL}: accept the licence first{how}, or "
        "choose another model."
    )


def address(model: Model) -> str:
    """Returns where the text of the licence can be read."""
    return _TEXTS[model.licence.split(",")[0]]


def is_settled(model: Model, data_folder: Path) -> bool:
    """Returns whether nothing needs to be asked: the weights are for all use, or the licence was accepted before."""
    if model.is_for_all_use:
        return True
    with contextlib.suppress(OSError, UnicodeDecodeError):
        return _record(model, data_folder).read_text(encoding="utf-8").split("\n", 1)[0] == model.licence
    return False


def accept(model: Model, data_folder: Path) -> None:
    """Remembers that the user accepts the licence of `model`, until its weights are removed or it changes.

    Raises Mono3DError or OSError when that cannot be written.
    """
    path = _record(model, data_folder)
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(path) as beside:
        beside.write_text(f"{model.licence}\n{question(model)} Yes.\n", encoding="utf-8")


def forget(model: Model, data_folder: Path) -> None:
    """Forgets that the licence was accepted. Raises OSError when that cannot be removed."""
    _record(model, data_folder).unlink(missing_ok=True)


def _record(model: Model, data_folder: Path) -> Path:
    return data_folder / _FOLDER / f"{model.name}.txt"
