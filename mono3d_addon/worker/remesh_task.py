# SPDX-License-Identifier: GPL-3.0-or-later
"""The task "remesh": other settings for a photo whose disparity is known, without the network."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any, cast

import numpy as np

from ..core.camera.lens import Lens
from ..core.maps.depth_values import DepthValues, Kind
from ..core.maps.own_depth import own_disparity
from ..core.mesh.mesh import joined
from ..core.mesh.normal_map import write_normal_map
from ..core.photo.photo import read_photo
from ..core.reconstruction import in_scene
from ..core.stages import Progress, Stages
from ..settings import Settings
from ..shaping import KEPT, Shaper, shares_of
from . import remesh_files


def run(request: dict[str, Any], progress: Progress, data_folder: Path) -> dict[str, Any]:
    """Shapes the photo known as `photo_key` with `settings` and leaves the mesh's arrays in the job `folder`.

    A worker that does not have the photo (any more) answers `{"missing": true}` unless the request has `source`,
    what `remesh_files.Source` says of files in the folder. Else returns `camera`, `counts` and `seconds`.
    """
    settings = Settings.from_json(json.dumps(request["settings"]))
    folder = Path(request["folder"])
    shaper = KEPT.get(request["photo_key"])
    if shaper is None:
        if "source" not in request:
            return {"missing": True}
        shaper = _read(folder, remesh_files.Source(**request["source"]), settings)
        KEPT.put(request["photo_key"], shaper)
    stages = Stages(progress, shares_of(settings))
    shape = shaper.shape(settings, stages)
    whole = shape.mesh
    if shape.background is not None:
        whole = joined(shape.mesh, shape.background.mesh)
        shape.background.write_texture(folder)
    background_triangles = len(whole.triangles) - len(shape.mesh.triangles)
    if shape.normal_map is not None:
        write_normal_map(shape.normal_map, folder)
    remesh_files.save(
        in_scene(whole, shape.camera), folder, background_triangles, with_normals=shape.normal_map is not None
    )
    return {
        "camera": dataclasses.asdict(shape.camera),
        "counts": {"vertices": len(shape.mesh.vertices), "triangles": len(shape.mesh.triangles)},
        "seconds": dict(stages.seconds),
    }


def _read(folder: Path, source: remesh_files.Source, settings: Settings) -> Shaper:
    photo = read_photo(folder / source.texture, settings.max_pixels)
    mask = np.load(folder / source.mask, allow_pickle=False) if source.mask else None
    disparity = np.load(folder / source.disparity, allow_pickle=False)
    photo = dataclasses.replace(photo, path=Path(source.name), mask=mask, lens=Lens(**source.lens), texture=None)
    if not source.own_kind:
        return Shaper(photo, disparity, is_panorama=source.is_panorama)
    own = DepthValues(disparity, cast(Kind, source.own_kind))
    return Shaper(photo, own_disparity(own), own, is_panorama=source.is_panorama)
