# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the user's data lies, and which of the separately installed packages are there.

The one module here that knows `vendor_installer`; it imports it only when asked something, so that Blender starts
as fast as before.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import os
import sys
import sysconfig
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .errors import Cancelled, Mono3DError

if TYPE_CHECKING:
    from vendor_installer import Installed, Plan

WORKER, SCENE, VTP, WEB = "worker", "scene", "vtp", "web"
"""The components: networks and meshing; Blender as a Python module; VTP files; the web page's server."""

Progress = Callable[[str, float], None]


def default_data_folder(fallback: Path | None = None) -> Path:
    """Returns the folder for packages, weights and cache.

    That is MONO3D_DATA, else `fallback`, else the system's place for a user's data.
    """
    if chosen := os.environ.get("MONO3D_DATA"):
        return Path(chosen).expanduser().absolute()
    if fallback is not None:
        return fallback
    if sys.platform == "win32":
        local = os.environ.get("LOCALAPPDATA")
        return (Path(local) if local else Path.home() / "AppData" / "Local") / "Mono3D"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "Mono3D"
    # The XDG base directory specification has relative paths ignored.
    shared = Path(os.environ.get("XDG_DATA_HOME", ""))
    return (shared if shared.is_absolute() else Path.home() / ".local" / "share") / "mono3d"


def data_folder(named: str | Path | None, fallback: Path | None = None) -> Path:
    """Returns the data folder that the user `named` on the command line, else `default_data_folder(fallback)`."""
    return Path(named).expanduser() if named else default_data_folder(fallback)


def packages(component: str, data_folder: Path) -> Path | None:
    """Returns the folder with the packages of a component for the running Python, or None when not installed.

    It belongs at the front of a child process's module search path. Takes about a millisecond.
    """
    found = _installer().find(component, data_folder)
    return found.packages if found else None


def missing(components: Sequence[str], data_folder: Path) -> tuple[str, ...]:
    """Returns those of the components that are not installed for the running Python."""
    return tuple(name for name in components if packages(name, data_folder) is None)


def require(component: str, data_folder: Path) -> Path:
    """Returns the folder with the packages of a component. Raises Mono3DError when it is not installed."""
    found = packages(component, data_folder)
    if found is None:
        raise Mono3DError(
            f"The packages of '{component}' are not installed in '{data_folder}': run with --install or name "
            "the folder that has them with --data-folder on the command line; in Blender, click Install in the sidebar."
        )
    return found


def plans(
    components: Sequence[str],
    data_folder: Path,
    *,
    allow_network: bool = False,
    backend: str | None = None,
    system: Sequence[str] | None = None,
    wheelhouse: Path | None = None,
    again: bool = False,
) -> tuple[Plan, ...]:
    """Returns what has to be installed so that the components are there; components that are there are left out.

    With `allow_network` the sources are tried, a few seconds; without, nothing is sent. Each plan's `summary()` says
    for people what it installs, how much and where. `backend` and `system` (packages that the running Python offers
    itself) are chosen for this machine where they are None. `wheelhouse` is a folder that has all files. `again` plans
    components that are there as well. Raises Mono3DError with the reason where it cannot work.
    """
    if system is None:
        system = offered_by_system()
    with _as_ours():
        return tuple(
            _installer().plan(
                name,
                data_folder,
                backend=backend or (_graphics_backend(name, data_folder) if again else None),
                system=system,
                allow_network=allow_network,
                wheelhouse=wheelhouse,
            )
            for name in (components if again else missing(components, data_folder))
        )


def _graphics_backend(component: str, data_folder: Path) -> str | None:
    """Returns the backend that is installed, so that it is kept; None where it is the processor's."""
    found = _installer().find(component, data_folder)
    return None if found is None or found.backend.startswith("cpu") else str(found.backend)


def installed(components: Sequence[str], data_folder: Path) -> tuple[Installed, ...]:
    """Returns those of the components that are installed for the running Python; `summary()` tells of each."""
    found = (_installer().find(name, data_folder) for name in components)
    return tuple(item for item in found if item is not None)


def outdated(item: Installed) -> bool:
    """Returns whether this version of the program comes with other packages than those that are installed."""
    return bool(_installer().outdated(item))


def uninstall(components: Sequence[str], data_folder: Path) -> bool:
    """Removes components for the running Python. Returns whether files in use stay until the next start.

    Raises Mono3DError when they cannot be removed.
    """
    tag = f"cp{sys.version_info.major}{sys.version_info.minor}"
    with _as_ours():
        done = [_installer().uninstall(name, data_folder, tag) for name in components]
    return any(item.waiting for item in done)


def report(data_folder: Path) -> str:
    """Returns a text for bug reports: machine, Python, what is installed, the end of the log; without secrets."""
    return str(_installer().doctor(data_folder))


def offered_by_system() -> tuple[str, ...]:
    """Returns torch and torchvision where a distribution's Python brings both, else nothing.

    Only a Python that its distribution manages (PEP 668) is trusted: what a user once installed into another may be
    of any version. It saves the largest download, and each installation tests what it is given before it is used.
    """
    marker = Path(sysconfig.get_path("stdlib")) / "EXTERNALLY-MANAGED"
    names = ("torch", "torchvision")
    if marker.exists() and all(importlib.util.find_spec(name) is not None for name in names):
        return names
    return ()


def install(
    plans: Sequence[Plan],
    *,
    allow_network: bool,
    progress: Progress = lambda stage, fraction: None,
    cancelled: Callable[[], bool] = lambda: False,
    repair: bool = False,
) -> tuple[Installed, ...]:
    """Carries out plans one after the other and returns what they installed; what is there already only to `repair`.

    `progress` gets a stage in words and the fraction of the whole, weighed by bytes. Raises Mono3DError with cause
    and remedy, Cancelled when the user stopped it; what was installed before stays in use.
    """
    weights = [plan.download_bytes + plan.stored_bytes for plan in plans]
    total = max(1, sum(weights))
    done: list[Installed] = []
    with _as_ours():
        for number, plan in enumerate(plans):
            before, share = sum(weights[:number]) / total, weights[number] / total

            def tell(stage: str, fraction: float, before: float = before, share: float = share) -> None:
                progress(stage, before + share * fraction)

            done.append(
                _installer().install(
                    plan, allow_network=allow_network, progress=tell, cancelled=cancelled, repair=repair
                )
            )
    return tuple(done)


@contextlib.contextmanager
def in_use(packages: Sequence[Path]) -> Iterator[tuple[int, ...]]:
    """Keeps packages from being deleted for the length of the block, and yields the open files that do so.

    A child that inherits them keeps the packages until its end. Raises Mono3DError when some have just been removed.
    """
    with _as_ours(), contextlib.ExitStack() as stack:
        held = stack.enter_context(_installer().in_use(packages))
        yield held


def tidy(data_folder: Path) -> None:
    """Removes packages that were replaced or uninstalled while a program used them, if none does any more."""
    _installer().tidy(data_folder)


def _installer() -> Any:
    # The package lies beside this one: at top level in a clone, inside the extension's package in Blender.
    parent, _, _ = __package__.rpartition(".")
    name = f"{parent}.vendor_installer" if parent else "vendor_installer"
    return importlib.import_module(name)


@contextlib.contextmanager
def _as_ours() -> Iterator[None]:
    errors = importlib.import_module(".errors", _installer().__name__)
    try:
        yield
    except errors.InstallCancelled as error:
        raise Cancelled from error
    except errors.InstallError as error:
        raise Mono3DError(str(error)) from error
