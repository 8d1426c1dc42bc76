# SPDX-License-Identifier: GPL-3.0-or-later
"""MoGe-2 (Wang et al. 2025, https://arxiv.org/abs/2507.02546): points in space, a mask, normals and a scale in metres.

DINOv2's tokens go through a neck and, for each result, a head; both work at five sizes, each twice as fine as the one
before. All of them are told the direction in which each of their places lies.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from ..engines.engine import MASK, NORMALS, POINTS, SCALE
from .decoder import ResidualUnit, in_kind_of
from .dinov2 import Dinov2, as_map, dinov2_names
from .names import Names

WIDTHS = (256, 128, 64, 32)
"""Channels at the second size and the finer ones; at the first they are the body's."""
PLANE = 2
"""Channels of a view plane: across and down."""
HEADS = {"points": 3, "mask": 1, "normal": 3}
"""Channels of what the heads give."""
HEAD_UNITS = (0, 1, 1, 1, 0)
"""Residual units of a head at each size."""


class Enlarge(nn.Module):
    """From a map to one twice as fine: by learnt squares of 2x2 places, or linearly, and then a convolution."""

    def __init__(self, width: int, next_width: int, *, is_learnt: bool) -> None:
        super().__init__()
        self.squares = nn.ConvTranspose2d(width, next_width, 2, stride=2) if is_learnt else None
        given = next_width if is_learnt else width
        self.conv = nn.Conv2d(given, next_width, 3, padding=1, padding_mode="replicate")

    def forward(self, x: Tensor) -> Tensor:
        """Returns float (n, next_width, 2 h, 2 w) of a map, float (n, width, h, w)."""
        if self.squares is None:
            x = functional.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
        else:
            x = self.squares(x)
        return self.conv(in_kind_of(self.conv, x))


class Pyramid(nn.Module):
    """The neck, or a head: at each size, what is given there is added to what comes from the coarser one.

    given   channels of the given maps, coarsest first
    widths  channels with which each size works
    units   numbers of residual units at each size
    result  channels of the result, at the finest size; 0: the maps of all sizes are the result
    """

    def __init__(self, given: Sequence[int], widths: Sequence[int], units: Sequence[int], result: int = 0) -> None:
        super().__init__()
        self.enter = nn.ModuleList(nn.Conv2d(*pair, 1) for pair in zip(given, widths, strict=True))
        self.units = nn.ModuleList(
            nn.Sequential(*(ResidualUnit(width, "replicate") for _ in range(count)))
            for width, count in zip(widths, units, strict=True)
        )
        finest = len(widths) - 1
        self.enlarge = nn.ModuleList(
            Enlarge(*widths[level : level + 2], is_learnt=level + 1 < finest) for level in range(finest)
        )
        self.leave = nn.Conv2d(widths[-1], result, 1) if result else None

    def forward(self, maps: Sequence[Tensor]) -> list[Tensor]:
        """Returns the maps of all sizes, or a list of the result alone, of maps float (n, given, h, w)."""
        found: list[Tensor] = []
        for level, (given, enter, units) in enumerate(zip(maps, self.enter, self.units, strict=True)):
            x = enter(in_kind_of(enter, given))
            if found:
                x = self.enlarge[level - 1](found[-1]) + x
            found.append(units(x))
        return found if self.leave is None else [self.leave(found[-1])]

    def keep_end_exact(self) -> None:
        """Converts what works at the finest size to float32."""
        for part in (self.enter[-1], self.units[-1], self.enlarge[-1], self.leave):
            if part is not None:
                part.float()


class MoGe(nn.Module):
    """The whole network.

    size         see `Dinov2`, like `blocks`
    neck_units   numbers of residual units of the neck at each size
    has_normals  whether there is a head for normals
    """

    def __init__(
        self, *, size: str, blocks: Sequence[int], neck_units: Sequence[int], has_normals: bool = True
    ) -> None:
        super().__init__()
        self.transformer = Dinov2(size, blocks)
        width = self.transformer.width
        widths = (width, *WIDTHS)
        self.projections = nn.ModuleList(nn.Conv2d(width, width, 1) for _ in blocks)
        self.neck = Pyramid((width + PLANE, *(PLANE for _ in WIDTHS)), widths, neck_units)
        wanted = {name: count for name, count in HEADS.items() if has_normals or name != "normal"}
        self.heads = nn.ModuleDict({name: Pyramid(widths, widths, HEAD_UNITS, count) for name, count in wanted.items()})
        layers = (nn.Linear(width, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU(), nn.Linear(width, 1))
        self.scale = nn.Sequential(*layers)

    @property
    def outputs(self) -> tuple[str, ...]:
        """The names of what `forward` returns."""
        return (POINTS, MASK, SCALE, NORMALS)[: len(self.heads) + 1]

    def end(self) -> tuple[str, ...]:
        """Returns the names of the parts that work at the finest size, where rounding shows as a pattern."""
        finest = len(WIDTHS)
        parts = (f"enlarge.{finest - 1}", f"enter.{finest}", f"units.{finest}", "leave")
        return tuple(f"{one}.{part}" for one in ("neck", *(f"heads.{name}" for name in self.heads)) for part in parts)

    def keep_end_exact(self) -> None:
        """Converts the parts of the `end`, and the few of the scale, to float32 in a network of another dtype."""
        self.scale.float()
        for one in (self.neck, *self.heads.values()):
            cast(Pyramid, one).keep_end_exact()

    def forward(self, picture: Tensor) -> tuple[Tensor, ...]:
        """Returns the `outputs` for a `picture`, float (n, 4, h, w); its sides are multiples of 14.

        Its first three channels are normalised, the last is the photo's width / height everywhere. The results have 16
        places for the 14 pixels of a patch; `affine` describes them. The scale is float (n, 1).
        """
        maps, scale = self.maps(picture)
        points, mask, *normals = affine(*maps.values())
        return points, mask, scale, *normals

    def maps(self, picture: Tensor) -> tuple[dict[str, Tensor], Tensor]:
        """Returns what the heads give, float (n, channels, h, w) by their names, and the scale in metres."""
        kept, grid = self.transformer(picture[:, :3])
        deep = sum(project(as_map(tokens, grid)) for project, tokens in zip(self.projections, kept, strict=True))
        aspect = picture[:, 3, :1, :1].float()
        planes = [view_plane(grid[0] * 2**level, grid[1] * 2**level, aspect) for level in range(len(WIDTHS) + 1)]
        planes = [plane.to(picture.dtype) for plane in planes]
        maps = self.neck([torch.cat((cast(Tensor, deep), planes[0]), dim=1), *planes[1:]])
        whole = in_kind_of(self.scale, kept[-1][:, 0])
        return {name: head(maps)[0] for name, head in self.heads.items()}, torch.exp(self.scale(whole))


def view_plane(rows: int, columns: int, aspect: Tensor) -> Tensor:
    """Returns where the centres of rows x columns cells lie on a plane, float32 (n, 2, rows, columns).

    Half the plane's diagonal is 1, its middle (0, 0), and `aspect` is its width / height, float32 (n, 1, 1).
    """
    diagonal = torch.sqrt(1 + aspect**2)
    across = _centres(columns, aspect)[None, None, :] * (aspect / diagonal)
    down = _centres(rows, aspect)[None, :, None] / diagonal
    return torch.stack(torch.broadcast_tensors(across, down), dim=1)


def _centres(count: Any, like: Tensor) -> Tensor:
    """Returns the centres of `count` cells between -1 and 1, float32 (count,)."""
    return (2 * torch.arange(count, device=like.device, dtype=torch.float32) + 1) / count - 1


def affine(points: Tensor, mask: Tensor, normals: Tensor | None = None) -> tuple[Tensor, ...]:
    """Returns what the heads' maps, float (n, channels, h, w), mean.

    First the points, float (n, h, w, 3), in OpenCV's axes: z up to a shift, and all up to a scale. Then the probability
    that there is something at a finite distance, float (n, h, w), and if there are `normals`, these as unit vectors.
    """
    depth = torch.exp(points[:, 2:])
    found = [torch.cat((points[:, :2] * depth, depth), dim=1).permute(0, 2, 3, 1), torch.sigmoid(mask[:, 0])]
    if normals is not None:
        found.append(functional.normalize(normals, dim=1).permute(0, 2, 3, 1))
    return tuple(found)


def _pyramid_names(theirs: str, ours: str) -> Names:
    names: dict[str, str | None] = {f"{theirs}output_blocks.{len(WIDTHS)}.": f"{ours}leave."}
    for level in range(len(WIDTHS) + 1):
        names[f"{theirs}input_blocks.{level}."] = f"{ours}enter.{level}."
        names[f"{theirs}resamplers.{level}.0."] = f"{ours}enlarge.{level}.squares."
        names[f"{theirs}resamplers.{level}.1."] = f"{ours}enlarge.{level}.conv."
        for unit in range(2):
            for layer, conv in ((2, "conv1"), (5, "conv2")):
                names[f"{theirs}res_blocks.{level}.{unit}.layers.{layer}."] = f"{ours}units.{level}.{unit}.{conv}."
    return names


def _names() -> Names:
    names: dict[str, str | None] = {
        **dinov2_names("encoder.backbone.", "transformer.body."),
        "encoder.output_projections.": "projections.",
        # The mean and deviation by which a picture is normalised.
        "encoder.image_": None,
        "scale_head.": "scale.",
        **_pyramid_names("neck.", "neck."),
    }
    for name in HEADS:
        names |= _pyramid_names(f"{name}_head.", f"heads.{name}.")
    return names


NAMES: Names = _names()
"""What the published weights call the parts."""
