# SPDX-License-Identifier: GPL-3.0-or-later
"""The examples of docs/python.md and the notebook, run as they stand."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "python.md"
NOTEBOOK = ROOT / "docs" / "notebook.ipynb"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the photos that the examples name."""
    (tmp_path / "photos").mkdir()
    with Image.open(ROOT / "tests" / "photos" / "coffee.png") as picture:
        for name in ("cup.jpg", "photos/one.jpg", "photos/two.jpg"):
            picture.convert("RGB").resize((300, 200)).save(tmp_path / name, quality=90)
    return tmp_path


def without_packages(folder: Path) -> dict[str, str]:
    return {**os.environ, "MONO3D_DATA": str(folder / "data"), "PYTHONPATH": str(ROOT)}


def test_the_examples_of_the_page_run(folder: Path) -> None:
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) > 5
    code = "\n".join(blocks)
    done = subprocess.run(
        [sys.executable, "-P", "-c", code],
        cwd=folder,
        env=without_packages(folder),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    files = {path.relative_to(folder).as_posix() for path in folder.rglob("*.*") if "data" not in path.parts}
    assert files >= {"cup.glb", "out/cup.ply", "out/cup_preview.png", "out/one.glb", "out/two.glb"}
    assert "There is no file" in done.stdout.splitlines()[-1]


def test_the_page_describes_every_public_name() -> None:
    import mono3d

    text = PAGE.read_text(encoding="utf-8")
    for cls, start in ((mono3d.Reconstruction, "`"), (mono3d.Worker, "worker.")):
        for name in (name for name in vars(cls) if not name.startswith("_") and name not in ("name", "photo", "close")):
            assert f"{start}{name}" in text, name


def test_the_notebook_has_no_results_and_its_code_is_sound() -> None:
    cells = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    assert len(code) > 3 and all(not cell["outputs"] and cell["execution_count"] is None for cell in code)
    for cell in code:
        ast.parse("".join(cell["source"]))


@pytest.mark.thorough
def test_the_notebook_runs(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a kernel of Jupyter; each result shows its picture."""
    import nbclient
    import nbformat

    monkeypatch.setenv("MONO3D_DATA", str(folder / "data"))
    monkeypatch.setenv("PYTHONPATH", str(ROOT), prepend=os.pathsep)
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    client = nbclient.NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(folder)}})
    client.execute()
    shown = [output.data for cell in notebook.cells for output in cell.get("outputs", ()) if "data" in output]
    pictures = [data for data in shown if "image/png" in data]
    assert len(pictures) == 2 and all("<figure" in data["text/html"] for data in pictures)
    assert shown[-1]["text/plain"] == "True" and (folder / "cup.glb").is_file()
