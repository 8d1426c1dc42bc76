# SPDX-License-Identifier: GPL-3.0-or-later
"""The decoder of all networks but MoGe: from the coarsest feature map to the finest, refined and merged at each step.

The scheme is RefineNet's (Lin et al. 2017, https://arxiv.org/abs/1611.06612) as MiDaS uses it
(Ranftl et al. 2020, https://arxiv.org/abs/1907.01341, and 2021, https://arxiv.org/abs/2103.13413).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal, cast

from torch import Tensor, nn
from torch.nn import functional

from .names import Names
from .starter_layout import HEAD_WIDTH


class ResidualUnit(nn.Module):
    """Two 3x3 convolutions, each after a ReLU, added to the input."""

    def __init__(self, width: int, padding_mode: Literal["zeros", "replicate"] = "zeros") -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(width, width, 3, padding=1, padding_mode=padding_mode)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, padding_mode=padding_mode)

    def forward(self, x: Tensor) -> Tensor:
        """Returns a map like `x`, float (n, width, h, w)."""
        return x + self.conv2(functional.relu(self.conv1(functional.relu(x))))


class RectifiedResidualUnit(ResidualUnit):
    """The unit of MiDaS v2.1: its first ReLU works in place, so that the input is added after that ReLU."""

    def forward(self, x: Tensor) -> Tensor:
        """Returns a map like `x`, float (n, width, h, w)."""
        return super().forward(functional.relu(x))


class Fusion(nn.Module):
    """One step of the decoder: merge a map into the coarser result so far, refine, go to the next finer size."""

    def __init__(
        self,
        width: int,
        next_width: int,
        *,
        is_first: bool,
        align_corners: bool,
        unit: Callable[[int], nn.Module] = ResidualUnit,
        projects: bool = True,
    ) -> None:
        super().__init__()
        self.skip = None if is_first else unit(width)
        self.refine = unit(width)
        self.project = nn.Conv2d(width, next_width, 1) if projects else nn.Identity()
        self.align_corners = align_corners
        self.enlarges_exactly = False

    def forward(self, x: Tensor, coarser: Tensor | None, next_size: Sequence[int]) -> Tensor:
        """Returns float (n, next_width, *next_size) of a map `x`, float (n, width, h, w), and the `coarser` result."""
        return self.enlarged(self.refined(x, coarser), next_size)

    def refined(self, x: Tensor, coarser: Tensor | None) -> Tensor:
        """Returns the merged and refined map, float (n, width, h, w), before it is enlarged."""
        if self.skip is not None and coarser is not None:
            x = self.skip(x)
            x = coarser.to(x.dtype) + x
        return self.refine(x)

    def enlarged(self, refined: Tensor, next_size: Sequence[int]) -> Tensor:
        """Returns a `refined` map as the next finer step takes it, float (n, next_width, *next_size)."""
        # MiDaS upsamples before it projects. The two commute, and this order has a quarter of the cost.
        x = self.project(in_kind_of(self.project, refined))
        x = x.float() if self.enlarges_exactly else x
        return functional.interpolate(x, size=tuple(next_size), mode="bilinear", align_corners=self.align_corners)


class MidasHead(nn.Module):
    """From the finest map to disparity, or depth, at the full size of the picture.

    enlargement  how many times larger the picture is than the map
    end          what the last sum goes through; disparity is never negative
    """

    def __init__(
        self,
        width: int,
        *,
        align_corners: bool,
        last_width: int = 32,
        enlargement: float = 2,
        end: Callable[[Tensor], Tensor] = functional.relu,
    ) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(width, width // 2, 3, padding=1)
        self.conv2 = nn.Conv2d(width // 2, last_width, 3, padding=1)
        self.conv3 = nn.Conv2d(last_width, 1, 1)
        self.align_corners = align_corners
        self.enlargement = enlargement
        self.end = end

    def forward(self, x: Tensor) -> Tensor:
        """Returns float (n, 1, height, width) of a map, float (n, width, h, w)."""
        return self.ended(self.enlarged(x))

    def enlarged(self, x: Tensor) -> Tensor:
        """Returns what the last layers take, float (n, width / 2, height, width)."""
        return functional.interpolate(
            self.conv1(x), scale_factor=self.enlargement, mode="bilinear", align_corners=self.align_corners
        )

    def ended(self, enlarged: Tensor) -> Tensor:
        """Returns the result, float (n, 1, height, width)."""
        return self.end(self.conv3(functional.relu(self.conv2(enlarged))))


class SubpixelHead(nn.Module):
    """The starter model's head: each place of a map at half the size of the picture gives disparity to four pixels.

    Shi et al. 2016, https://arxiv.org/abs/1609.05158: a fraction of the work of convolutions at full size. The four
    never quite agree, which would stand in even surfaces as a waffle pattern; averaged twice over squares of two by two
    pixels, they do.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(width, HEAD_WIDTH, 3, padding=1)
        self.conv2 = nn.Conv2d(HEAD_WIDTH, 4, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """Returns disparity, float (n, 1, 2 h, 2 w), of a map, float (n, width, h, w)."""
        x = functional.pixel_shuffle(self.conv2(functional.relu(self.conv1(x))), 2)
        x = functional.pad(x, (1, 1, 1, 1), mode="replicate")
        return functional.avg_pool2d(functional.avg_pool2d(x, 2, stride=1), 2, stride=1)


class Decoder(nn.Module):
    """Merges a backbone's maps into one.

    channels       channels of the backbone's maps, finest first
    widths         channels with which the decoder works on each of them
    lateral_sizes  kernel sizes of the convolutions that lead from one to the other
    align_corners  how the fusions enlarge (torch's word: whether the outermost samples stay outermost)
    head           makes the last part for a given width
    unit           makes the fusions' residual units for a given width
    projects       whether the fusions end with a 1x1 convolution; without it all widths are the same
    enlargement    how many times larger than the finest map the head wants the merged map
    """

    def __init__(
        self,
        channels: Sequence[int],
        *,
        widths: Sequence[int],
        lateral_sizes: Sequence[int],
        align_corners: bool,
        head: Callable[[int], nn.Module],
        unit: Callable[[int], nn.Module] = ResidualUnit,
        projects: bool = True,
        enlargement: int = 2,
    ) -> None:
        super().__init__()
        self.enlargement = enlargement
        self.lateral = nn.ModuleList(
            nn.Conv2d(channel, width, size, padding=size // 2, bias=False)
            for channel, width, size in zip(channels, widths, lateral_sizes, strict=True)
        )
        next_widths = (widths[0], *widths[:-1])
        coarsest = len(widths) - 1
        self.fusion = nn.ModuleList(
            Fusion(
                width,
                next_width,
                is_first=level == coarsest,
                align_corners=align_corners,
                unit=unit,
                projects=projects,
            )
            for level, (width, next_width) in enumerate(zip(widths, next_widths, strict=True))
        )
        self.head = head(widths[0])

    def forward(self, maps: Sequence[Tensor]) -> Tensor:
        """Returns the head's result, such as disparity, of a backbone's maps, float (n, channels, h, w) each."""
        return self.ended(self.merged(maps)[0])

    def ended(self, merged: Tensor) -> Tensor:
        """Returns the head's result, float (n, 1 or more, h, w), of the map that `merged` returns."""
        return self.head(in_kind_of(self.head, merged))

    def merged(self, maps: Sequence[Tensor]) -> tuple[Tensor, Sequence[Tensor]]:
        """Returns the map that the head takes, and the refined map of each level, finest first, at its own size."""
        lateral = [layer(in_kind_of(layer, x)) for layer, x in zip(self.lateral, maps, strict=True)]
        height, width = lateral[0].shape[-2:]
        next_sizes = [(self.enlargement * height, self.enlargement * width), *(x.shape[-2:] for x in lateral[:-1])]
        merged, levels = None, []
        for step, x, next_size in reversed(list(zip(self.fusion, lateral, next_sizes, strict=True))):
            fusion = cast(Fusion, step)
            levels.append(fusion.refined(x, merged))
            merged = fusion.enlarged(levels[-1], next_size)
        return cast(Tensor, merged), levels[::-1]

    def end(self) -> tuple[str, ...]:
        """Returns the names of the parts after the decoder's last upsampling, and of its input.

        Rounding to half precision there shows in the disparity as steps; earlier rounding is smoothed by the
        upsampling.
        """
        if self.enlargement > 1:
            return "fusion.0.project", "head"
        return "lateral.0", "fusion.1.project", "fusion.0", "head"

    def keep_end_exact(self) -> None:
        """Converts the parts of the `end` to float32 in a network of another dtype."""
        for name in self.end():
            self.get_submodule(name).float()
        # Without a projection at the end, the upsampled map has the dtype of the other steps.
        last = cast(Fusion, self.fusion[0 if self.enlargement > 1 else 1])
        last.enlarges_exactly = True


def in_kind_of(module: nn.Module, x: Tensor) -> Tensor:
    """Returns `x` as the dtype of `module`."""
    parameter = next(module.parameters(), None)
    return x if parameter is None else x.to(parameter.dtype)


MIDAS_HEAD = ("output_conv.0", "output_conv.2", "output_conv.4")
"""What MiDaS calls the convolutions of its head."""


def midas_names(levels: int = 4, head: Sequence[str] = MIDAS_HEAD, prefix: str = "") -> Names:
    """Returns the names in MiDaS of the decoder's parts, without the unit that its coarsest fusion never uses.

    `head` are the names of the head's convolutions, and all names begin with `prefix`.
    """
    scratch = f"{prefix}scratch."
    names: dict[str, str | None] = {}
    for level in range(levels):
        names[f"{scratch}layer{level + 1}_rn."] = f"decoder.lateral.{level}."
        names[f"{scratch}refinenet{level + 1}.resConfUnit1."] = f"decoder.fusion.{level}.skip."
        names[f"{scratch}refinenet{level + 1}.resConfUnit2."] = f"decoder.fusion.{level}.refine."
        names[f"{scratch}refinenet{level + 1}.out_conv."] = f"decoder.fusion.{level}.project."
    names[f"{scratch}refinenet{levels}.resConfUnit1."] = None
    for number, layer in enumerate(head, start=1):
        names[f"{scratch}{layer}."] = f"decoder.head.conv{number}."
    return names
