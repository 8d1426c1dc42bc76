# SPDX-License-Identifier: GPL-3.0-or-later
"""Builds a scene in Blender: meshes, scattered objects, hair, lights, camera."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from training.scenes import node_groups
from training.scenes.blender import bpy, mathutils
from training.scenes.materials import COLOR, material, strands
from training.scenes.shapes import Array
from training.scenes.stage import Hair, Lamp, Light, Painted, Pattern, Scatter, Scene, Sky, Stage, Sun, View
from training.scenes.unwrap import unwrapped
from training.scenes.views import SENSOR

AMBIENT_REACH = 1.0
"""Free distance in metres beyond which a place gets ambient light, even in a closed room."""


def build(scene: Scene) -> None:
    """Builds a scene in an empty Blender file."""
    content(scene.stage)
    light(scene.light)
    camera(scene.view)


def content(stage: Stage) -> None:
    """Adds shapes, scattered objects and hair to the scene."""
    materials: dict[Pattern, Any] = {}
    for pattern, painted in stage.merged().items():
        link(_object(painted, _material(pattern, materials)))
    for scatter in stage.scatters:
        _scatter(scatter, materials)
    for hair in stage.hairs:
        _hair(hair)


def focus(view: View) -> None:
    """Sets the camera's depth of field to that of a view."""
    field = bpy.context.scene.camera.data.dof
    field.use_dof = view.f_number > 0
    if view.f_number > 0:
        field.aperture_fstop = view.f_number
        field.focus_distance = view.focus or (mathutils.Vector(view.towards) - mathutils.Vector(view.at)).length


def _material(pattern: Pattern, known: dict[Pattern, Any]) -> Any:
    if pattern not in known:
        known[pattern] = material(pattern)
    return known[pattern]


def link(made: Any) -> Any:
    """Returns an object after adding it to the scene."""
    bpy.context.scene.collection.objects.link(made)
    return made


def _object(painted: Sequence[Painted], of: Any) -> Any:
    mesh = _mesh(painted)
    mesh.materials.append(of)
    return bpy.data.objects.new(of.name, mesh)


def _mesh(painted: Sequence[Painted]) -> Any:
    """Returns a mesh of all the shapes, with their colours in an attribute of the face corners."""
    mesh = bpy.data.meshes.new("mesh")
    corners, used, sizes, smooth, uv, tints = [], [], [], [], [], []
    start = 0
    for number, one in enumerate(painted):
        corners.append(one.shape.corners)
        tints.append(np.tile((*one.color, 1.0), (len(one.shape.corners), 1)))
        for faces in one.shape.faces:
            used.append((faces + start).ravel())
            sizes.append(np.full(len(faces), faces.shape[1]))
            smooth.append(np.full(len(faces), one.shape.smooth))
            uv.append(unwrapped(one.shape.corners, faces) + number * 0.37)
        start += len(one.shape.corners)
    loops = np.concatenate(used).astype(np.int32)
    counts = np.concatenate(sizes).astype(np.int32)
    mesh.vertices.add(start)
    mesh.vertices.foreach_set("co", np.concatenate(corners).astype(np.float32).ravel())
    mesh.loops.add(len(loops))
    mesh.loops.foreach_set("vertex_index", loops)
    mesh.polygons.add(len(counts))
    mesh.polygons.foreach_set("loop_start", (np.cumsum(counts) - counts).astype(np.int32))
    mesh.polygons.foreach_set("use_smooth", np.concatenate(smooth))
    mesh.update(calc_edges=True)
    mesh.uv_layers.new(name="UVMap").data.foreach_set("uv", np.concatenate(uv).astype(np.float32).ravel())
    tint = mesh.attributes.new(COLOR, "FLOAT_COLOR", "POINT")
    tint.data.foreach_set("color", np.concatenate(tints).astype(np.float32).ravel())
    return mesh


def _scatter(scatter: Scatter, materials: dict[Pattern, Any]) -> None:
    things = bpy.data.collections.new("things")
    for thing in scatter.things:
        # One object per item, with all of its patterns.
        patterns = list(dict.fromkeys(one.pattern for one in thing))
        ordered = sorted(thing, key=lambda one: patterns.index(one.pattern))
        mesh = _mesh(ordered)
        for pattern in patterns:
            mesh.materials.append(_material(pattern, materials))
        slots = [[patterns.index(one.pattern)] * sum(map(len, one.shape.faces)) for one in ordered]
        mesh.polygons.foreach_set("material_index", np.concatenate(slots).astype(np.int32))
        things.objects.link(bpy.data.objects.new("thing", mesh))
    ground = _mesh([Painted(scatter.ground, (0, 0, 0), Pattern("plain"))])
    carrier = link(bpy.data.objects.new("scatter", ground))
    carrier.modifiers.new("scatter", "NODES").node_group = node_groups.scatter(scatter, things)


def _hair(hair: Hair) -> None:
    surface = bpy.data.objects.new("surface", _mesh([Painted(hair.surface, hair.color, Pattern("plain"))]))
    # Cycles renders the strands of curves objects only, not those made by a mesh's nodes.
    carrier = link(bpy.data.objects.new("hair", bpy.data.hair_curves.new("hair")))
    group = node_groups.hair(hair, surface, strands(hair.color), _area(hair))
    carrier.modifiers.new("hair", "NODES").node_group = group


def _area(hair: Hair) -> float:
    corners = hair.surface.corners
    return float(sum(_polygon_areas(corners[faces]).sum() for faces in hair.surface.faces))


def _polygon_areas(points: Array) -> Array:
    edges = points[:, 1:] - points[:, :1]
    return np.linalg.norm(np.cross(edges[:, :-1], edges[:, 1:]).sum(axis=1), axis=1) / 2


def light(wanted: Light) -> None:
    """Adds the light sources to the scene."""
    bpy.context.scene.world = _world(wanted.sky)
    for sun in wanted.suns:
        _sun(sun)
    for lamp in wanted.lamps:
        _lamp(lamp)


def _world(sky: Sky) -> Any:
    world = bpy.data.worlds.new("sky")
    if world.node_tree is None:
        world.use_nodes = True
    nodes, links = world.node_tree.nodes, world.node_tree.links
    background = next(node for node in nodes if node.type == "BACKGROUND")
    background.inputs["Strength"].default_value = sky.strength
    if sky.seen is not None:
        ray = nodes.new("ShaderNodeLightPath").outputs["Is Camera Ray"]
        strength = nodes.new("ShaderNodeMapRange")
        strength.inputs["To Min"].default_value, strength.inputs["To Max"].default_value = sky.strength, sky.seen
        links.new(ray, strength.inputs["Value"])
        links.new(strength.outputs[0], background.inputs["Strength"])
    where = nodes.new("ShaderNodeTexCoord").outputs["Generated"]
    parts = nodes.new("ShaderNodeSeparateXYZ")
    links.new(where, parts.inputs[0])
    height = nodes.new("ShaderNodeMath")
    height.operation, height.use_clamp = "POWER", True
    links.new(parts.outputs["Z"], height.inputs[0])
    height.inputs[1].default_value = 0.6
    color = _mix(height.outputs[0], (*sky.horizon, 1), (*sky.zenith, 1), nodes, links)
    if sky.cover > 0:
        stretched = nodes.new("ShaderNodeVectorMath")
        stretched.operation = "MULTIPLY_ADD"
        links.new(where, stretched.inputs[0])
        stretched.inputs[1].default_value = (2.2, 2.2, 6)
        stretched.inputs[2].default_value = (sky.seed, 0, 0)
        noise = nodes.new("ShaderNodeTexNoise")
        noise.inputs["Scale"].default_value = 1.2
        noise.inputs["Detail"].default_value = 4
        links.new(stretched.outputs[0], noise.inputs["Vector"])
        step = nodes.new("ShaderNodeMapRange")
        step.inputs["From Min"].default_value = 0.75 - 0.45 * sky.cover
        step.inputs["From Max"].default_value = 0.95 - 0.45 * sky.cover
        links.new(noise.outputs[0], step.inputs["Value"])
        color = _mix(step.outputs[0], color, (*sky.clouds, 1), nodes, links)
    links.new(color, background.inputs["Color"])
    # An importance map costs more than it saves with such a uniform sky.
    world.cycles.sampling_method = "NONE"
    world.light_settings.distance = AMBIENT_REACH
    return world


def _mix(share: Any, first: Any, second: Any, nodes: Any, links: Any) -> Any:
    mixed = nodes.new("ShaderNodeMix")
    mixed.data_type = "RGBA"
    links.new(share, mixed.inputs["Factor"])
    for socket, value in zip((one for one in mixed.inputs if one.type == "RGBA"), (first, second), strict=True):
        if isinstance(value, tuple):
            socket.default_value = value
        else:
            links.new(value, socket)
    return next(socket for socket in mixed.outputs if socket.type == "RGBA")


def _sun(sun: Sun) -> None:
    data = bpy.data.lights.new("sun", "SUN")
    data.energy, data.color, data.angle = sun.strength, sun.color, math.radians(sun.width)
    made = link(bpy.data.objects.new("sun", data))
    made.rotation_euler = (math.radians(90 - sun.height), 0, math.radians(sun.azimuth))


def _lamp(lamp: Lamp) -> None:
    data = bpy.data.lights.new("lamp", "AREA")
    data.energy, data.color, data.size = lamp.power, lamp.color, lamp.size
    made = link(bpy.data.objects.new("lamp", data))
    made.matrix_world = _looking(lamp.at, lamp.towards, 0)
    made.visible_camera = False


def camera(view: View) -> None:
    """Adds a camera to the scene."""
    data = bpy.data.cameras.new("camera")
    data.sensor_width, data.lens = SENSOR, view.lens
    data.clip_start, data.clip_end = 0.005, 1e5
    made = link(bpy.data.objects.new("camera", data))
    made.matrix_world = _looking(view.at, view.towards, view.roll)
    bpy.context.scene.camera = made
    focus(view)


def _looking(at: Sequence[float], towards: Sequence[float], roll: float) -> Any:
    turn = (mathutils.Vector(towards) - mathutils.Vector(at)).to_track_quat("-Z", "Y").to_matrix().to_4x4()
    return mathutils.Matrix.Translation(at) @ turn @ mathutils.Matrix.Rotation(math.radians(roll), 4, "Z")
