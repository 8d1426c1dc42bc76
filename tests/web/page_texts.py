# SPDX-License-Identifier: GPL-3.0-or-later
"""Every text that the web page shows, in English: those of its own sources, and what the server tells it."""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from mono3d_addon import web
from mono3d_addon.depth import choosing
from mono3d_addon.depth.catalogue import MODELS
from mono3d_addon.environment import SCENE, VTP, not_installed
from mono3d_addon.formats import FORMATS
from mono3d_addon.settings import PRESETS, WebOptions
from mono3d_addon.web import samples
from mono3d_addon.web.form import Form
from mono3d_addon.web.language import texts_of
from mono3d_addon.web.page_assets import STATIC
from tests.stages import SAID, constants_of, name_of, sentence_of, stages

PAGES = ("index.html", "sign_in.html")
_SOURCES = Path(web.__file__).parent
_TO_PROGRAMS = frozenset({400, 403, 405, 416, 431})
"""Statuses of refusals that the page does not cause. What the page itself checks first is among them."""

_OF_MODELS = (
    "bundled",
    "downloaded",
    "free for all use",
    "not for commercial work",
    "made from weights under {a}",
    "about {a} s",
    "{a} s here",
    "{a} s here ({b})",
    "{a} brings {b}: {c}",
    "The weights of '{a}' are under {b}, which excludes commercial work. Is your work not commercial, and do you "
    "accept this licence?",
    "{a} % more error than DPT large",
    "{a} % less error than DPT large",
    "{a} % of depths within {b} %",
    "{a} % of depths within {b} % in rooms",
    "{a} % of metres within {b} %",
    "{a} % of people",
    "metres {a} % off",
)
"""What is told of models, where numbers are filled in; a test fills them with those of all models."""

_SAME = re.compile(r"[\W\d]*|m|mm|px|%|MiDaS .*|Depth Anything .*|MoGe-2 \w+|Mono3D|[A-Z]+|(?=.*\d)\w+")
"""What is the same in every language: signs, units of SI, names."""


@dataclass(frozen=True)
class Literal:
    """A string in a module of the page: the module, its text, and the source in front of it."""

    module: str
    text: str
    before: str


@functools.cache
def own() -> frozenset[str]:
    """Returns the texts of the page's own modules and pages."""
    found = {text for name in PAGES for text in texts_of((STATIC / name).read_text(encoding="utf-8"))}
    found |= {one.text for one in literals() if _is_said(one)}
    return _without_names(found)


@functools.cache
def told() -> frozenset[str]:
    """Returns what the server tells the page: settings, models, formats, samples, stages, usual refusals."""
    return _without_names({*_of_form(), *_of_formats(), *_of_models(), *_of_refusals(), *stages(), *SAID})


def literals() -> list[Literal]:
    """Returns all strings in the page's modules."""
    return [one for path in sorted((STATIC / "js").glob("*.js")) for one in _strings(path)]


def unsaid() -> list[Literal]:
    """Returns strings that look like words for people and are not given to `t` or `heard`."""
    return [one for one in literals() if _is_for_people(one) and not _is_said(one) and not _is_code(one.before)]


def _without_names(found: set[str]) -> frozenset[str]:
    return frozenset(one for one in found if not _SAME.fullmatch(one))


def _of_form() -> Iterator[str]:
    description = Form.of(WebOptions(), Path("/nowhere")).described()
    for group in description["groups"]:
        yield group["name"]
        for item in group["fields"]:
            yield item["label"]
            yield item["help"]
            if item["unit"]:
                yield item["unit"]
            if item["name"] != "model":
                yield from (capital(one) for one in item["options"])
    yield from (capital(name) for name in PRESETS)


def capital(name: str) -> str:
    """Returns the label of an option, as the page and Blender have it."""
    words = name.replace("_", " ")
    return words[:1].upper() + words[1:]


def _of_models() -> Iterator[str]:
    yield from _OF_MODELS
    yield from choosing.BRINGS.values()
    for model in MODELS.values():
        yield model.label
        yield model.choose_when.rstrip(".")
        yield from model.gives_words
        if model.accuracy:
            words = re.sub(r"\d+", "{n}", model.accuracy.words)
            yield from (part for part in words.split(", ") if "{n}" not in part)


def _of_formats() -> Iterator[str]:
    for one in FORMATS.values():
        yield one.label.partition(": ")[2]
    yield from (f"{not_installed(component)} on this server." for component in (SCENE, VTP))
    yield from (sample.title for sample in samples.SAMPLES.values())


def _of_refusals() -> Iterator[str]:
    """Yields the sentences of refusals with which a visitor of the page may meet."""
    for path in sorted(_SOURCES.glob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        constants = dict(constants_of(tree))
        for node in ast.walk(tree):
            if not (isinstance(node, ast.Call) and name_of(node.func) == "Refusal" and len(node.args) > 1):
                continue
            status, sentence = node.args[:2]
            if isinstance(status, ast.Constant) and status.value in _TO_PROGRAMS:
                continue
            if isinstance(sentence, ast.Call) and isinstance(sentence.func, ast.Attribute):
                sentence = sentence.func.value  # _YOURS.format(...)
            yield from (one for one in sentence_of(sentence, constants) if re.sub(r"\{\w\}", "", one).strip())
        yield from (constants[name] for name in ("_INTERRUPTED", "_WRONG") if name in constants)


def _is_said(one: Literal) -> bool:
    return re.search(r"\b(?:t|heard)\((?:[^()\"`]*\|\|\s*)?$", one.before) is not None


_SHOWN = re.compile(r"(?:textContent = |\btext: |\btitle: |alt = |\"aria-label\": |announce\()(?:[^,;]*[?:(] )?$")


def _is_for_people(one: Literal) -> bool:
    if "\n" in one.text:
        return False  # a program for the graphics card
    words = re.search(r"[A-Za-z]{2,}\W* [A-Za-z]|^[A-Z][a-z]+( |$)|[a-z][.…]$", one.text)
    return words is not None or (re.search("[a-z]{2}", one.text) is not None and _SHOWN.search(one.before) is not None)


def _is_code(before: str) -> bool:
    """Returns whether the source in front of a string shows that it is none for people."""
    end = (
        r"(?:class: |from |import\(|new Error\(|querySelector(?:All)?\(|closest\(|headers\.get\(|name: |===? |style: )$"
    )
    return re.search(end, before) is not None


def _strings(path: Path) -> Iterator[Literal]:
    source = path.read_text(encoding="utf-8")
    yield from _strings_of(source, 0, len(source), path.name)


_START = re.compile(
    r"""//[^\n]*|/\*.*?\*/|(?P<expression>(?<=[=(,:?!&|\n])\s*/(?![/*])(?:[^/\\\n\[]|\\.|\[(?:[^\]\\\n]|\\.)*\])+/\w*)"""
    r"""|(?P<plain>"(?:[^"\\\n]|\\.)*")|(?P<template>`)""",
    re.DOTALL,
)


def _strings_of(source: str, start: int, end: int, module: str) -> Iterator[Literal]:
    place = start
    while (found := _START.search(source, place, end)) is not None:
        place = found.end()
        before = source[max(0, found.start() - 60) : found.start()]
        if found["plain"] is not None:
            yield Literal(module, ast.literal_eval(found["plain"]), before)
        elif found["template"] is not None:
            place, text, inner = _template(source, place)
            yield Literal(module, text, before)
            for one in inner:
                yield from _strings_of(source, *one, module)


def _template(source: str, place: int) -> tuple[int, str, list[tuple[int, int]]]:
    """Returns the end of a template, its text without the expressions, and where those are."""
    text, inner = "", []
    while source[place] != "`":
        if source.startswith("${", place):
            end = _closing(source, place + 2)
            inner.append((place + 2, end))
            text += "{}"
            place = end + 1
        else:
            text += source[place]
            place += 1
    return place + 1, text, inner


def _closing(source: str, place: int) -> int:
    """Returns the place of the bracket that closes the expression of a template."""
    depth = 0
    while depth or source[place] != "}":
        if source[place] == "`":
            place = _template(source, place + 1)[0]
            continue
        depth += {"{": 1, "}": -1}.get(source[place], 0)
        place += 1
    return place
