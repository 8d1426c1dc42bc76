# SPDX-License-Identifier: GPL-3.0-or-later
"""The parts of the test run: what each sets up, which tests it runs, and what of it belongs to the quick tier."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

from tests.running import environments
from tests.running.environments import DATA, HOME, ROOT, THIS_PYTHON, LeftOut
from tests.running.pytest_run import ONE_THREAD, Command

TOOLS = ("pytest==9.2.0", "pytest-timeout==2.4.0", "hypothesis==6.170.15", "trimesh==5.0.0")
CORE_TOOLS = (
    *TOOLS,
    "pytest-xdist==3.8.0",
    "jsonschema==4.26.0",
    "cyclonedx-python-lib[json-validation]==11.12.0",
    "hatchling==1.33.0",
    "openjd-cli==0.8.0",
    "DracoPy==2.2.0",
    "fsspec[http]==2026.9.0",
    "pyarrow==26.0.1",
    "nbclient==0.11.0",
    "ipykernel==7.4.0",
    "prometheus-client==0.26.0",
    "schemathesis==4.32.5",
    "openapi-python-client==0.29.1",
)
TRAINING_TOOLS = ("opencv-python-headless",)
"""What of `training/requirements.txt` is neither among the product's packages nor the core's tools."""
PAGE_TOOLS = ("playwright==1.65.2", "numpy==2.4.6", "pillow==13.0.0")
"""What visits pages and looks at their pictures; Playwright's own browsers are not downloaded."""
BROWSER_TOOLS = (*TOOLS, *PAGE_TOOLS, "axe-playwright-python==0.1.8")

CORE = HOME / f"core-{THIS_PYTHON}"

WHEELS = {
    "bpy-4.2": ("4.2.23", "3.11", "numpy<2"),
    "bpy-4.5": ("4.5.15", "3.11", "numpy<2"),
    "bpy-5.0": ("5.0.1", "3.11", "numpy<2"),
    "bpy-5.2": ("5.2.3", "3.13", "numpy>=2.2"),
}
"""Part -> version of the bpy wheel, the Python it is made for, the numpy that the official builds bring."""

SMOKE_ONLY = ("bpy-4.5", "bpy-5.0")
"""Wheels in which the quick tier runs only the tests marked `smoke`."""

REAL_INSTALLS = {"bpy-4.2": "wheelhouse", "bpy-4.5": "wheelhouse", "bpy-5.2": "online"}
"""Wheels in which the real packages are installed, and from where; the quick tier does it in the first one."""

REAL_INSTALL = "tests/blender/test_real_install.py"

PROGRAMS = {"blender-4.3": "trixie", "blender-5.2": "sid"}
"""Part -> Debian release whose Blender is used."""


@dataclass(frozen=True)
class Tier:
    """Which thorough tests run: all, those in files that match `patterns`, or none."""

    is_thorough: bool = False
    patterns: tuple[str, ...] = ()

    def options(self) -> list[str]:
        """Returns the options of pytest for this tier."""
        return ["--thorough"] if self.is_thorough else [f"--thorough-in={one}" for one in self.patterns]

    def has_all_of(self, folder: str) -> bool:
        """Returns whether all thorough tests of a folder of `tests` run."""
        return self.is_thorough or f"tests/{folder}/*" in self.patterns


@dataclass(frozen=True)
class Part:
    """A part of the run.

    `prepare` sets it up and raises LeftOut with a reason where this machine cannot offer it. `folder` is the folder of
    `tests` without whose thorough tests it does not run; empty when it always runs. The tests of a part that `is_split`
    are divided among processes, those marked `serial` excepted; of the other parts a few run at a time, but in turn
    those of one `queue`. A part that `needs_core` is set up after the part "core".
    """

    name: str
    prepare: Callable[[], Command]
    tests: tuple[str, ...]
    folder: str = ""
    queue: str = ""
    is_split: bool = False
    needs_core: bool = True

    def options(self, tier: Tier) -> list[str]:
        """Returns the options of pytest for this part in a tier."""
        smoke = ["-m", "smoke"] if self.name in SMOKE_ONLY and not tier.has_all_of("blender") else []
        others = list(REAL_INSTALLS)[1:]
        is_left_out = self.name in others and not tier.has_all_of("blender") and REAL_INSTALL not in tier.patterns
        return [*tier.options(), *smoke, *([f"--ignore={REAL_INSTALL}"] if is_left_out else [])]

    def absence(self, tier: Tier) -> str:
        """Returns why the part does not run in a tier; empty when it does."""
        if not self.folder or tier.has_all_of(self.folder):
            return ""
        return f"runs with --thorough, or with --changed after a change that concerns tests/{self.folder}"


def prepare_core() -> Command:
    """Sets up the environment of all tests outside Blender, with the packages that the product's installer brings."""
    python = environments.make_environment(CORE, sys.executable, CORE_TOOLS)
    environments.install_product(CORE)
    return Command((str(python), "-m", "pytest"), {"MONO3D_TEST_DATA": str(DATA)})


def prepare_training() -> Command:
    """Sets up tests/training: the core's environment, and beside it what only training needs."""
    core = prepare_core()
    lines = (ROOT / "training" / "requirements.txt").read_text(encoding="utf-8").splitlines()
    wanted = [line for line in lines if line.partition("==")[0] in TRAINING_TOOLS]
    folder = environments.make_folder(HOME / f"training-{THIS_PYTHON}", core.words[0], wanted)
    return replace(core, variables={**core.variables, "PYTHONPATH": str(folder)})


def prepare_browser() -> Command:
    """Sets up tests/browser: the real server with real workers, visited by a real browser."""
    chromium = environments.find_chromium()
    environment = HOME / f"browser-{THIS_PYTHON}"
    python = environments.make_environment(environment, sys.executable, BROWSER_TOOLS)
    environments.vendor_installer("install", *environments.CORE_COMPONENTS)
    variables = {**ONE_THREAD, "MONO3D_TEST_DATA": str(DATA), "MONO3D_TEST_CHROMIUM": chromium}
    return Command((str(python), "-m", "pytest"), variables)


def prepare_website() -> Command:
    """Sets up tests/website: the documentation site, built by MkDocs and visited by a real browser."""
    chromium = environments.find_chromium()
    lines = (ROOT / "website" / "requirements.txt").read_text(encoding="utf-8").splitlines()
    requirements = (*TOOLS[:3], *PAGE_TOOLS, *(line for line in lines if not line.startswith("#")))
    python = environments.make_environment(HOME / f"website-{THIS_PYTHON}", sys.executable, requirements)
    return Command((str(python), "-m", "pytest"), {"MONO3D_TEST_CHROMIUM": chromium})


def prepare_wheel(part: str) -> Command:
    """Sets up tests/blender in a Python with the bpy wheel of one version."""
    version, python_version, numpy = WHEELS[part]
    requirements = (*TOOLS, f"bpy=={version}", numpy)
    python = environments.make_environment(HOME / part, environments.find_python(python_version), requirements)
    variables = dict(ONE_THREAD)
    if part in REAL_INSTALLS:
        has_wheelhouse = REAL_INSTALLS[part] == "wheelhouse" and python_version == THIS_PYTHON and DATA.exists()
        variables["MONO3D_TEST_INSTALL"] = str(environments.make_wheelhouse()) if has_wheelhouse else "online"
    # The part "core", where it was run, lends its Python for real workers.
    if lent := next(HOME.glob("core-*/bin/python"), None):
        variables["MONO3D_TEST_WORKER"] = str(lent)
    return Command((str(python), "tests/blender/run_pytest.py"), variables)


def prepare_program(part: str) -> Command:
    """Sets up tests/programs, with the core's Python, against a real Blender program in a Debian of its own."""
    try:
        root = environments.make_debian(PROGRAMS[part])
    except SystemExit as failure:
        raise LeftOut(str(failure)) from failure
    variables = {**ONE_THREAD, "MONO3D_BLENDER_ROOT": str(root)}
    # From whose page the extension is dragged; what needs no browser runs without one.
    with contextlib.suppress(LeftOut):
        variables["MONO3D_TEST_CHROMIUM"] = environments.find_chromium()
    return Command((str(CORE / "bin" / "python"), "-m", "pytest"), variables)


def _outside_blender() -> tuple[str, ...]:
    """Returns the words by which pytest runs all tests but those of the other parts."""
    others = ("blender", "programs", "browser", "training", "website")
    return ("tests", *(f"--ignore=tests/{name}" for name in others))


def _wheel(name: str) -> Part:
    return Part(name, partial(prepare_wheel, name), ("tests/blender",))


def _program(name: str, folder: str = "") -> Part:
    prepare = partial(prepare_program, name)
    # Their virtual screens would have the same number: one Debian does not see the other's.
    return Part(name, prepare, ("tests/programs",), folder=folder, queue="screen", needs_core=False)


PARTS = {
    one.name: one
    for one in (
        Part("core", prepare_core, _outside_blender(), is_split=True, needs_core=False),
        Part("training", prepare_training, ("tests/training",), folder="training", is_split=True),
        Part("browser", prepare_browser, ("tests/browser",)),
        _program("blender-5.2"),
        _program("blender-4.3", folder="programs"),
        _wheel("bpy-4.2"),
        _wheel("bpy-5.2"),
        _wheel("bpy-4.5"),
        _wheel("bpy-5.0"),
        Part("website", prepare_website, ("tests/website",), needs_core=False),
    )
}
"""In the order in which they run: the longest first, so that those that run at the same time end together."""
