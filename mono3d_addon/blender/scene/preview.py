# SPDX-License-Identifier: GPL-3.0-or-later
"""Renders a preview that shows the result's relief: seen slightly from above and the side, by Cycles on the CPU."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import bpy
import numpy as np
from mathutils import Matrix

from ...core.arrays import Floats
from ...core.camera.blender_lens import SENSOR_MM
from ...core.camera.camera import Camera
from ...core.reconstruction import Reconstruction
from . import frame, framing, material
from .build import Built

LONG_SIDE = 960
_LONGEST_SIDE = 1920
_MOST_UNEQUAL = 2.0
"""Ratio of sides above which the preview has a fixed area instead of a fixed long side."""

SAMPLES = 4
MARGIN = 0.04
PARALLAX = 0.07
"""Shift of near parts against far ones between photo and preview, as a fraction of the picture's width."""

_MOST_SIDEWAYS = math.radians(25.0)
_ABOVE_PER_SIDEWAYS = 0.6

_OUTSIDE = (math.radians(30.0), math.radians(35.0))
"""Angles to the side and above from which a panorama is seen."""

_ENOUGH_POINTS = 20_000
_LIGHT = (-0.35, -0.7, 0.62)
"""Direction to the light in Blender's frame: behind the photographer, to the left and above."""


def render(result: Reconstruction, built: Built, scene: bpy.types.Scene, path: Path) -> None:
    """Renders `built` to a PNG file at `path`. Changes `scene`, which must be a temporary one."""
    _set_render(scene, result.camera)
    scene.world = _background()
    scene.camera = _add_camera(scene, _view(result), result.camera)
    data: Any = built.mesh.data
    for slot, made in enumerate(data.materials):
        data.materials[slot] = _material(made)
    if result.camera.is_panorama:
        _hide_back_faces(data.materials[0])
    scene.render.filepath = _literal(path)
    bpy.ops.render.render(write_still=True, scene=scene.name)


def _literal(path: Path) -> str:
    """Returns `path` escaped for Blender's render output: from 4.5 on braces in it are templates."""
    text = str(path)
    return text.replace("{", "{{").replace("}", "}}") if bpy.app.version >= (4, 5, 0) else text


def _view(result: Reconstruction) -> framing.View:
    """Returns a view with the photo's field of view that contains the whole mesh.

    Without the orbit this would be the photo's own view, so near parts stay large and far parts, which spread with
    distance, do not fill the picture.
    """
    seen_by = result.camera
    if seen_by.is_panorama:
        return _from_outside(result)
    tangents = (0.5 * seen_by.width / seen_by.fx, 0.5 * seen_by.height / seen_by.fy)
    vertices = result.mesh.vertices
    if not len(vertices):
        return framing.View(np.zeros(3), framing.orbit_axes(0.0, 0.0), tangents)
    sample = vertices[:: max(1, len(vertices) // _ENOUGH_POINTS)]
    sideways = _orbit_angle(sample[:, 2], tangents[0])
    axes = framing.orbit_axes(sideways, sideways * _ABOVE_PER_SIDEWAYS)
    return framing.frame_points(frame.to_blender(sample), axes, tangents, MARGIN)


def _from_outside(result: Reconstruction) -> framing.View:
    """Returns a view of a panorama's mesh from above and outside.

    The farthest vertices are left out, so that a few outliers do not make the rest small.
    """
    vertices = result.mesh.vertices[:: max(1, len(result.mesh.vertices) // _ENOUGH_POINTS)]
    distance = np.linalg.norm(vertices, axis=1)
    inner = vertices[distance <= np.quantile(distance, 0.97)] if len(vertices) else vertices
    axes = framing.orbit_axes(*_OUTSIDE)
    if not len(inner):
        return framing.View(np.zeros(3), axes, (1.0, 0.5))
    return framing.frame_points(frame.to_blender(inner), axes, (0.6, 0.3), MARGIN)


def _orbit_angle(depth: Floats, tangent: float) -> float:
    """Returns the orbit angle in radians for the parallax `PARALLAX`: small for a deep street, large for a relief.

    An orbit by the angle a about a point at the distance p moves the camera by p tan(a), and thus a point at the depth
    z in the picture by p tan(a) (1/p - 1/z).
    """
    near, far = np.quantile(depth, [0.05, 0.95])
    pivot = 2.0 / (1.0 / near + 1.0 / far)
    spread = max(pivot * (1.0 / near - 1.0 / far), 1e-6)
    return min(_MOST_SIDEWAYS, math.atan(PARALLAX * 2.0 * tangent / spread))


def _add_camera(scene: bpy.types.Scene, view: framing.View, seen_by: Camera) -> bpy.types.Object:
    data = bpy.data.cameras.new("Preview")
    wide = view.tangents[0] >= view.tangents[1]
    data.sensor_fit = "HORIZONTAL" if wide else "VERTICAL"
    data.sensor_width = data.sensor_height = SENSOR_MM
    data.lens = 0.5 * SENSOR_MM / max(view.tangents)
    data.clip_start, data.clip_end = 1e-4, 1e7
    eye = bpy.data.objects.new("Preview", data)
    eye.matrix_world = Matrix(frame.pose(seen_by)) @ Matrix(view.matrix())
    scene.collection.objects.link(eye)
    return eye


def _set_render(scene: bpy.types.Scene, seen_by: Camera) -> None:
    """Sets up Cycles for flat shading: no bounces, no denoising, a few samples to smooth edges."""
    render: Any = scene.render
    render.engine = "CYCLES"
    render.resolution_x, render.resolution_y = _resolution(seen_by)
    render.resolution_percentage = 100
    render.pixel_aspect_x = render.pixel_aspect_y = 1.0
    render.use_file_extension = False
    render.image_settings.file_format = "PNG"
    render.image_settings.color_mode = "RGB"
    render.image_settings.color_depth = "8"
    render.use_compositing = render.use_sequencer = False
    for name in dir(render):
        # Otherwise date, host and file name are written to the image's metadata.
        if name.startswith("use_stamp_"):
            setattr(render, name, False)
    # `run.photos` recognises previews by this note.
    render.use_stamp_note, render.stamp_note_text = True, "Mono3D preview"
    colours: Any = scene.view_settings
    colours.view_transform, colours.look = "Standard", "None"
    cycles: Any = scene.cycles  # type: ignore[attr-defined]
    cycles.device = "CPU"
    cycles.samples = SAMPLES
    cycles.use_adaptive_sampling = False
    cycles.use_denoising = False
    cycles.max_bounces = 0
    cycles.use_auto_tile = False
    cycles.use_light_tree = False


def _resolution(seen_by: Camera) -> tuple[int, int]:
    """Returns width and height of the preview: the photo's proportions, enlarged if it is very narrow."""
    width, height = seen_by.width, seen_by.height * seen_by.fx / seen_by.fy
    unequal = max(width, height) / min(width, height)
    longer = math.sqrt(max(1.0, unequal / _MOST_UNEQUAL))
    scale = min(LONG_SIDE * longer, _LONGEST_SIDE) / max(width, height)
    return max(16, round(scale * width)), max(16, round(scale * height))


def _background() -> bpy.types.World:
    """Returns a grey background that gets lighter towards the top."""
    world = bpy.data.worlds.new("Preview")
    if bpy.app.version < (5, 0, 0):
        world.use_nodes = True
    tree: Any = world.node_tree
    tree.nodes.clear()
    place = material.add_node(tree, "ShaderNodeTexCoord", -600, 0)
    split = material.add_node(tree, "ShaderNodeSeparateXYZ", -400, 0)
    ramp = material.add_node(tree, "ShaderNodeValToRGB", -200, 0)
    shader = material.add_node(tree, "ShaderNodeBackground", 100, 0)
    output = material.add_node(tree, "ShaderNodeOutputWorld", 300, 0)
    for element, grey in zip(ramp.color_ramp.elements, (0.07, 0.24), strict=True):
        element.color = (grey, grey, 1.02 * grey, 1.0)
    tree.links.new(place.outputs["Window"], split.inputs[0])
    tree.links.new(split.outputs["Y"], ramp.inputs["Fac"])
    tree.links.new(ramp.outputs["Color"], shader.inputs["Color"])
    tree.links.new(shader.outputs[0], output.inputs["Surface"])
    # It lights nothing; skip Cycles' importance map, which takes a second.
    world.cycles.sampling_method = "NONE"  # type: ignore[attr-defined]
    return world


def _material(made: bpy.types.Material) -> Any:
    """Returns a copy of the mesh's material that is darker where the surface faces away from the light."""
    flat: Any = made.copy()
    tree = flat.node_tree
    output = next(node for node in tree.nodes if node.type == "OUTPUT_MATERIAL")
    mix = next(node for node in tree.nodes if node.type == "MIX")
    colour = next(socket for socket in mix.outputs if socket.identifier == "Result_Color")
    surface = material.add_node(tree, "ShaderNodeNewGeometry", -300, -400)
    toward = material.add_node(tree, "ShaderNodeVectorMath", -100, -400)
    toward.operation = "DOT_PRODUCT"
    toward.inputs[1].default_value = np.asarray(_LIGHT) / np.linalg.norm(_LIGHT)
    shade = material.add_node(tree, "ShaderNodeMapRange", 100, -400)
    for name, value in {"From Min": -0.2, "From Max": 0.9, "To Min": 0.45, "To Max": 1.0}.items():
        shade.inputs[name].default_value = value
    shader = material.add_node(tree, "ShaderNodeEmission", 300, -200)
    tree.links.new(surface.outputs["Normal"], toward.inputs[0])
    tree.links.new(toward.outputs["Value"], shade.inputs["Value"])
    tree.links.new(colour, shader.inputs["Color"])
    tree.links.new(shade.outputs["Result"], shader.inputs["Strength"])
    tree.links.new(shader.outputs[0], output.inputs["Surface"])
    return flat


def _hide_back_faces(flat: Any) -> None:
    """Makes back faces transparent: the walls between the camera and the inside of a panorama."""
    tree = flat.node_tree
    output = next(node for node in tree.nodes if node.type == "OUTPUT_MATERIAL")
    shader = output.inputs["Surface"].links[0].from_socket
    surface = material.add_node(tree, "ShaderNodeNewGeometry", 300, -500)
    nothing = material.add_node(tree, "ShaderNodeBsdfTransparent", 300, -350)
    mix = material.add_node(tree, "ShaderNodeMixShader", 600, -300)
    tree.links.new(surface.outputs["Backfacing"], mix.inputs[0])
    tree.links.new(shader, mix.inputs[1])
    tree.links.new(nothing.outputs[0], mix.inputs[2])
    tree.links.new(mix.outputs[0], output.inputs["Surface"])
