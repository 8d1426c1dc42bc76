# SPDX-License-Identifier: GPL-3.0-or-later
"""Geometry nodes: objects scattered on the ground, and hair on a surface."""

from __future__ import annotations

import math
from typing import Any

from training.scenes.blender import bpy
from training.scenes.stage import Hair, Scatter


def scatter(wanted: Scatter, things: Any) -> Any:
    """Returns a node group that replaces the mesh by objects of a collection scattered on it."""
    group, start, end = _group("scatter")
    nodes, links = group.nodes, group.links
    points = _points(group, start.outputs[0], wanted.density, wanted.seed)
    found = nodes.new("GeometryNodeCollectionInfo")
    found.inputs["Collection"].default_value = things
    found.inputs["Separate Children"].default_value = True
    found.inputs["Reset Children"].default_value = True
    placed = nodes.new("GeometryNodeInstanceOnPoints")
    placed.inputs["Pick Instance"].default_value = True
    links.new(points.outputs["Points"], placed.inputs["Points"])
    links.new(found.outputs[0], placed.inputs["Instance"])
    if not wanted.upright:
        links.new(points.outputs["Rotation"], placed.inputs["Rotation"])
    links.new(_random(group, wanted.sizes, wanted.seed + 1), placed.inputs["Scale"])
    turned = nodes.new("GeometryNodeRotateInstances")
    links.new(placed.outputs[0], turned.inputs[0])
    axes = nodes.new("ShaderNodeCombineXYZ")
    links.new(_random(group, (0.0, 2 * math.pi), wanted.seed + 2), axes.inputs["Z"])
    links.new(_random(group, (-0.12, 0.12), wanted.seed + 3), axes.inputs["X"])
    links.new(axes.outputs[0], turned.inputs["Rotation"])
    links.new(turned.outputs[0], end.inputs[0])
    return group


def hair(wanted: Hair, surface: Any, material: Any, area: float) -> Any:
    """Returns a node group that adds strands to an object of a given area, along its normals and bent downwards."""
    group, _, end = _group("hair")
    nodes, links = group.nodes, group.links
    found = nodes.new("GeometryNodeObjectInfo")
    found.inputs["Object"].default_value = surface
    points = _points(group, found.outputs["Geometry"], wanted.strands / max(area, 1e-9), wanted.seed)
    line = nodes.new("GeometryNodeCurvePrimitiveLine")
    line.inputs["End"].default_value = (0, 0, wanted.length)
    parted = nodes.new("GeometryNodeResampleCurve")
    parted.inputs["Count"].default_value = 7
    links.new(line.outputs[0], parted.inputs[0])
    placed = nodes.new("GeometryNodeInstanceOnPoints")
    links.new(points.outputs["Points"], placed.inputs["Points"])
    links.new(parted.outputs[0], placed.inputs["Instance"])
    links.new(points.outputs["Rotation"], placed.inputs["Rotation"])
    links.new(_random(group, (0.7, 1.15), wanted.seed + 1), placed.inputs["Scale"])
    real = nodes.new("GeometryNodeRealizeInstances")
    links.new(placed.outputs[0], real.inputs[0])
    bent = nodes.new("GeometryNodeSetPosition")
    links.new(real.outputs[0], bent.inputs[0])
    links.new(_bend(group, wanted), bent.inputs["Offset"])
    thick = nodes.new("GeometryNodeSetCurveRadius")
    links.new(bent.outputs[0], thick.inputs[0])
    thick.inputs["Radius"].default_value = wanted.radius
    painted = nodes.new("GeometryNodeSetMaterial")
    painted.inputs["Material"].default_value = material
    links.new(thick.outputs[0], painted.inputs[0])
    links.new(painted.outputs[0], end.inputs[0])
    return group


def _bend(group: Any, wanted: Hair) -> Any:
    """Returns the offset of the points of a strand: down with the square of the way along it, and about at random."""
    nodes, links = group.nodes, group.links
    share = nodes.new("GeometryNodeSplineParameter").outputs["Factor"]
    square = nodes.new("ShaderNodeMath")
    square.operation = "POWER"
    links.new(share, square.inputs[0])
    square.inputs[1].default_value = 1.6
    down = nodes.new("ShaderNodeVectorMath")
    down.operation = "SCALE"
    down.inputs[0].default_value = (0, 0, -wanted.drop * wanted.length)
    links.new(square.outputs[0], down.inputs["Scale"])
    noise = nodes.new("ShaderNodeTexNoise")
    noise.inputs["Scale"].default_value = 3 / max(wanted.length, 0.02)
    noise.inputs["Detail"].default_value = 0
    centred = nodes.new("ShaderNodeVectorMath")
    centred.operation = "SUBTRACT"
    links.new(noise.outputs["Color"], centred.inputs[0])
    centred.inputs[1].default_value = (0.5, 0.5, 0.5)
    sized = nodes.new("ShaderNodeVectorMath")
    sized.operation = "SCALE"
    links.new(centred.outputs[0], sized.inputs[0])
    reach = nodes.new("ShaderNodeMath")
    reach.operation = "MULTIPLY"
    links.new(share, reach.inputs[0])
    reach.inputs[1].default_value = wanted.curl * 2
    links.new(reach.outputs[0], sized.inputs["Scale"])
    both = nodes.new("ShaderNodeVectorMath")
    links.new(down.outputs[0], both.inputs[0])
    links.new(sized.outputs[0], both.inputs[1])
    return both.outputs[0]


def _group(name: str) -> tuple[Any, Any, Any]:
    group = bpy.data.node_groups.new(name, "GeometryNodeTree")
    group.interface.new_socket("Geometry", in_out="INPUT", socket_type="NodeSocketGeometry")
    group.interface.new_socket("Geometry", in_out="OUTPUT", socket_type="NodeSocketGeometry")
    return group, group.nodes.new("NodeGroupInput"), group.nodes.new("NodeGroupOutput")


def _points(group: Any, mesh: Any, density: float, seed: int) -> Any:
    points = group.nodes.new("GeometryNodeDistributePointsOnFaces")
    points.inputs["Density"].default_value = density
    points.inputs["Seed"].default_value = seed
    group.links.new(mesh, points.inputs["Mesh"])
    return points


def _random(group: Any, between: tuple[float, float], seed: int) -> Any:
    value = group.nodes.new("FunctionNodeRandomValue")
    low, high = (
        next(one for one in value.inputs if one.name == name and one.type == "VALUE") for name in ("Min", "Max")
    )
    low.default_value, high.default_value = between
    value.inputs["Seed"].default_value = seed
    return next(one for one in value.outputs if one.type == "VALUE")
