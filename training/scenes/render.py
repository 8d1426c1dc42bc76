# SPDX-License-Identifier: GPL-3.0-or-later
"""Rendering the scene in Blender: the picture as displayed, and its exact disparity.

The disparity does not come from Cycles' depth pass, whose samples are spread over the pixel and the lens. Instead every
surface emits the inverse of its depth along the optical axis, and is sampled once, at the centre of each pixel.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.scenes.blender import bpy

Pixels = NDArray[np.float32]

BRIGHTEST = 1.2
"""Largest 95th percentile of the luminance; white is 1."""


@dataclass(frozen=True)
class RenderSettings:
    """Settings of a rendered picture."""

    samples: int
    transform: str
    """Blender's view transform."""
    contrast: str
    """Blender's look for that view transform."""
    brightness: float
    """Geometric mean of the luminance."""


def empty() -> None:
    """Replaces Blender's file by an empty one."""
    bpy.ops.wm.read_factory_settings(use_empty=True)


def color(width: int, height: int, samples: int, *, is_denoised: bool = False) -> Pixels:
    """Returns the light that the camera receives, float32 (height, width, 3), top row first, linear."""
    scene = bpy.context.scene
    _prepare(scene, width, height)
    cycles = scene.cycles
    cycles.samples = samples
    cycles.use_denoising = is_denoised
    if is_denoised:
        cycles.denoiser, cycles.denoising_prefilter = "OPENIMAGEDENOISE", "FAST"
        cycles.denoising_input_passes = "RGB_ALBEDO_NORMAL"
        if hasattr(cycles, "denoising_quality"):
            cycles.denoising_quality = "FAST"
    # With few samples, adaptive sampling stops too early at dark pixels and leaves dark specks.
    cycles.use_adaptive_sampling = False
    cycles.max_bounces, cycles.diffuse_bounces, cycles.glossy_bounces = 2, 1, 1
    cycles.sample_clamp_direct, cycles.sample_clamp_indirect = 20, 4
    cycles.pixel_filter_type, cycles.filter_width = "BLACKMAN_HARRIS", 1.5
    cycles.caustics_reflective = cycles.caustics_refractive = False
    # Ambient light, limited by distance so that rooms get some, replaces further bounces: less noise, less time.
    cycles.use_fast_gi, cycles.fast_gi_method, cycles.ao_bounces_render = True, "REPLACE", 1
    return _rendered(scene)


def disparity(width: int, height: int) -> Pixels:
    """Returns the inverse depth at the pixel centres, float32 (height, width), per metre; the sky is 0."""
    scene = bpy.context.scene
    _prepare(scene, width, height)
    cycles = scene.cycles
    cycles.samples, cycles.use_adaptive_sampling = 1, False
    cycles.max_bounces, cycles.diffuse_bounces, cycles.glossy_bounces = 0, 0, 0
    cycles.sample_clamp_direct = cycles.sample_clamp_indirect = 0
    cycles.pixel_filter_type, cycles.filter_width = "BOX", 0.01
    cycles.use_fast_gi = False
    with _only_depth(scene):
        return _rendered(scene)[..., 0]


@contextmanager
def _only_depth(scene: Any) -> Iterator[None]:
    """Replaces all materials and removes light and blur during the block."""
    lights = [one for one in scene.objects if one.type == "LIGHT"]
    layer, lens, world = scene.view_layers[0], scene.camera.data, scene.world
    blurred = lens.dof.use_dof
    layer.material_override, scene.world, lens.dof.use_dof = _inverse_depth(), None, False
    for light in lights:
        light.hide_render = True
    try:
        yield
    finally:
        layer.material_override, scene.world, lens.dof.use_dof = None, world, blurred
        for light in lights:
            light.hide_render = False


def save(pixels: Pixels, settings: RenderSettings, file: Path, stops: float | None = None) -> None:
    """Writes linear light (height, width, 3), converted by the view transform, as PNG or JPEG by the file's ending.

    `stops` is the exposure; None: the one that gives this image the brightness of `settings`.
    """
    scene = bpy.context.scene
    view = scene.view_settings
    view.view_transform = settings.transform
    view.look = settings.contrast
    view.exposure = exposure(pixels, settings.brightness) if stops is None else stops
    _format(scene, "PNG" if file.suffix == ".png" else "JPEG")
    scene.render.image_settings.quality = 92
    height, width, _ = pixels.shape
    image = bpy.data.images.new("picture", width, height, float_buffer=True)
    image.colorspace_settings.name = _linear()
    whole = np.ones((height, width, 4), np.float32)
    whole[..., :3] = pixels[::-1]
    image.pixels.foreach_set(whole.ravel())
    image.save_render(str(file), scene=scene)
    bpy.data.images.remove(image)


def jpeg(pixels: Pixels, settings: RenderSettings) -> bytes:
    """Returns the JPEG file of linear light (height, width, 3)."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "picture.jpg"
        save(pixels, settings, file)
        return file.read_bytes()


def exposure(pixels: Pixels, brightness: float) -> float:
    """Returns the exposure in stops that sets the geometric mean of the luminance, limited to avoid clipping."""
    luminance = pixels @ np.array([0.2126, 0.7152, 0.0722], np.float32)
    bright = max(float(np.percentile(luminance, 95)), 1e-6)
    # Clipped from below, so that black areas do not brighten the rest.
    middle = np.log2(luminance.clip(0.03 * bright)).mean()
    return float(np.clip(min(np.log2(brightness) - middle, np.log2(BRIGHTEST / bright)), -10, 10))


def _prepare(scene: Any, width: int, height: int) -> None:
    render = scene.render
    render.engine = "CYCLES"
    render.resolution_x, render.resolution_y, render.resolution_percentage = width, height, 100
    render.threads_mode, render.threads = "FIXED", 1
    render.use_persistent_data = True
    render.film_transparent = False
    scene.cycles.device = "CPU"
    scene.cycles.use_denoising = False
    scene.cycles.use_light_tree = False
    scene.cycles_curves.shape, scene.cycles_curves.subdivisions = "RIBBONS", 1


def _rendered(scene: Any) -> Pixels:
    _format(scene, "OPEN_EXR")
    scene.render.image_settings.color_depth = "32"
    scene.render.image_settings.exr_codec = "NONE"
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "rendered.exr"
        scene.render.filepath = str(file)
        bpy.ops.render.render(write_still=True)
        image = bpy.data.images.load(str(file))
        image.colorspace_settings.name = _linear()
        width, height = image.size
        pixels = np.empty(width * height * image.channels, np.float32)
        image.pixels.foreach_get(pixels)
        channels = image.channels
        bpy.data.images.remove(image)
    return pixels.reshape(height, width, channels)[::-1, :, :3]


def _format(scene: Any, wanted: str) -> None:
    settings = scene.render.image_settings
    if hasattr(settings, "media_type"):
        settings.media_type = "IMAGE"
    settings.file_format = wanted
    settings.color_mode = "RGB"


def _linear() -> str:
    """Returns the name of the colour space in which render results are stored without conversion."""
    return "Linear Rec.709"


def _inverse_depth() -> Any:
    made = bpy.data.materials.new("inverse depth")
    if made.node_tree is None:
        made.use_nodes = True
    nodes, links = made.node_tree.nodes, made.node_tree.links
    nodes.clear()
    depth = nodes.new("ShaderNodeCameraData")
    inverse = nodes.new("ShaderNodeMath")
    inverse.operation = "DIVIDE"
    inverse.inputs[0].default_value = 1
    glow = nodes.new("ShaderNodeEmission")
    output = nodes.new("ShaderNodeOutputMaterial")
    links.new(depth.outputs["View Z Depth"], inverse.inputs[1])
    links.new(inverse.outputs[0], glow.inputs["Color"])
    links.new(glow.outputs[0], output.inputs["Surface"])
    return made
