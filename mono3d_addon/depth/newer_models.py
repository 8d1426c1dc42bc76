# SPDX-License-Identifier: GPL-3.0-or-later
"""The models that came after MiDaS: Depth Anything 2 and 3, and MoGe-2.

Addresses name a revision, because the publishers' main branches move. Sizes and hashes are those that the host tells
with its first answer, as stated by others who have downloaded the files.
"""

from __future__ import annotations

from typing import Any

from .model import IMAGENET_DEVIATION, IMAGENET_MEAN, Accuracy, Gives, Model

_HOST = "https://huggingface.co"
_PATCH = 14


def _row(
    name: str, title: str, choose_when: str, file: str, repository: str, revision: str, gives: Gives, **details: Any
) -> Model:
    """Returns a row; `file` is the publisher's name, which other models may have too."""
    return Model(
        name=name,
        title=title,
        choose_when=choose_when,
        file=f"{name}.{file.rsplit('.', 1)[1]}",
        address=f"{_HOST}/{repository}/resolve/{revision}/{file}",
        mean=IMAGENET_MEAN,
        deviation=IMAGENET_DEVIATION,
        multiple=_PATCH,
        gives=gives,
        **{"size_is_exact": True, **details},
    )


_LICENCES = {"Small": "Apache-2.0", "Base": "CC-BY-NC-4.0", "Large": "CC-BY-NC-4.0"}
_PARAMETERS = {"Small": 24_785_089, "Base": 97_470_785, "Large": 335_315_649}
_SECONDS = {"Small": 1.2, "Base": 3.7, "Large": 12.7}

# Shares of the pixels, the mean of KITTI, NYU, Sintel, ETH3D and DIODE, after a fit of scale and shift.
_WITHIN = {"Small": 88, "Base": 89, "Large": 90}
_ROOMS = "Metric-Hypersim-"
_STREETS = "Metric-VKITTI-"
_PLACES = {"": "", _ROOMS: "rooms ", _STREETS: "streets "}


def _depth_anything_2(
    name: str, choose_when: str, revision: str, file_bytes: int, sha256: str, kind: str = "", gives: Gives = "disparity"
) -> Model:
    """Returns a row; `kind` is what the repository's name has before the size."""
    size = next(size for size in _LICENCES if name.endswith(f"vit{size[0].lower()}"))
    accuracy = Accuracy(
        f"{_WITHIN[size]} % of depths within 25 %", "arXiv 2406.09414, tables 2 and 3, mean of five tests"
    )
    return _row(
        name,
        f"Depth Anything V2 {_PLACES[kind]}{size.lower()}",
        choose_when,
        f"{name}.pth",
        f"depth-anything/Depth-Anything-V2-{kind}{size}",
        revision,
        gives,
        file_bytes=file_bytes,
        sha256=sha256,
        licence=_LICENCES[size],
        parameters=_PARAMETERS[size],
        network_size=518,
        slow_seconds=_SECONDS[size],
        accuracy=None if kind else accuracy,
        resize="lower_bound",
    )


DEPTH_ANYTHING_2 = (
    _depth_anything_2(
        "depth_anything_v2_vits",
        "You want better depth than any MiDaS model gives, in half the time of dpt_hybrid_384.",
        "03876f8651c73a60fe4c2c48294e09fcb6838fcf",
        99_218_434,
        "715fade13be8f229f8a70cc02066f656f2423a59effd0579197bbf57860e1378",
    ),
    _depth_anything_2(
        "depth_anything_v2_metric_hypersim_vits",
        "You want metres in rooms from a small model.",
        "3bc65d4e14a6786a61acec16453c50e12bf5f338",
        99_222_290,
        "b782898d8a3e8be1f639de33837ed85e9b4b73e40f8f5e5cd99067588d722545",
        _ROOMS,
        "metres",
    ),
    _depth_anything_2(
        "depth_anything_v2_metric_vkitti_vits",
        "You want metres on streets from a small model.",
        "c725b8589bdf6ab04072cab74c0467830db80d6d",
        99_221_808,
        "9203e538d35255c90dda4b7fedb47ff33fe725497bcca3b1e53b3a65ee63f0cb",
        _STREETS,
        "metres",
    ),
    _depth_anything_2(
        "depth_anything_v2_vitb",
        "You want finer depth than depth_anything_v2_vits gives, and your work is not commercial.",
        "a4e71a6c2ce52fe50df0f212066b0d4a87be9b5e",
        389_961_218,
        "0d2b7002e62d39d655571c371333340bd88f67ab95050c03591555aa05645328",
    ),
    _depth_anything_2(
        "depth_anything_v2_metric_hypersim_vitb",
        "You want metres in rooms, and your work is not commercial.",
        "4ebcd7fd0858cbb953451619ca943ea39ec08e00",
        389_965_138,
        "9dc9e274c5eff55c6daf27b660c0ced0eca4e8593a6da90cdcb04d2b4d3f3fa2",
        _ROOMS,
        "metres",
    ),
    _depth_anything_2(
        "depth_anything_v2_metric_vkitti_vitb",
        "You want metres on streets, and your work is not commercial.",
        "e96fd0c8cedf1825a55b9c61309f754982948df0",
        389_964_656,
        "4dad67a7cc10b462bca48e6b8569c762b8eb3c1adada170a3851a6d3ba37bb3e",
        _STREETS,
        "metres",
    ),
    _depth_anything_2(
        "depth_anything_v2_vitl",
        "You want the finest depth of this family, can wait, and your work is not commercial.",
        "cbbb86a30ce19b5684b7a05155dc7e6cbc7685b9",
        1_341_395_338,
        "a7ea19fa0ed99244e67b624c72b8580b7e9553043245905be58796a608eb9345",
    ),
    _depth_anything_2(
        "depth_anything_v2_metric_hypersim_vitl",
        "You want metres in rooms, can wait, and your work is not commercial.",
        "79720800638389a78b2defc92caa885104f69974",
        1_341_401_882,
        "6f82ff2bc543ac02ddff4aa31fa363676a8305dd3ccf04e80e2af115a044cb6d",
        _ROOMS,
        "metres",
    ),
    _depth_anything_2(
        "depth_anything_v2_metric_vkitti_vitl",
        "You want metres on streets, can wait, and your work is not commercial.",
        "070e97e4b80e317ec1d03c19927304f4091a180b",
        1_341_401_064,
        "239b1054a369e66da2576e9a118d6d7c12d90dc8ebe609579a9a09cd8e05fe38",
        _STREETS,
        "metres",
    ),
)


def _moge_2(
    name: str,
    title: str,
    choose_when: str,
    revision: str,
    file_bytes: int,
    sha256: str,
    parameters: int,
    slow_seconds: float,
    accuracy: Accuracy | None = None,
) -> Model:
    return _row(
        name,
        title,
        choose_when,
        "model.pt",
        f"Ruicheng/{name.replace('_', '-')}",
        revision,
        "points",
        file_bytes=file_bytes,
        sha256=sha256,
        licence="MIT",
        parameters=parameters,
        # 1764 patches: of the 1200 to 2500 that its publisher recommends for speed.
        network_size=42 * _PATCH,
        slow_seconds=slow_seconds,
        accuracy=accuracy,
        resize="patches",
        sampling="linear, averaged",
        sees_aspect=True,
    )


MOGE_2 = (
    _moge_2(
        "moge_2_vits_normal",
        "MoGe-2 small",
        "You want metres, lens, sky and normals from a small model that is free for all use.",
        "679230677b4d282c6f304189a93e98e14f085902",
        140_550_416,
        "79a16621928c2bf0ed04659218c55c01075e950507f40bb3332fb4c873d3e1dc",
        35_103_656,
        3.8,
    ),
    _moge_2(
        "moge_2_vitb_normal",
        "MoGe-2 base",
        "You want better metres, lens, sky and normals than moge_2_vits_normal gives, and can wait twice as long.",
        "54ad3a693e61907ea4633d13dec6ee682fa09419",
        419_110_160,
        "16b8110e86d5dc5a849db120ca96ef3a223fd30b0c9146d1d81db504073da5f6",
        104_743_592,
        6.0,
    ),
    _moge_2(
        "moge_2_vitl_normal",
        "MoGe-2 large",
        "You want the best metres, lens, sky and normals, and have a graphics card or can wait.",
        "b135031bae30b5ac2ae141a0e68717795ce38340",
        1_323_815_904,
        "280741fd09bc3f403ccff9967784c2a391b52d2c0742ae3efdb21d9f90cc1a01",
        330_901_544,
        13.4,
        Accuracy("metres 8 % off", "arXiv 2507.02546, table B.3, mean over its tests"),
    ),
)


def _depth_anything_3(
    name: str, choose_when: str, revision: str, sha256: str, gives: Gives, accuracy: Accuracy
) -> Model:
    return _row(
        name,
        f"Depth Anything 3 {name.removeprefix('da3').removesuffix('_large')}",
        choose_when,
        "model.safetensors",
        f"depth-anything/{name.upper().replace('_', '-')}",
        revision,
        gives,
        # Predicted from the tensors; the publisher's page rounds it.
        file_bytes=1_336_734_480,
        size_is_exact=False,
        sha256=sha256,
        licence="Apache-2.0",
        parameters=334_171_394,
        network_size=504,
        slow_seconds=6.2,
        accuracy=accuracy,
        resize="longest",
        sampling="area",
    )


DEPTH_ANYTHING_3 = (
    _depth_anything_3(
        "da3mono_large",
        "You want the most accurate proportions and the sky, and have a graphics card or can wait.",
        "f465978e618db8cc79c83b8bbf24964857db1875",
        "7a799a7f95eb8d4c404c2ca8be3dc3276b350a417ddc4420db72ba850cc0e960",
        "depth",
        Accuracy("95 % of depths within 25 %", "the paper of Depth Anything 3, table 10, mean of five tests"),
    ),
    _depth_anything_3(
        "da3metric_large",
        "You want metres and the sky, know the field of view, and have a graphics card or can wait.",
        "4010e39f3634a45bc60553321fb49fb760bd594e",
        "bbea5b0b3ee389849cffa7ddae89de064a90abd2b055fc5aa99aac68db324776",
        "metres by focal length",
        Accuracy("93 % of metres within 25 %", "the paper of Depth Anything 3, table 11, mean of five tests"),
    ),
)
