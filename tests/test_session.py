# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np

from mono3d_addon.core.camera.lens import Lens
from mono3d_addon.core.estimate import Estimate
from mono3d_addon.core.photo.photo import Photo
from mono3d_addon.reshape import PinholeReshaper
from mono3d_addon.session import Session
from mono3d_addon.version import ROOT


def test_two_sessions_share_nothing(tmp_path: Path) -> None:
    one, other = Session(tmp_path), Session(tmp_path)
    photo = Photo(Path("room.png"), np.zeros((4, 6, 3), np.uint8), None, Lens(), "0" * 64)
    one.reshapers.put("room", PinholeReshaper(photo, Estimate(np.zeros((2, 3), np.float32), "")))
    one.read_ahead.photos[photo.path] = photo
    assert one.reshapers.get("room") is not None
    assert other.reshapers.get("room") is None and other.read_ahead.photos == {}
    assert one.estimators is one.estimators is not other.estimators
    one.forget("room")
    one.forget("never known")
    assert one.reshapers.get("room") is None


def test_a_session_that_keeps_nothing_needs_no_packages() -> None:
    """Blender's own Python, which writes scenes, has no Pillow."""
    code = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r}); from pathlib import Path\n"
        "from mono3d_addon.session import Session; Session(Path()).forget('room')\n"
        "assert not {'numpy', 'PIL'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-I", "-S", "-c", code], check=True)
