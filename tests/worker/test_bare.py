# SPDX-License-Identifier: GPL-3.0-or-later
"""A real worker process without extras, started by an interpreter that has them."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from mono3d_addon.core import extras
from mono3d_addon.errors import Mono3DError
from mono3d_addon.version import ROOT
from mono3d_addon.worker import client
from mono3d_addon.worker.client import Worker

START = """\
import json, sys
before, behind = json.loads(sys.argv.pop(1))
sys.path[:] = [*before, FOLDER, *sys.path, *behind]
from mono3d_addon.worker import protocol, server
protocol.TASKS = {**protocol.TASKS, "probe": "probe_task"}
server.main(sys.argv[1:])
"""

TASK = """\
import importlib, importlib.util, sys
from pathlib import Path

def run(request, progress, session):
    if "needs" in request:
        importlib.import_module(request["needs"])
    found = {}
    for name in request["names"]:
        try:
            importlib.import_module(name)
            found[name] = "imported"
        except ModuleNotFoundError as error:
            found[name] = f"no {error.name.partition(chr(46))[0]}"
    specs = [name for name in request["names"] if importlib.util.find_spec(name.partition(".")[0])]
    import numpy
    return {"found": found, "specs": specs, "numpy": numpy.__file__, "path": sys.path}
"""

HERE = [name for name in extras.NAMES if importlib.util.find_spec(name) is not None]
"""The extras that this interpreter has; importing one of them would prove a worker that is not bare."""


def probe(folder: Path, monkeypatch: pytest.MonkeyPatch, allowed: Sequence[str] = (), **request: Any) -> dict[str, Any]:
    """Runs a task of the test's in a bare worker, through the real client and server."""
    (folder / "probe_task.py").write_text(TASK, encoding="utf-8")
    monkeypatch.setattr(client, "_START", START.replace("FOLDER", repr(str(folder))))
    worker = Worker("probe", [], folder / "worker.log", folder, is_bare=True, allowed=allowed)
    try:
        return worker.submit({"names": ["PIL.Image", *extras.NAMES], **request}).wait()
    finally:
        worker.stop()


@pytest.mark.skipif("PIL" not in HERE, reason="there is no extra to forbid")
def test_a_bare_worker_imports_no_extra_that_the_interpreter_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = probe(tmp_path, monkeypatch)
    assert result["found"] == {"PIL.Image": "no PIL", **{name: f"no {name}" for name in extras.NAMES}}
    assert result["specs"] == []


def test_its_numpy_is_the_interpreters_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    planted = tmp_path / "planted" / "numpy"
    planted.mkdir(parents=True)
    (planted / "__init__.py").write_text("raise RuntimeError('not the interpreter\\'s')")
    monkeypatch.setenv("PYTHONPATH", str(planted.parent))
    monkeypatch.chdir(planted.parent)
    own = subprocess.run(
        [sys.executable, "-I", "-c", "import json, numpy, sys; print(json.dumps([numpy.__file__, sys.path]))"],
        capture_output=True,
        check=True,
    )
    path, search = json.loads(own.stdout)
    result = probe(tmp_path, monkeypatch)
    assert result["numpy"] == path
    assert [place for place in result["path"] if place not in search] == [str(ROOT), str(tmp_path)]


@pytest.mark.skipif("PIL" not in HERE, reason="there is no Pillow to allow")
def test_an_extra_can_be_allowed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = probe(tmp_path, monkeypatch, [extras.PILLOW])["found"]
    assert [name for name, what in found.items() if what == "imported"] == ["PIL.Image", "PIL"]


def test_what_needs_an_extra_says_so_in_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(
        Mono3DError, match=r"need the package torch, which is not installed: click Install .* --install"
    ):
        probe(tmp_path, monkeypatch, needs="torch")


def test_a_bare_worker_has_no_packages(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no packages"):
        Worker("reconstruct", [tmp_path], tmp_path / "worker.log", tmp_path, is_bare=True)


def test_what_is_imported_already_cannot_be_forbidden() -> None:
    with pytest.raises(RuntimeError, match="json has been imported"):
        extras.forbid(["json"])


def test_a_broken_package_is_not_called_missing() -> None:
    broken = ImportError("DLL load failed", name="open3d")
    assert "cannot be loaded (DLL load failed)" in str(extras.needed("Poisson surfaces", broken))
    other = ModuleNotFoundError("No module named 'dash'", name="dash")
    assert "cannot be loaded" in str(extras.needed("Poisson surfaces", other))
