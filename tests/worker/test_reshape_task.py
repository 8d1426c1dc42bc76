# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
from PIL import Image

from mono3d_addon.core.camera.camera import Camera
from mono3d_addon.core.mesh.mesh import Mesh
from mono3d_addon.core.reconstruction import Reconstruction, save
from mono3d_addon.session import Session
from mono3d_addon.settings import Settings
from mono3d_addon.worker import reshape_files, reshape_task

SETTINGS = Settings(near=1.0, far=6.0, field_of_view=55.0, edges="tear", edge_aware=False, planes=False)


def test_a_photo_read_again_keeps_the_sky_of_the_network(tmp_path: Path) -> None:
    """Its colours would not tell the sky: all of the photo is grey."""
    kept, folder, photo = tmp_path / "kept", tmp_path / "job", tmp_path / "grey.png"
    kept.mkdir()
    folder.mkdir()
    Image.new("RGB", (64, 48), (90, 90, 90)).save(photo)
    rows = np.linspace(0.0, 1.0, 48, dtype=np.float32)
    sky = np.zeros((12, 16), np.float32)
    sky[:4] = 1.0
    none = np.zeros((0, 3), np.float32)
    mesh = Mesh(none, none.astype(np.int32), none[:, :2], none.astype(np.uint8), none)
    view = Camera.from_field_of_view(64, 48, 1.0, "your setting")
    disparity = np.repeat(rows[:, None], 64, axis=1)
    saved = Reconstruction("grey", photo, photo, view, SETTINGS, disparity, disparity, mesh)
    for given, has_sky in ((sky, True), (None, False)):
        save(dataclasses.replace(saved, sky=given), kept)
        source = reshape_files.source_of(dataclasses.replace(saved, sky=given), kept, photo)
        request = {
            "settings": dataclasses.asdict(SETTINGS),
            "folder": str(folder),
            "key": "grey",
            "source": dataclasses.asdict(source),
        }
        reshape_task.run(request, lambda words, fraction: None, Session(tmp_path))
        distance = reshape_files.load(folder).mesh.vertices[:, 2]
        assert (distance > 2 * SETTINGS.far).any() == has_sky
