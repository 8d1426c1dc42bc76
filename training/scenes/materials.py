# SPDX-License-Identifier: GPL-3.0-or-later
"""Node materials in Blender for the patterns."""

from __future__ import annotations

from typing import Any

from training.scenes.blender import bpy
from training.scenes.stage import Color, Pattern

COLOR = "tint"
"""Name of the attribute with each shape's own colour."""


def material(pattern: Pattern) -> Any:
    """Returns a Blender material for a pattern; its first colour is the attribute COLOR."""
    made = bpy.data.materials.new(pattern.kind)
    if made.node_tree is None:
        made.use_nodes = True
    nodes, links = made.node_tree.nodes, made.node_tree.links
    nodes.clear()
    own = nodes.new("ShaderNodeAttribute")
    own.attribute_name = COLOR
    color = own.outputs["Color"]
    if pattern.kind not in ("plain", "glow"):
        color = _varied(pattern, color, nodes, links)
    output = nodes.new("ShaderNodeOutputMaterial")
    links.new(_surface(pattern, color, nodes, links), output.inputs["Surface"])
    return made


def strands(color: Color) -> Any:
    """Returns a Blender material for slightly glossy hair of one colour."""
    made = material(Pattern("plain", gloss=0.1, roughness=0.4))
    own = made.node_tree.nodes.new("ShaderNodeRGB")
    own.outputs[0].default_value = (*color, 1)
    matt = next(node for node in made.node_tree.nodes if node.type == "BSDF_DIFFUSE")
    shine = next(node for node in made.node_tree.nodes if node.type == "BSDF_GLOSSY")
    for node in (matt, shine):
        made.node_tree.links.new(own.outputs[0], node.inputs["Color"])
    return made


def _surface(pattern: Pattern, color: Any, nodes: Any, links: Any) -> Any:
    if pattern.kind == "glow":
        glow = nodes.new("ShaderNodeEmission")
        glow.inputs["Strength"].default_value = pattern.amount
        links.new(color, glow.inputs["Color"])
        return glow.outputs[0]
    matt = nodes.new("ShaderNodeBsdfDiffuse")
    links.new(color, matt.inputs["Color"])
    if pattern.gloss <= 0:
        return matt.outputs[0]
    shine = nodes.new("ShaderNodeBsdfGlossy")
    shine.inputs["Roughness"].default_value = pattern.roughness
    both = nodes.new("ShaderNodeMixShader")
    both.inputs[0].default_value = pattern.gloss
    links.new(matt.outputs[0], both.inputs[1])
    links.new(shine.outputs[0], both.inputs[2])
    return both.outputs[0]


def _varied(pattern: Pattern, color: Any, nodes: Any, links: Any) -> Any:
    where = _coordinates(pattern, nodes, links)
    share, own = _TEXTURES[pattern.kind](pattern, where, nodes, links)
    mixed = nodes.new("ShaderNodeMix")
    mixed.data_type = "RGBA"
    links.new(share, mixed.inputs["Factor"])
    first, second = (socket for socket in mixed.inputs if socket.type == "RGBA")
    links.new(color, first)
    second.default_value = (*pattern.second, 1)
    if own is not None:
        links.new(own, second)
    return next(socket for socket in mixed.outputs if socket.type == "RGBA")


def _coordinates(pattern: Pattern, nodes: Any, links: Any) -> Any:
    flat = pattern.kind in ("bricks", "checker", "stripes", "poster", "wood")
    source = nodes.new("ShaderNodeUVMap") if flat else nodes.new("ShaderNodeNewGeometry")
    placed = nodes.new("ShaderNodeVectorMath")
    placed.operation = "MULTIPLY_ADD"
    links.new(source.outputs["UV" if flat else "Position"], placed.inputs[0])
    stretch = (0.12, 1.0, 1.0) if pattern.kind == "wood" else (1.0, 1.0, 1.0)
    placed.inputs[1].default_value = [pattern.scale * factor for factor in stretch]
    placed.inputs[2].default_value = (pattern.seed, pattern.seed * 0.7, pattern.seed * 0.3)
    return placed.outputs[0]


def _stepped(value: Any, low: float, high: float, nodes: Any, links: Any) -> Any:
    step = nodes.new("ShaderNodeMapRange")
    step.inputs["From Min"].default_value = low
    step.inputs["From Max"].default_value = high
    links.new(value, step.inputs["Value"])
    return step.outputs[0]


def _noise(pattern: Pattern, where: Any, nodes: Any, links: Any) -> tuple[Any, Any]:
    texture = nodes.new("ShaderNodeTexNoise")
    texture.inputs["Scale"].default_value = 1
    texture.inputs["Detail"].default_value = 2
    links.new(where, texture.inputs["Vector"])
    middle = 0.75 - 0.5 * pattern.amount
    return _stepped(texture.outputs[0], middle - 0.15, middle + 0.15, nodes, links), None


def _wood(pattern: Pattern, where: Any, nodes: Any, links: Any) -> tuple[Any, Any]:
    texture = nodes.new("ShaderNodeTexWave")
    texture.bands_direction = "Y"
    texture.inputs["Scale"].default_value = 1
    texture.inputs["Distortion"].default_value = 6
    texture.inputs["Detail"].default_value = 1
    links.new(where, texture.inputs["Vector"])
    return _stepped(texture.outputs["Fac"], 0, 1 / max(0.1, pattern.amount), nodes, links), None


def _marble(pattern: Pattern, where: Any, nodes: Any, links: Any) -> tuple[Any, Any]:
    texture = nodes.new("ShaderNodeTexWave")
    texture.inputs["Scale"].default_value = 1
    texture.inputs["Distortion"].default_value = 12
    texture.inputs["Detail"].default_value = 2
    links.new(where, texture.inputs["Vector"])
    return _stepped(texture.outputs["Fac"], 1 - pattern.amount, 1, nodes, links), None


def _bricks(pattern: Pattern, where: Any, nodes: Any, links: Any) -> tuple[Any, Any]:
    texture = nodes.new("ShaderNodeTexBrick")
    texture.inputs["Scale"].default_value = 1
    texture.inputs["Mortar Size"].default_value = 0.03
    links.new(where, texture.inputs["Vector"])
    return texture.outputs["Fac"], None


def _checker(pattern: Pattern, where: Any, nodes: Any, links: Any) -> tuple[Any, Any]:
    texture = nodes.new("ShaderNodeTexChecker")
    texture.inputs["Scale"].default_value = 1
    links.new(where, texture.inputs["Vector"])
    return texture.outputs["Fac"], None


def _stripes(pattern: Pattern, where: Any, nodes: Any, links: Any) -> tuple[Any, Any]:
    texture = nodes.new("ShaderNodeTexWave")
    texture.inputs["Scale"].default_value = 0.6
    texture.inputs["Distortion"].default_value = 0
    links.new(where, texture.inputs["Vector"])
    middle = 1 - pattern.amount
    return _stepped(texture.outputs["Fac"], middle - 0.05, middle + 0.05, nodes, links), None


def _cells(pattern: Pattern, where: Any, nodes: Any, links: Any) -> tuple[Any, Any]:
    texture = nodes.new("ShaderNodeTexVoronoi")
    texture.inputs["Scale"].default_value = 1
    links.new(where, texture.inputs["Vector"])
    return _stepped(texture.outputs["Distance"], 0, 1.2, nodes, links), None


def _spots(pattern: Pattern, where: Any, nodes: Any, links: Any) -> tuple[Any, Any]:
    texture = nodes.new("ShaderNodeTexVoronoi")
    texture.inputs["Scale"].default_value = 1
    links.new(where, texture.inputs["Vector"])
    size = 0.15 + 0.4 * pattern.amount
    return _stepped(texture.outputs["Distance"], size + 0.03, size - 0.03, nodes, links), None


def _poster(pattern: Pattern, where: Any, nodes: Any, links: Any) -> tuple[Any, Any]:
    """Flat shapes of many colours, with shading that looks like depth."""
    bent = nodes.new("ShaderNodeTexNoise")
    bent.inputs["Scale"].default_value = 0.8
    links.new(where, bent.inputs["Vector"])
    moved = nodes.new("ShaderNodeMix")
    moved.data_type = "VECTOR"
    moved.inputs["Factor"].default_value = 0.25 + 0.4 * pattern.amount
    first, second = (
        socket for socket in moved.inputs if socket.type == "VECTOR" and not socket.name.startswith("Factor")
    )
    links.new(where, first)
    links.new(bent.outputs["Color"], second)
    cells = nodes.new("ShaderNodeTexVoronoi")
    cells.inputs["Scale"].default_value = 2.5
    links.new(next(socket for socket in moved.outputs if socket.type == "VECTOR"), cells.inputs["Vector"])
    return _stepped(cells.outputs["Distance"], 0.6, 0.1, nodes, links), cells.outputs["Color"]


_TEXTURES = {
    "noise": _noise,
    "wood": _wood,
    "marble": _marble,
    "bricks": _bricks,
    "checker": _checker,
    "stripes": _stripes,
    "cells": _cells,
    "spots": _spots,
    "poster": _poster,
}
