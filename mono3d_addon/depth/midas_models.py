# SPDX-License-Identifier: GPL-3.0-or-later
"""The starter model and the models of MiDaS."""

from __future__ import annotations

import types
from collections.abc import Mapping

from .model import HALF, IMAGENET_DEVIATION, IMAGENET_MEAN, Accuracy, Channels, Model, ResizeRule

RELEASES = "https://github.com/isl-org/MiDaS/releases/download"
LAST_TENSOR = "scratch.output_conv.4.bias"
"""The last one of every network of MiDaS."""

Preparation = tuple[ResizeRule, Channels, Channels]

PREPARATIONS: Mapping[str, Preparation] = types.MappingProxyType(
    {
        "v2_1": ("upper_bound", IMAGENET_MEAN, IMAGENET_DEVIATION),
        "v3": ("minimal", HALF, HALF),
        "v3_1": ("minimal", HALF, HALF),
    }
)
"""`resize`, `mean` and `deviation` of the models in each release of MiDaS."""

_VERSIONS = {"v2_1": "2.1", "v3": "3.0", "v3_1": "3.1"}
_README = "the README of MiDaS 3.1, mean over its zero-shot tests"


def _official(
    name: str,
    title: str,
    release: str,
    choose_when: str,
    *,
    parameters: int,
    network_size: int,
    slow_seconds: float,
    error: int,
    file_bytes: int,
    size_is_exact: bool = False,
    sha256: str | None = None,
    licence: str = "MIT",
    square_only: bool = False,
    known_by: str = "",
    accuracy: Accuracy | None = None,
) -> Model:
    """Returns a row; `error` is the published one, in percent of that of DPT large, which is 100."""
    resize, mean, deviation = PREPARATIONS[release]
    return Model(
        name=name,
        title=f"MiDaS {_VERSIONS[release]} {title}".rstrip(),
        choose_when=choose_when,
        file=f"{name}.pt",
        address=f"{RELEASES}/{release}/{name}.pt",
        file_bytes=file_bytes,
        size_is_exact=size_is_exact,
        sha256=sha256,
        licence=licence,
        parameters=parameters,
        network_size=network_size,
        slow_seconds=slow_seconds,
        accuracy=accuracy or Accuracy(_relative(error), _README),
        resize=resize,
        mean=mean,
        deviation=deviation,
        square_only=square_only,
        known_by=(known_by, LAST_TENSOR) if known_by else (),
    )


def _relative(error: int) -> str:
    if error == 100:
        return "the error that others are compared with"
    return f"{abs(error - 100)} % {'more' if error > 100 else 'less'} error than DPT large"


STARTER = Model(
    name="starter",
    title="Starter",
    choose_when="You want a first result at once: it is bundled and takes a fraction of a second.",
    file="starter.safetensors",
    address="",
    file_bytes=7_622_402,
    size_is_exact=True,
    sha256="b3860bc0fdba2dfa3a106b9e8a327666f4f10bc256dd415a104dc977e06edd6f",
    licence="GPL-3.0-or-later",
    parameters=3_756_417,
    network_size=256,
    slow_seconds=0.03,
    resize="minimal",
    mean=HALF,
    deviation=HALF,
    # Its training pictures were made smaller by averaging; a large photo that is sampled instead looks noisy to it.
    sampling="cubic, averaged",
    guesses=("distances", "lens", "sky"),
    accuracy=Accuracy("85 % of depths within 25 % in rooms, 71 % of people", "its card, on renders of its own kind"),
    bundled=True,
    is_quick=True,
    numpy_seconds=0.3,
)

# Which is how accurate: the table of zero-shot errors in the README of MiDaS 3.1.
MIDAS = (
    _official(
        "midas_v21_small_256",
        "small",
        "v2_1",
        "You want MiDaS on a slow computer: fast, but coarse.",
        parameters=21_320_545,
        network_size=256,
        slow_seconds=0.09,
        error=176,
        file_bytes=85_761_505,
        size_is_exact=True,
        sha256="70d6b9c891758c67f974a6097fb0c608c7ee67fb81ac3e5588847d5596d56fca",
    ),
    _official(
        "dpt_swin2_tiny_256",
        "Swin 2 tiny",
        "v3_1",
        "You want nearly the depth quality of dpt_hybrid_384 on a slow computer.",
        parameters=41_701_331,
        network_size=256,
        slow_seconds=0.5,
        error=111,
        file_bytes=172_140_000,
        known_by="pretrained.model.layers.2.blocks.5.attn.cpb_mlp.0.weight",
        square_only=True,
    ),
    _official(
        "dpt_levit_224",
        "LeViT",
        "v3_1",
        "You want a compromise between midas_v21_small_256 and dpt_swin2_tiny_256: fast, little detail.",
        parameters=50_630_837,
        network_size=224,
        slow_seconds=0.09,
        error=140,
        file_bytes=204_498_000,
        known_by="pretrained.model.blocks.27.m.2.bn.weight",
        square_only=True,
    ),
    _official(
        "dpt_next_vit_large_384",
        "Next-ViT large",
        "v3_1",
        "You want better depth than dpt_large_384 with a fifth of its size.",
        parameters=72_260_713,
        network_size=384,
        slow_seconds=1.4,
        error=84,
        file_bytes=289_689_000,
        known_by="pretrained.model.features.39.mlp.conv2.weight",
    ),
    _official(
        "dpt_swin2_base_384",
        "Swin 2 base",
        "v3_1",
        "You want the best depth for its file size: as accurate as dpt_swin2_large_384.",
        parameters=102_378_913,
        network_size=384,
        slow_seconds=2.0,
        error=78,
        file_bytes=436_219_000,
        known_by="pretrained.model.layers.2.blocks.17.attn.cpb_mlp.0.weight",
        square_only=True,
    ),
    _official(
        "midas_v21_384",
        "",
        "v2_1",
        "You need results like those of MiDaS 2.1; newer models of this size are more accurate.",
        parameters=105_362_945,
        network_size=384,
        slow_seconds=1.7,
        error=132,
        file_bytes=422_509_849,
        size_is_exact=True,
        sha256="f6b980704cfd7259c7cc2b058c2f160159c55e84b3b6c08331b4156a84629f70",
        # Its backbone was trained on from Facebook's ResNeXt WSL weights, which are not for commercial use.
        licence="MIT, made from weights under CC-BY-NC-4.0",
    ),
    _official(
        "dpt_beit_base_384",
        "BEiT base",
        "v3_1",
        "You compare models; dpt_swin2_base_384 is far more accurate and no larger.",
        parameters=111_531_689,
        network_size=384,
        slow_seconds=1.9,
        error=131,
        file_bytes=478_181_000,
        known_by="pretrained.model.blocks.11.attn.relative_position_bias_table",
    ),
    _official(
        "dpt_hybrid_384",
        "DPT hybrid",
        "v3",
        "You want good depth on an average computer in one or two seconds.",
        parameters=123_146_985,
        network_size=384,
        slow_seconds=2.4,
        error=110,
        file_bytes=492_712_000,
        known_by="pretrained.model.patch_embed.backbone.stages.2.blocks.8.conv3.weight",
        # The published 501f0c75...3853 belongs to an older file name; whether the content is the same is not known.
    ),
    _official(
        "dpt_swin_large_384",
        "Swin large",
        "v3_1",
        "You compare models; dpt_swin2_base_384 is more accurate and half its size.",
        parameters=213_407_453,
        network_size=384,
        slow_seconds=3.0,
        error=83,
        file_bytes=867_372_000,
        known_by="pretrained.model.layers.2.blocks.17.attn.relative_position_bias_table",
        square_only=True,
    ),
    _official(
        "dpt_swin2_large_384",
        "Swin 2 large",
        "v3_1",
        "You want slightly less error indoors than with dpt_swin2_base_384 and can wait twice as long.",
        parameters=213_411_869,
        network_size=384,
        slow_seconds=3.2,
        error=78,
        file_bytes=880_350_000,
        known_by="pretrained.model.layers.2.blocks.17.attn.cpb_mlp.0.weight",
        square_only=True,
    ),
    _official(
        "dpt_large_384",
        "DPT large",
        "v3",
        "You want finer outlines and steadier planes, and can wait a few seconds or have a graphics card.",
        parameters=344_055_465,
        network_size=384,
        slow_seconds=4.9,
        error=100,
        file_bytes=1_376_378_527,
        size_is_exact=True,
        sha256="2f21e586477d90cb9624c7eef5df7891edca49a1c4795ee2cb631fd4daa6ca69",
    ),
    _official(
        "dpt_beit_large_384",
        "BEiT large",
        "v3_1",
        "You want accuracy close to dpt_beit_large_512 in less time.",
        parameters=344_338_601,
        network_size=384,
        slow_seconds=4.8,
        error=83,
        file_bytes=1_441_465_011,
        size_is_exact=True,
        # Size and hash as a mirror of the releases states them.
        sha256="9a86e82345dee25004eeacbc25db11fae827d32cd6939a9056eb7db6ef895413",
    ),
    _official(
        "dpt_beit_large_512",
        "BEiT large 512",
        "v3_1",
        "You want the most accurate depth that MiDaS gives, and have a graphics card or can wait.",
        parameters=345_014_441,
        network_size=512,
        slow_seconds=9.3,
        error=72,
        accuracy=Accuracy(
            f"87 % of depths within 25 %, {_relative(72)}",
            f"arXiv 2406.09414, tables 2 and 3, mean of five tests; {_README}",
        ),
        file_bytes=1_581_966_003,
        size_is_exact=True,
        known_by="pretrained.model.blocks.23.attn.relative_position_bias_table",
        # Only a SHA-512 was found: 66cbb00ea7bccd6e43d3fd277bd21002d8d8c2c5c487e5fcd1e1d70c691688a1
        # 9122418b3ddfa94e62ab9f086957aa67bbec39afe2b41c742aaaf0699ee50b33.
    ),
)
"""From small to large."""
