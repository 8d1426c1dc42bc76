# SPDX-License-Identifier: GPL-3.0-or-later
"""What the worker says in the usual states: the stages of jobs, from the sources, and what it tells of distances."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_ROOT = Path(__file__).resolve().parent.parent
_WITH_STAGES = ("mono3d_addon", "vendor_installer")
_STAGES = frozenset({"progress", "_progress", "on_progress", "stage"})
"""Functions whose first argument is a stage of a job, for the user."""

SAID = (
    "assumed {a} degrees",
    "assumed {a} degrees, unless the network estimates it",
    "estimated {a} degrees",
    "estimated {a} degrees (rough)",
    "estimated {a} to {b} m",
    "estimated {a} to {b} m (rough)",
    "typical {a} to {b} m (rough)",
    "near {a}, far {b}",
    "{a} m, set by you",
    "estimated {a} m",
    "estimated {a} m (rough)",
    "typical {a} m (rough)",
    "Distances: {a}.",
    "Distances: {a}; set 'Near' and 'Far' if you know them.",
    "There is no file '{a}'.",
    "two points {a} m apart",
    "two points {a} m and {b} m away",
)
"""What the worker says in the usual states. All else that it says stays English."""


def stages() -> Iterator[str]:
    """Yields the stages of jobs; what is filled in becomes {a}, {b} and so on."""
    trees = [
        ast.parse(path.read_text(encoding="utf-8")) for name in _WITH_STAGES for path in (_ROOT / name).rglob("*.py")
    ]
    constants = dict(one for tree in trees for one in constants_of(tree))
    for tree in trees:
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and node.args and name_of(node.func) in _STAGES:
                yield from sentence_of(node.args[0], constants)
    yield constants["READING"]


def constants_of(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Yields name and text of each constant of a module, also of several that are assigned together."""
    for node in tree.body:
        if isinstance(node, ast.Assign):
            target, value = node.targets[0], node.value
            names = target.elts if isinstance(target, ast.Tuple) else [target]
            values = value.elts if isinstance(value, ast.Tuple) and isinstance(target, ast.Tuple) else [value]
            for one, text in zip(names, values, strict=False):
                if isinstance(one, ast.Name) and isinstance(text, ast.Constant) and isinstance(text.value, str):
                    yield one.id, text.value


def sentence_of(node: ast.expr, constants: dict[str, str]) -> Iterator[str]:
    """Yields the text that an expression is, or those between which it chooses; what is filled in becomes {a}, {b}."""
    if isinstance(node, ast.Name) and node.id in constants:
        yield constants[node.id]
    elif isinstance(node, ast.JoinedStr):
        letters = iter("abcdefgh")
        parts = [
            str(one.value)
            if isinstance(one, ast.Constant)
            else constants.get(name_of(getattr(one, "value", None)), "") or f"{{{next(letters)}}}"
            for one in node.values
        ]
        yield "".join(parts)
    else:
        yield from literals(node)


def literals(node: ast.expr) -> Iterator[str]:
    """Yields the text that an expression is, or those between which it chooses."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.IfExp):
        yield from literals(node.body)
        yield from literals(node.orelse)


def name_of(node: Any) -> str:
    """Returns the last name of an expression such as `a.b`; empty if it has none."""
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")
