# SPDX-License-Identifier: GPL-3.0-or-later
"""All settings of the program, declared once.

Five frozen dataclasses: `Settings` controls a reconstruction and is stored with each result, `RunOptions` sets the
output and the behaviour of a run over many photos, `BatchOptions` those of a batch on several machines, `WebOptions`
the web server's access and limits, `Habits` the preferences of one computer. Each field carries a `Choice` with its
label, help, unit and bounds. The command line, Blender's properties, the web form and docs/settings.md are generated
from these.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from .errors import Mono3DError

Unit = Literal["m", "mm", "deg", "px", "Mpx", "MB", "GB", "%", "x footprint", "min", "h"]
Level = Literal["basic", "advanced"]
Group = Literal[
    "Quality",
    "Shape",
    "Depth",
    "Camera",
    "Cut-out",
    "Surface",
    "Material",
    "Output",
    "Run",
    "Server",
    "Limits",
    "Setup",
    "Preferences",
]

_LIVE_GROUPS: tuple[Group, ...] = ("Shape", "Camera", "Cut-out", "Surface")
"""Groups whose settings change only the mesh, so that a change needs no new network run."""

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
    "depth_anything_v2_vits",
    "depth_anything_v2_metric_hypersim_vits",
    "depth_anything_v2_metric_vkitti_vits",
    "depth_anything_v2_vitb",
    "depth_anything_v2_metric_hypersim_vitb",
    "depth_anything_v2_metric_vkitti_vitb",
    "depth_anything_v2_vitl",
    "depth_anything_v2_metric_hypersim_vitl",
    "depth_anything_v2_metric_vkitti_vitl",
    "moge_2_vits_normal",
    "moge_2_vitb_normal",
    "moge_2_vitl_normal",
    "da3mono_large",
    "da3metric_large",
)
"""Names of the models. `depth.catalogue` has a row for each; a test compares the two."""

GRADES: Mapping[str, str] = types.MappingProxyType(
    {"starter": "starter", "better": "depth_anything_v2_vits", "best": "moge_2_vitl_normal"}
)
"""The three models that every interface offers first, by the word for each. The word may be given as the model."""

FORMATS = (
    "blend",
    "glb",
    "usdz",
    "ply",
    "obj",
    "stl",
    "cloud",
    "vtp",
    "npy",
    "png16",
    "exr",
    "normals",
    "normals_exr",
    "camera",
)
"""Names of the output formats; `cloud` is the point cloud as PLY, `camera` the camera as JSON."""

PREVIEWS = ("picture", "turntable", "off")
"""What is rendered of each result."""

COMPRESS = ("none", "quantize", "meshopt", "draco")
"""How the geometry of GLB files is stored."""

LEAST_NEAR, LEAST_FAR = 0.001, 0.002
"""Smallest near and far that a user may set, metres; 0 is automatic."""

RUNNERS = ("local", "ray", "openjd")
"""Who does the parts of a batch."""

LOG_LEVELS = ("error", "warning", "info", "debug")


@dataclass(frozen=True)
class Choice:
    """Describes one setting for the user interfaces.

    `minimum` and `maximum` are hard, inclusive bounds. `options` lists the allowed words; a tuple field takes several
    of them. `words` are further spellings on the command line. A change of a `live` setting rebuilds the mesh, but
    needs neither the network nor another material; one of a `look` setting changes the material of an object in
    Blender. Interfaces show settings of the `level` "basic" first. Where 0 means "automatic", `typical` is about what
    it comes to, for sliders. `aliases` are other words for some of the options, which stand for them wherever values
    are given. `bare` are the values that work without the packages that the installer brings; empty: all of them do. So
    do all beside `bare_beside`, a value of another setting. `only_with` is the name of another setting, and the values
    of that one beside which this one has an effect; None: it always has.
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
    was_switch: bool = False
    aliases: Mapping[str, str] = field(default_factory=dict)
    live: bool = False
    look: bool = False
    level: Level = "advanced"
    typical: float = 0.0
    bare: tuple[Any, ...] = ()
    bare_beside: tuple[str, Any] | None = None
    only_with: tuple[str, tuple[str, ...]] | None = None

    def has_effect(self, owner: Any) -> bool:
        """Returns whether the setting changes anything beside the other settings, which are attributes of `owner`."""
        return self.only_with is None or getattr(owner, self.only_with[0]) in self.only_with[1]

    @property
    def accepted(self) -> tuple[str, ...]:
        """All words that may be given: the options, and before them their aliases."""
        return (*(word for word in self.aliases if word not in self.options), *self.options)

    def needs_packages(self, value: Any, owner: Any) -> bool:
        """Returns whether a value works only with packages that the installer brings.

        The other settings are attributes of `owner`.
        """
        if not self.bare or value in self.bare:
            return False
        return self.bare_beside is None or getattr(owner, self.bare_beside[0]) != self.bare_beside[1]


def _choice(default: Any, label: str, group: Group, help: str, **details: Any) -> Any:
    details.setdefault("live", group in _LIVE_GROUPS)
    details["level"] = "basic" if details.pop("basic", False) else "advanced"
    return field(default=default, metadata={"choice": Choice(label=label, group=group, help=help, **details)})


_POISSON = ("surface", ("poisson",))
_FROM_POINTS = ("surface", ("poisson", "ball_pivoting"))
_SOLID = ("solid", ("flat", "mirrored"))


@dataclass(frozen=True)
class Settings:
    """The settings of one reconstruction. Round-trips through JSON; every value is checked on construction."""

    # fmt: off
    model: str = _choice("starter", "Model", "Quality",
        "Network that estimates the depth: 'starter' is bundled; 'better' (depth_anything_v2_vits: 99 MB, free for all "
        "use) and 'best' (moge_2_vitl_normal: 1,324 MB, free for all use; metres and lens too) are downloaded when you "
        "agree; or any other by its name",
        options=MODEL_NAMES, basic=True, bare=("starter",), aliases=GRADES)
    tiles: str = _choice("auto", "Fine detail", "Quality",
        "Run the network on overlapping tiles of a large photo too, for finer outlines: 'auto' where the model is "
        "quick, 'on' with every model, several times slower, 'off' never", options=("auto", "on", "off"),
        was_switch=True, basic=True)
    flip: bool = _choice(False, "Mirror average", "Quality",
        "Run the network on the mirrored photo too and average both results: steadier depth in twice the time")
    network_size: int = _choice(0, "Network size", "Quality",
        "Side of the network's input image, rounded to a multiple of 32 or 14, for example 768 for finer outlines; "
        "0: the size the model was trained at",
        unit="px", minimum=0, maximum=2048)
    weights: str = _choice("", "Weights file", "Quality",
        "Weights file of the model; empty: the bundled file, or the one in the weights folder or the cache",
        is_path=True)
    device: str = _choice("auto", "Device", "Quality",
        "Device that runs the network; 'auto' uses the first available of cuda, mps and xpu, else cpu",
        options=("auto", "cpu", "cuda", "mps", "xpu"))
    engine: str = _choice("auto", "Engine", "Quality",
        "Library that runs the network; 'auto' uses the fastest one whose result matches float32 PyTorch, 'plain' "
        "always uses float32 PyTorch",
        options=("auto", "plain"), bare=("auto",))
    max_pixels: float = _choice(100.0, "Largest photo", "Quality",
        "Refuse photos with more pixels than this", unit="Mpx", minimum=0.01, maximum=1000.0)

    near: float = _choice(0.0, "Near", "Shape",
        "Distance from the camera to the nearest parts of the scene, for example 0.5 m for a cup on a table; "
        "0: estimated by the network, else what is usual for the kind of scene, or by 'Far' if that is set",
        unit="m", minimum=0.0, maximum=100_000.0, typical=1.0, basic=True)
    far: float = _choice(0.0, "Far", "Shape",
        "Distance from the camera to the farthest parts, for example 4 m for the wall of a room; the farther, the "
        "deeper the scene; 0: estimated by the network, else what is usual for the kind of scene, 3 times near where "
        "that is unknown",
        unit="m", minimum=0.0, maximum=1_000_000.0, typical=3.0, basic=True)
    depth_strength: float = _choice(1.0, "Depth strength", "Shape",
        "How deep the scene is about its middle distance, which stays where it is, for example 0.5 for a shallow "
        "relief or 1.5 to exaggerate; 1: from near to far; no effect on your own depth in metres",
        minimum=0.05, maximum=4.0, basic=True)
    field_of_view: float = _choice(0.0, "Field of view", "Shape",
        "Angle of view along the photo's longer side, for example 65 degrees for a phone's main camera; 0: from EXIF, "
        "else estimated from straight edges and by the network, else 55 degrees",
        unit="deg", minimum=0.0, maximum=160.0, typical=55.0, basic=True)
    detail: int = _choice(1024, "Detail", "Shape",
        "Vertices along the longer side of the mesh, for example 512 for a quick look; limited to the photo's size in "
        "pixels",
        unit="px", minimum=16, maximum=8192, basic=True)
    edges: str = _choice("fill", "Edges", "Shape",
        "'fill' cuts the mesh where near objects hide far ones and continues the background behind them, 'tear' only "
        "cuts, 'connected' never cuts; solids and panoramas are not filled", options=("fill", "tear", "connected"),
        basic=True)
    tear: float = _choice(0.04, "Tear", "Shape",
        "Cut the mesh where the distance of neighbouring vertices differs by more than this fraction, for example "
        "0.1 for fewer cuts; 0: never cut",
        minimum=0.0, maximum=10.0, basic=True, only_with=("edges", ("fill", "tear")))
    sky: str = _choice("auto", "Sky", "Shape",
        "'auto' puts the sky far behind everything else, 'keep' leaves it as estimated, 'clamp' turns it into an even "
        "backdrop at the far distance, 'remove' cuts it out; a photo without sky does not change",
        options=("auto", "keep", "clamp", "remove"), basic=True)
    level: bool = _choice(False, "Level on the ground", "Shape",
        "Detect the ground, set the scene upright and put the ground at height 0; the camera keeps the tilt it had; a "
        "sideways tilt only if upright edges in the photo show it; without a clear ground nothing changes", basic=True)
    surface: str = _choice("grid", "Surface", "Shape",
        "'grid' has a vertex per pixel, 'adaptive' few triangles in flat areas, 'poisson' is one smooth surface, "
        "'ball_pivoting' connects the cleaned points",
        options=("grid", "adaptive", "poisson", "ball_pivoting"), basic=True, bare=("grid", "adaptive"))
    poisson_depth: int = _choice(9, "Poisson depth", "Shape",
        "Poisson: levels of the octree, for example 8 for a quick look; each further level doubles the detail and "
        "takes four times as long",
        minimum=4, maximum=12, basic=True, only_with=_POISSON)
    solid: str = _choice("off", "Solid", "Shape",
        "Close the surface to a watertight solid for 3D printing, with a flat back or a mirrored front; "
        "set 'Tear' to 0 to get a single piece",
        options=("off", "flat", "mirrored"), basic=True)
    solid_thickness: float = _choice(3.0, "Thickness", "Shape",
        "Thickness of the printed solid at its thinnest place, for example 3 mm for a relief that does not bend",
        unit="mm", minimum=0.1, maximum=1000.0, basic=True, only_with=_SOLID)
    solid_size: float = _choice(100.0, "Print size", "Shape",
        "Longest side of the printed solid, for example 150 mm; its STL is in millimetres",
        unit="mm", minimum=1.0, maximum=10_000.0, basic=True, only_with=_SOLID)

    edge_aware: bool = _choice(True, "Sharp edges", "Depth",
        "Align depth edges with the edges of the photo instead of blurring across them", live=True)
    planes: bool = _choice(True, "Flat planes", "Depth",
        "Flatten walls, floors and table tops that the network shows almost flat; an own depth map is never changed",
        live=True)
    percentile: float = _choice(1.0, "Cut extremes", "Depth",
        "Percentage of the pixels at each end of the depth range that is ignored when near and far are assigned",
        unit="%", minimum=0.0, maximum=20.0, live=True)
    depth_file: str = _choice("", "Own depth", "Depth",
        "Depth map to use instead of the network: PNG, TIFF, EXR, NPY or PFM; or a folder that has a map for each "
        "photo, such as cup.png, cup.exr or cup_depth.npy for cup.jpg", is_path=True)
    embedded_depth: bool = _choice(False, "Depth in the photo", "Depth",
        "Use the depth map that a phone's portrait mode stored in the photo instead of the network; 'Own depth' "
        "takes precedence")
    depth_kind: str = _choice("auto", "Depth values", "Depth",
        "Meaning of the values in an own depth map: 'disparity' (near = large, any scale), or 'metres' or "
        "'millimetres' along the camera's axis; 'auto' reads the file's metadata, else assumes metres for NPY and EXR "
        "and disparity for other files",
        options=("auto", "disparity", "metres", "millimetres"))

    shift_x: float = _choice(0.0, "Shift right", "Camera",
        "For cropped photos: how far the lens axis is to the right of the photo's centre, relative to its width",
        unit="%", minimum=-500.0, maximum=500.0)
    shift_y: float = _choice(0.0, "Shift down", "Camera",
        "For cropped photos: how far the lens axis is below the photo's centre, relative to its height",
        unit="%", minimum=-500.0, maximum=500.0)
    projection: str = _choice("auto", "Projection", "Camera",
        "'pinhole' is an ordinary photo, 'equirectangular' a full 360-degree panorama, twice as wide as high, or the "
        "part of one that the photo's metadata describe; 'auto' detects a panorama by the photo's metadata",
        options=("auto", "pinhole", "equirectangular"), live=False)

    mask: str = _choice("", "Mask", "Cut-out",
        "Image of any size that is white where the photo is kept; or a folder that has a mask for each photo",
        is_path=True)
    crop_left: float = _choice(0.0, "Crop left", "Cut-out",
        "Percentage of the photo's width to leave out on the left; the camera stays that of the whole photo",
        unit="%", minimum=0.0, maximum=99.0)
    crop_right: float = _choice(0.0, "Crop right", "Cut-out",
        "Percentage of the photo's width to leave out on the right", unit="%", minimum=0.0, maximum=99.0)
    crop_top: float = _choice(0.0, "Crop top", "Cut-out",
        "Percentage of the photo's height to leave out at the top", unit="%", minimum=0.0, maximum=99.0)
    crop_bottom: float = _choice(0.0, "Crop bottom", "Cut-out",
        "Percentage of the photo's height to leave out at the bottom", unit="%", minimum=0.0, maximum=99.0)

    target_triangles: int = _choice(0, "Triangles", "Surface",
        "Decimate the mesh to about this many triangles, for example 50000 for a game; 0: no decimation, or for the "
        "adaptive surface a tenth of the grid's triangles, more where edges need them",
        minimum=0, maximum=50_000_000, bare=(0,), bare_beside=("surface", "adaptive"))
    smooth: int = _choice(0, "Smoothing", "Surface",
        "Iterations of Taubin smoothing, which does not shrink the mesh", minimum=0, maximum=100)
    quads: bool = _choice(False, "Quads", "Surface",
        "Use quads in Blender, OBJ and PLY where the grid has whole cells; GLB and STL support triangles only",
        only_with=("surface", ("grid",)))
    trim: int = _choice(0, "Trim", "Surface",
        "Remove this many vertices along tears and along the photo's border", unit="px", minimum=0, maximum=100)
    photo_detail: float = _choice(0.0, "Photo detail", "Surface",
        "Add relief from the photo's brightness; the limit is this many times a pixel's size in the scene",
        unit="x footprint", minimum=0.0, maximum=20.0)
    min_island: float = _choice(0.1, "Smallest island", "Surface",
        "Remove loose pieces that have less than this percentage of the triangles; the default removes none of an own "
        "depth map",
        unit="%", minimum=0.0, maximum=50.0)
    voxel: float = _choice(2.0, "Point spacing", "Surface",
        "Poisson and ball pivoting: spacing to which points are thinned first, in pixels of the mesh grid; 0: keep all",
        unit="x footprint", minimum=0.0, maximum=100.0, only_with=_FROM_POINTS)
    outlier_neighbours: int = _choice(20, "Neighbours", "Surface",
        "Poisson and ball pivoting: neighbours that each point is compared with to detect outliers; 0: keep outliers",
        minimum=0, maximum=200, only_with=_FROM_POINTS)
    outlier_deviation: float = _choice(2.0, "Deviation", "Surface",
        "Poisson and ball pivoting: a point is an outlier when its distance to its neighbours exceeds the average by "
        "this many standard deviations",
        minimum=0.1, maximum=10.0, only_with=_FROM_POINTS)
    trim_density: float = _choice(2.0, "Trim sparse", "Surface",
        "Poisson: percentage of the surface to cut away where the fewest points support it",
        unit="%", minimum=0.0, maximum=50.0, only_with=_POISSON)
    trim_distance: float = _choice(3.0, "Trim far", "Surface",
        "Poisson: cut away the surface where it is farther than this from every point; 0: keep all",
        unit="x footprint", minimum=0.0, maximum=1000.0, only_with=_POISSON)

    build_as: str = _choice("mesh", "Build as", "Surface",
        "What Blender gets: 'mesh' is the surface above, 'nodes' its grid by Geometry Nodes, with distances, tear, "
        "thickness and cut-outs that can be animated, 'points' a point cloud",
        options=("mesh", "nodes", "points"), live=False)

    material: str = _choice("texture", "Colours from", "Material",
        "Source of the material's colours: the photo as a texture, or vertex colours",
        options=("texture", "vertex_colours"), look=True)
    shading: str = _choice("emission", "Shading", "Material",
        "'emission' shows the photo as it was lit, 'principled' reacts to the scene's lights",
        options=("emission", "principled"), basic=True, look=True)
    normal_map: bool = _choice(False, "Normal map", "Material",
        "Bake the relief of the full depth into a normal map, for meshes with few triangles; visible with principled "
        "shading", look=True)
    pack_texture: bool = _choice(True, "Pack textures", "Material",
        "Pack the textures into the .blend file instead of saving them next to it", look=True)
    keep_metadata: bool = _choice(False, "Keep metadata", "Material",
        "Leave the photo's metadata, such as position, camera and owner, in textures that are copies of its file; they "
        "are removed otherwise, without loss of quality")
    # fmt: on

    def __post_init__(self) -> None:
        for item in fields_of(Settings):
            value = getattr(self, item.name)
            if (item.choice.was_switch and isinstance(value, bool)) or (item.choice.aliases and isinstance(value, str)):
                object.__setattr__(self, item.name, coerce(Settings, {item.name: value})[item.name])
        check(self)
        for name, value, least in (("Near", self.near, LEAST_NEAR), ("Far", self.far, LEAST_FAR)):
            if 0.0 < value < least:
                raise Mono3DError(f"{name}: {value:g} m is too small; use at least {least:g} m, or 0 for automatic.")
        if self.near and self.far and self.far <= self.near:
            raise Mono3DError(f"Far ({self.far:g} m) must be larger than near ({self.near:g} m).")
        for one, other in (("left", "right"), ("top", "bottom")):
            if getattr(self, f"crop_{one}") + getattr(self, f"crop_{other}") >= 100.0:
                raise Mono3DError(f"Crop {one} and Crop {other} together leave nothing of the photo; lower one.")

    @property
    def has_own_depth(self) -> bool:
        """Whether the user provides the depth, so that no network runs."""
        return bool(self.depth_file) or self.embedded_depth

    def is_for_nodes(self, *, is_panorama: bool) -> bool:
        """Returns whether Blender makes the surface by nodes: not that of a panorama."""
        return self.build_as == "nodes" and not is_panorama

    @property
    def beyond_bare(self) -> tuple[SettingField, ...]:
        """The settings whose values need the packages that the installer brings, in their order."""
        idle = ("model", "engine") if self.has_own_depth else ()
        fields = (item for item in fields_of(Settings) if item.name not in idle)
        return tuple(item for item in fields if item.choice.needs_packages(getattr(self, item.name), self))

    @property
    def depth_by(self) -> str:
        """The source of the depth for display: the model's name, or "own depth"."""
        return "own depth" if self.has_own_depth else self.model

    def to_json(self) -> str:
        """Returns the settings as one JSON object, keys in the order of the fields."""
        return json.dumps(dataclasses.asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Settings:
        """Returns the settings stored by `to_json`. Unknown keys, from other versions, are ignored.

        Raises Mono3DError when the text is no JSON object or a value is out of bounds.
        """
        try:
            values = json.loads(text)
        except ValueError as error:
            raise Mono3DError(f"The stored settings cannot be read: {error}.") from error
        if not isinstance(values, dict):
            raise Mono3DError("The stored settings cannot be read: they are not a JSON object.")
        return cls(**coerce(cls, values))

    @classmethod
    def repaired(cls, text: str, absent: Mapping[str, Any] | None = None) -> tuple[Settings, tuple[str, ...]]:
        """Returns the settings stored by `to_json`, and a sentence for each value that is not valid any more.

        A number out of bounds becomes the nearest valid one, anything else the default. `absent` has values for
        settings that are not stored, where they are not the defaults.
        """
        try:
            values = json.loads(text)
        except ValueError:
            values = None
        if not isinstance(values, dict):
            return cls(), ("The stored settings cannot be read; the defaults are used.",)
        values = {**(absent or {}), **values}
        good: dict[str, Any] = {}
        sentences: list[str] = []
        for item in fields_of(cls):
            if item.name not in values:
                continue
            try:
                value = coerce(cls, {item.name: values[item.name]})[item.name]
                check_value(item, value)
            except Mono3DError as error:
                value = nearest(item, values[item.name])
                sentences.append(f"{error} {value} is used instead.")
            good[item.name] = value
        try:
            return cls(**good), tuple(sentences)
        except Mono3DError as error:
            for name in ("near", "far", "crop_left", "crop_right", "crop_top", "crop_bottom"):
                good.pop(name, None)
            return cls(**good), (*sentences, f"{error} The defaults of these are used instead.")


@dataclass(frozen=True)
class SetupOptions:
    """What to install, how and where, for every command that works on photos."""

    # fmt: off
    install: bool = _choice(False, "Install", "Setup",
        "Install missing packages into the data folder first; this uses the network", basic=True)
    system: tuple[str, ...] = _choice((), "System packages", "Setup",
        "Packages to use from this Python instead of installing them, such as torch,torchvision; "
        "default: those that the Linux distribution's Python provides")
    backend: str = _choice("auto", "Backend", "Setup",
        "Build of PyTorch to install; 'auto' selects the best one for the graphics card whose files are all pinned "
        "by hash",
        options=("auto", "cpu", "cu126", "cu128", "cu130", "rocm", "mps", "xpu"))
    wheelhouse: str = _choice("", "Wheelhouse", "Setup",
        "Install from this folder, made with the installer's command 'bundle', instead of from the network",
        is_path=True)
    data_folder: str = _choice("", "Data folder", "Setup",
        "Folder for packages, weights and cache; empty: the user's data folder", is_path=True)
    # fmt: on


@dataclass(frozen=True)
class RunOptions(SetupOptions):
    """Where the results of a run go, and how a run over many photos behaves."""

    # fmt: off
    output: str = _choice("", "Output folder", "Output",
        "Folder for the results, created if missing; empty: the current folder; a file name such as cup.ply writes "
        "only that file",
        is_path=True, words=("-o", "--out"), basic=True)
    format: tuple[str, ...] = _choice(("blend", "glb", "ply", "npy", "png16"), "Formats", "Output",
        "Files to write for each photo, separated by commas", options=FORMATS, basic=True)
    preview: str = _choice("picture", "Preview", "Output",
        "'picture' renders an image of each result, seen slightly from the side; 'turntable' adds a short loop, as "
        "WebP, in which the view sways to both sides; 'off' renders none", options=PREVIEWS, basic=True)
    compress: str = _choice("none", "Compress", "Output",
        "Geometry of GLB files: 'none' is exact and opens everywhere, 'quantize' has 16 bits and half the size, "
        "'meshopt' and 'draco' are an eighth of the size, for programs that can unpack them", options=COMPRESS)
    skip_existing: bool = _choice(False, "Skip existing", "Run",
        "Skip photos whose results all exist and were made from the same photo, settings and weights",
        basic=True)
    jobs: int = _choice(0, "Jobs", "Run",
        "Photos to process at the same time, each in its own worker process; 0: as many as processors and memory "
        "allow",
        minimum=0, maximum=64, basic=True)
    shard: str = _choice("", "Shard", "Run",
        "Process only this part of the photos: 3/20 is the third of 20 parts, for another machine each; empty: all")
    report: str = _choice("", "Report", "Run", "Write a JSON report with a record for each photo to this file",
        is_path=True)
    download: bool = _choice(False, "Download", "Setup",
        "Download missing weights of the model into the data folder; this uses the network",
        basic=True)
    # fmt: on

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True)
class BatchOptions(RunOptions):
    """How a batch is run whose photos may be many and whose machines may be several."""

    # fmt: off
    format: tuple[str, ...] = _choice(("glb",), "Formats", "Output",
        "Files to write for each photo, separated by commas", options=FORMATS, basic=True)
    compress: str = _choice("quantize", "Compress", "Output",
        "Geometry of GLB files: 'quantize' has 16 bits, 'none' is exact and opens everywhere but is twice the size, "
        "'meshopt' and 'draco' are an eighth of that, for programs that can unpack them", options=COMPRESS)
    runner: str = _choice("local", "Runner", "Run",
        "Who does the work: 'local' is this computer; 'ray' is a Ray cluster; 'openjd' writes a job for AWS Deadline "
        "Cloud and other managers "
        "that read Open Job Descriptions", options=RUNNERS, basic=True)
    shards: int = _choice(0, "Shards", "Run",
        "Parts into which other runners divide the photos; 0: parts of about 500 photos",
        minimum=0, maximum=1_000_000)
    attempts: int = _choice(3, "Attempts", "Run",
        "How often a photo is tried whose worker dies or whose files cannot be moved, before it counts as failed",
        minimum=1, maximum=20)
    retry_failed: bool = _choice(False, "Retry failed", "Run",
        "Try photos again that have failed with the same settings")
    recycle: int = _choice(1000, "Renew workers", "Run",
        "Photos after which a worker process is replaced by a new one; 0: never, not even when its memory grows",
        minimum=0, maximum=1_000_000)
    warm: str = _choice("", "Warm workers", "Run",
        "Folder by which commands share warm workers, created if missing: 'batch start' starts them, 'batch run' uses "
        "them, 'batch stop' ends them; they also end ten minutes after the last photo, and when the folder has gone",
        is_path=True)
    # fmt: on


@dataclass(frozen=True)
class WebOptions(SetupOptions):
    """Who may use the web page, and how much of the computer they may use."""

    # fmt: off
    host: str = _choice("127.0.0.1", "Host", "Server",
        "Address to listen on; 127.0.0.1: only this computer, 0.0.0.0: all its networks", basic=True)
    port: int = _choice(8760, "Port", "Server", "Port to listen on; 0: any free port", minimum=0, maximum=65535,
        basic=True)
    token: str = _choice("", "Token", "Server",
        "Secret that visitors need, at least 12 letters and digits; @FILE reads it from the first line of a file",
        basic=True)
    root_path: str = _choice("", "Root path", "Server",
        "Path below which a proxy shows the page, such as /mono3d; empty: the page has the host name to itself")
    trusted_proxies: str = _choice("127.0.0.1,::1", "Trusted proxies", "Server",
        "Addresses or networks of proxies, separated by commas, whose X-Forwarded-For and -Proto are believed")
    insecure: bool = _choice(False, "Insecure", "Server",
        "Listen on a network without a token: anybody who reaches the port may use the server")
    open_browser: bool = _choice(True, "Open the browser", "Server", "Open the page in the browser at the start",
        basic=True)
    workers: int = _choice(1, "Workers", "Server",
        "Photos to process at the same time; each worker process needs one to two gigabytes of memory",
        minimum=1, maximum=64, basic=True)
    log_level: str = _choice("warning", "Log level", "Server",
        "Least severe messages to write to standard error; info: each job and each request", options=LOG_LEVELS)
    log_format: str = _choice("text", "Log format", "Server",
        "Form of the messages; json: an object per line", options=("text", "json"))
    max_jobs: int = _choice(20, "Maximum jobs", "Limits",
        "Jobs that may wait or run; further visitors are asked to try again later", minimum=1, maximum=1000)
    max_jobs_each: int = _choice(0, "Maximum jobs of a visitor", "Limits",
        "Jobs of one visitor that may wait or run; 0: half of all on a server with a token, else all",
        minimum=0, maximum=1000)
    max_connections_each: int = _choice(128, "Maximum connections of a visitor", "Limits",
        "Connections that one address may have open; those of trusted proxies are not limited",
        minimum=8, maximum=1024)
    max_pixels: float = _choice(100.0, "Largest photo", "Limits",
        "Refuse photos with more pixels than this", unit="Mpx", minimum=0.01, maximum=1000.0)
    max_megabytes: float = _choice(100.0, "Largest upload", "Limits",
        "Refuse uploads larger than this", unit="MB", minimum=0.1, maximum=2000.0)
    max_detail: int = _choice(2048, "Maximum detail", "Limits",
        "Highest detail that visitors may set; memory and time grow with its square",
        unit="px", minimum=16, maximum=8192)
    max_network_size: int = _choice(1024, "Maximum network size", "Limits",
        "Largest network size that visitors may set; the memory of some models grows with its fourth power",
        unit="px", minimum=32, maximum=2048)
    max_poisson_depth: int = _choice(10, "Maximum Poisson depth", "Limits",
        "Highest Poisson depth that visitors may set; each level takes four times the time and memory",
        minimum=4, maximum=12)
    max_minutes: float = _choice(15.0, "Job time limit", "Limits",
        "Stop jobs that take longer than this", unit="min", minimum=0.05, maximum=1440.0)
    keep_hours: float = _choice(24.0, "Keep results", "Limits",
        "Delete a photo and its results this long after their last change", unit="h",
        minimum=0.001, maximum=8760.0)
    keep_results: bool = _choice(True, "Keep results when stopping", "Limits",
        "Keep photos and results when the server stops, for its next start; else delete them")
    max_gigabytes: float = _choice(20.0, "Storage for results", "Limits",
        "Delete the oldest results early when all results together need more space than this", unit="GB",
        minimum=0.1, maximum=100_000.0)
    # fmt: on

    def __post_init__(self) -> None:
        check(self)


PRESETS: Mapping[str, Mapping[str, Any]] = types.MappingProxyType(
    {
        "fast": {"detail": 512, "tiles": "auto", "flip": False},
        "balanced": {"detail": 1024, "tiles": "auto", "flip": False},
        "best": {"detail": 1920, "tiles": "on", "flip": False},
    }
)
"""What each preset sets, by its name: detail and effort, and nothing else. `balanced` has the defaults.

All set the same settings, so that one undoes another.
"""

PRESET_SETTINGS = tuple(PRESETS["balanced"])
"""Names of the settings that a preset sets, also one that a user has stored."""


def preset(name: str) -> Settings:
    """Returns the defaults with the preset `name`. Raises Mono3DError for an unknown name."""
    return Settings(**preset_values(name))


def preset_values(name: str) -> Mapping[str, Any]:
    """Returns what the preset `name` sets. Raises Mono3DError for an unknown name."""
    if name not in PRESETS:
        raise Mono3DError(f"There is no preset '{name}'; choose one of {', '.join(PRESETS)}.")
    return PRESETS[name]


def preset_of(values: Any) -> str:
    """Returns the preset whose values the attributes of `values` are; empty if they are those of none."""
    found = (
        name for name, wanted in PRESETS.items() if all(getattr(values, one) == value for one, value in wanted.items())
    )
    return next(found, "")


_DEVICES = next(item.metadata["choice"].options for item in dataclasses.fields(Settings) if item.name == "device")


@dataclass(frozen=True)
class Habits:
    """The preferences of one computer, the same for all files; Blender's preferences are generated from it."""

    # fmt: off
    preset: str = _choice("balanced", "Default preset", "Preferences",
        "Preset for scenes whose settings have not been changed yet", options=tuple(PRESETS), basic=True)
    device: str = _choice("auto", "Device", "Preferences",
        "Device that runs the network in scenes whose own device is 'auto'", options=_DEVICES, basic=True)
    place: str = _choice("beside", "Place results", "Preferences",
        "'beside' puts a result to the right of what is there, if the origin is not free; 'cursor' puts its camera at "
        "the 3D cursor; 'replace' gives the active result the new mesh and camera and keeps its place and modifiers",
        options=("beside", "cursor", "replace"), basic=True)
    show: str = _choice("frame", "After Generate", "Preferences",
        "'frame' moves the 3D view in which you pressed Generate to the result; 'camera' looks through the result's "
        "camera, which becomes the scene's, with the photo's size for renders; 'keep' leaves the view where it is",
        options=("frame", "camera", "keep"), basic=True)
    collection: str = _choice("own", "Results go to", "Preferences",
        "'own' makes a collection with the photo's name for each result; 'active' uses the active collection",
        options=("own", "active"), basic=True)
    idle_minutes: float = _choice(10.0, "Keep the model loaded", "Preferences",
        "Idle time after which the worker process ends and frees its memory; the next job starts it again; "
        "0: keep it until Blender ends", unit="min", minimum=0.0, maximum=1440.0, basic=True)
    log_level: str = _choice("info", "Log level", "Preferences",
        "Least severe messages that the worker process writes to its log", options=LOG_LEVELS, basic=True)
    # fmt: on

    def __post_init__(self) -> None:
        check(self)


AnySettings = (
    type[Settings] | type[SetupOptions] | type[RunOptions] | type[BatchOptions] | type[WebOptions] | type[Habits]
)


@dataclass(frozen=True)
class SettingField:
    """One field of a settings class, for code that generates a user interface.

    `kind` is the Python type of one value: `str`, `int`, `float` or `bool`. With `many` the field is a tuple of them.
    """

    name: str
    kind: type
    many: bool
    default: Any
    choice: Choice


def fields_of(cls: AnySettings) -> tuple[SettingField, ...]:
    """Returns the fields of a settings class in their order."""
    key: Any = cls  # its type is not known to be hashable
    return _fields_of(key)


@functools.cache
def _fields_of(cls: Any) -> tuple[SettingField, ...]:
    hints = typing.get_type_hints(cls)
    found = []
    for item in dataclasses.fields(cls):
        hint = hints[item.name]
        many = typing.get_origin(hint) is tuple
        kind = typing.get_args(hint)[0] if many else hint
        found.append(SettingField(item.name, kind, many, item.default, item.metadata["choice"]))
    return tuple(found)


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
            elif item.choice.was_switch and isinstance(value, bool):
                known[item.name] = "on" if value else "off"
            else:
                known[item.name] = item.kind(item.choice.aliases.get(value, value))
        except (TypeError, ValueError, OverflowError) as error:
            raise Mono3DError(f"{item.choice.label}: '{value}' is not a valid value ({error}).") from error
    return known


def nearest(item: SettingField, value: Any) -> Any:
    """Returns the valid value nearest to one that `check_value` refuses: the bound of a number, else the default."""
    if item.kind not in (int, float) or isinstance(value, bool) or not isinstance(value, (int, float)):
        return item.default
    if value != value:
        return item.default
    low, high = item.choice.minimum, item.choice.maximum
    value = value if low is None else max(value, low)
    return item.kind(value if high is None else min(value, high))


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
