# SPDX-License-Identifier: GPL-3.0-or-later
"""The code blocks of the documents: each one is run here, or accepted by the parser, or listed with what tests it."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from mono3d_addon.arguments import build_parser, build_web_parser, parse_batch
from website.blocks import COMMAND, Block, blocks_of
from website.photos import read

ROOT = Path(__file__).resolve().parent.parent
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCKS = [(path.name, block) for path in DOCUMENTS for block in blocks_of(path)]
INSIDE_BLENDER = re.compile(r"blender .*--python mono3d_addon/batch\.py -- ")

ELSEWHERE = {
    r"blender .*mono3d_addon/batch\.py": "tests/programs runs batches and --install in Blender",
    r"python3 -m mono3d_addon web": "accepted by the parser; tests/web and tests/browser start servers",
    r"python3 -m mono3d_addon models": "tests/test_models_command.py",
    r"python3 -m mono3d_addon batch": "accepted by the parser; tests/farm runs batches",
    r"python3 -m mono3d_addon PHOTO": "a pattern",
    r"python3 -m mono3d_addon\.build": "tests/build",
    r"python3 -m vendor_installer": "tests/vendor_installer",
    r"python3 -m pip install '?(mono3d|\.)|python3 -m venv env|pipx": "tests/build/test_pip.py",
    r"python3 -m (pip|website)": "the part website of the test run",
    r"python3 tests/run\.py": "this very run",
    r"python3 -c \"import secrets": "makes a secret file in the user's folder",
    r"https://example\.org/": "a pattern; tests/programs/test_repository_window.py drags such a link",
    r"apt install|useradd |podman ": "changes the system",
    r"curl ": "tests/web makes the same requests",
    r"#!/bin/sh|seq ": "tests/test_farms.py",
    r"out/3f/a9": "names of results; tests/farm/test_stored.py",
    r"export RAY_API_SERVER_ADDRESS": "needs a cluster with its dashboard; tests/farm runs the same command",
    r"scrape_configs:": "a part of Prometheus' configuration",
    r"Mono3D is running at": "an output",
    r"blender_manifest\.toml|blender, web, cli": "no code; tests/test_docs.py compares it with the repository",
}
"""Beginning of a block's first command -> why it is not run here."""

AS_ONE_PROGRAM = {"python.md": "tests/mono3d/test_examples.py"}
"""Documents whose Python blocks continue each other, and what runs them."""


def name_of(entry: tuple[str, Block]) -> str:
    return f"{entry[0]}#{entry[1].heading}"


def where(entry: tuple[str, Block]) -> str:
    """Returns what tests a block: "here", "in Blender", or the reason why it is not run; empty: nothing."""
    document, block = entry
    if block.is_python:
        if document in AS_ONE_PROGRAM:
            return AS_ONE_PROGRAM[document]
        if "Client(" in block.text:
            return "test_the_client_of_the_web_page_runs"
        return "in Blender" if "import bpy" in block.text else "here"
    if block.runs and block.runs == block.commands:
        return "here"
    return next((reason for words, reason in ELSEWHERE.items() if re.match(words, block.commands[0])), "")


@pytest.mark.parametrize("entry", BLOCKS, ids=name_of)
def test_every_block_is_tested_somewhere(entry: tuple[str, Block]) -> None:
    assert where(entry), f"run this block in a test, or list it: {entry[1].text}"


def test_no_entry_of_the_list_is_out_of_date() -> None:
    used = {where(entry) for entry in BLOCKS}
    assert set(ELSEWHERE.values()) <= used, set(ELSEWHERE.values()) - used


def commands() -> Iterator[str]:
    for _, block in BLOCKS:
        for command in block.commands:
            if command.startswith(COMMAND) and not re.search(r" (models|PHOTO)", command):
                yield command.removeprefix(COMMAND)
            elif INSIDE_BLENDER.match(command):
                yield INSIDE_BLENDER.sub("", command)


@pytest.mark.parametrize("words", dict.fromkeys(commands()))
def test_commands_are_accepted(words: str) -> None:
    given = shlex.split(words)
    if given[0] == "batch":
        line = parse_batch(given[1:], "mono3d batch")
        assert line.options.warm if line.action == "stop" else line.options.output
    elif given[0] == "web":
        build_web_parser("mono3d web").parse_args(given[1:])
    else:
        build_parser("mono3d").parse_args(given)


@pytest.fixture(scope="module")
def kitchen(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the files that the documents name: small copies of the gallery's photos, a mask, a depth map."""
    from PIL import Image

    folder = tmp_path_factory.mktemp("kitchen")
    for place in ("photos/catalogue", "tests/photos", "out"):
        (folder / place).mkdir(parents=True)
    for photo in read():
        with Image.open(ROOT / "docs/pictures/gallery" / f"{photo.name}_photo.webp") as stored:
            small = stored.convert("RGB").resize((stored.width // 2, stored.height // 2))
        name = f"{photo.name}{Path(photo.path).suffix}"
        small.save(folder / "photos" / name)
        if photo.name in ("cup", "books"):
            small.save(folder / "photos/catalogue" / name)
        if photo.name == "cup":
            for copy in ("cup.jpg", "cup.png", "tests/photos/coffee.png"):
                small.save(folder / copy)
    Image.fromarray(np.pad(np.full((60, 80), 255, np.uint8), 20)).save(folder / "photos/cup_mask.png")
    distance = np.linspace(0.9, 0.4, 160, dtype=np.float32)[:, None].repeat(240, axis=1)
    np.save(folder / "photos/cup_depth.npy", distance)
    return folder


def environment() -> dict[str, str]:
    data = os.environ.get("MONO3D_TEST_DATA")
    if not data:
        pytest.skip("needs the packages of the core's tests")
    return {**os.environ, "PYTHONPATH": str(ROOT), "MONO3D_DATA": data}


def run_all(document: str, kitchen: Path) -> None:
    """Runs the commands of a document, then its programs as one, because later ones go on from earlier ones."""
    own = [block for name, block in BLOCKS if name == document and where((name, block)) == "here"]
    programs = [block.text for block in own if block.is_python]
    for block in own:
        for command in block.runs:
            # The packages are there; what installing does has tests of its own.
            words = [word for word in shlex.split(command)[1:] if word != "--install"]
            # The smallest mesh tells as much.
            smaller = [] if "--detail" in words or "--preset" in words else ["--detail", "128"]
            run([sys.executable, *words, *smaller], kitchen)
    if programs:
        run([sys.executable, "-c", "\n".join(programs)], kitchen)


def run(words: list[str], folder: Path) -> None:
    done = subprocess.run(words, cwd=folder, env=environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{words}\n{done.stdout}\n{done.stderr}"


def test_what_one_gets_started_with_runs(kitchen: Path) -> None:
    run_all("get_started.md", kitchen)


@pytest.mark.thorough
@pytest.mark.parametrize("document", sorted({one[0] for one in BLOCKS if where(one) == "here"} - {"get_started.md"}))
def test_programs_and_commands_run(document: str, kitchen: Path) -> None:
    run_all(document, kitchen)
    if document == "command_line.md":
        assert (kitchen / "cup.ply").is_file()
        assert (kitchen / "out/portrait.glb").is_file()


@pytest.mark.thorough
def test_the_client_of_the_web_page_runs(kitchen: Path) -> None:
    (block,) = [block for name, block in BLOCKS if name == "web.md" and "Client(" in block.text]
    words = [sys.executable, "-m", "mono3d_addon", "web", "--port", "0", "--no-open-browser"]
    words += ["--data-folder", environment()["MONO3D_DATA"]]
    server = subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, text=True, env=environment())
    try:
        assert server.stdout is not None
        address = next(found[0] for line in server.stdout if (found := re.search(r"http://127\.0\.0\.1:\d+", line)))
        run([sys.executable, "-c", block.text.replace("http://127.0.0.1:8760", address)], kitchen)
    finally:
        server.terminate()
        server.wait(60)
    assert (kitchen / "out/near/cup.glb").is_file()


def test_blocks_are_found(tmp_path: Path) -> None:
    text = "# A `x` b\n\ntext\n    no code\n\n    python3 -m mono3d_addon a.jpg \\\n        -o b/  # c\n\n"
    text += "```python\nimport x\n```\n"
    document = tmp_path / "x.md"
    document.write_text(text, encoding="utf-8")
    first, second = blocks_of(document)
    assert (first.heading, first.runs) == ("a-x-b", ["python3 -m mono3d_addon a.jpg      -o b/"])
    assert second.is_python and second.text == "import x"
