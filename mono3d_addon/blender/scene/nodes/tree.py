# SPDX-License-Identifier: GPL-3.0-or-later
"""Builds node groups: nodes in labelled frames, connected by values that can be calculated with.

What differs between Blender 4.2 and 5.2 is here and in `modifier`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import bpy

from ...names import NODES

_GAP, _COLUMN, _ROW = 60, 190, 170
"""Sizes in the node editor's units: between frames, and of one node."""

_MENUS = {
    "FIXED": "Fixed",
    "FIXED_ALTERNATE": "Fixed Alternate",
    "ALL": "All",
}
"""Choices that were properties of a node before 5.0 and are sockets since, with the words of these sockets."""


class Value:
    """The output of a node; arithmetic with values and numbers adds nodes."""

    def __init__(self, tree: Tree, socket: Any) -> None:
        self.tree, self.socket = tree, socket

    def __add__(self, other: Value | float) -> Value:
        return self.tree.math("ADD", self, other)

    def __radd__(self, other: float) -> Value:
        return self.tree.math("ADD", other, self)

    def __sub__(self, other: Value | float) -> Value:
        return self.tree.math("SUBTRACT", self, other)

    def __rsub__(self, other: float) -> Value:
        return self.tree.math("SUBTRACT", other, self)

    def __mul__(self, other: Value | float) -> Value:
        return self.tree.math("MULTIPLY", self, other)

    def __truediv__(self, other: Value | float) -> Value:
        return self.tree.math("DIVIDE", self, other)

    def __rtruediv__(self, other: float) -> Value:
        return self.tree.math("DIVIDE", other, self)

    def __gt__(self, other: Value | float) -> Value:
        return self.tree.compare("GREATER_THAN", self, other)

    def __ge__(self, other: Value | float) -> Value:
        return self.tree.compare("GREATER_EQUAL", self, other)

    def __le__(self, other: Value | float) -> Value:
        return self.tree.compare("LESS_EQUAL", self, other)

    def __lt__(self, other: Value | float) -> Value:
        return self.tree.compare("LESS_THAN", self, other)

    def __and__(self, other: Value) -> Value:
        return self.tree.boolean("AND", self, other)

    def __or__(self, other: Value) -> Value:
        return self.tree.boolean("OR", self, other)

    def __invert__(self) -> Value:
        return self.tree.boolean("NOT", self)


def shared(name: str, version: int, build: Callable[[Tree], Any]) -> Any:
    """Returns this file's group of a name and version; calls `build` with a new tree if there is none.

    A version changes with the nodes of the group: objects keep the group that they were made with.
    """
    groups: Any = bpy.data.node_groups
    mark = f"{name} {version}"  # `modifier.find` reads it
    found = next((one for one in groups if one.get(NODES) == mark and one.library is None), None)
    if found is None:
        tree = Tree(name)
        build(tree)
        found = tree.group
        found[NODES] = mark
    return found


class Tree:
    """A new Geometry Nodes group called `name`."""

    def __init__(self, name: str) -> None:
        self.group: Any = bpy.data.node_groups.new(name, "GeometryNodeTree")
        self._panel: Any = None
        self._frame: Any = None
        self._inputs: Any = None
        self._frames: list[list[Any]] = [[]]

    # The interface

    @contextmanager
    def panel(self, name: str, *, is_closed: bool = False) -> Iterator[None]:
        """Puts the inputs that are added meanwhile into a panel of the modifier."""
        self._panel = self.group.interface.new_panel(name, default_closed=is_closed)
        yield
        self._panel = None

    def add_input(
        self,
        name: str,
        kind: str,
        about: str = "",
        default: Any = None,
        least: float | None = None,
        most: float | None = None,
        subtype: str = "NONE",
    ) -> None:
        """Adds an input: its name, the kind of socket ("Float", "Image" ...), its tooltip, default and bounds."""
        socket = self.group.interface.new_socket(
            name, description=about, in_out="INPUT", socket_type=f"NodeSocket{kind}", parent=self._panel
        )
        # Bounds first: they would cut the default.
        if subtype != "NONE":
            socket.subtype = subtype
        if least is not None:
            socket.min_value = least
        if most is not None:
            socket.max_value = most
        if default is not None:
            socket.default_value = default

    def input(self, name: str) -> Value:
        """Returns the value of an input."""
        if self._inputs is None:
            self._inputs = self.node("NodeGroupInput")
        return Value(self, self._inputs.outputs[name])

    # Nodes

    @contextmanager
    def frame(self, label: str) -> Iterator[None]:
        """Puts the nodes that are added meanwhile into a frame with a label."""
        self._frame = self.group.nodes.new("NodeFrame")
        self._frame.label = self._frame.name = label
        self._frames.append([])
        self._inputs = None
        yield
        self._frame = self._inputs = None

    def node(self, kind: str, **choices: Any) -> Any:
        """Returns a new node. Choices are its properties, or since 5.0 its sockets of the same name."""
        made = self.group.nodes.new(kind)
        made.parent = self._frame
        self._frames[-1].append(made)
        for name, choice in choices.items():
            if hasattr(made, name):
                setattr(made, name, choice)
            else:
                made.inputs[name.replace("_", " ").title()].default_value = _MENUS[choice]
        return made

    def call(self, kind: str, output: str = "", *, choices: dict[str, Any] | None = None, **inputs: Any) -> Value:
        """Returns an output of a new node, by default its first.

        Inputs are values or constants, by name with underscores.
        """
        made = self.node(kind, **(choices or {}))
        for name, given in inputs.items():
            self.connect(given, _enabled(made.inputs, name))
        return Value(self, _enabled(made.outputs, output) if output else _first(made.outputs))

    def use(self, group: Any, **inputs: Any) -> Value:
        """Returns the first output of a new node that is another group."""
        made = self.node("GeometryNodeGroup", node_tree=group)
        made.label = group.name
        for name, given in inputs.items():
            self.connect(given, _enabled(made.inputs, name))
        return Value(self, made.outputs[0])

    def connect(self, given: Any, socket: Any) -> None:
        """Connects a value to a socket, or sets the socket to a constant."""
        if isinstance(given, Value):
            self.group.links.new(given.socket, socket)
        else:
            socket.default_value = given

    def math(self, operation: str, *values: Value | float) -> Value:
        """Returns a new math node's result."""
        made = self.node("ShaderNodeMath", operation=operation)
        for given, socket in zip(values, made.inputs, strict=False):
            self.connect(given, socket)
        return Value(self, made.outputs[0])

    def most(self, first: Value | float, *others: Value | float) -> Value:
        """Returns the largest."""
        return self._reduced("MAXIMUM", first, others)

    def least(self, first: Value | float, *others: Value | float) -> Value:
        """Returns the smallest."""
        return self._reduced("MINIMUM", first, others)

    def _reduced(self, operation: str, first: Value | float, others: tuple[Value | float, ...]) -> Value:
        found = first
        for other in others:
            found = self.math(operation, found, other)
        assert isinstance(found, Value)
        return found

    def compare(self, operation: str, one: Value | float, other: Value | float) -> Value:
        """Returns whether a comparison of numbers holds."""
        return self.call("FunctionNodeCompare", choices={"data_type": "FLOAT", "operation": operation}, A=one, B=other)

    def boolean(self, operation: str, *values: Value) -> Value:
        """Returns a Boolean combination."""
        made = self.node("FunctionNodeBooleanMath", operation=operation)
        for given, socket in zip(values, made.inputs, strict=False):
            self.connect(given, socket)
        return Value(self, made.outputs[0])

    def switch(self, kind: str, condition: Value, yes: Any, no: Any) -> Value:
        """Returns one of two values; of geometries only the chosen one is made."""
        return self.call("GeometryNodeSwitch", choices={"input_type": kind}, Switch=condition, True_=yes, False_=no)

    def vector(self, x: Any, y: Any, z: Any) -> Value:
        """Returns a vector of three numbers."""
        return self.call("ShaderNodeCombineXYZ", X=x, Y=y, Z=z)

    def parts(self, vector: Value) -> tuple[Value, Value, Value]:
        """Returns the three numbers of a vector."""
        made = self.node("ShaderNodeSeparateXYZ")
        self.connect(vector, made.inputs[0])
        x, y, z = (Value(self, socket) for socket in made.outputs)
        return x, y, z

    def capture(self, geometry: Value, domain: str, **fields: tuple[str, Value]) -> tuple[Value, dict[str, Value]]:
        """Evaluates fields once; returns the geometry and what they came to.

        Each field has a kind: "FLOAT" or "BOOLEAN".
        """
        made = self.node("GeometryNodeCaptureAttribute", domain=domain)
        for name, (kind, _) in fields.items():
            made.capture_items.new(kind, name)
        self.connect(geometry, made.inputs["Geometry"])
        for name, (_, given) in fields.items():
            self.connect(given, made.inputs[name])
        kept = {name: Value(self, made.outputs[name]) for name in fields}
        return Value(self, made.outputs["Geometry"]), kept

    def store(self, geometry: Value, name: str, kind: str, domain: str, given: Value) -> Value:
        """Returns the geometry with a named attribute."""
        choices = {"data_type": kind, "domain": domain}
        return self.call("GeometryNodeStoreNamedAttribute", choices=choices, Geometry=geometry, Name=name, Value=given)

    def at(self, index: Value, given: Value, kind: str = "FLOAT") -> Value:
        """Returns what a field of points comes to at the point with an index."""
        return self.call(
            "GeometryNodeFieldAtIndex", choices={"data_type": kind, "domain": "POINT"}, Index=index, Value=given
        )

    def joined(self, *geometries: Value) -> Value:
        """Returns several geometries as one; the first one's materials come first."""
        made = self.node("GeometryNodeJoinGeometry")
        for one in reversed(geometries):  # Blender takes the link made last first
            self.connect(one, made.inputs[0])
        return Value(self, made.outputs[0])

    def pixel(self, image: Value, place: Value) -> Value:
        """Returns the colour of an image's pixel at a place, 0..1 from its lower left corner."""
        choices = {"interpolation": "Closest", "extension": "EXTEND"}
        return self.call("GeometryNodeImageTexture", "Color", choices=choices, Image=image, Vector=place)

    def finish(self, **outputs: tuple[str, Value]) -> None:
        """Makes values the outputs, each with the kind of its socket, and arranges the nodes."""
        for name, (kind, _) in outputs.items():
            self.group.interface.new_socket(name, in_out="OUTPUT", socket_type=f"NodeSocket{kind}")
        with self.frame("Result"):
            end = self.node("NodeGroupOutput")
            for name, (_, given) in outputs.items():
                self.connect(given, end.inputs[name])
        needs: dict[str, list[str]] = {}
        for link in self.group.links:
            needs.setdefault(link.to_node.name, []).append(link.from_node.name)
        left = 0.0
        for nodes in self._frames:
            left = _arrange(nodes, needs, left) + _GAP if nodes else left


def _first(sockets: Any) -> Any:
    return next(socket for socket in sockets if socket.enabled)


def _enabled(sockets: Any, name: str) -> Any:
    """Returns the socket with a name; of several with the same name, the one in use."""
    words = name.strip("_").replace("_", " ")
    found = (socket for socket in sockets if socket.name == words and socket.enabled)
    # Set Shade Smooth takes a "Geometry" before 5.0 and a "Mesh" since.
    return next(found, None) or (sockets["Mesh"] if words == "Geometry" else sockets[words])


def _arrange(nodes: list[Any], needs: dict[str, list[str]], left: float) -> float:
    """Places the nodes of a frame in columns, each right of what it needs; returns where the frame ends."""
    column: dict[str, int] = {}
    heights: dict[int, int] = {}
    for node in nodes:  # each is made after those that it needs
        place = max((column[name] + 1 for name in needs.get(node.name, ()) if name in column), default=0)
        column[node.name] = place
        node.location = (left + _COLUMN * place, -_ROW * heights.get(place, 0))
        heights[place] = heights.get(place, 0) + 1
    return left + _COLUMN * (1 + max(heights, default=0))
