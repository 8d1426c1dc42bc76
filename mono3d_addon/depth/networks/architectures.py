# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of networks, and how one is built from it with the tensors of a weights file."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, cast

import torch
from torch import Tensor, nn

from ..engines.engine import DISPARITY, SCENE, SKY
from . import beit, efficientnet_lite, hybrid, levit, nextvit, resnext, starter_layout, swin, vit
from .decoder import Decoder, MidasHead, RectifiedResidualUnit, SubpixelHead, midas_names
from .names import OUR_NAMES, Names, WrongTensorsError, brief, renamed
from .scene_heads import SceneHeads
from .timm_bodies import fill_computed


@dataclass(frozen=True)
class Architecture:
    """The parts of a network.

    backbone  makes the part that turns a picture into maps; it has `channels`, those of its maps
    decoder   makes, from these channels, the part that merges the maps into disparity
    names     what the parts are called in the published weights
    heads     makes, from the backbone's channels, the parts for other outputs than disparity, where the weights have
              such parts; None: the network has no other outputs
    """

    backbone: Callable[[], nn.Module]
    decoder: Callable[..., Decoder]
    names: Names
    heads: Callable[[Sequence[int]], SceneHeads] | None = None


DPT_DECODER = partial(
    Decoder,
    widths=(256, 256, 256, 256),
    lateral_sizes=(3, 3, 3, 3),
    align_corners=True,
    head=partial(MidasHead, align_corners=True),
)


def _dpt(backbone: Callable[..., nn.Module], names: Names, **details: Any) -> Architecture:
    return Architecture(partial(backbone, **details), DPT_DECODER, {**names, **midas_names()})


ARCHITECTURES: Mapping[str, Architecture] = {
    "starter": Architecture(
        backbone=partial(efficientnet_lite.EfficientNetLite, width=1.0, depth=1.0, finest_stride=2),
        decoder=partial(
            Decoder,
            widths=starter_layout.WIDTHS,
            lateral_sizes=starter_layout.LATERAL_SIZES,
            align_corners=False,
            head=SubpixelHead,
            enlargement=1,
        ),
        names=OUR_NAMES,
        heads=partial(SceneHeads, widths=starter_layout.WIDTHS),
    ),
    "midas_v21_small_256": Architecture(
        backbone=partial(efficientnet_lite.EfficientNetLite, width=1.2, depth=1.4),
        decoder=partial(
            Decoder,
            widths=(64, 128, 256, 512),
            lateral_sizes=(3, 3, 3, 3),
            align_corners=True,
            head=partial(MidasHead, align_corners=False),
        ),
        names={**efficientnet_lite.MIDAS_NAMES, **midas_names()},
    ),
    "dpt_swin2_tiny_256": _dpt(
        swin.Swin, swin.MIDAS_NAMES, body="swinv2_tiny_window16_256", channels=(96, 192, 384, 768)
    ),
    "dpt_levit_224": Architecture(
        backbone=partial(levit.Levit, body="levit_384", channels=(384, 512, 768)),
        decoder=partial(
            Decoder, widths=(256, 256, 256), lateral_sizes=(3, 3, 3), align_corners=True, head=levit.LevitHead
        ),
        names={**levit.MIDAS_NAMES, **midas_names(levels=3)},
    ),
    "dpt_next_vit_large_384": _dpt(
        nextvit.NextVit, nextvit.MIDAS_NAMES, body="nextvit_large", channels=(96, 256, 512, 1024)
    ),
    "dpt_swin2_base_384": _dpt(
        swin.Swin, swin.MIDAS_NAMES, body="swinv2_base_window12to24_192to384", channels=(128, 256, 512, 1024)
    ),
    "midas_v21_384": Architecture(
        backbone=partial(resnext.ResNeXt, body="resnext101_32x8d", channels=(256, 512, 1024, 2048)),
        decoder=partial(
            Decoder,
            widths=(256, 256, 256, 256),
            lateral_sizes=(3, 3, 3, 3),
            align_corners=True,
            head=partial(MidasHead, align_corners=False),
            unit=RectifiedResidualUnit,
            projects=False,
        ),
        names={**resnext.MIDAS_NAMES, **midas_names()},
    ),
    "dpt_beit_base_384": _dpt(
        beit.Beit, beit.MIDAS_NAMES, body="beit_base_patch16_384", channels=(96, 192, 384, 768), blocks=(2, 5, 8, 11)
    ),
    "dpt_hybrid_384": _dpt(
        hybrid.HybridTransformer,
        vit.MIDAS_NAMES,
        body="vit_base_r50_s16_384",
        channels=(256, 512, 768, 768),
        blocks=(8, 11),
    ),
    "dpt_swin_large_384": _dpt(
        swin.Swin, swin.MIDAS_NAMES, body="swin_large_patch4_window12_384", channels=(192, 384, 768, 1536)
    ),
    "dpt_swin2_large_384": _dpt(
        swin.Swin, swin.MIDAS_NAMES, body="swinv2_large_window12to24_192to384", channels=(192, 384, 768, 1536)
    ),
    "dpt_large_384": _dpt(
        vit.VisionTransformer,
        vit.MIDAS_NAMES,
        body="vit_large_patch16_384",
        channels=(256, 512, 1024, 1024),
        blocks=(5, 11, 17, 23),
    ),
    "dpt_beit_large_384": _dpt(
        beit.Beit,
        beit.MIDAS_NAMES,
        body="beit_large_patch16_384",
        channels=(256, 512, 1024, 1024),
        blocks=(5, 11, 17, 23),
    ),
    "dpt_beit_large_512": _dpt(
        beit.Beit,
        beit.MIDAS_NAMES,
        body="beit_large_patch16_512",
        channels=(256, 512, 1024, 1024),
        blocks=(5, 11, 17, 23),
    ),
}
"""The networks by the names of the catalogue's rows."""


_HEADS = "heads."


class Network(nn.Module):
    """A whole network: picture in, disparity out, and what its heads, if it has some, say about the scene."""

    def __init__(self, architecture: Architecture, *, has_heads: bool = False) -> None:
        super().__init__()
        self.backbone = architecture.backbone()
        channels = cast(Sequence[int], self.backbone.channels)
        self.decoder = architecture.decoder(channels)
        make = architecture.heads if has_heads else None
        self.heads = None if make is None else make(channels)

    @property
    def outputs(self) -> tuple[str, ...]:
        """The names of what `forward` returns."""
        return (DISPARITY,) if self.heads is None else (DISPARITY, SKY, SCENE)

    def keep_end_exact(self) -> None:
        """Converts the decoder's end and the heads, which show rounding most, to float32."""
        self.decoder.keep_end_exact()
        if self.heads is not None:
            self.heads.float()

    def forward(self, picture: Tensor) -> tuple[Tensor, ...]:
        """Returns the `outputs` for a normalised `picture`, float (n, 3, h, w); its sides are multiples of 32.

        Disparity is float (n, h, w), near = large; `SceneHeads` describes the others.
        """
        maps = self.backbone(picture)
        merged, levels = self.decoder.merged(maps)
        disparity = self.decoder.disparity(merged).squeeze(1)
        return (disparity,) if self.heads is None else (disparity, *self.heads(maps, levels, disparity))


def learnt(name: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Returns what the network `name` has learnt, under our names, of the `tensors` of its published weights file.

    What the file holds beside that, and the network has no use for, is left out. Raises WrongTensorsError when the
    tensors do not fit.
    """
    found, unknown = renamed(tensors, ARCHITECTURES[name].names)
    _check(_laid_out(name, found).state_dict(), found, unknown)
    return found


def assemble(name: str, found: Mapping[str, Tensor], kind: torch.dtype = torch.float32) -> Network:
    """Returns the network `name`, on the CPU, with what it has `learnt`: what is of this `kind` as it is, else float32.

    The network is laid out without memory of its own and takes over the tensors: a memory-mapped file is not copied.
    Raises WrongTensorsError when the tensors do not fit.
    """
    network = _laid_out(name, found)
    expected = network.state_dict()
    _check(expected, found, [])
    counters = {key: torch.tensor(0) for key in expected if key.endswith("num_batches_tracked")}
    taken = {key: value if value.dtype == kind else value.float() for key, value in found.items()}
    network.load_state_dict(taken | counters, assign=True)
    fill_computed(network)
    return network.eval().requires_grad_(False)


def build(name: str, tensors: Mapping[str, Tensor]) -> Network:
    """Returns the network `name` with the `tensors` of its published weights file, as `assemble` does."""
    return assemble(name, learnt(name, tensors))


def _laid_out(name: str, found: Mapping[str, Tensor]) -> Network:
    """Returns the network `name` without memory, with heads if there are tensors `found` for them."""
    with torch.device("meta"):
        return Network(ARCHITECTURES[name], has_heads=any(key.startswith(_HEADS) for key in found))


def _check(expected: Mapping[str, Tensor], found: Mapping[str, Tensor], unknown: list[str]) -> None:
    missing = [key for key in expected if key not in found and not key.endswith("num_batches_tracked")]
    unknown = unknown + [key for key in found if key not in expected]
    if missing:
        raise WrongTensorsError(f"{brief(missing)} missing")
    if unknown:
        raise WrongTensorsError(f"{brief(unknown)} unknown")
    unlike = [key for key, value in found.items() if not _is_plain(value) or value.shape != expected[key].shape]
    if unlike:
        raise WrongTensorsError(f"{brief(unlike)} of another shape or kind")


def _is_plain(value: Tensor) -> bool:
    """Returns whether a tensor is strided, floating-point and has data, which a hostile file need not have."""
    return value.layout is torch.strided and not (value.is_nested or value.is_meta) and value.is_floating_point()
