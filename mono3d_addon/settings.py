# SPDX-License-Identifier: GPL-3.0-or-later
"""Every choice a user has, once.

Four frozen dataclasses: `Settings` shapes a reconstruction and is stored with each result, `RunOptions` says
where results go and how a run over many photos behaves, `WebOptions` whom the web page serves and within which limits,
`Habits` how the program behaves on one computer, whatever the file. Each field carries a `Choice` with its label, help,
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

Unit = Literal["m", "mm", "deg", "px", "Mpx", "MB", "GB", "%", "x footprint", "min", "h"]
Level = Literal["basic", "advanced"]
Group = Literal[
    "Depth",
    "Camera",
    "Scene",
    "Shape",
    "Crop",
    "Surface",
    "Material",
    "Output",
    "Run",
    "Server",
    "Limits",
    "Setup",
    "Habits",
]

_LIVE_GROUPS: tuple[Group, ...] = ("Camera", "Scene", "Shape", "Crop", "Surface")
"""Groups whose settings shape the mesh and nothing else."""

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


LOG_LEVELS = ("error", "warning", "info", "debug")


@dataclass(frozen=True)
class Choice:
    """What a user needs to know about one setting.

    `minimum` and `maximum` are hard bounds, inclusive; `options` lists the allowed words (several may be
    given where the field is a tuple); `words` are extra spellings on the command line. `live` tells that a change
    needs the mesh made anew and nothing else: neither the network nor another material. `level` tells whether everybody
    meets it first or only those who look for it: command line, panel and web form show the basic ones first.
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
    live: bool = False
    level: Level = "advanced"


def _choice(default: Any, label: str, group: Group, help: str, **details: Any) -> Any:
    details.setdefault("live", group in _LIVE_GROUPS)
    details["level"] = "basic" if details.pop("basic", False) else "advanced"
    return field(default=default, metadata={"choice": Choice(label=label, group=group, help=help, **details)})


@dataclass(frozen=True)
class Settings:
    """What shapes one reconstruction. Round-trips through JSON; every value is checked on construction."""

    # fmt: off
    model: str = _choice("starter", "Model", "Depth",
        "Network that estimates the depth; 'starter' is bundled, others need their weights file", options=MODEL_NAMES,
        basic=True)
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
        "Carry the depth to the mesh along the edges of the photo instead of blurring across them", live=True)
    depth_file: str = _choice("", "Own depth", "Depth",
        "Depth map to take instead of the network's: PNG, TIFF, EXR, NPY or PFM; or a folder with a map of each "
        "photo's name, such as cup.png, cup.exr or cup_depth.npy for cup.jpg", is_path=True, basic=True)
    embedded_depth: bool = _choice(False, "Depth inside the photo", "Depth",
        "Take the depth that a phone's portrait mode stored inside the photo instead of the network's; 'Own depth' "
        "comes first where both are given")
    depth_kind: str = _choice("auto", "Own depth holds", "Depth",
        "What the numbers of an own depth map are: 'disparity' (near = large, any scale), 'metres' or 'millimetres' "
        "along the camera's axis; 'auto' goes by the file: what it says of itself, else NPY and EXR hold metres, "
        "others disparity",
        options=("auto", "disparity", "metres", "millimetres"))

    field_of_view: float = _choice(0.0, "Field of view", "Camera",
        "Angle that the longer side of the photo covers; 0: from the photo's EXIF data, else 55 degrees",
        unit="deg", minimum=0.0, maximum=160.0, basic=True)
    near: float = _choice(1.0, "Near", "Camera",
        "Distance of the nearest parts of the scene", unit="m", minimum=0.001, maximum=100_000.0, basic=True)
    far: float = _choice(6.0, "Far", "Camera",
        "Distance of the farthest parts; 3 to 4 times near suits a portrait, 6 to 10 times a street",
        unit="m", minimum=0.002, maximum=1_000_000.0, basic=True)
    percentile: float = _choice(1.0, "Ignored extremes", "Camera",
        "Share of the pixels at each end of the depth range that do not take part in finding near and far",
        unit="%", minimum=0.0, maximum=20.0)
    shift_x: float = _choice(0.0, "Shift right", "Camera",
        "For photos that were cropped: where the lens pointed, right of the photo's centre, in parts of its width",
        unit="%", minimum=-500.0, maximum=500.0)
    shift_y: float = _choice(0.0, "Shift down", "Camera",
        "For photos that were cropped: where the lens pointed, below the photo's centre, in parts of its height",
        unit="%", minimum=-500.0, maximum=500.0)
    projection: str = _choice("auto", "Projection", "Camera",
        "'pinhole' is an ordinary photo, 'equirectangular' a full 360-degree panorama, twice as wide as high; 'auto' "
        "takes the panorama where the photo says that it is one", options=("auto", "pinhole", "equirectangular"),
        live=False)

    mask: str = _choice("", "Mask", "Scene",
        "Picture of any size that is white where the photo is kept; or a folder with one of each photo's name",
        is_path=True, basic=True)
    sky: str = _choice("keep", "Sky", "Scene",
        "'keep' leaves the sky as the depth has it, 'clamp' makes it an even backdrop at the far distance, 'remove' "
        "cuts it out; indoors nothing is found and nothing changes", options=("keep", "clamp", "remove"), basic=True)
    level: bool = _choice(False, "Stand on the floor", "Scene",
        "Find the ground, turn the scene upright and put the ground at height 0, under a camera that is tilted as the "
        "photo was taken; without a clear ground nothing changes", basic=True)

    detail: int = _choice(1024, "Detail", "Shape",
        "Vertices along the longer side of the mesh; never more than the photo has pixels",
        unit="px", minimum=16, maximum=8192, basic=True)
    tear: float = _choice(0.04, "Tear", "Shape",
        "Cut the mesh where the distance jumps by more than this share from one vertex to the next; 0: keep connected",
        minimum=0.0, maximum=10.0, basic=True)
    edges: str = _choice("tear", "Edges", "Shape",
        "'tear' cuts the mesh where near things hide far ones, 'fill' continues the far side behind them too, "
        "'connected' leaves it in one piece", options=("tear", "fill", "connected"), basic=True)
    trim: int = _choice(0, "Trim", "Shape",
        "Cut this many vertices off along tears and the photo's border", unit="px", minimum=0, maximum=100)
    photo_detail: float = _choice(0.0, "Photo detail", "Shape",
        "Relief from the light and dark of the photo, at most this many times the size of a pixel in the scene",
        unit="x footprint", minimum=0.0, maximum=20.0)
    min_island: float = _choice(0.1, "Smallest island", "Shape",
        "Drop loose pieces with less than this share of the triangles", unit="%", minimum=0.0, maximum=50.0)
    max_pixels: float = _choice(100.0, "Largest photo", "Shape",
        "Refuse photos with more pixels than this", unit="Mpx", minimum=0.01, maximum=1000.0, live=False)

    crop_left: float = _choice(0.0, "Crop left", "Crop",
        "Share of the photo's width that is left out at its left side; the camera stays that of the whole photo",
        unit="%", minimum=0.0, maximum=99.0)
    crop_right: float = _choice(0.0, "Crop right", "Crop",
        "Share of the photo's width that is left out at its right side", unit="%", minimum=0.0, maximum=99.0)
    crop_top: float = _choice(0.0, "Crop top", "Crop",
        "Share of the photo's height that is left out at its top", unit="%", minimum=0.0, maximum=99.0)
    crop_bottom: float = _choice(0.0, "Crop bottom", "Crop",
        "Share of the photo's height that is left out at its bottom", unit="%", minimum=0.0, maximum=99.0)

    surface: str = _choice("grid", "Surface", "Surface",
        "'grid' keeps a vertex for each pixel, 'adaptive' needs few where it is flat, 'poisson' makes a smooth skin, "
        "'ball_pivoting' joins the cleaned points",
        options=("grid", "adaptive", "poisson", "ball_pivoting"), basic=True)
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
    trim_distance: float = _choice(3.0, "Trim far", "Surface",
        "Cut the surface where it is farther than this from every point; 0: keep",
        unit="x footprint", minimum=0.0, maximum=1000.0)
    target_triangles: int = _choice(0, "Triangles", "Surface",
        "Decimate the mesh to about this many triangles; 0: all, or with the adaptive surface a tenth and the edges",
        minimum=0, maximum=50_000_000)
    smooth: int = _choice(0, "Smoothing", "Surface",
        "Rounds of Taubin smoothing, which does not shrink", minimum=0, maximum=100)
    quads: bool = _choice(False, "Quads", "Surface",
        "Give Blender, OBJ and PLY quads where the grid has whole cells; GLB and STL have triangles only")
    solid: str = _choice("off", "Solid", "Surface",
        "Close the surface to a watertight body for 3D printing, with a flat back or one that mirrors the front; "
        "a tear of 0 keeps it in one piece",
        options=("off", "flat", "mirrored"), basic=True)
    solid_thickness: float = _choice(3.0, "Thickness", "Surface",
        "Thickness of the printed solid where it is thinnest", unit="mm", minimum=0.1, maximum=1000.0)
    solid_size: float = _choice(100.0, "Print size", "Surface",
        "Longest side of the printed solid; its STL is in millimetres", unit="mm", minimum=1.0, maximum=10_000.0)

    material: str = _choice("texture", "Colours from", "Material",
        "Where the material takes its colours from", options=("texture", "vertex_colours"))
    shading: str = _choice("emission", "Shading", "Material",
        "'emission' shows the photo as it was lit, 'principled' reacts to the lamps of the scene",
        options=("emission", "principled"), basic=True)
    normal_map: bool = _choice(False, "Normal map", "Material",
        "Keep the full depth's relief as a normal map on a mesh with fewer triangles; seen with principled shading")
    pack_texture: bool = _choice(True, "Pack textures", "Material",
        "Keep the textures inside the .blend file instead of beside it")
    # fmt: on

    def __post_init__(self) -> None:
        check(self)
        if self.far <= self.near:
            raise Mono3DError(f"Far ({self.far:g} m) must be larger than near ({self.near:g} m).")
        for one, other in (("left", "right"), ("top", "bottom")):
            if getattr(self, f"crop_{one}") + getattr(self, f"crop_{other}") >= 100.0:
                raise Mono3DError(f"Crop {one} and Crop {other} together leave nothing of the photo; lower one.")

    @property
    def has_own_depth(self) -> bool:
        """Whether the depth comes from the user and no network runs."""
        return bool(self.depth_file) or self.embedded_depth

    @property
    def depth_by(self) -> str:
        """What the depth comes from, in words: the model's name, or that it is the user's own."""
        return "own depth" if self.has_own_depth else self.model

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
class SetupOptions:
    """What is installed, how and where, for every command that works on photos."""

    # fmt: off
    install: bool = _choice(False, "Install", "Setup",
        "First install what is missing, into the data folder; this uses the network", basic=True)
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


@dataclass(frozen=True)
class RunOptions(SetupOptions):
    """Where the results of a run go and how it behaves over many photos."""

    # fmt: off
    output: str = _choice("", "Output folder", "Output",
        "Folder for the results, made where missing; empty: the current one; a name such as cup.ply: only that file",
        is_path=True, words=("-o", "--out"), basic=True)
    format: tuple[str, ...] = _choice(("blend", "glb", "ply", "npy", "png16"), "Formats", "Output",
        "What to write for each photo, separated by commas", options=FORMATS, basic=True)
    preview: bool = _choice(True, "Preview", "Output", "Render a picture of each result", basic=True)
    skip_existing: bool = _choice(False, "Skip existing", "Run",
        "Leave out photos whose results are all there; they go by name, so another photo of that name is left out too",
        basic=True)
    jobs: int = _choice(1, "Jobs", "Run", "Photos worked on at a time, each by its own worker", minimum=1, maximum=64,
        basic=True)
    report: str = _choice("", "Report", "Run", "Write a JSON record of every photo to this file", is_path=True)
    download: bool = _choice(False, "Download", "Setup",
        "Download the weights of the model if they are missing, into the data folder; this uses the network",
        basic=True)
    # fmt: on

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True)
class WebOptions(SetupOptions):
    """Whom the web page serves, and how much of the computer strangers may take."""

    # fmt: off
    host: str = _choice("127.0.0.1", "Host", "Server",
        "Address to listen on; 127.0.0.1 is this computer alone, 0.0.0.0 every network that it is in", basic=True)
    port: int = _choice(8760, "Port", "Server", "Port to listen on; 0: any free one", minimum=0, maximum=65535,
        basic=True)
    token: str = _choice("", "Token", "Server",
        "Secret that visitors must know, at least 12 letters and digits; @FILE: the first line of a file", basic=True)
    insecure: bool = _choice(False, "Insecure", "Server",
        "Listen beyond this computer without a token: whoever reaches the port may use it")
    open_browser: bool = _choice(True, "Open the browser", "Server", "Show the page in the browser at the start")
    workers: int = _choice(1, "Workers", "Server",
        "Photos worked on at a time, each by its own worker, which takes one to two gigabytes of memory",
        minimum=1, maximum=64)
    log_level: str = _choice("warning", "Log", "Server",
        "How much is written to standard error: only what went wrong, or also what was done", options=LOG_LEVELS)
    max_jobs: int = _choice(20, "Most jobs", "Limits",
        "Photos that wait or are worked on; a further one is told to come again later", minimum=1, maximum=1000)
    max_pixels: float = _choice(100.0, "Largest photo", "Limits",
        "Refuse photos with more pixels than this", unit="Mpx", minimum=0.01, maximum=1000.0)
    max_megabytes: float = _choice(100.0, "Largest upload", "Limits",
        "Refuse uploads of more bytes than this", unit="MB", minimum=0.1, maximum=2000.0)
    max_detail: int = _choice(2048, "Most detail", "Limits",
        "Largest detail that visitors may ask for; memory and time grow with its square",
        unit="px", minimum=16, maximum=8192)
    max_network_size: int = _choice(1024, "Largest network size", "Limits",
        "Largest side of the picture that the network may be made to see; some models' memory grows with its 4th power",
        unit="px", minimum=32, maximum=2048)
    max_poisson_depth: int = _choice(10, "Most Poisson levels", "Limits",
        "Largest Poisson depth that visitors may ask for; each level takes four times the time and memory",
        minimum=4, maximum=12)
    max_minutes: float = _choice(15.0, "Longest job", "Limits",
        "Stop a job that takes longer than this", unit="min", minimum=0.05, maximum=1440.0)
    keep_hours: float = _choice(24.0, "Keep results", "Limits",
        "Remove a photo and all that was made of it so long after its last change", unit="h",
        minimum=0.001, maximum=8760.0)
    max_gigabytes: float = _choice(20.0, "Room for results", "Limits",
        "Remove the oldest results before their time when all together take more room than this", unit="GB",
        minimum=0.1, maximum=100_000.0)
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


AnySettings = type[Settings] | type[RunOptions] | type[WebOptions] | type[Habits]


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
        except (TypeError, ValueError, OverflowError) as error:
            raise Mono3DError(f"{item.choice.label}: '{value}' is not a valid value ({error}).") from error
    return known


def check(values: Settings | RunOptions | WebOptions | Habits) -> None:
    """Raises Mono3DError, naming the setting and its bounds, when a value is out of bounds or of a wrong type."""
    for item in fields_of(type(values)):
        value = getattr(values, item.name)
        for one in value if item.many else (value,):
            check_value(item, one)


def check_value(item: SettingField, value: Any) -> None:
    """Raises Mono3DError as `check` for one value of one field."""
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
