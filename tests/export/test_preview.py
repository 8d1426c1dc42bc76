# SPDX-License-Identifier: GPL-3.0-or-later
"""Previews as files: upright, framed, in the photo's own colours, recognised as results."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, features

from mono3d_addon.core.camera.camera import Camera
from mono3d_addon.core.mesh.mesh import Mesh
from mono3d_addon.core.preview.backdrop import backdrop
from mono3d_addon.core.reconstruction import Reconstruction
from mono3d_addon.errors import Mono3DError
from mono3d_addon.export import preview, write
from mono3d_addon.run.photos import find
from mono3d_addon.settings import Settings

RED, BLUE, GREEN, YELLOW = (200, 20, 20), (20, 20, 200), (20, 160, 20), (200, 200, 20)


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes previews small, to save time."""
    monkeypatch.setattr(preview, "LONG_SIDE", 320)
    monkeypatch.setattr(preview, "TURNTABLE_SIDE", 120)


def result_of(folder: Path, camera: Camera, pixels: np.ndarray, depth: np.ndarray, **settings: Any) -> Reconstruction:
    """Returns a grid of `depth` with the colours and the texture `pixels`, uint8 (rows, columns, 3)."""
    rows, columns = depth.shape
    number = np.arange(rows * columns, dtype=np.int32).reshape(rows, columns)
    a, b, c, d = (part.ravel() for part in (number[:-1, :-1], number[:-1, 1:], number[1:, :-1], number[1:, 1:]))
    triangles = np.concatenate([np.stack([a, c, b], 1), np.stack([b, c, d], 1)])
    points = camera.back_project(depth)
    mesh = Mesh(points, triangles, camera.uv(points).astype(np.float32), pixels.reshape(-1, 3), np.zeros_like(points))
    Image.fromarray(pixels).save(folder / "texture.png")
    disparity = (1.0 / depth).astype(np.float32)
    return Reconstruction(
        "cup", folder / "cup.jpg", folder / "texture.png", camera, Settings(**settings), disparity, depth, mesh
    )


def quarters(rows: int, columns: int) -> np.ndarray:
    """Red upper left, blue upper right, green lower left, yellow lower right."""
    pixels = np.empty((rows, columns, 3), dtype=np.uint8)
    pixels[: rows // 2, : columns // 2], pixels[: rows // 2, columns // 2 :] = RED, BLUE
    pixels[rows // 2 :, : columns // 2], pixels[rows // 2 :, columns // 2 :] = GREEN, YELLOW
    return pixels


def waves(rows: int, columns: int) -> np.ndarray:
    y, x = np.mgrid[0:rows, 0:columns] / max(rows, columns)
    return (2.0 + 0.8 * np.sin(7 * x + 2 * y)).astype(np.float32)


def centre(picture: np.ndarray, colour: tuple[int, int, int]) -> tuple[float, float]:
    """Returns mean row and column of the pixels that have the colour, exactly as photographed."""
    rows, columns = np.nonzero((np.abs(picture.astype(int) - colour) <= 1).all(axis=2))
    assert len(rows) > 0.1 * picture.shape[0] * picture.shape[1], f"{colour} is hardly to be seen"
    return float(rows.mean()), float(columns.mean())


@pytest.mark.parametrize("size", [(400, 300), (300, 400)])
@pytest.mark.parametrize("material", ["texture", "vertex_colours"])
def test_the_picture_is_upright_framed_and_as_photographed(
    size: tuple[int, int], material: str, tmp_path: Path
) -> None:
    columns, rows = size[0] // 5, size[1] // 5
    camera = Camera.from_field_of_view(*size, 0.9, "test")
    result = result_of(tmp_path, camera, quarters(rows, columns), waves(rows, columns), material=material)
    path = tmp_path / "out" / "cup_preview.png"
    path.parent.mkdir()
    assert write(result, "picture", path) == (path,)
    picture = np.asarray(Image.open(path))
    assert max(picture.shape[:2]) == preview.LONG_SIDE
    assert (picture.shape[1] > picture.shape[0]) == (size[0] > size[1])
    red, blue, green, yellow = (centre(picture, colour) for colour in (RED, BLUE, GREEN, YELLOW))
    assert max(red[0], blue[0]) < min(green[0], yellow[0]), "the upper half is above"
    assert max(red[1], green[1]) < min(blue[1], yellow[1]), "the left half is on the left"
    behind = np.rint(backdrop(result.mesh) * 255)
    for edge in (picture[0], picture[-1], picture[:, 0], picture[:, -1]):
        assert np.abs(edge - behind).max() <= 1, "the whole mesh is in the picture"
    is_mesh = (np.abs(picture - behind).max(axis=2) > 1).nonzero()
    reach = max(np.ptp(is_mesh[0]) / picture.shape[0], np.ptp(is_mesh[1]) / picture.shape[1])
    assert reach > 0.93, "it does not fill the picture"
    assert find([str(path.parent)]).skipped == [path], "a later run takes it for a photo"


@pytest.mark.parametrize(
    ("size", "expected"),
    [((800, 400), (960, 480)), ((800, 100), (1920, 240)), ((100, 500), (304, 1518)), ((1500, 30), (1920, 38))],
)
def test_the_preview_of_a_strip_is_longer(size: tuple[int, int], expected: tuple[int, int]) -> None:
    assert preview.size_of(Camera.from_field_of_view(*size, 0.9, ""), 960) == expected


def test_a_strip_fills_its_preview(tmp_path: Path) -> None:
    columns, rows = 160, 20
    camera = Camera.from_field_of_view(1600, 200, 0.9, "test")
    result = result_of(tmp_path, camera, quarters(rows, columns), waves(rows, columns))
    write(result, "picture", tmp_path / "p.png")
    picture = np.asarray(Image.open(tmp_path / "p.png"))
    assert (np.abs(picture - np.rint(backdrop(result.mesh) * 255)).max(axis=2) > 1).mean() > 0.5


def test_a_panorama_is_seen_from_outside(tmp_path: Path) -> None:
    rows, columns = 32, 64
    pixels = np.full((rows, columns, 3), (250, 20, 20), np.uint8)
    depth = np.full((rows, columns), 3.0, np.float32)
    result = result_of(tmp_path, Camera.panorama(columns, rows, "test"), pixels, depth)
    write(result, "picture", tmp_path / "p.png")
    picture = np.asarray(Image.open(tmp_path / "p.png"))
    red = (picture[..., 0] > 240) & (picture[..., 1] < 30)
    assert picture.shape[:2] == (160, 320) and red.mean() > 0.1, "the far half is seen"
    assert red.mean() < 0.6, "the near half hides the far one"


def test_what_is_filled_in_behind_is_seen(tmp_path: Path) -> None:
    rows, columns = 60, 80
    camera = Camera.from_field_of_view(columns, rows, 0.9, "test")
    front = result_of(tmp_path, camera, np.full((rows, columns, 3), 250, np.uint8), waves(rows, columns))
    texture = tmp_path / "behind.png"
    Image.new("RGB", (columns, rows), (10, 200, 10)).save(texture)
    far = Mesh(front.mesh.vertices * 2, front.mesh.triangles, front.mesh.uv, front.mesh.colors, front.mesh.normals)
    kept = np.isin(front.mesh.triangles, np.flatnonzero(np.abs(front.mesh.uv[:, 0] - 0.5) < 0.1)).any(axis=1)
    torn = Mesh(front.mesh.vertices, front.mesh.triangles[~kept], front.mesh.uv, front.mesh.colors, front.mesh.normals)
    for background, expected in ((None, False), (far, True)):
        result = Reconstruction(
            "cup", front.photo, front.texture, camera, Settings(), front.disparity, front.depth, torn,
            background=background, background_texture=texture,
        )  # fmt: skip
        write(result, "picture", tmp_path / "p.png")
        picture = np.asarray(Image.open(tmp_path / "p.png")).astype(int)
        is_green = (np.abs(picture - (10, 200, 10)) < 3).all(axis=2)
        assert (is_green.mean() > 0.03) == expected


def test_the_turntable_is_an_endless_loop(tmp_path: Path) -> None:
    rows, columns = 30, 40
    camera = Camera.from_field_of_view(400, 300, 0.9, "test")
    result = result_of(tmp_path, camera, quarters(rows, columns), waves(rows, columns))
    path = tmp_path / "out" / "cup_turntable.webp"
    path.parent.mkdir()
    assert write(result, "turntable", path) == (path,)
    with Image.open(path) as opened:
        loop: Any = opened
        assert (loop.n_frames, loop.info["loop"], loop.size) == (24, 0, (120, 90))
        frames = []
        for number in range(loop.n_frames):
            loop.seek(number)
            frames.append(np.asarray(loop.convert("RGB")).astype(float))
    steps = [np.abs(one - other).mean() for one, other in zip(frames, [*frames[1:], frames[0]], strict=True)]
    assert min(steps[:5]) > 0.0 and max(steps) < 3 * float(np.median(steps)) + 1.0, "it jumps"
    assert find([str(path.parent)]).skipped == [path], "a later run takes it for a photo"


def test_a_turntable_of_noise_is_small_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preview, "MOST_BYTES", 100_000)
    rows, columns = 90, 120
    camera = Camera.from_field_of_view(columns, rows, 0.9, "test")
    pixels = np.random.default_rng(0).integers(0, 256, (rows, columns, 3), dtype=np.uint8)
    result = result_of(tmp_path, camera, pixels, waves(rows, columns))
    write(result, "turntable", tmp_path / "t.webp")
    assert (tmp_path / "t.webp").stat().st_size <= preview.MOST_BYTES


def test_without_webp_there_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(features, "check", lambda feature: False)
    result = result_of(
        tmp_path, Camera.from_field_of_view(40, 30, 0.9, ""), np.zeros((30, 40, 3), np.uint8), waves(30, 40)
    )
    with pytest.raises(Mono3DError, match="--preview picture"):
        write(result, "turntable", tmp_path / "t.webp")
    assert not list(tmp_path.glob("*.webp"))
