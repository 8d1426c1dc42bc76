# SPDX-License-Identifier: GPL-3.0-or-later
"""The node group "Mono3D Depth": the grid mesh of a depth image, as `core.mesh.grid` makes it.

The points of a row follow each other, the rows from the top of the photo to its bottom. All is in Blender's axes.
Parts of it are groups of their own: Blender takes long to add nodes to a large group.
"""

from __future__ import annotations

from typing import Any

from ..mesh_data import COLOUR_ATTRIBUTE, UV_LAYER
from . import depth_parts, tree
from .modifier import DEPTH
from .tree import Tree, Value

VERSION = 2


def group() -> Any:
    """Returns the group of this file; builds it if there is none."""
    return tree.shared(DEPTH, VERSION, _build)


def _build(tree: Tree) -> None:
    tree.group.is_modifier = True
    _add_inputs(tree)
    geometry, column, row, columns, rows = _grid(tree)
    with tree.frame("Depth of each point"):
        across, down = (column + 0.5) / columns, (row + 0.5) / rows
        measured = tree.parts(tree.pixel(tree.input("Depth image"), tree.vector(across, 1.0 - down, 0.0)))[0]
        depth = _remapped(tree, tree.math("ABSOLUTE", measured))
        fields = {"Measured": measured, "Depth": depth, "Column": column, "Row": row}
        fields |= {"Across": across, "Down": down}
        geometry, found = tree.capture(geometry, "POINT", **{name: ("FLOAT", one) for name, one in fields.items()})
    depth, across, down = found["Depth"], found["Across"], found["Down"]
    inverse, is_slope = _slopes(tree, depth, found["Column"], found["Row"], columns, rows)
    geometry, is_slope = _split(tree, geometry, inverse, is_slope)
    with tree.frame("Along the viewing rays"):
        x = (across - tree.input("Centre across")) / tree.input("Focal length across") * depth
        z = (tree.input("Centre down") - down) / tree.input("Focal length down") * depth
        geometry = tree.call("GeometryNodeSetPosition", Geometry=geometry, Position=tree.vector(x, depth, z))
    geometry = _with_attributes(tree, geometry, across, down)
    with tree.frame("Cut-outs and tears"):
        names = ("Mask", "Cut nearer", "Cut farther", *depth_parts.CROPS)
        cuts = {name.replace(" ", "_"): tree.input(name) for name in names}
        is_kept = tree.use(
            depth_parts.cut_outs(), Measured=found["Measured"], Depth=depth, Across=across, Down=down, **cuts
        )
        geometry = tree.use(
            depth_parts.torn(), Mesh=geometry, Inverse=inverse, Kept=is_kept, Slope=is_slope, Tear=tree.input("Tear")
        )
        geometry = tree.use(depth_parts.islands(), Mesh=geometry, Smallest=tree.input("Smallest island"))
    with tree.frame("Thickness"):
        geometry = tree.use(depth_parts.thick(), Mesh=geometry, Thickness=tree.input("Thickness"))
    geometry = _with_background(tree, geometry)
    with tree.frame("Pose of the photo's camera"):
        turned, moved = tree.input("Camera rotation"), tree.input("Camera position")
        geometry = tree.call("GeometryNodeTransform", Geometry=geometry, Translation=moved, Rotation=turned)
    tree.finish(Geometry=("Geometry", geometry))


def _add_inputs(tree: Tree) -> None:
    metres: dict[str, Any] = {"least": 0.0, "subtype": "DISTANCE"}
    tree.add_input("Geometry", "Geometry", "A mesh behind the surface, which moves with the distances")
    with tree.panel("Depth"):
        about = "Distance from the camera to the nearest parts, such as 1 m"
        tree.add_input("Near", "Float", about, 1.0, 0.001, subtype="DISTANCE")
        about = "Distance from the camera to the farthest parts, such as 5 m"
        tree.add_input("Far", "Float", about, 3.0, 0.002, subtype="DISTANCE")
        about = "1: from near to far, 0: flat at the distance in their middle, above 1: exaggerated"
        tree.add_input("Strength", "Float", about, 1.0, 0.0, 10.0)
    with tree.panel("Shape"):
        about = "Vertices along the longer side, such as 512; 0: one for each pixel of the depth image"
        tree.add_input("Detail", "Int", about, 0, 0, 4096)
        about = "Cut where the distances of neighbours differ by more than this fraction, such as 0.04; 0: never"
        tree.add_input("Tear", "Float", about, 0.04, 0.0, 10.0)
        about = "Do not cut steep slopes, such as a floor at a grazing angle"
        tree.add_input("Keep slopes", "Bool", about, True)
        about = "Remove loose pieces with less than this percentage of the triangles, such as 0.1"
        tree.add_input("Smallest island", "Float", about, 0.0, 0.0, 50.0, "PERCENTAGE")
        about = "Close the surface to a body of this thickness along the view, such as 0.1 m; 0: leave it open"
        tree.add_input("Thickness", "Float", about, 0.0, **metres)
    with tree.panel("Cut-outs"):
        about = "Image of any size that is white where the surface is kept and black where it is cut out"
        tree.add_input("Mask", "Image", about)
        tree.add_input("Cut nearer", "Float", "Cut out what is nearer than this; 0: nothing", 0.0, **metres)
        tree.add_input("Cut farther", "Float", "Cut out what is farther than this; 0: nothing", 0.0, **metres)
        for name in depth_parts.CROPS:
            about = f"Percentage of the photo to cut off: {name.rpartition(' ')[2]}"
            tree.add_input(name, "Float", about, 0.0, 0.0, 100.0, "PERCENTAGE")
    with tree.panel("Images"):
        about = "Distances along the view in metres, as grey values of a 32-bit Non-Color image; 0 or less: nothing"
        tree.add_input("Depth image", "Image", about)
        tree.add_input("Photo", "Image", "The photo, for the colours of the vertices")
        tree.add_input("Material", "Material", "The material that shows the photo")
    with tree.panel("Photo's camera", is_closed=True):
        about = "Near distance for which the depth image was made"
        tree.add_input("Measured near", "Float", about, 1.0, 0.001, subtype="DISTANCE")
        about = "Far distance for which the depth image was made"
        tree.add_input("Measured far", "Float", about, 3.0, 0.002, subtype="DISTANCE")
        for side, word in (("across", "widths"), ("down", "heights")):
            tree.add_input(f"Focal length {side}", "Float", f"Focal length, in {word} of the photo", 1.0, 0.001)
            about = f"Where the lens axis meets the photo, in its {word}; 0.5: its middle"
            tree.add_input(f"Centre {side}", "Float", about, 0.5)
        tree.add_input("Camera position", "Vector", "Where the photo's camera is", subtype="TRANSLATION")
        tree.add_input("Camera rotation", "Rotation", "How the photo's camera is turned")


def _grid(tree: Tree) -> tuple[Value, Value, Value, Value, Value]:
    """Returns the grid, column and row of each of its points, and the numbers of columns and rows."""
    with tree.frame("Grid of the depth image"):
        about = tree.node("GeometryNodeImageInfo")
        tree.connect(tree.input("Depth image"), about.inputs["Image"])
        width, height = Value(tree, about.outputs["Width"]), Value(tree, about.outputs["Height"])
        longer = tree.most(width, height)
        detail = tree.input("Detail")
        cells = tree.switch("FLOAT", detail > 0.0, tree.least(detail, longer), longer)
        columns, rows = (tree.most(tree.math("ROUND", side * cells / longer), 2.0) for side in (width, height))
        # One unit between the points, so that their positions tell row and column exactly.
        geometry = tree.call(
            "GeometryNodeMeshGrid", Size_X=rows - 1.0, Size_Y=columns - 1.0, Vertices_X=rows, Vertices_Y=columns
        )
        x, y, _ = tree.parts(tree.call("GeometryNodeInputPosition"))
        return geometry, y + (columns - 1.0) / 2.0, x + (rows - 1.0) / 2.0, columns, rows


def _remapped(tree: Tree, measured: Value) -> Value:
    """Returns a measured depth at the wanted distances."""
    names = ("Near", "Far", "Measured near", "Measured far", "Strength")
    inputs = {name.replace(" ", "_"): tree.input(name) for name in names}
    return tree.use(depth_parts.remapped(), Measured=measured, **inputs)


def _slopes(tree: Tree, depth: Value, column: Value, row: Value, columns: Value, rows: Value) -> tuple[Value, Value]:
    """Returns inverse depth, and for the upper left point of each cell whether the cell lies on a slope.

    See `core.mesh.slopes`.
    """
    with tree.frame("Slopes"):
        inverse = 1.0 / depth
        even = depth_parts.even_steps()
        common = {"Inverse": inverse, "Tear": tree.input("Tear")}
        along = tree.use(even, **common, Place=column, Count=columns, First=row * columns, Stride=1.0)
        down = tree.use(even, **common, Place=row, Count=rows, First=column, Stride=columns)
        here = column + row * columns
        both = (along & down) & (tree.at(here + columns, along, "BOOLEAN") & tree.at(here + 1.0, down, "BOOLEAN"))
        return inverse, both & tree.input("Keep slopes")


def _split(tree: Tree, geometry: Value, inverse: Value, is_slope: Value) -> tuple[Value, Value]:
    """Returns the triangles of the grid, and which lie on a slope.

    Each cell is split along the diagonal with the smaller difference of inverse depth.
    """
    with tree.frame("Triangles"):
        upper_left, lower_left, lower_right, upper_right = (depth_parts.corner(tree, number) for number in range(4))
        a, b, c, d = (tree.at(one, inverse) for one in (upper_left, upper_right, lower_left, lower_right))
        is_falling = tree.math("ABSOLUTE", a - d) <= tree.math("ABSOLUTE", b - c)
        fields = {"Falling": ("BOOLEAN", is_falling), "Slope": ("BOOLEAN", tree.at(upper_left, is_slope, "BOOLEAN"))}
        geometry, found = tree.capture(geometry, "FACE", **fields)
        for method, selection in (("FIXED", found["Falling"]), ("FIXED_ALTERNATE", ~found["Falling"])):
            choices = {"quad_method": method}
            geometry = tree.call("GeometryNodeTriangulate", choices=choices, Mesh=geometry, Selection=selection)
        return geometry, found["Slope"]


def _with_attributes(tree: Tree, geometry: Value, across: Value, down: Value) -> Value:
    """Returns the geometry with texture coordinates, vertex colours and material."""
    with tree.frame("Photo"):
        place = tree.vector(across, 1.0 - down, 0.0)
        geometry = tree.store(geometry, UV_LAYER, "FLOAT2", "CORNER", place)
        colour = tree.pixel(tree.input("Photo"), place)
        geometry = tree.store(geometry, COLOUR_ATTRIBUTE, "BYTE_COLOR", "POINT", colour)
        geometry = tree.call("GeometryNodeSetShadeSmooth", Geometry=geometry)
        # The grid has one empty material slot, beside which "Set Material" would add another.
        return tree.call("GeometryNodeReplaceMaterial", Geometry=geometry, New=tree.input("Material"))


def _with_background(tree: Tree, geometry: Value) -> Value:
    """Returns the geometry with the object's own mesh, which continues the background, at the wanted distances."""
    with tree.frame("Background: the object's own mesh"):
        x, measured, z = tree.parts(tree.call("GeometryNodeInputPosition"))
        depth = _remapped(tree, measured)
        nearer = depth / measured
        at = tree.vector(x * nearer, depth, z * nearer)
        behind = tree.call("GeometryNodeSetPosition", Geometry=tree.input("Geometry"), Position=at)
        # The first mesh decides which texture coordinates and colours are the active ones.
        return tree.joined(behind, geometry)
