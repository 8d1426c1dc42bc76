# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of networks, and how one is built from it with the tensors of a weights file.

A network is a module with `outputs`, the names of the arrays that it gives, `end`, the names of its last parts, which
show rounding most, and `keep_end_exact`, which converts these to float32.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, cast

import torch
from torch import Tensor, nn

from ..engines.engine import DEPTH, DISPARITY, SCENE, SKY
from . import (
    beit,
    depth_anything,
    efficientnet_lite,
    hybrid,
    levit,
    moge,
    nextvit,
    resnext,
    starter_layout,
    swin,
    vit,
)
from .decoder import Decoder, MidasHead, RectifiedResidualUnit, SubpixelHead, midas_names
from .names import OUR_NAMES, Names, WrongTensorsError, brief, renamed
from .scene_heads import SceneHeads
from .timm_bodies import fill_computed

_HEADS = "heads."


@dataclass(frozen=True)
class Architecture:
    """The parts of a network with a decoder.

    backbone  makes the part that turns a picture into maps; it has `channels`, those of its maps
    decoder   makes, from these channels, the part that merges the maps into disparity
    names     what the parts are called in the published weights
    heads     makes, from the backbone's channels, the parts for other outputs than disparity, where the weights have
              such parts; None: the network has no other outputs
    gives     what the decoder gives, one array for each of its channels
    """

    backbone: Callable[[], nn.Module]
    decoder: Callable[..., Decoder]
    names: Names
    heads: Callable[[Sequence[int]], SceneHeads] | None = None
    gives: tuple[str, ...] = (DISPARITY,)

    def lay_out(self, found: Collection[str]) -> nn.Module:
        """Returns the network, with the optional parts for which there are tensors of the names `found`."""
        return Network(self, has_heads=any(key.startswith(_HEADS) for key in found))

    def difference(self, configuration: Mapping[str, Any]) -> str:
        """Returns nothing: the tensors of these networks tell all that differs between them."""
        return ""


@dataclass(frozen=True)
class PointsArchitecture:
    """A network that gives points in space; `details` are those of `moge.MoGe`."""

    details: Mapping[str, Any]
    names: ClassVar[Names] = moge.NAMES

    def lay_out(self, found: Collection[str]) -> nn.Module:
        """Returns the network, with a head for normals if there are tensors of the names `found` for it."""
        return moge.MoGe(**self.details, has_normals=any(key.startswith("heads.normal.") for key in found))

    def difference(self, configuration: Mapping[str, Any]) -> str:
        """Returns what a file's configuration has that this network has not, and its tensors do not show; else empty.

        The files of these networks have one. A file that was converted to safetensors has no place for it, and is taken
        to be the published one.
        """
        if not configuration:
            return "it has no model_config, which would tell how its network is built"
        encoder = configuration.get("encoder")
        blocks = encoder.get("intermediate_layers") if isinstance(encoder, Mapping) else None
        if blocks is not None and blocks != list(self.details["blocks"]):
            return f"its model_config takes the blocks {brief([str(blocks)])}"
        remapped = configuration.get("remap_output", "exp")
        return "" if remapped == "exp" else f"its model_config has the remap_output {brief([str(remapped)])}"


DPT_DECODER = partial(
    Decoder,
    widths=(256, 256, 256, 256),
    lateral_sizes=(3, 3, 3, 3),
    align_corners=True,
    head=partial(MidasHead, align_corners=True),
)


def _dpt(backbone: Callable[..., nn.Module], names: Names, **details: Any) -> Architecture:
    return Architecture(partial(backbone, **details), DPT_DECODER, {**names, **midas_names()})


MAP_CHANNELS = {"small": (48, 96, 192, 384), "base": (96, 192, 384, 768), "large": (256, 512, 1024, 1024)}
"""Channels of the maps that Depth Anything's decoder gets, by the size of the body."""
DECODER_WIDTHS = {"small": 64, "base": 128, "large": 256}
"""Channels of the decoder, likewise."""
MAP_BLOCKS = {"small": (2, 5, 8, 11), "base": (2, 5, 8, 11), "large": (4, 11, 17, 23)}
"""Blocks of the body whose results become the maps, likewise."""


def _depth_anything(
    size: str,
    head: Callable[[int], nn.Module] = depth_anything.DisparityHead,
    gives: tuple[str, ...] = (DISPARITY,),
    names: Names = depth_anything.V2_NAMES,
    **details: Any,
) -> Architecture:
    return Architecture(
        partial(
            depth_anything.DepthAnything, size=size, channels=MAP_CHANNELS[size], blocks=MAP_BLOCKS[size], **details
        ),
        partial(Decoder, widths=(DECODER_WIDTHS[size],) * 4, lateral_sizes=(3, 3, 3, 3), align_corners=True, head=head),
        names,
        gives=gives,
    )


def _metric(size: str, farthest: float) -> Architecture:
    return _depth_anything(size, depth_anything.metres_head(farthest), (DEPTH,))


ROOM, STREET = 20.0, 80.0
"""Largest depth in metres of Depth Anything V2, trained on Hypersim's rooms and on the streets of Virtual KITTI."""

DEPTH_ANYTHING_3 = _depth_anything(
    "large", depth_anything.DepthAndSkyHead, (DEPTH, SKY), depth_anything.V3_NAMES, norm_epsilon=1e-5
)


def _moge(size: str, blocks: Sequence[int], neck_units: Sequence[int]) -> PointsArchitecture:
    return PointsArchitecture({"size": size, "blocks": tuple(blocks), "neck_units": tuple(neck_units)})


STARTER = Architecture(
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
)

ARCHITECTURES: Mapping[str, Architecture | PointsArchitecture] = {
    "starter": STARTER,
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
    "depth_anything_v2_vits": _depth_anything("small"),
    "depth_anything_v2_vitb": _depth_anything("base"),
    "depth_anything_v2_vitl": _depth_anything("large"),
    "depth_anything_v2_metric_hypersim_vits": _metric("small", ROOM),
    "depth_anything_v2_metric_hypersim_vitb": _metric("base", ROOM),
    "depth_anything_v2_metric_hypersim_vitl": _metric("large", ROOM),
    "depth_anything_v2_metric_vkitti_vits": _metric("small", STREET),
    "depth_anything_v2_metric_vkitti_vitb": _metric("base", STREET),
    "depth_anything_v2_metric_vkitti_vitl": _metric("large", STREET),
    "moge_2_vits_normal": _moge("small", (5, 11), (0, 1, 1, 1, 0)),
    "moge_2_vitb_normal": _moge("base", (5, 11), (0, 1, 1, 1, 0)),
    "moge_2_vitl_normal": _moge("large", (5, 11, 17, 23), (0, 2, 2, 2, 0)),
    "da3mono_large": DEPTH_ANYTHING_3,
    "da3metric_large": DEPTH_ANYTHING_3,
}
"""The networks by the names of the catalogue's rows."""


class Network(nn.Module):
    """A network with a decoder: picture in, disparity or depth out, and what its heads, if any, say about the scene."""

    def __init__(self, architecture: Architecture, *, has_heads: bool = False) -> None:
        super().__init__()
        self.gives = architecture.gives
        self.backbone = architecture.backbone()
        channels = cast(Sequence[int], self.backbone.channels)
        self.decoder = architecture.decoder(channels)
        make = architecture.heads if has_heads else None
        self.heads = None if make is None else make(channels)

    @property
    def outputs(self) -> tuple[str, ...]:
        """The names of what `forward` returns."""
        return self.gives if self.heads is None else (*self.gives, SKY, SCENE)

    def end(self) -> tuple[str, ...]:
        """Returns the names of the decoder's last parts, see `Decoder.end`."""
        return tuple(f"decoder.{name}" for name in self.decoder.end())

    def keep_end_exact(self) -> None:
        """Converts the decoder's end and the heads, which show rounding most, to float32."""
        self.decoder.keep_end_exact()
        if self.heads is not None:
            self.heads.float()

    def forward(self, picture: Tensor) -> tuple[Tensor, ...]:
        """Returns the `outputs` for a normalised `picture`, float (n, 3, h, w); its sides are multiples of 32 or 14.

        Disparity, near = large, or depth is float (n, h, w); `SceneHeads` describes the others.
        """
        maps = self.backbone(picture)
        merged, levels = self.decoder.merged(maps)
        found = self.decoder.ended(merged)
        if len(self.gives) > 1:
            return tuple(found[:, channel] for channel in range(len(self.gives)))
        first = found.squeeze(1)
        return (first,) if self.heads is None else (first, *self.heads(maps, levels, first))


def learnt(
    name: str, tensors: Mapping[str, Tensor], configuration: Mapping[str, Any] | None = None
) -> dict[str, Tensor]:
    """Returns what the network `name` has learnt, under our names, of the `tensors` of its published weights file.

    What the file holds beside that, and the network has no use for, is left out. Raises WrongTensorsError when the
    tensors do not fit, or when they are for a network that is built in another way by the file's `configuration`; None
    is for a file that has no place for one.
    """
    if configuration is not None and (difference := ARCHITECTURES[name].difference(configuration)):
        raise WrongTensorsError(difference)
    found, unknown = renamed(tensors, ARCHITECTURES[name].names)
    _check(_laid_out(name, found).state_dict(), found, unknown)
    return found


def assemble(name: str, found: Mapping[str, Tensor], kind: torch.dtype = torch.float32) -> nn.Module:
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


def build(name: str, tensors: Mapping[str, Tensor]) -> nn.Module:
    """Returns the network `name` with the `tensors` of its published weights file, as `assemble` does."""
    return assemble(name, learnt(name, tensors))


def _laid_out(name: str, found: Mapping[str, Tensor]) -> nn.Module:
    """Returns the network `name` without memory, with the optional parts for which there are tensors `found`."""
    with torch.device("meta"):
        return ARCHITECTURES[name].lay_out(found)


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
