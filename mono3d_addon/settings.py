# SPDX-License-Identifier: GPL-3.0-or-later
"""Every choice a user has, once.

Three frozen dataclasses: `Settings` shapes a reconstruction and is stored with each result, `RunOptions` says
where results go and how a run over many photos behaves, `Habits` how the program behaves on one computer, whatever
the file. Each field carries a `Choice` with its label, help,
unit and bounds; the command line, Blender's properties and the web form are generated from these.
"""

from __future__ import annotations

import dataclasses
import json
import types
import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from .errors import Mono3DError

Unit = Literal["m", "deg", "px", "Mpx", "%", "x footprint", "min"]
Group = Literal["Depth", "Camera", "Shape", "Surface", "Material", "Output", "Run", "Setup", "Habits"]

MODEL_NAMES = (
    "starter",
    "midas_v21_small_256",
    "dpt_swin2_tiny_256",
    "dpt_levit_224",
    "dpt_next_vit_large_384",
    "dpt_swin2_base_384",
    "midas_v21_384",
    "dpt_beit_base_384",
    "dpt_hybrid_384",
    "dpt_swin_large_384",
    "dpt_swin2_large_384",
    "dpt_large_384",
    "dpt_beit_large_384",
    "dpt_beit_large_512",
)
"""Names of the catalogue's rows; `depth.catalogue` describes each, a test holds the two together."""

FORMATS = ("blend", "glb", "ply", "obj", "stl", "cloud", "vtp", "npy", "png16", "exr", "camera")
"""What can be written for each photo; `cloud` is the point cloud as PLY, `camera` the camera as JSON."""


@dataclass(frozen=True)
class Choice:
    """What a user needs to know about one setting.

    `minimum` and `maximum` are hard bounds, inclusive; `options` lists the allowed words (several may be
    given where the field is a tuple); `words` are extra spellings on the command line.
    """

    label: str
    help: str
    group: Group
    unit: Unit | None = None
    minimum: float | None = None
    maximum: float | None = None
    options: tuple[str, ...] = ()
    is_path: bool = False
    words: tuple[str, ...] = ()


def _choice(default: Any, label: str, group: Group, help: str, **details: Any) -> Any:
    return field(default=default, metadata={"choice": Choice(label=label, group=group, help=help, **details)})


@dataclass(frozen=True)
class Settings:
    """What shapes one reconstruction. Round-trips through JSON; every value is checked on construction."""

    # fmt: off
    model: str = _choice("starter", "Model", "Depth",
        "Network that estimates the depth; 'starter' is bundled, others need their weights file", options=MODEL_NAMES)
    weights: str = _choice("", "Weights file", "Depth",
        "Weights of the model; empty: the bundled file, the weights folder or the cache", is_path=True)
    device: str = _choice("auto", "Device", "Depth",
        "Where the network runs; 'auto' takes the first of cuda, mps and xpu that is there, else cpu",
        options=("auto", "cpu", "cuda", "mps", "xpu"))
    network_size: int = _choice(0, "Network size", "Depth",
        "Side of the picture that the network sees, rounded to a multiple of 32; 0: the size the model was trained at",
        unit="px", minimum=0, maximum=2048)
    flip: bool = _choice(False, "Mirror average", "Depth",
        "Let the network see the mirror image too and average both: steadier depth in twice the time")
    tiles: bool = _choice(False, "Fine detail", "Depth",
        "Let the network see overlapping parts of a large photo too: finer outlines in several times the time")
    engine: str = _choice("auto", "Engine", "Depth",
        "'auto' takes the fastest engine that gives the same depth as plain 32-bit torch, 'plain' takes that itself",
        options=("auto", "plain"))
    edge_aware: bool = _choice(True, "Sharp edges", "Depth",
        "Carry the depth to the mesh along the edges of the photo instead of blurring across them")

    field_of_view: float = _choice(0.0, "Field of view", "Camera",
        "Angle that the longer side of the photo covers; 0: from the photo's EXIF data, else 55 degrees",
        unit="deg", minimum=0.0, maximum=160.0)
    near: float = _choice(1.0, "Near", "Camera",
        "Distance of the nearest parts of the scene", unit="m", minimum=0.001, maximum=100_000.0)
    far: float = _choice(6.0, "Far", "Camera",
        "Distance of the farthest parts; 3 to 4 times near suits a portrait, 6 to 10 times a street",
        unit="m", minimum=0.002, maximum=1_000_000.0)
    percentile: float = _choice(1.0, "Ignored extremes", "Camera",
        "Share of the pixels at each end of the depth range that do not take part in finding near and far",
        unit="%", minimum=0.0, maximum=20.0)

    detail: int = _choice(1024, "Detail", "Shape",
        "Vertices along the longer side of the mesh; never more than the photo has pixels",
        unit="px", minimum=16, maximum=8192)
    tear: float = _choice(0.04, "Tear", "Shape",
        "Cut the mesh where the distance jumps by more than this share from one vertex to the next; 0: keep connected",
        minimum=0.0, maximum=10.0)
    min_island: float = _choice(0.1, "Smallest island", "Shape",
        "Drop loose pieces with less than this share of the triangles", unit="%", minimum=0.0, maximum=50.0)
    max_pixels: float = _choice(100.0, "Largest photo", "Shape",
        "Refuse photos with more pixels than this", unit="Mpx", minimum=0.01, maximum=1000.0)

    surface: str = _choice("grid", "Surface", "Surface",
        "'grid' keeps a vertex for each pixel, 'poisson' makes a smooth skin, 'ball_pivoting' joins the cleaned points",
        options=("grid", "poisson", "ball_pivoting"))
    voxel: float = _choice(2.0, "Point spacing", "Surface",
        "Spacing to which the points are thinned before meshing, in pixels of the mesh grid; 0: keep all",
        unit="x footprint", minimum=0.0, maximum=100.0)
    outlier_neighbours: int = _choice(20, "Outlier neighbours", "Surface",
        "Points around each point that tell whether it is an outlier; 0: keep outliers", minimum=0, maximum=200)
    outlier_deviation: float = _choice(2.0, "Outlier deviation", "Surface",
        "Points farther from their neighbours than the average by this many standard deviations are outliers",
        minimum=0.1, maximum=10.0)
    poisson_depth: int = _choice(9, "Poisson depth", "Surface",
        "Levels of the octree: each one more doubles the detail and takes four times as long", minimum=4, maximum=12)
    trim_density: float = _choice(2.0, "Trim sparse", "Surface",
        "Share of the Poisson surface with the least support by points that is cut away",
        unit="%", minimum=0.0, maximum=50.0)
    trim_distance: float = _choice(4.0, "Trim far", "Surface",
        "Cut the surface where it is farther than this from every point; 0: keep",
        unit="x footprint", minimum=0.0, maximum=1000.0)
    target_triangles: int = _choice(0, "Triangles", "Surface",
        "Decimate the mesh to about this many triangles; 0: keep all", minimum=0, maximum=50_000_000)
    smooth: int = _choice(0, "Smoothing", "Surface",
        "Rounds of Taubin smoothing, which does not shrink", minimum=0, maximum=100)

    material: str = _choice("texture", "Colours from", "Material",
        "Where the material takes its colours from", options=("texture", "vertex_colours"))
    shading: str = _choice("emission", "Shading", "Material",
        "'emission' shows the photo as it was lit, 'principled' reacts to the lamps of the scene",
        options=("emission", "principled"))
    # fmt: on

    def __post_init__(self) -> None:
        check(self)
        if self.far <= self.near:
            raise Mono3DError(f"Far ({self.far:g} m) must be larger than near ({self.near:g} m).")

    def to_json(self) -> str:
        """Returns the settings as one JSON object, keys in the order of the fields."""
        return json.dumps(dataclasses.asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Settings:
        """Returns the settings stored by `to_json`. Unknown keys, from other versions, are left out.

        Raises Mono3DError when the text is no JSON object or a value is out of bounds.
        """
        try:
            values = json.loads(text)
        except ValueError as error:
            raise Mono3DError(f"The stored settings cannot be read: {error}.") from error
        if not isinstance(values, dict):
            raise Mono3DError("The stored settings cannot be read: they are not a JSON object.")
        return cls(**coerce(cls, values))


@dataclass(frozen=True)
class RunOptions:
    """Where the results of a run go and how it behaves over many photos."""

    # fmt: off
    output: str = _choice("", "Output folder", "Output",
        "Folder for the results, made where missing; empty: the current one; a name such as cup.ply: only that file",
        is_path=True, words=("-o", "--out"))
    format: tuple[str, ...] = _choice(("blend", "glb", "ply", "npy", "png16"), "Formats", "Output",
        "What to write for each photo, separated by commas", options=FORMATS)
    preview: bool = _choice(True, "Preview", "Output", "Render a picture of each result")
    skip_existing: bool = _choice(False, "Skip existing", "Run", "Leave out photos whose results are all there")
    jobs: int = _choice(1, "Jobs", "Run", "Photos worked on at a time, each by its own worker", minimum=1, maximum=64)
    report: str = _choice("", "Report", "Run", "Write a JSON record of every photo to this file", is_path=True)
    install: bool = _choice(False, "Install", "Setup",
        "First install what is missing, into the data folder; this uses the network")
    download: bool = _choice(False, "Download", "Setup",
        "Download the weights of the model if they are missing, into the data folder; this uses the network")
    system: tuple[str, ...] = _choice((), "Packages of the system", "Setup",
        "Packages that this Python offers itself and that need not be installed, such as torch,torchvision; "
        "if not given, those that a Linux distribution's Python brings")
    backend: str = _choice("auto", "Backend", "Setup",
        "Build of PyTorch to install; 'auto' takes the best one for the graphics card whose files are pinned",
        options=("auto", "cpu", "cu126", "cu128", "cu130", "rocm", "mps", "xpu"))
    wheelhouse: str = _choice("", "Wheelhouse", "Setup",
        "Install from this folder, made by 'python -m vendor_installer bundle', instead of from the network",
        is_path=True)
    data_folder: str = _choice("", "Data folder", "Setup",
        "Folder for packages, weights and cache; empty: the user's data folder", is_path=True)
    # fmt: on

    def __post_init__(self) -> None:
        check(self)


PRESETS: Mapping[str, Mapping[str, Any]] = types.MappingProxyType(
    {
        "fast": {"detail": 512},
        "balanced": {},
        "best": {"detail": 1920, "tiles": True},
    }
)
"""Changes to the defaults, by name of the preset."""


def preset(name: str) -> Settings:
    """Returns the settings of the preset `name`. Raises Mono3DError when there is none of that name."""
    if name not in PRESETS:
        raise Mono3DError(f"There is no preset '{name}'; choose one of {', '.join(PRESETS)}.")
    return Settings(**PRESETS[name])


LOG_LEVELS = ("error", "warning", "info", "debug")

_DEVICES = next(item.metadata["choice"].options for item in dataclasses.fields(Settings) if item.name == "device")


@dataclass(frozen=True)
class Habits:
    """How the program behaves on this computer, whatever the file; Blender's preferences are generated from it."""

    # fmt: off
    preset: str = _choice("balanced", "Default preset", "Habits",
        "Settings with which a scene starts whose settings were not touched yet", options=tuple(PRESETS))
    device: str = _choice("auto", "Device", "Habits",
        "Where the network runs in scenes whose own device is 'auto'", options=_DEVICES)
    idle_minutes: float = _choice(10.0, "Keep the model loaded", "Habits",
        "After so long without a job the worker ends and gives its memory back; the next job starts it again; "
        "0: it stays until Blender ends", unit="min", minimum=0.0, maximum=1440.0)
    log_level: str = _choice("info", "Log", "Habits",
        "How much the worker writes to its log: only what went wrong, or also what it did", options=LOG_LEVELS)
    # fmt: on

    def __post_init__(self) -> None:
        check(self)


AnySettings = type[Settings] | type[RunOptions] | type[Habits]


@dataclass(frozen=True)
class SettingField:
    """One field of a settings class, ready for whoever generates a user interface from it.

    `kind` is the Python type of one value: `str`, `int`, `float` or `bool`; `many` tells a tuple of them.
    """

    name: str
    kind: type
    many: bool
    default: Any
    choice: Choice


def fields_of(cls: AnySettings) -> Iterator[SettingField]:
    """Yields the fields of a settings class in their order."""
    hints = typing.get_type_hints(cls)
    for item in dataclasses.fields(cls):
        hint = hints[item.name]
        many = typing.get_origin(hint) is tuple
        kind = typing.get_args(hint)[0] if many else hint
        yield SettingField(item.name, kind, many, item.default, item.metadata["choice"])


def coerce(cls: AnySettings, values: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the values that `cls` knows, each converted to the field's type.

    Raises Mono3DError when a value cannot be converted.
    """
    known: dict[str, Any] = {}
    for item in fields_of(cls):
        if item.name not in values:
            continue
        value = values[item.name]
        try:
            if item.many:
                known[item.name] = tuple(item.kind(one) for one in value)
            elif item.kind is bool and not isinstance(value, bool):
                raise TypeError("not true or false")
            else:
                known[item.name] = item.kind(value)
        except (TypeError, ValueError) as error:
            raise Mono3DError(f"{item.choice.label}: '{value}' is not a valid value ({error}).") from error
    return known


def check(values: Settings | RunOptions | Habits) -> None:
    """Raises Mono3DError, naming the setting and its bounds, when a value is out of bounds or of a wrong type."""
    for item in fields_of(type(values)):
        value = getattr(values, item.name)
        for one in value if item.many else (value,):
            _check_value(item, one)


def _check_value(item: SettingField, value: Any) -> None:
    choice = item.choice
    allowed: tuple[type, ...] = (int, float) if item.kind is float else (item.kind,)
    if not isinstance(value, allowed) or (isinstance(value, bool) and item.kind is not bool):
        raise Mono3DError(f"{choice.label}: '{value}' is not of the type {item.kind.__name__}.")
    if choice.options and value not in choice.options:
        raise Mono3DError(f"{choice.label}: '{value}' is not one of {', '.join(choice.options)}.")
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        too_low = choice.minimum is not None and not value >= choice.minimum
        too_high = choice.maximum is not None and not value <= choice.maximum
        if too_low or too_high:
            unit = f" {choice.unit}" if choice.unit else ""
            raise Mono3DError(
                f"{choice.label}: {value:,.10g}{unit} is outside "
                f"{choice.minimum:,.10g} to {choice.maximum:,.10g}{unit}."
            )
