# SPDX-License-Identifier: GPL-3.0-or-later
"""Sets up what the tests need and runs all of them: `python3 tests/run.py [PART ...] [-- PYTEST ARGUMENTS]`.

With --set-up it only sets up what they need.
Needs Python 3.11 or newer with pip, and a network the first time. Everything goes to the folder `.environments` in
the repository, or to the one that MONO3D_TEST_ENVIRONMENTS names, and is used again by the next run.

While the core's tests run, the parts after it are set up; those in the wheels run two at a time.

Parts, all by default; one that this machine cannot offer is left out with its reason:
  core         everything outside Blender, with the packages that the product's own installer brings
  bpy-4.2 bpy-4.5 bpy-5.0 bpy-5.2   the Blender side in the `bpy` wheels (5.2 wants Python 3.13)
  browser      the web page in Debian's Chromium, headless (installed with apt-get where it is missing; wants root then)
  blender-4.3 blender-5.2           the installed extension in Debian's Blender programs (wants root, on Debian)
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
import venv
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from functools import partial
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HOME = Path(os.environ.get("MONO3D_TEST_ENVIRONMENTS") or ROOT / ".environments").resolve()
TOOLS = ("pytest==9.2.0", "pytest-timeout==2.4.0", "hypothesis==6.170.15", "trimesh==5.0.0")
CORE_TOOLS = (*TOOLS, "jsonschema==4.26.0")

BROWSER_TOOLS = (*TOOLS, "playwright==1.65.2", "axe-playwright-python==0.1.8", "numpy==2.4.6", "pillow==13.0.0")
"""What the part "browser" drives Chromium with; Playwright's own browsers are not downloaded."""

SET_UP_ONLY = "--set-up"

CHROMIUMS = ("chromium", "chromium-browser", "google-chrome")

WHEELS = {
    "bpy-4.2": ("4.2.23", "3.11", "numpy<2"),
    "bpy-4.5": ("4.5.15", "3.11", "numpy<2"),
    "bpy-5.0": ("5.0.1", "3.11", "numpy<2"),
    "bpy-5.2": ("5.2.3", "3.13", "numpy>=2.2"),
}
"""Part -> version of the bpy wheel, the Python it is made for, the numpy it carries in the official builds."""

CORE_COMPONENTS = ("worker", "scene", "web")
IMPORTED_COMPONENTS = ("worker", "web")
"""What the part "core" installs with the product's own installer, and what of it its tests import."""

OTHER_FOLDERS = ("tests/blender", "tests/programs", "tests/browser")
"""What the part "core" leaves to the others."""

BESIDE = ("tests/vendor_installer", "tests/core", "tests/surface", "tests/depth/test_networks.py")
"""Tests of the part "core" that run beside its others: about half of the work, none of it watched by the clock."""

ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
"""For runs beside each other: a library's threads spin while they wait for one that the other run keeps from working,
which makes some tests dozens of times as slow."""

REAL_INSTALLS = ("bpy-4.5", "bpy-5.2")
"""Parts, one for each Python, in which the real packages are installed too."""

PROGRAMS = {"blender-4.3": "trixie", "blender-5.2": "sid"}
"""Part -> Debian release whose Blender is used."""

DEBIAN_PACKAGES = [
    "blender",
    "python3-numpy",
    "python3-cattr",
    "python3-requests",
    "python3-zstandard",
    "python3-pip",
    "python3-venv",
    "python3-torch",
    "python3-torchvision",
    "xvfb",
    "xdotool",
    "imagemagick",
    "x11-utils",
    "libgl1-mesa-dri",
    "libegl1",
    "libgl1",
    "libglx-mesa0",
    "libegl-mesa0",
    "xauth",
]


class LeftOut(Exception):
    """This machine cannot offer a part; the text says why."""


@dataclass(frozen=True)
class Outcome:
    """What became of a part: pytest's counts, or the reason why it was left out."""

    part: str
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    reason: str = ""


Run = Callable[[list[str], bool], Outcome]
"""Runs a part's tests with further arguments of pytest, shown while they run or once they have ended."""


def main(arguments: Sequence[str]) -> int:
    """Runs the wanted parts and returns 0 when no test failed."""
    split = list(arguments).index("--") if "--" in arguments else len(arguments)
    wanted, extra = [word for word in arguments[:split] if word != SET_UP_ONLY], list(arguments[split + 1 :])
    is_set_up_only = SET_UP_ONLY in arguments[:split]
    known: dict[str, Callable[[], Run]] = {"core": prepare_core, "browser": prepare_browser}
    known |= {part: partial(prepare_wheel, part) for part in WHEELS}
    known |= {part: partial(prepare_program, part) for part in PROGRAMS}
    wanted = wanted or list(known)
    if unknown := [part for part in wanted if part not in known]:
        print(f"There is no part '{unknown[0]}'; choose of {', '.join(known)}.", file=sys.stderr)
        return 2
    HOME.mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(1) as ahead:
        ready = {part: ahead.submit(known[part]) for part in dict.fromkeys(wanted)}
        try:
            return summary(run_all(ready, extra)) if not is_set_up_only else set_up(ready)
        finally:
            ahead.shutdown(cancel_futures=True)


def set_up(ready: Mapping[str, Future[Run]]) -> int:
    """Waits until all parts are set up and returns 0 when none was left out."""
    for part, future in ready.items():
        try:
            future.result()
        except LeftOut as reason:
            print(f"{part} left out: {reason}", file=sys.stderr)
            return 1
    return 0


def run_all(ready: Mapping[str, Future[Run]], extra: list[str]) -> list[Outcome]:
    """Runs the tests of all parts and returns what became of them."""
    outcomes: list[Outcome] = []
    for part in ready:
        if part != "core":
            # The others are touchier than the core's: nothing is set up beside them.
            wait(ready.values())
        if part not in [one.part for one in outcomes]:
            lane = [one for one in ready if one in WHEELS] if part in WHEELS else [part]
            outcomes += run_beside(lane, ready, extra)
    return outcomes


def run_beside(parts: Sequence[str], ready: Mapping[str, Future[Run]], extra: list[str]) -> list[Outcome]:
    """Runs parts once they are set up, two at a time, and returns their outcomes in the order of `parts`."""

    def outcome(part: str) -> Outcome:
        try:
            run = ready[part].result()
            if len(parts) == 1:
                print(f"\n=== {part} ===", flush=True)
            return run(extra, len(parts) == 1)
        except LeftOut as reason:
            print(f"\n=== {part} ===\nleft out: {reason}", flush=True)
            return Outcome(part, reason=str(reason))

    with ThreadPoolExecutor(2) as lanes:
        return list(lanes.map(outcome, parts))


def summary(outcomes: Sequence[Outcome]) -> int:
    """Prints a line a part and the totals."""
    print("\n=== summary ===")
    for one in outcomes:
        counts = f"{one.passed} passed, {one.failed} failed, {one.skipped} skipped"
        print(f"{one.part:12} {'left out: ' + one.reason if one.reason else counts}")
    passed, failed, skipped = (sum(getattr(one, name) for one in outcomes) for name in ("passed", "failed", "skipped"))
    print(f"{passed} passed, {failed} failed, {skipped} skipped", flush=True)
    return 0 if failed == 0 and passed > 0 else 1


def prepare_core() -> Run:
    """Installs the packages of CORE_COMPONENTS with the product's installer, for all tests outside Blender."""
    environment = HOME / f"core-{sys.version_info.major}.{sys.version_info.minor}"
    python = make_environment(environment, sys.executable, CORE_TOOLS)
    data = HOME / "data"
    call([sys.executable, "-m", "vendor_installer", "install", "--data-folder", str(data), *CORE_COMPONENTS])
    code = "import sys, vendor_installer; from pathlib import Path\n"
    code += "print(vendor_installer.find(sys.argv[2], Path(sys.argv[1])).packages)"
    for component in IMPORTED_COMPONENTS:
        command = [sys.executable, "-c", code, str(data), component]
        found = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
        # A .pth file, unlike PYTHONPATH, also holds for the isolated children that the tests start.
        place = next(site_packages(environment)) / f"{component}.pth"
        place.write_text(str(linked(Path(found.stdout.strip()), environment / component)), encoding="utf-8")
    return partial(run_core, [str(python), "-m", "pytest"], {"MONO3D_TEST_DATA": str(data)})


def linked(packages: Path, folder: Path) -> Path:
    """Returns `packages` by another path, with a name by which hypothesis knows that they are no code of ours.

    It looks for constants in all modules outside a "site-packages", which takes it 40 s for those of torch.
    """
    if os.name == "nt":
        return packages  # where links are not for everybody
    link = folder / "site-packages"
    folder.mkdir(exist_ok=True)
    link.unlink(missing_ok=True)
    link.symlink_to(packages, target_is_directory=True)
    return link


def run_core(command: list[str], variables: dict[str, str], extra: list[str], is_shown: bool) -> Outcome:
    """Runs all tests outside Blender, in two lanes."""
    if any(not one.startswith("-") for one in extra):
        # Whoever names tests, or what to look for in their names, wants them in one run.
        return pytest("core", [*command, *ignored(OTHER_FOLDERS), *extra], variables, is_shown)
    variables = {**variables, **ONE_THREAD}
    with ThreadPoolExecutor(1) as beside:
        other = beside.submit(pytest, "core, beside", [*command, *BESIDE, *extra], variables, False)
        left_out = ignored((*OTHER_FOLDERS, *BESIDE))
        rest = pytest("core", [*command, *left_out, *extra], variables, is_shown)
        return together("core", rest, other.result())


def ignored(places: Sequence[str]) -> list[str]:
    """Returns the words by which pytest leaves folders and files out."""
    return [word for place in places for word in ("--ignore", place)]


def together(part: str, *outcomes: Outcome) -> Outcome:
    """Returns the sums of the counts of a part's runs."""
    counts = (sum(getattr(one, name) for one in outcomes) for name in ("passed", "failed", "skipped"))
    return Outcome(part, *counts)


def prepare_browser() -> Run:
    """Sets up tests/browser: the real server with real workers, visited by a real browser."""
    chromium = find_chromium()
    environment = HOME / f"browser-{sys.version_info.major}.{sys.version_info.minor}"
    python = make_environment(environment, sys.executable, BROWSER_TOOLS)
    data = HOME / "data"
    call([sys.executable, "-m", "vendor_installer", "install", "--data-folder", str(data), *CORE_COMPONENTS])
    variables = {"MONO3D_TEST_DATA": str(data), "MONO3D_TEST_CHROMIUM": chromium}
    return tests_of("browser", [str(python), "-m", "pytest", "tests/browser"], variables)


def find_chromium() -> str:
    """Returns the path of a Chromium, installed where this is Debian and we are root."""
    if found := next(filter(None, map(shutil.which, CHROMIUMS)), None):
        return found
    if os.name == "nt" or os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise LeftOut("there is no Chromium here, and installing it needs root on Debian")
    try:
        call(["apt-get", "update", "-qq"])
        # The fonts of the page's texts; Chromium recommends far more than a headless one needs.
        call(["apt-get", "install", "-y", "-qq", "--no-install-recommends", "chromium", "fonts-dejavu-core"])
    except SystemExit as failure:
        raise LeftOut(str(failure)) from failure
    if found := shutil.which("chromium"):
        return found
    raise LeftOut("apt-get installed no Chromium")


def prepare_wheel(part: str) -> Run:
    """Sets up tests/blender in a Python with the bpy wheel of one version."""
    version, python_version, numpy = WHEELS[part]
    environment = HOME / part
    python = make_environment(environment, find_python(python_version), (*TOOLS, f"bpy=={version}", numpy))
    variables = {**ONE_THREAD, **({"MONO3D_TEST_INSTALL": "1"} if part in REAL_INSTALLS else {})}
    # The part "core", where it was run, lends its Python for real workers.
    if lent := next(HOME.glob("core-*/bin/python"), None):
        variables["MONO3D_TEST_WORKER"] = str(lent)
    return tests_of(part, [str(python), "tests/blender/run_pytest.py", "tests/blender"], variables)


def prepare_program(part: str) -> Run:
    """Sets up tests/programs, with the core's Python, against a real Blender program in a Debian of its own."""
    environment = HOME / f"core-{sys.version_info.major}.{sys.version_info.minor}"
    if not environment.exists():
        raise LeftOut("run the part 'core' first")
    try:
        root = make_debian(PROGRAMS[part])
    except SystemExit as failure:
        raise LeftOut(str(failure)) from failure
    python = next(iter(environment.glob("bin/python")))
    return tests_of(part, [str(python), "-m", "pytest", "tests/programs"], {"MONO3D_BLENDER_ROOT": str(root)})


def tests_of(part: str, command: list[str], variables: dict[str, str]) -> Run:
    """Returns what runs a part's tests."""
    return lambda extra, is_shown: pytest(part, [*command, *extra], variables, is_shown)


def make_environment(folder: Path, python: str, requirements: Sequence[str]) -> Path:
    """Returns the Python of a virtual environment with the requirements, made where it is missing or outdated."""
    inside = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    stamp, wanted = folder / "requirements.txt", "\n".join(requirements)
    if stamp.exists() and stamp.read_text(encoding="utf-8") == wanted:
        return inside
    shutil.rmtree(folder, ignore_errors=True)
    if python == sys.executable:
        venv.create(folder, with_pip=True)
    else:
        call([python, "-m", "venv", str(folder)])
    call([str(inside), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *requirements])
    stamp.write_text(wanted, encoding="utf-8")
    return inside


def site_packages(environment: Path) -> Iterator[Path]:
    """Yields the folder of a virtual environment that holds its packages."""
    yield from environment.glob("lib/python*/site-packages")
    yield from environment.glob("Lib/site-packages")


def find_python(version: str) -> str:
    """Returns a Python of the version, such as "3.13": this one, one on the path, or one of pyenv's."""
    if version == f"{sys.version_info.major}.{sys.version_info.minor}":
        return sys.executable
    candidates = [shutil.which(f"python{version}")]
    candidates += sorted(str(path) for path in Path.home().glob(f".pyenv/versions/{version}.*/bin/python"))
    pyenv = os.environ.get("PYENV_ROOT")
    candidates += sorted(str(path) for path in Path(pyenv or "/nowhere").glob(f"versions/{version}.*/bin/python"))
    for candidate in candidates:
        # A shim of pyenv is found but may not run.
        if candidate and subprocess.run([candidate, "-c", ""], capture_output=True, check=False).returncode == 0:
            return candidate
    raise LeftOut(f"there is no Python {version} here")


def make_debian(release: str) -> Path:
    """Returns the root folder of a small Debian with Blender, made where it is missing."""
    root = HOME / f"debian-{release}"
    done = root / "made-by-mono3d"
    if done.exists():
        return root
    if os.name == "nt" or os.geteuid() != 0:
        raise LeftOut("making a Debian of its own needs root")
    if shutil.which("debootstrap") is None:
        if shutil.which("apt-get") is None:
            raise LeftOut("there is no debootstrap here")
        call(["apt-get", "update", "-qq"])
        call(["apt-get", "install", "-y", "-qq", "--no-install-recommends", "debootstrap"])
    shutil.rmtree(root, ignore_errors=True)
    call(["debootstrap", "--variant=minbase", "--include=ca-certificates", release, str(root)])
    (root / "etc/apt/apt.conf.d/99novalid").write_text('Acquire::Check-Valid-Until "false";\n', encoding="utf-8")
    certificates = Path("/etc/ssl/certs/ca-certificates.crt")
    if certificates.exists():
        shutil.copy(certificates, root / "etc/ssl/certs/ca-certificates.crt")
    call(["chroot", str(root), "apt-get", "update", "-qq"])
    # Made anew if anything goes wrong, so that nothing has to wait for the disk.
    unsafe = ["-o", "Dpkg::Options::=--force-unsafe-io"]
    install = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *unsafe, *DEBIAN_PACKAGES]
    call(["chroot", str(root), "env", "DEBIAN_FRONTEND=noninteractive", *install])
    call(["chroot", str(root), "apt-get", "clean"])
    done.write_text(release, encoding="utf-8")
    return root


def call(command: Sequence[str]) -> None:
    """Runs a step of the set-up in the repository; its output is shown only when it fails."""
    began = time.monotonic()
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, errors="replace", check=False)
    # In one piece: tests may be writing at the same time.
    print(f"  $ {' '.join(command)[:150]}  ({time.monotonic() - began:.0f} s)\n", end="", flush=True)
    if done.returncode != 0:
        print(done.stdout[-4000:], done.stderr[-4000:], sep="\n", file=sys.stderr)
        raise SystemExit(f"setting up the tests failed: {' '.join(command)[:200]}")


def pytest(part: str, command: list[str], extra_environment: dict[str, str], is_shown: bool) -> Outcome:
    """Runs pytest, shows its output, while it runs or when it has ended, and returns its counts."""
    variables = {**os.environ, **extra_environment, "PYTHONUNBUFFERED": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    process = subprocess.Popen(command, cwd=ROOT, env=variables, stdout=subprocess.PIPE, text=True, errors="replace")
    assert process.stdout is not None
    last = ""
    held: list[str] = []
    for line in process.stdout:
        if is_shown:
            print(line, end="", flush=True)
        else:
            held.append(line)
        if re.search(r"\d+ (passed|failed|skipped|error)", line):
            last = line
    code = process.wait()
    if held:
        print(f"\n=== {part} ===\n{''.join(held)}", end="", flush=True)
    counts = {word: int(number) for number, word in re.findall(r"(\d+) (passed|failed|skipped|error)", last)}
    failed = counts.get("failed", 0) + counts.get("error", 0)
    # A crash after the last test, or no test at all, is a failure too.
    return Outcome(part, counts.get("passed", 0), failed or int(code != 0), counts.get("skipped", 0))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
