# SPDX-License-Identifier: GPL-3.0-or-later
"""The licence of a model's weights, as the user sees it before a download. Standard library only.

The command line shows `offer` before it downloads. Where the weights are not for all use, it asks `question` too, and
tells `download.download` that the answer was yes. Blender shows size and licence in its panel; there `download` refuses
such weights.
"""

from __future__ import annotations

from . import weights
from .model import Model


def terms(model: Model) -> str:
    """Returns the name of the licence and, where it is not for all use, what it excludes."""
    return model.licence if model.is_for_all_use else f"{model.licence}: not for commercial work"


def offer(model: Model) -> str:
    """Returns what would be downloaded, in words: name, size, licence and address."""
    return f"{model.file} ({model.file_bytes / 1e6:,.0f} MB, licence: {terms(model)}) from {weights.address_of(model)}"


def question(model: Model) -> str:
    """Returns the question that must be answered with yes before weights are downloaded that are not for all use."""
    return (
        f"The weights of '{model.name}' are under {model.licence}, which excludes commercial work. Is your work not "
        "commercial, and do you accept this licence?"
    )


def refusal(model: Model) -> str:
    """Returns the sentence where weights are not for all use, and the licence was not accepted."""
    return (
        f"The weights of '{model.name}' are under {model.licence}, not for commercial work: accept the licence first "
        f"(with 'models download {model.name} --accept-licence' on the command line), or choose another model."
    )
