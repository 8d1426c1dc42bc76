# SPDX-License-Identifier: GPL-3.0-or-later
"""The task "reshape": another mesh of a photo whose disparity is known, without the network."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any, cast

import numpy as np

from .. import pipeline
from ..core import reconstruction, scene_guess
from ..core.camera.lens import Lens
from ..core.estimate import Estimate, estimate_from
from ..core.maps.depth_values import DepthValues, Kind
from ..core.mesh.mesh import empty_mesh, joined
from ..core.mesh.normal_map import write_normal_map
from ..core.photo.hand_over import HandedOver, handed_over
from ..core.photo.photo import read_photo
from ..core.reconstruction import Reconstruction, in_scene
from ..core.stages import Progress, Stages
from ..reshape import Reshaped, Reshaper, make_reshaper, shares_of
from ..session import Session
from ..settings import Settings
from . import page_files, reshape_files
from .reconstruct_task import SAVING, answer_for
from .reshape_files import Source

_RESHAPE_SHARE = 0.9


def run(request: dict[str, Any], progress: Progress, session: Session) -> dict[str, Any]:
    """Makes the mesh of the photo kept as `key` with `settings` and writes it into the job `folder`.

    A worker that does not keep the photo (any more) reads it from the files of `source`, the fields of
    `reshape_files.Source`, or of `page`; without either it answers `{"missing": true}`. `decoded` is that of the task
    "reconstruct".

    Without `page` it writes the arrays of `reshape_files.ReshapedMesh` and returns `camera`, `counts` and `seconds`.
    `page` asks for the files of the web page instead, as the task "reconstruct" writes them: it has `photo` and the
    folder `before` of that task's reconstruction, the `name` of the result, and whether this is a `draft`, of which
    only the viewer's mesh is written. It returns what "reconstruct" returns, but `files` and `model`.
    """
    settings = Settings.from_json(json.dumps(request["settings"]))
    folder, page, handed = Path(request["folder"]), request.get("page", {}), handed_over(request)
    before = reconstruction.load(Path(page["before"])) if page else None
    reshaper = session.reshapers.get(request["key"])
    if reshaper is None:
        if before is not None:
            source = reshape_files.source_of(before, Path(page["before"]), Path(page["photo"]))
        elif "source" in request:
            source = Source(**request["source"])
        else:
            return {"missing": True}
        reshaper = _read(folder, source, settings, handed)
        session.reshapers.put(request["key"], reshaper)
    share = 1.0 if before is None else _RESHAPE_SHARE
    stages = Stages(lambda stage, fraction: progress(stage, fraction * share), shares_of(settings))
    reshaped = reshaper.reshape(settings, stages, handed)
    if before is None:
        return _write_mesh(reshaped, settings, folder, stages)
    result = pipeline.assembled(
        reshaper, reshaped, settings, before.texture, folder, before.engine, stages.seconds, before.photo_notes
    )
    result = page_files.under_name(result, page["name"])
    progress(SAVING, share)
    return _write_page(result, folder, is_draft=page["draft"])


def _write_mesh(reshaped: Reshaped, settings: Settings, folder: Path, stages: Stages) -> dict[str, Any]:
    if settings.is_for_nodes(is_panorama=reshaped.camera.is_panorama):
        return _write_depth(reshaped, folder, stages)
    whole = reshaped.mesh
    if reshaped.background is not None:
        whole = joined(reshaped.mesh, reshaped.background.mesh)
        reshaped.background.write_texture(folder)
    background_triangles = len(whole.triangles) - len(reshaped.mesh.triangles)
    if reshaped.normal_map is not None:
        write_normal_map(reshaped.normal_map, folder)
    with_normals = reshaped.normal_map is not None or reshaped.has_given_normals
    reshape_files.save(in_scene(whole, reshaped.camera), folder, background_triangles, with_normals=with_normals)
    return {
        "camera": dataclasses.asdict(reshaped.camera),
        "counts": {"vertices": len(whole.vertices), "triangles": len(whole.triangles)},
        "seconds": dict(stages.seconds),
    }


def _write_depth(reshaped: Reshaped, folder: Path, stages: Stages) -> dict[str, Any]:
    """Writes what an object consists of whose surface nodes make: the depth, and the background as a mesh."""
    behind = empty_mesh()
    if reshaped.background is not None:
        behind = reshaped.background.mesh
        reshaped.background.write_texture(folder)
    depth = reconstruction.shown_depth(reshaped.depth, reshaped.replaced)
    reshape_files.save(behind, folder, len(behind.triangles), depth=depth)
    return {
        "camera": dataclasses.asdict(reshaped.camera),
        "counts": {"vertices": int(np.isfinite(depth).sum()) + len(behind.vertices), "triangles": 0},
        "seconds": dict(stages.seconds),
    }


def _write_page(result: Reconstruction, folder: Path, *, is_draft: bool) -> dict[str, Any]:
    if is_draft:
        page_files.write_draft(result, folder)
    else:
        reconstruction.save(result, folder)
        page_files.write_view(result, folder)
    return answer_for(result, folder, result.seconds)


def _read(folder: Path, source: Source, settings: Settings, handed: HandedOver) -> Reshaper:
    """Returns what makes meshes of a photo whose files lie in `folder`, or wherever absolute paths say."""
    photo = read_photo(folder / source.photo, settings.max_pixels, handed=handed)
    mask = np.load(folder / source.mask, allow_pickle=False) if source.mask else None
    disparity = np.load(folder / source.disparity, allow_pickle=False)
    photo = dataclasses.replace(photo, path=Path(source.name), mask=mask, lens=Lens(**source.lens), texture=None)
    if source.own_kind:
        estimate = estimate_from(DepthValues(disparity, cast(Kind, source.own_kind)), source.disparity)
    else:
        sky = np.load(folder / source.sky, allow_pickle=False) if source.sky else None
        holds = np.load(folder / source.holds, allow_pickle=False) if source.holds else None
        normals = np.load(folder / source.normals, allow_pickle=False) if source.normals else None
        scene = scene_guess.from_json(source.scene)
        estimate = Estimate(disparity, "", scene=scene, sky=sky, valid=holds, normals=normals)
    return make_reshaper(photo, estimate, is_panorama=source.is_panorama)
