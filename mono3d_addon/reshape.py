# SPDX-License-Identifier: GPL-3.0-or-later
"""From the depth of a photo to its mesh, again and again with other settings; needs no network."""

from __future__ import annotations

import abc
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import ClassVar, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from .core.arrays import Bytes, Floats
from .core.camera.automatic import Resolved
from .core.camera.camera import Camera
from .core.camera.depth_strength import strengthened
from .core.camera.field_of_view import camera_notes, photo_camera
from .core.estimate import Estimate
from .core.maps.crop import cropped
from .core.maps.depth_map import depth_map
from .core.maps.exact_depth import for_source
from .core.maps.levelling import Levelled, levelled
from .core.maps.own_depth import filled, own_depth_map
from .core.maps.planes import with_planes
from .core.maps.relative_slopes import GivenNormals
from .core.maps.relief import with_relief
from .core.maps.sky import backdrop, behind, except_sky, find_sky, infinite
from .core.maps.sky_colors import rim_of
from .core.mesh.background_fill import BackgroundFill, fill_background
from .core.mesh.fill_sky import fill_before_sky
from .core.mesh.given_normals import Shading, are_used, shaded, shading_of
from .core.mesh.grid import Grid, grid_of, torn_triangles
from .core.mesh.grid_cells import with_quads
from .core.mesh.mesh import Mesh, PointCloud
from .core.mesh.mixed_rims import mixed_rims, without
from .core.mesh.normal_map import normal_map
from .core.mesh.solid import solid
from .core.mesh.sphere import build_sphere
from .core.mesh.torn_map import TornMap
from .core.photo.hand_over import NOTHING, HandedOver
from .core.photo.mask import masked
from .core.photo.photo import Photo
from .core.photo.resampling import resize_nearest, resize_to
from .core.resolved import resolved
from .core.side_by_side import both
from .core.stages import Progress, Stages
from .errors import Mono3DError
from .settings import Settings

MESH, SURFACE = "Building the mesh", "Meshing the surface"
NORMAL_MAP, SOLID = "Making the normal map", "Closing the solid"

_MOST_KEPT_BYTES = 400_000_000
_ONLY_A_GRID = (
    "A panorama keeps its torn grid: other surfaces, fewer triangles, smoothing, trimming, photo detail, "
    "quads, solids, normal maps and nodes are for ordinary photos."
)
_NO_LENS = "A panorama has no lens: field of view and shifts have no effect on it."
_SKY_NOTES = {"auto": "put far behind", "clamp": "put far away", "remove": "cut out"}
_ISLANDS = "Smallest island removed {dropped:,} of {whole:,} triangles of your depth map; set it to 0 to keep them."
_LEFT_OUT = "{name} leaves out {share:.2g} % of your depth map, mostly thin things; the surface 'grid' keeps them."
_MENTIONED = 5e-4
"""Share of a depth map above which what a surface leaves out is mentioned."""
_AFTER_DEPTH = (
    "crop_left",
    "crop_right",
    "crop_top",
    "crop_bottom",
    "field_of_view",
    "shift_x",
    "shift_y",
    "min_island",
    "edges",
    "trim",
    "photo_detail",
)
"""Settings that the depth map does not depend on, besides `_AFTER_GRID`. A change of any other makes it anew."""
_AFTER_GRID = (
    "level",
    "surface",
    "voxel",
    "outlier_neighbours",
    "outlier_deviation",
    "poisson_depth",
    "trim_density",
    "trim_distance",
    "target_triangles",
    "smooth",
    "quads",
    "build_as",
    "solid_thickness",
    "solid_size",
    "normal_map",
    "material",
    "shading",
    "pack_texture",
    "keep_metadata",
)
"""Settings that neither the depth map nor the grid depends on. A change of any other makes the grid anew."""


@dataclass(frozen=True)
class Reshaped:
    """A mesh of a photo with some settings; see `Reconstruction` for the fields and `has_given_normals`."""

    camera: Camera
    depth: Floats
    mesh: Mesh
    cloud: PointCloud | None
    background: BackgroundFill | None
    normal_map: Bytes | None
    notes: tuple[str, ...]
    replaced: NDArray[np.bool_] | None = None
    has_given_normals: bool = False


@dataclass(frozen=True)
class _DepthMap:
    """Depth of every cell, where it is valid (None: everywhere), and where there is sky (None: nowhere)."""

    depth: Floats
    valid: NDArray[np.bool_] | None
    sky: NDArray[np.bool_] | None

    @property
    def rest(self) -> NDArray[np.bool_] | None:
        """Where the depth is valid and no sky; None: everywhere."""
        return self.valid if self.sky is None else except_sky(self.valid, self.sky)


@dataclass(frozen=True)
class _Torn:
    """Where the grid of a photo is torn, and what the background fill takes the place of.

    torn    the whole grid, and `things`: the same without the sky that the background fill continues
    rims    cells, bool (rows, columns), that the background fill takes the place of; None: none
    replaced  these and the rim of the sky, which the fill continues as well; None: none
    """

    torn: TornMap
    things: TornMap
    rims: NDArray[np.bool_] | None
    replaced: NDArray[np.bool_] | None


@dataclass(frozen=True)
class _Layers:
    """The mesh of a depth map's grid, the background behind near things, and what they were made of.

    background  None: nothing is hidden, or it is not filled
    """

    mesh: Mesh
    background: BackgroundFill | None
    depth: Floats
    valid: Valid
    camera: Camera


@dataclass(frozen=True)
class _Finished:
    """The mesh after all steps; see `Reshaped` for the fields."""

    mesh: Mesh
    cloud: PointCloud | None
    background: BackgroundFill | None
    normal_map: Bytes | None
    notes: tuple[str, ...]
    replaced: NDArray[np.bool_] | None = None


Valid = NDArray[np.bool_] | None
"""Where the depth is valid, bool (rows, columns); None: everywhere."""

Result = TypeVar("Result")


class _Last(Generic[Result]):
    """The last result of a function of the settings."""

    def __init__(self) -> None:
        self._known: tuple[Settings, Result] | None = None

    def get(self, key: Settings, make: Callable[[], Result]) -> Result:
        """Returns the result of `make`, or its last result if that was for the same settings."""
        if self._known is None or self._known[0] != key:
            self._known = None
            self._known = (key, make())
        return self._known[1]

    def forget(self) -> None:
        """Frees the memory."""
        self._known = None


class Reshaper(abc.ABC):
    """Makes meshes of one photo. It keeps the intermediate results, and reuses those whose settings did not change.

    disparity  float32 (h, w), relative inverse depth of the whole photo, near = large
    own        the depth map that `disparity` follows from; None where a network estimated the disparity
    scene      what the network guesses of distances and lens, for those that are automatic
    sky        probability of sky, float32 (h, w), 0..1; None where the network does not give it
    holds      where the disparity holds, bool (h, w); None: everywhere
    normals    those of the network, float32 (h, w, 3); None where it gives none
    """

    is_panorama: ClassVar[bool]

    def __init__(self, photo: Photo, estimate: Estimate) -> None:
        self.photo = photo
        self.disparity, self.own = estimate.disparity, estimate.values
        self.scene, self.sky, self.holds = estimate.scene, estimate.sky, estimate.valid
        self.normals = estimate.normals
        self._handed = NOTHING
        self._sky: _Last[Valid] = _Last()
        self._depth: _Last[_DepthMap] = _Last()
        self._on_ground: _Last[Levelled] = _Last()
        self._flat: _Last[Floats] = _Last()

    @property
    def nbytes(self) -> int:
        """Memory that the photo and its disparity take."""
        mask = 0 if self.photo.mask is None else self.photo.mask.nbytes
        own = 0 if self.own is None else self.own.values.nbytes
        maps = [one for one in (self.sky, self.holds, self.normals) if one is not None]
        return self.photo.pixels.nbytes + mask + self.disparity.nbytes + own + sum(one.nbytes for one in maps)

    def forget(self) -> None:
        """Frees the memory of the intermediate results."""
        self._sky.forget()
        self._depth.forget()
        self._on_ground.forget()
        self._flat.forget()

    def depth(self, settings: Settings, handed: HandedOver = NOTHING) -> Floats:
        """Returns the depth map alone, see `Reconstruction.depth`, without crop and relief.

        `handed` has the pixels of a mask that is not decoded here.
        """
        self._handed = handed
        found = self._depth_map(_with_sky(strengthened(self.resolved(settings).applied_to(settings))))
        return found.depth if found.valid is None else np.where(found.valid, found.depth, np.float32(np.nan))

    def resolved(self, settings: Settings) -> Resolved:
        """Returns near, far and field of view for `settings`, in which they may be automatic."""
        photo = self.photo
        return resolved(settings, photo.size, photo.lens, self.own, self.scene, is_panorama=self.is_panorama)

    def reshape(self, settings: Settings, stages: Stages, handed: HandedOver = NOTHING) -> Reshaped:
        """Returns the mesh for `settings`. Raises Mono3DError when it is empty.

        `stages` must know `shares_of` the settings; `handed` has the pixels of a mask that is not decoded here.
        """
        self._handed = handed
        photo = self.photo
        camera = photo_camera(photo.size, photo.lens, settings, is_panorama=self.is_panorama, scene=self.scene)
        notes = [*camera_notes(photo.size, photo.lens, settings, is_panorama=self.is_panorama)]
        distances = self.resolved(settings)
        notes += distances.notes
        settings = _with_sky(strengthened(distances.applied_to(settings)))
        with stages.stage(MESH):
            key = _without(settings, (*_AFTER_GRID, *_AFTER_DEPTH))
            found = self._depth.get(key, lambda: self._depth_map(settings))
            valid = cropped(found.valid, found.depth.shape, settings)
            depth = self._with_relief(found.depth, camera, settings)
            layers = self._layers(depth, valid, camera, settings)
            if found.sky is not None:
                notes.append(f"Sky was found and {_SKY_NOTES[settings.sky]}.")
            on_ground = None
            if settings.level:
                ground = self._levelled(depth, found.rest, camera, settings)
                on_ground = ground.camera
                notes.append(ground.note)
        finished = self._finished(layers, settings, stages)
        return Reshaped(
            on_ground or camera,
            depth if valid is None else np.where(valid, depth, np.float32(np.nan)),
            finished.mesh,
            finished.cloud,
            finished.background,
            finished.normal_map,
            (*notes, *finished.notes),
            finished.replaced,
            not self.is_panorama and are_used(self.normals, self.scene, settings),
        )

    @abc.abstractmethod
    def _with_relief(self, depth: Floats, camera: Camera, settings: Settings) -> Floats:
        """Returns the depth with the detail of the photo, if the settings ask for it."""

    @abc.abstractmethod
    def _layers(self, depth: Floats, valid: Valid, camera: Camera, settings: Settings) -> _Layers:
        """Returns the mesh of the depth map's grid, and the background behind near things."""

    @abc.abstractmethod
    def _finished(self, layers: _Layers, settings: Settings, stages: Stages) -> _Finished:
        """Returns what the other steps make of the first mesh. Raises Mono3DError when it is empty."""

    def _levelled(self, depth: Floats, valid: Valid, camera: Camera, settings: Settings) -> Levelled:
        """Returns the camera as it stands in the scene, where there is a ground to level the scene by."""
        pixels = None if self._is_exact else self.photo.pixels
        return self._on_ground.get(_without(settings, _AFTER_GRID), lambda: levelled(camera, depth, valid, pixels))

    def _check_not_empty(self, mesh: Mesh) -> None:
        if len(mesh.triangles) == 0:
            raise Mono3DError(
                f"'{self.photo.path.name}' gave an empty mesh; raise 'Tear' or lower 'Smallest island', 'Trim' and "
                "'Crop'."
            )

    def _depth_map(self, settings: Settings) -> _DepthMap:
        """Returns the depth of the whole photo, and where mask and sky leave it valid."""
        photo = masked(self.photo, settings.mask, settings.max_pixels, self._handed)
        if self.own is not None:
            sky = self._sky_of(settings)
            depth, valid = own_depth_map(self.own, photo, settings)
        else:
            sky, shown = both(lambda: self._sky_of(settings), lambda: self._shown(settings))
            measures = None if self.scene is None else self.scene.measures
            depth, valid = depth_map(shown, photo, settings, sky, is_panorama=self.is_panorama, measures=measures)
        if sky is None:
            return _DepthMap(depth, self._without_holes(valid, depth.shape), None)
        if settings.sky == "remove":
            return _DepthMap(depth, except_sky(valid, sky), sky)
        put = behind if settings.sky == "auto" else backdrop
        depth = put(depth, sky, 0.0 if self._is_metric else settings.far, valid)
        return _DepthMap(depth, valid if valid is None else valid | sky, sky)

    def _without_holes(self, valid: Valid, shape: tuple[int, ...]) -> Valid:
        """Returns what is left of the valid cells where the network says that there is nothing at a finite distance.

        Only without a sky. What was judged to be no part of a sky is the rim of things before it, and stays.
        """
        holds = self._holds_at(*shape[:2])
        if holds is None:
            return valid
        return holds if valid is None else valid & holds

    @property
    def _is_metric(self) -> bool:
        return self.own is not None and self.own.kind != "disparity"

    def _sky_of(self, settings: Settings) -> Valid:
        """Returns where there is sky, at the size of the mesh; None: nowhere, or it is not treated."""
        return self._sky.get(_of_sky(settings), lambda: self._find_sky(settings))

    def _find_sky(self, settings: Settings) -> Valid:
        if settings.sky == "keep":
            return None
        photo = masked(self.photo, settings.mask, settings.max_pixels, self._handed)
        if self.own is not None and settings.sky == "auto":
            # Exact depth stays exact: only what it says to be infinitely far is sky.
            return infinite(self.own, photo, settings)
        sky = find_sky(self.disparity, photo, settings, self.sky, self.scene)
        # A photo of nothing but sky stays.
        return None if sky is None or sky.all() else sky

    @property
    def _is_exact(self) -> bool:
        """Whether the depth is a map that the user provides."""
        return self.own is not None

    def _for_source(self, settings: Settings) -> Settings:
        return for_source(settings, is_exact=self._is_exact)

    def _shown(self, settings: Settings) -> Floats:
        """Returns the network's disparity, with its planes flat where the settings ask for it."""
        if not settings.planes or self.is_panorama:
            return self.disparity
        return self._flat.get(Settings(), self._with_planes)

    def _holds_at(self, rows: int, columns: int) -> Valid:
        """Returns where the disparity holds, for a map of another size."""
        return None if self.holds is None else resize_nearest(self.holds, columns, rows)

    def _given_normals(self) -> GivenNormals | None:
        """Returns the network's normals; None where it gives none, or not the lens that they are for."""
        measures = None if self.scene is None else self.scene.measures
        if self.normals is None or measures is None or measures.focal <= 0.0:
            return None
        return GivenNormals(self.normals, self._holds_at(*self.normals.shape[:2]), measures.focal)

    def _with_planes(self) -> Floats:
        given, holds = self._given_normals(), self._holds_at(*self.disparity.shape)
        if holds is None:
            return with_planes(self.disparity, self.photo.pixels, given)
        # Where there is nothing at a finite distance, nothing continues the planes of things.
        flat = with_planes(np.where(holds, self.disparity, np.float32(0.0)), self.photo.pixels, given)
        return filled(flat, holds)


class PinholeReshaper(Reshaper):
    """Makes meshes of an ordinary photo."""

    is_panorama = False

    def __init__(self, photo: Photo, estimate: Estimate) -> None:
        super().__init__(photo, estimate)
        self._torn: _Last[_Torn] = _Last()
        self._grid: _Last[Grid] = _Last()
        self._background: _Last[BackgroundFill | None] = _Last()

    def forget(self) -> None:
        """Frees the memory of the intermediate results."""
        super().forget()
        self._torn.forget()
        self._grid.forget()
        self._background.forget()

    def _with_relief(self, depth: Floats, camera: Camera, settings: Settings) -> Floats:
        if settings.photo_detail <= 0.0:
            return depth
        guide = resize_to(self.photo.pixels, depth.shape[1], depth.shape[0])
        return with_relief(depth, guide, camera, settings.photo_detail, settings.tear)

    def _layers(self, depth: Floats, valid: Valid, camera: Camera, settings: Settings) -> _Layers:
        found = self._torn_of(depth, valid, settings)
        mesh, background = both(
            lambda: self._first_mesh(found, depth, camera, settings),
            lambda: self._background_of(found, camera, settings) if _is_filled(settings) else None,
        )
        return _Layers(mesh, background, depth, valid, camera)

    def _first_mesh(self, found: _Torn, depth: Floats, camera: Camera, settings: Settings) -> Mesh:
        grid = self._grid_of(found, depth, camera, settings)
        mesh = grid.mesh(camera)
        return with_quads(mesh, grid, depth.shape[1]) if settings.quads and settings.surface == "grid" else mesh

    def _torn_of(self, depth: Floats, valid: Valid, settings: Settings) -> _Torn:
        """Returns where the grid is torn.

        The background fill takes the place of the far sides of tears, whose pixels the photo mixes with the colours of
        what stands before them. Exact depth keeps them. The rim of a sky that the fill continues is left out too.
        """
        settings = self._for_source(settings)

        def made() -> _Torn:
            tear = _tear(settings)
            triangles = torn_triangles(depth, tear, settings.min_island / 100.0, valid, settings.edge_aware)
            torn = TornMap(triangles, depth, tear, valid)
            sky = self._filled_sky(settings)
            things = torn if sky is None else torn.without_sky(sky)
            replaced = None if sky is None else rim_of(sky)
            rims = mixed_rims(things) if _is_filled(settings) and not self._is_exact else None
            if rims is not None:
                replaced = rims if replaced is None else rims | replaced
            return _Torn(torn, things, rims, replaced)

        return self._torn.get(_without(settings, _AFTER_GRID), made)

    def _grid_of(self, found: _Torn, depth: Floats, camera: Camera, settings: Settings) -> Grid:
        """Returns the torn grid without what the background fill takes the place of."""

        def made() -> Grid:
            grid = grid_of(
                found.torn.triangles,
                depth,
                camera,
                self.photo.pixels,
                found.torn.tear,
                settings.trim,
                has_smooth_silhouettes=_has_smooth_silhouettes(settings) and not self._is_exact,
            )
            return grid if found.replaced is None else without(grid, found.replaced)

        return self._grid.get(_without(self._for_source(settings), _AFTER_GRID), made)

    def _background_of(self, found: _Torn, camera: Camera, settings: Settings) -> BackgroundFill | None:
        """Returns the background behind near things; None if nothing is hidden."""
        pixels, trim, sky = self.photo.pixels, settings.trim, self._filled_sky(settings)

        def made() -> BackgroundFill | None:
            if sky is None:
                return fill_background(found.torn, camera, pixels, trim, found.rims)
            return fill_before_sky(found.torn, found.things, camera, pixels, sky, trim, found.rims)

        return self._background.get(_without(settings, _AFTER_GRID), made)

    def _filled_sky(self, settings: Settings) -> Valid:
        """Returns the sky far behind that the background fill continues; None without."""
        return self._sky_of(settings) if settings.sky == "auto" and _is_filled(settings) else None

    def _finished(self, layers: _Layers, settings: Settings, stages: Stages) -> _Finished:
        mesh, depth, camera = layers.mesh, layers.depth, layers.camera
        found = self._torn_of(depth, layers.valid, settings)
        grid = self._grid_of(found, depth, camera, settings)
        cloud, relief = None, None
        notes = self._island_notes(found.torn, settings)
        if _needs_surface(settings):
            with stages.stage(SURFACE) as within:
                mesh, cloud, more = self._surface(mesh, grid, depth.shape, camera, settings, within)
                notes += more
        self._check_not_empty(mesh)
        shading = self._shading(grid, depth.shape, camera, settings)
        if shading is not None:
            mesh = replace(mesh, normals=shaded(mesh.vertices, mesh.normals, shading, camera))
        if settings.normal_map:
            with stages.stage(NORMAL_MAP):
                if shading is not None:
                    grid = replace(grid, normals=shaded(grid.points, grid.normals, shading, camera))
                relief = normal_map(mesh, grid, depth.shape, camera)
        if settings.solid != "off":
            with stages.stage(SOLID):
                mesh = solid(mesh, settings.solid, settings.solid_thickness, settings.solid_size)
        return _Finished(mesh, cloud, layers.background, relief, tuple(notes), found.replaced)

    def _shading(self, grid: Grid, shape: tuple[int, ...], camera: Camera, settings: Settings) -> Shading | None:
        """Returns how the network's normals shade the meshes of a grid; None where they do not."""
        if not are_used(self.normals, self.scene, settings):
            return None
        given = self._given_normals()
        assert given is not None and self.scene is not None and self.scene.measures is not None
        measures = self.scene.measures
        scale = (1.0 / settings.near - 1.0 / settings.far) / (1.0 / measures.near - 1.0 / measures.far)
        given = replace(given, offset=1.0 / settings.far - scale / measures.far)
        return shading_of(grid.points, grid.normals, grid.connected, shape, given, camera)

    def _surface(
        self,
        mesh: Mesh,
        grid: Grid,
        shape: tuple[int, ...],
        camera: Camera,
        settings: Settings,
        progress: Progress,
    ) -> tuple[Mesh, PointCloud | None, list[str]]:
        """Returns the surface that the settings ask for, the points that it was made of, and notes for the user."""
        # Open3D takes half a second to import, which the grid need not wait for.
        from .surface import build

        pixels = self.photo.pixels
        if settings.surface == "grid":
            return build.refine(mesh, camera, pixels, settings, progress), None, []
        if settings.surface != "adaptive":
            settings = self._for_source(settings)
            surface, cloud = build.surface_mesh(grid, camera, pixels, settings, progress, keep_rims=self._is_exact)
            return surface, cloud, self._left_out_notes(surface, grid, shape, camera, settings)
        adaptive = build.adaptive_mesh(grid, shape, camera, pixels, settings, progress)
        note = (
            f"{len(adaptive.mesh.triangles):,} triangles instead of {len(grid.triangles):,}; depth differs by at most "
            f"{100 * adaptive.largest_error:.2g} %, on average {100 * adaptive.mean_error:.1g} %."
        )
        return adaptive.mesh, None, [note]

    def _island_notes(self, torn: TornMap, settings: Settings) -> list[str]:
        """Returns what *Smallest island* has removed from a depth map of the user's."""
        smallest = self._for_source(settings).min_island / 100.0
        if not self._is_exact or smallest <= 0.0:
            return []
        whole = torn_triangles(torn.depth, torn.tear, 0.0, torn.valid, settings.edge_aware)
        dropped = len(whole) - len(torn.triangles)
        return [_ISLANDS.format(dropped=dropped, whole=len(whole))] if dropped > 0 else []

    def _left_out_notes(
        self, surface: Mesh, grid: Grid, shape: tuple[int, ...], camera: Camera, settings: Settings
    ) -> list[str]:
        """Returns how much of a depth map of the user's a smooth surface does not show."""
        if not self._is_exact:
            return []
        from .surface import build

        share = build.left_out(surface, grid, shape, camera)
        name = "Poisson" if settings.surface == "poisson" else "Ball pivoting"
        return [_LEFT_OUT.format(name=name, share=100.0 * share)] if share > _MENTIONED else []


class PanoramaReshaper(Reshaper):
    """Makes meshes of a panorama, on a sphere around the camera. It has the grid surface only."""

    is_panorama = True

    def _with_relief(self, depth: Floats, camera: Camera, settings: Settings) -> Floats:
        return depth

    def _layers(self, depth: Floats, valid: Valid, camera: Camera, settings: Settings) -> _Layers:
        island = self._for_source(settings).min_island / 100.0
        mesh = build_sphere(depth, self.photo.pixels, _tear(settings), island, valid, camera.sphere_part)
        return _Layers(mesh, None, depth, valid, camera)

    def _finished(self, layers: _Layers, settings: Settings, stages: Stages) -> _Finished:
        notes = []
        if settings.field_of_view or settings.shift_x or settings.shift_y:
            notes.append(_NO_LENS)
        if _needs_pinhole(settings):
            notes.append(_ONLY_A_GRID)
        self._check_not_empty(layers.mesh)
        return _Finished(layers.mesh, None, None, None, tuple(notes))


def make_reshaper(photo: Photo, estimate: Estimate, *, is_panorama: bool) -> Reshaper:
    """Returns what makes the meshes of a photo with this depth."""
    kind = PanoramaReshaper if is_panorama else PinholeReshaper
    return kind(photo, estimate)


def shares_of(settings: Settings) -> dict[str, float]:
    """Returns the stages of `Reshaper.reshape` with these settings, each with its approximate share of the time."""
    wanted = {
        MESH: (2.0 if _is_filled(settings) else 1.0, True),
        SURFACE: (6.0, _needs_surface(settings)),
        NORMAL_MAP: (1.0, settings.normal_map),
        SOLID: (1.0, settings.solid != "off"),
    }
    return {name: share for name, (share, is_on) in wanted.items() if is_on}


def _is_filled(settings: Settings) -> bool:
    """Returns whether the background is filled in behind near things; a solid has a back of its own."""
    return settings.edges == "fill" and settings.solid == "off"


def _has_smooth_silhouettes(settings: Settings) -> bool:
    """Returns whether the vertices beside tears move; not for solids, whose sides of a tear must not overlap."""
    return settings.edge_aware and settings.solid == "off"


def _needs_surface(settings: Settings) -> bool:
    """Returns whether the settings ask for more than the grid."""
    return settings.surface != "grid" or settings.target_triangles > 0 or settings.smooth > 0


def _needs_pinhole(settings: Settings) -> bool:
    """Returns whether the settings ask for something that panoramas do not have."""
    others = settings.quads or settings.normal_map or settings.solid != "off" or settings.build_as == "nodes"
    return _needs_surface(settings) or others or settings.trim > 0 or settings.photo_detail > 0.0


def _tear(settings: Settings) -> float:
    return 0.0 if settings.edges == "connected" else settings.tear


def _with_sky(settings: Settings) -> Settings:
    """Returns the settings with what *Sky* comes to.

    Only a torn surface can have a sky far behind it. A solid, a connected surface, and one that Open3D makes of points
    would reach all the way to it; they get an even sky at the far distance.
    """
    is_one_piece = settings.solid != "off" or _tear(settings) <= 0.0 or settings.surface in ("poisson", "ball_pivoting")
    return replace(settings, sky="clamp") if settings.sky == "auto" and is_one_piece else settings


def _of_sky(settings: Settings) -> Settings:
    """Returns the settings that the search for the sky depends on; the others have their defaults."""
    used = ("sky", "mask", "max_pixels", "detail")
    found = Settings(**{name: getattr(settings, name) for name in used})
    return replace(found, sky="clamp") if found.sky == "remove" else found


def _without(settings: Settings, names: tuple[str, ...]) -> Settings:
    defaults = Settings()
    return replace(settings, **{name: getattr(defaults, name) for name in names})


class ReshaperCache:
    """Reshapers by name: those used last, as far as their photos fit into `most_bytes`.

    Only the one used last keeps its intermediate results.
    """

    def __init__(self, most_bytes: int = _MOST_KEPT_BYTES) -> None:
        self._most_bytes = most_bytes
        self._by_name: OrderedDict[str, Reshaper] = OrderedDict()

    def put(self, name: str, reshaper: Reshaper) -> None:
        """Keeps a reshaper; the last one is kept however large it is."""
        for other in self._by_name.values():
            other.forget()
        self._by_name[name] = reshaper
        self._by_name.move_to_end(name)
        while len(self._by_name) > 1 and sum(one.nbytes for one in self._by_name.values()) > self._most_bytes:
            self._by_name.popitem(last=False)

    def drop(self, name: str) -> None:
        """Removes a reshaper, if it is there."""
        self._by_name.pop(name, None)

    def get(self, name: str) -> Reshaper | None:
        """Returns the reshaper of that name, if it is still there."""
        found = self._by_name.get(name)
        if found is not None and found is not next(reversed(self._by_name.values())):
            self.put(name, found)
        return found
