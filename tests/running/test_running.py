# SPDX-License-Identifier: GPL-3.0-or-later
"""The test run itself: tiers, changes, results and summary."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests import run
from tests.running import changes
from tests.running.environments import LeftOut
from tests.running.parts import PARTS, SMOKE_ONLY, WHEELS, Part, Tier
from tests.running.pytest_run import Command, Outcome, together
from tests.running.pytest_run import pytest as run_pytest
from tests.running.summary import exit_code, summary

ROOT = Path(__file__).resolve().parents[2]

SAMPLE = """
import pytest

def test_quick(): pass
def test_bad(): assert False
@pytest.mark.skip
def test_not_here(): pass
@pytest.mark.thorough
def test_long(): pass
@pytest.mark.parametrize("count", [1, pytest.param(9, marks=pytest.mark.thorough)])
def test_in_two_sizes(count): pass
"""

SETTINGS = """
[pytest]
markers =
    thorough: as in the project
    serial: as in the project
addopts = --import-mode=importlib -p no:cacheprovider
"""

NO_PLUGINS = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
"""Of the packages around; some take seconds to import."""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with one test file, tests/core/test_sample.py, and the real conftest."""
    (tmp_path / "tests" / "core").mkdir(parents=True)
    (tmp_path / "tests" / "core" / "test_sample.py").write_text(SAMPLE)
    (tmp_path / "pytest.ini").write_text(SETTINGS)
    shutil.copy(ROOT / "tests" / "conftest.py", tmp_path / "tests")
    return tmp_path


def outcome(project: Path, *arguments: str) -> Outcome:
    command = Command((sys.executable, "-m", "pytest", "-q"), NO_PLUGINS)
    results = project / "results" / "core.xml"
    return run_pytest("core", command, arguments, root=project, results=results, is_shown=False)


@pytest.mark.parametrize(
    ("arguments", "passed"),
    [
        (["tests"], 2),
        (["tests", "--thorough"], 4),
        (["tests", "--thorough-in=tests/depth/*"], 2),
        (["tests", "--thorough-in=tests/core/*"], 4),
        (["tests/core/test_sample.py::test_long"], 1),
    ],
)
def test_thorough_tests_run_when_asked_for(project: Path, arguments: list[str], passed: int) -> None:
    done = outcome(project, *arguments)
    assert (done.passed, done.failed, done.skipped) == ((passed, 1, 1) if passed > 1 else (1, 0, 0))
    assert done.tests[0][1].startswith("tests/core/test_sample.py::test_") and done.seconds > 0
    assert os.name == "nt" or 0 < done.processor < 10 * done.seconds


def test_a_run_that_crashes_is_a_failure(project: Path) -> None:
    (project / "tests" / "core" / "test_crash.py").write_text("import os\ndef test_crash(): os._exit(3)\n")
    assert outcome(project, "tests").failed == 1
    none = outcome(project, "tests/core/test_sample.py", "-k", "nothing_has_this_name")
    assert (none.passed, none.failed, none.skipped) == (0, 0, 0)


def test_a_split_run_counts_as_one_process(project: Path) -> None:
    pytest.importorskip("xdist")
    arguments = ["tests", "-p", "xdist.plugin", "-n", "2", "--dist", "loadscope", "-m", "not serial"]
    done = outcome(project, *arguments)
    assert (done.passed, done.failed, done.skipped) == (2, 1, 1)


def test_a_change_names_the_tests_of_its_folder() -> None:
    patterns = changes.patterns_of(
        ["mono3d_addon/core/mesh/grid.py", "tests/depth/engines/test_choice.py", "mono3d_addon/web/static/js/api.js"]
    )
    assert patterns == ("tests/browser/*", "tests/core/*", "tests/depth/*", "tests/web/*")
    assert changes.patterns_of(["mono3d_addon/blender/panel.py"]) == ("tests/blender/*", "tests/programs/*")
    assert changes.patterns_of(["mono3d_addon/pipeline.py"]) == ("tests/test_*.py",)
    assert changes.patterns_of(["training/train.py"]) == ("tests/blender/test_training_scenes.py", "tests/training/*")
    assert "tests/vendor_installer/*" in changes.patterns_of(["vendor_installer/locks/web-cp311-linux_x86_64-cpu.txt"])
    assert not changes.patterns_of(["README.md", "docs/web.md", "benchmarks/web.py", ".ci/run"])


def test_every_file_of_the_product_has_tests() -> None:
    for folder in (changes.PACKAGE, "vendor_installer", "training"):
        for path in (ROOT / folder).rglob("*.py"):
            patterns = changes.patterns_of([path.relative_to(ROOT).as_posix()])
            assert patterns and all(list(ROOT.glob(one)) for one in patterns), path


def test_changed_files_are_those_that_differ_from_the_revision(tmp_path: Path) -> None:
    def git(*words: str) -> None:
        identity = ["-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]
        subprocess.run(["git", *identity, *words], cwd=tmp_path, check=True, capture_output=True)

    if shutil.which("git") is None:
        pytest.skip("there is no git here")
    git("init", "-q")
    for name in ("same", "committed", "edited"):
        (tmp_path / name).write_text(name)
    git("add", ".")
    git("commit", "-qm", "First")
    (tmp_path / "committed").write_text("other")
    git("commit", "-qam", "Second")
    (tmp_path / "edited").write_text("other")
    (tmp_path / "untracked").touch()
    assert changes.changed_files(tmp_path, "HEAD~1") == ["committed", "edited", "untracked"]
    assert changes.changed_files(tmp_path, "HEAD") == ["edited", "untracked"]
    with pytest.raises(ValueError, match="nonsense"):
        changes.changed_files(tmp_path, "nonsense")


def test_the_quick_tier_runs_every_part_of_the_product() -> None:
    quick, thorough = Tier(), Tier(is_thorough=True)
    absent = {name for name, part in PARTS.items() if part.absence(quick)}
    assert absent == {"training", "blender-4.3"}
    assert not any(part.absence(thorough) for part in PARTS.values())
    assert not PARTS["training"].absence(Tier(patterns=("tests/training/*",)))
    assert {name for name in WHEELS if "smoke" in PARTS[name].options(quick)} == set(SMOKE_ONLY)
    installing = {
        name for name in WHEELS if "--ignore=tests/blender/test_real_install.py" not in PARTS[name].options(quick)
    }
    assert installing >= {"bpy-4.2"} and "bpy-5.2" not in installing
    for tier in (thorough, Tier(patterns=("tests/blender/*",))):
        assert not [name for name in WHEELS if "--ignore" in " ".join(PARTS[name].options(tier))]
        assert not [name for name in WHEELS if "smoke" in PARTS[name].options(tier)]


def test_a_run_of_several_parts(
    project: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def works() -> Command:
        return Command((sys.executable, "-m", "pytest", "-q"), NO_PLUGINS)

    def is_missing() -> Command:
        raise LeftOut("there is no browser here")

    parts = [
        Part("core", works, ("tests",), needs_core=False),
        Part("late", works, ("tests",), folder="late"),
        Part("browser", is_missing, ("tests",)),
        *(Part(name, works, ("tests/core",)) for name in ("one", "two")),
    ]
    monkeypatch.setattr(run, "PARTS", {part.name: part for part in parts})
    monkeypatch.setattr(run, "HOME", project / "environments")
    monkeypatch.setattr(run, "ROOT", project)
    assert run.main([]) == 1
    lines = capfd.readouterr().out.splitlines()
    assert lines[-1] == "6 passed, 3 failed, 3 skipped"
    assert "browser      left out: there is no browser here" in lines
    assert any(line.startswith("late         left out: runs with --thorough") for line in lines)
    assert run.main(["late", "--", "tests/core/test_sample.py::test_quick"]) == 0
    assert capfd.readouterr().out.splitlines()[-1] == "1 passed, 0 failed, 0 skipped"
    assert run.main(["nonsense"]) == 2


WAITING = """
import time
from pathlib import Path

HERE = Path(__file__).parent

def test_meets_the_other():
    (HERE / "{own}.here").touch()
    end = time.monotonic() + 60
    while not (HERE / "{other}.here").exists():
        assert time.monotonic() < end
        time.sleep(0.01)
"""


def test_parts_that_are_not_split_run_at_the_same_time(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    command = Command((sys.executable, "-m", "pytest", "-q"), NO_PLUGINS)
    parts = {}
    for own, other in (("one", "two"), ("two", "one")):
        (project / "tests" / f"test_{own}.py").write_text(WAITING.format(own=own, other=other))
        parts[own] = Part(own, lambda: command, (f"tests/test_{own}.py",))
    monkeypatch.setattr(run, "PARTS", parts)
    monkeypatch.setattr(run, "HOME", project / "environments")
    monkeypatch.setattr(run, "ROOT", project)
    assert run.main([]) == 0


def test_parts_of_a_queue_run_in_turn(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    busy = threading.Lock()

    def run_alone(part: Part, *_: object, is_shown: bool) -> Outcome:
        assert busy.acquire(blocking=False), "another part is running"
        threading.Event().wait(0.2)
        busy.release()
        return Outcome(part.name, passed=1)

    command = Command((sys.executable,), {})
    parts = {name: Part(name, lambda: command, ("tests",), queue="screen") for name in ("one", "two", "three")}
    monkeypatch.setattr(run, "PARTS", parts)
    monkeypatch.setattr(run, "HOME", tmp_path)
    monkeypatch.setattr(run, "run", run_alone)
    assert run.main([]) == 0
    assert {part.queue for name, part in PARTS.items() if name.startswith("blender-")} == {"screen"}


def test_only_files_with_serial_tests_are_read_for_them(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("core/test_times.py", "blender/test_times.py"):
        path = project / "tests" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("import pytest\n\n@pytest.mark.serial\ndef test_time(): pass\n")
    monkeypatch.setattr(run, "ROOT", project)
    words = ["tests", "--ignore=tests/blender", "--thorough"]
    assert run.mentioning("serial", words) == ["tests/core/test_times.py", *words[1:]]
    assert run.mentioning("smoke", words) == words
    done = outcome(project, *run.mentioning("serial", words), "-m", "serial")
    assert (done.passed, done.failed, done.skipped) == (1, 0, 0)


def test_the_summary_ends_with_the_totals() -> None:
    tests = tuple((float(number), f"tests/core/test_a.py::test_{number}") for number in range(20, 0, -1))
    first = Outcome("core", 19, 0, 1, seconds=60.0, processor=90.0, tests=tests)
    core = together("core", [first, Outcome("core", 3, seconds=4.0, processor=1.0)])
    outcomes = [core, Outcome("training", reason="no change"), Outcome("browser", 5, 1, 0, set_up=34.4, seconds=7.0)]
    lines = summary(outcomes, 130.0).splitlines()
    assert lines[-1] == "27 passed, 1 failed, 1 skipped"
    assert "core              0 s     64 s       91 s   22 passed, 0 failed, 1 skipped" in lines
    assert "browser          34 s      7 s        0 s   5 passed, 1 failed, 0 skipped" in lines
    assert "training     left out: no change" in lines
    assert sum("test_a.py" in line for line in lines) == 10 and any(line.endswith("::test_20") for line in lines)
    assert exit_code(outcomes) == 1 and exit_code(outcomes[:2]) == 0 and exit_code(outcomes[1:2]) == 1
