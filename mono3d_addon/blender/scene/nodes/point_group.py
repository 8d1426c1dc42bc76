# SPDX-License-Identifier: GPL-3.0-or-later
"""The node group "Mono3D Points": vertices or points as coloured balls of the radius that they store."""

from __future__ import annotations

from typing import Any

from . import tree
from .tree import Tree, Value

NAME, VERSION = "Mono3D Points", 1


def group() -> Any:
    """Returns the group of this file; builds it if there is none."""
    return tree.shared(NAME, VERSION, _build)


def _build(tree: Tree) -> None:
    tree.group.is_modifier = True
    tree.add_input("Geometry", "Geometry", "Vertices or points with the attribute 'radius', in metres")
    about = "Size of the points; 1: just so large that there is no gap, seen from the photo's camera"
    tree.add_input("Size", "Float", about, 1.0, 0.0, 100.0)
    tree.add_input("Material", "Material", "The material that shows the colours")
    radius = tree.call("GeometryNodeInputNamedAttribute", choices={"data_type": "FLOAT"}, Name="radius")
    parts = tree.node("GeometryNodeSeparateComponents")
    tree.connect(tree.input("Geometry"), parts.inputs[0])
    vertices = tree.call("GeometryNodeMeshToPoints", Mesh=Value(tree, parts.outputs["Mesh"]))
    points = tree.joined(Value(tree, parts.outputs["Point Cloud"]), vertices)
    points = tree.call("GeometryNodeSetPointRadius", Points=points, Radius=radius * tree.input("Size"))
    points = tree.call("GeometryNodeSetMaterial", Geometry=points, Material=tree.input("Material"))
    tree.finish(Geometry=("Geometry", points))
