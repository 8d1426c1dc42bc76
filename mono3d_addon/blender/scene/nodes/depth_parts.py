# SPDX-License-Identifier: GPL-3.0-or-later
"""The groups that the node group "Mono3D Depth" consists of."""

from __future__ import annotations

from typing import Any

from . import tree
from .tree import Tree, Value

_FARTHEST = 1e-6
"""Smallest inverse depth, relative to that at far."""
CROPS = ("Crop left", "Crop right", "Crop top", "Crop bottom")
"""Inputs of the group that tells what is cut out."""
_REACH, _SHARE, _STEEPEST = 3, 0.45, 8.0
"""Those of `core.mesh.slopes`."""
_SAME = 1e-6
"""Distance in metres of the ends of walls from the back that they belong to; only these are merged."""


def remapped() -> Any:
    """Returns the group that moves measured depth to wanted distances.

    Inverse depth is linear in disparity, whatever near and far are; `core.camera.depth_strength` says what the strength
    does to them. Where they are those measured, depth does not change.
    """
    return tree.shared("Mono3D Distances", 2, _build_remapped)


def _build_remapped(tree: Tree) -> None:
    for name in ("Measured", "Near", "Far", "Measured near", "Measured far", "Strength"):
        tree.add_input(name, "Float")
    near, far, measured = tree.input("Near"), tree.input("Far"), tree.input("Measured")
    measured_far = tree.input("Measured far")
    change = tree.math("POWER", far / near, (tree.input("Strength") - 1.0) * 0.5)
    near, far = near / change, far * change
    scale = (1.0 / near - 1.0 / far) / (1.0 / tree.input("Measured near") - 1.0 / measured_far)
    offset = 1.0 / far - scale / measured_far
    tree.finish(Depth=("Float", measured / tree.most(scale + offset * measured, measured / far * _FARTHEST)))


def even_steps() -> Any:
    """Returns the group that tells for each point whether the step to the next one is a slope or negligible.

    Points have a place in a line of `Count`; the line begins at the index `First` and goes on by `Stride`. Where
    nothing was measured, the point itself stands in for its neighbours.
    """
    return tree.shared("Mono3D Even Steps", 1, _build_even_steps)


def _build_even_steps(tree: Tree) -> None:
    for name in ("Inverse", "Tear", "Place", "Count", "First", "Stride"):
        tree.add_input(name, "Float")
    inverse, tear, place = tree.input("Inverse"), tree.input("Tear"), tree.input("Place")
    last = tree.input("Count") - 1.0
    line = []
    for step in range(-_REACH, _REACH + 2):
        near_by = tree.most(tree.least(place + float(step), last), 0.0)
        other = inverse if step == 0 else tree.at(tree.input("First") + near_by * tree.input("Stride"), inverse)
        line.append(other if step in (0, 1) else tree.switch("FLOAT", other > 0.0, other, inverse))
    first, second = line[_REACH : _REACH + 2]
    change, lower = tree.math("ABSOLUTE", second - first), tree.least(first, second)
    spread = tree.most(*line) - tree.least(*line)
    is_slope = (change <= spread * _SHARE) & (change <= lower * tear * _STEEPEST)
    tree.finish(Even=("Bool", is_slope | (change <= lower * tear * 0.25)))


def corner(tree: Tree, number: int) -> Value:
    """Adds nodes for the point at a corner of each face, counted from 0."""
    place = tree.call("GeometryNodeCornersOfFace", "Corner Index", Sort_Index=number)
    return tree.call("GeometryNodeVertexOfCorner", Corner_Index=place)


def cut_outs() -> Any:
    """Returns the group that tells which points are kept."""
    return tree.shared("Mono3D Cut-outs", 1, _build_cut_outs)


def _build_cut_outs(tree: Tree) -> None:
    for name in ("Measured", "Depth", "Across", "Down", "Cut nearer", "Cut farther", *CROPS):
        tree.add_input(name, "Float")
    tree.add_input("Mask", "Image")
    depth, farthest = tree.input("Depth"), tree.input("Cut farther")
    kept = (tree.input("Measured") > 0.0) & (depth >= tree.input("Cut nearer"))
    kept = kept & ((depth <= farthest) | (farthest <= 0.0))
    for axis, low, high in (("Across", *CROPS[:2]), ("Down", *CROPS[2:])):
        place = tree.input(axis)
        kept = kept & (place >= tree.input(low) * 0.01) & (place <= 1.0 - tree.input(high) * 0.01)
    mask = tree.input("Mask")
    width = tree.call("GeometryNodeImageInfo", "Width", Image=mask)
    white = tree.parts(tree.pixel(mask, tree.vector(tree.input("Across"), 1.0 - tree.input("Down"), 0.0)))[0]
    tree.finish(Kept=("Bool", kept & ((white > 0.5) | (width <= 0.0))))


def torn() -> Any:
    """Returns the group that removes unusable and torn triangles; see `core.mesh.grid`."""
    return tree.shared("Mono3D Tears", 1, _build_torn)


def _build_torn(tree: Tree) -> None:
    tree.add_input("Mesh", "Geometry")
    for name, kind in (("Inverse", "Float"), ("Kept", "Bool"), ("Slope", "Bool"), ("Tear", "Float")):
        tree.add_input(name, kind)
    tear = tree.input("Tear")
    corners = [corner(tree, number) for number in range(3)]
    values = [tree.at(one, tree.input("Inverse")) for one in corners]
    is_torn = tree.most(*values) > tree.least(*values) * (1.0 + tear)
    is_torn = (is_torn & ~tree.input("Slope")) & (tear > 0.0)
    first, second, third = (tree.at(one, tree.input("Kept"), "BOOLEAN") for one in corners)
    is_cut = is_torn | ~((first & second) & third)
    choices = {"domain": "FACE", "mode": "ALL"}
    left = tree.call("GeometryNodeDeleteGeometry", choices=choices, Geometry=tree.input("Mesh"), Selection=is_cut)
    tree.finish(Mesh=("Geometry", left))


def islands() -> Any:
    """Returns the group that removes pieces with less than a percentage of the triangles; see `core.mesh.islands`."""
    return tree.shared("Mono3D Islands", 1, _build_islands)


def _build_islands(tree: Tree) -> None:
    tree.add_input("Mesh", "Geometry")
    tree.add_input("Smallest", "Float")
    whole, share = tree.input("Mesh"), tree.input("Smallest") * 0.01
    island = tree.call("GeometryNodeInputMeshIsland", "Island Index")
    choices: dict[str, Any] = {"data_type": "INT", "domain": "FACE"}
    size = tree.call("GeometryNodeAccumulateField", "Total", choices=choices, Value=1, Group_ID=island)
    total = tree.call("GeometryNodeAttributeDomainSize", "Face Count", choices={"component": "MESH"}, Geometry=whole)
    choices = {"domain": "FACE", "mode": "ALL"}
    is_small = size < total * share
    left = tree.call("GeometryNodeDeleteGeometry", choices=choices, Geometry=whole, Selection=is_small)
    tree.finish(Mesh=("Geometry", tree.switch("GEOMETRY", share > 0.0, left, whole)))


def thick() -> Any:
    """Returns the group that closes a surface to a body: its back lies farther along the viewing rays."""
    return tree.shared("Mono3D Thickness", 1, _build_thick)


def _build_thick(tree: Tree) -> None:
    tree.add_input("Mesh", "Geometry")
    tree.add_input("Thickness", "Float")
    thickness, place = tree.input("Thickness"), tree.call("GeometryNodeInputPosition")
    ray = tree.call("ShaderNodeVectorMath", choices={"operation": "NORMALIZE"}, Vector=place)
    offset = tree.call("ShaderNodeVectorMath", choices={"operation": "SCALE"}, Vector=ray, Scale=thickness)
    is_rim = tree.call("GeometryNodeInputMeshEdgeNeighbors") <= 1.0
    front, rim = tree.capture(tree.input("Mesh"), "EDGE", Rim=("BOOLEAN", is_rim))
    # Extruded edges take the mean offset of their ends, so that their new points are moved afterwards.
    walls = tree.node("GeometryNodeExtrudeMesh", mode="EDGES")
    for name, given in (("Mesh", front), ("Selection", rim["Rim"]), ("Offset Scale", 0.0)):
        tree.connect(given, walls.inputs[name])
    body, top = Value(tree, walls.outputs["Mesh"]), Value(tree, walls.outputs["Top"])
    body = tree.call("GeometryNodeSetPosition", Geometry=body, Selection=top, Offset=offset)
    back = tree.call("GeometryNodeSetPosition", Geometry=front, Offset=offset)
    back = tree.call("GeometryNodeFlipFaces", Mesh=back)
    body = tree.joined(body, back)
    body = tree.call("GeometryNodeMergeByDistance", Geometry=body, Selection=rim["Rim"] | top, Distance=_SAME)
    tree.finish(Mesh=("Geometry", tree.switch("GEOMETRY", thickness > 0.0, body, tree.input("Mesh"))))
