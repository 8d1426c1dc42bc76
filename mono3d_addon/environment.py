# SPDX-License-Identifier: GPL-3.0-or-later
"""The user's data folder and the packages that are installed in it.

Without packages the program is *bare*: its worker has the standard library and the interpreter's numpy. That is decided
here: Blender asks `worker_packages`, which is empty then; the command line and Python ask `is_available`, which also
counts what pip has installed beside the program.

The only module that uses `vendor_installer`, which it imports on first use to keep Blender's start fast. Without the
installer (see `edition`) nothing is installed and nothing can be.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import os
import platform
import sys
import sysconfig
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import edition
from .core import extras
from .core.stages import Progress
from .core.user_path import user_path
from .errors import Cancelled, Mono3DError
from .settings import Settings
from .version import IS_WHEEL, version

if TYPE_CHECKING:
    from vendor_installer import Installed, Plan

WORKER, SCENE, VTP, WEB = "worker", "scene", "vtp", "web"
"""The components: networks and meshing; Blender as a Python module; VTP files; the web page's server."""

_PURPOSES = {WORKER: "networks and meshing", SCENE: "Blender scenes", VTP: "VTP files", WEB: "the web page"}
"""What the packages of a component are for, in words for users."""

_MODULES = {
    WORKER: ("torch", "torchvision", "timm", "open3d", "fast_simplification", "OpenEXR", "pillow_heif", "safetensors"),
    SCENE: ("bpy",),
    VTP: ("pyvista",),
    WEB: ("starlette", "uvicorn", "python_multipart", "imagesize"),
}
"""The top-level modules by which a component is recognised in a Python whose packages the user manages."""


def default_data_folder(fallback: Path | None = None) -> Path:
    """Returns the folder for packages, weights and cache.

    That is MONO3D_DATA, else `fallback`, else the system's folder for user data.
    """
    if chosen := os.environ.get("MONO3D_DATA"):
        return user_path(chosen).absolute()
    if fallback is not None:
        return fallback
    if sys.platform == "win32":
        local = os.environ.get("LOCALAPPDATA")
        return (Path(local) if local else Path.home() / "AppData" / "Local") / "Mono3D"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "Mono3D"
    # The XDG base directory specification says that relative paths are ignored.
    shared = Path(os.environ.get("XDG_DATA_HOME", ""))
    return (shared if shared.is_absolute() else Path.home() / ".local" / "share") / "mono3d"


def data_folder(named: str | Path | None, fallback: Path | None = None) -> Path:
    """Returns the data folder `named` on the command line, else `default_data_folder(fallback)`."""
    return user_path(str(named)) if named else default_data_folder(fallback)


def packages(component: str, data_folder: Path) -> Path | None:
    """Returns the folder with the packages of a component for the running Python, or None when not installed.

    Put it at the front of a child process's module search path. Takes about a millisecond.
    """
    found = _find(component, data_folder)
    return found.packages if found else None


def worker_packages(data_folder: Path) -> tuple[Path, ...]:
    """Returns the folders of packages for the import path of a worker for photos.

    Empty where they are not installed: then the worker is bare. What an installation or a removal changes shows at the
    next call.
    """
    found = packages(WORKER, data_folder)
    return () if found is None else (found,)


def is_available(component: str, data_folder: Path) -> bool:
    """Returns whether the packages of a component are installed, or the running Python has them itself.

    The latter counts where pip has installed the program, as `pip install mono3d[worker]` does with the packages; the
    names of the extras are those of the components. Elsewhere no result depends on what a Python happens to have.
    """
    return packages(component, data_folder) is not None or _has_itself(component)


@functools.cache
def _has_itself(component: str) -> bool:
    return IS_WHEEL and all(extras.has(module) for module in _MODULES[component])


def beyond_bare(settings: Settings, remedy: str, size: str = "") -> str:
    """Returns a sentence on what in `settings` needs packages, for a bare worker; empty if nothing does.

    `remedy` is what to do, as in `edition.remedy`; `size` that of the download, in words, where it is known.
    """
    beyond = settings.beyond_bare
    if not beyond:
        return ""
    choices = " and ".join(f"'{getattr(settings, item.name)}' ({item.choice.label})" for item in beyond)
    instead = " and ".join(f"'{item.default}'" for item in beyond)
    verb = "needs" if len(beyond) == 1 else "need"
    known = f" ({size})" if size else ""
    return f"{choices} {verb} packages that are not installed{known}: {remedy}, or choose {instead}."


def check_bare(settings: Settings, remedy: str) -> None:
    """Raises Mono3DError if `settings` ask for more than a bare worker can do, or this Python has no numpy for it.

    `remedy` is what to do, as in `edition.remedy`.
    """
    if not extras.found("numpy"):
        raise Mono3DError(
            "Mono3D needs numpy, which this Python does not have: install it, as with 'python3 -m pip install numpy "
            f"Pillow'; or {remedy}."
        )
    if reason := beyond_bare(settings, remedy):
        raise Mono3DError(reason)


def missing(components: Sequence[str], data_folder: Path) -> tuple[str, ...]:
    """Returns the components that are not available to the running Python."""
    return tuple(name for name in components if not is_available(name, data_folder))


def not_installed(component: str) -> str:
    """Returns the start of a sentence: the packages of a component are not installed."""
    return f"The packages for {_PURPOSES[component]} are not installed"


def require_available(component: str, data_folder: Path) -> None:
    """Raises Mono3DError when a component is not available."""
    if not is_available(component, data_folder):
        require(component, data_folder)


def require(component: str, data_folder: Path) -> Path:
    """Returns the folder with the packages of a component. Raises Mono3DError when it is not installed."""
    found = packages(component, data_folder)
    if found is None:
        raise Mono3DError(
            f"{not_installed(component)} in '{data_folder}': on the command line, add --install or name the folder "
            "that has them with --data-folder; in Blender, click Install in the sidebar."
            if edition.can_install()
            else f"This edition of Mono3D has no packages for {_PURPOSES[component]}: {edition.remedy()}."
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
    """Returns plans to install the components that are missing, or all of them with `again`.

    Each plan's `summary()` describes what it installs, how large it is and where it goes.

    allow_network  whether the package sources may be contacted to choose one, which takes a few seconds
    backend        build of PyTorch; None: chosen for this machine
    system         packages to use from the running Python; None: chosen for this machine
    wheelhouse     folder that has all files

    Raises Mono3DError with the reason when installation is not possible.
    """
    if not edition.can_install():
        raise Mono3DError(f"This edition of Mono3D installs no packages: {edition.remedy()}.")
    if system is None:
        system = offered_by_system()
    with _translated_errors():
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
    """Returns the installed backend, to keep it; None if it is missing or the one for CPUs."""
    found = _find(component, data_folder)
    return None if found is None or found.backend.startswith("cpu") else str(found.backend)


def may_use_card(data_folder: Path) -> bool:
    """Returns whether workers for photos may compute on a graphics card.

    The installed packages are for a card or not; whose packages pip has installed, they are for any.
    """
    if _find(WORKER, data_folder) is not None:
        return _graphics_backend(WORKER, data_folder) is not None
    return is_available(WORKER, data_folder) and (sys.platform == "darwin" or Path("/dev/nvidiactl").exists())


def installed(components: Sequence[str], data_folder: Path) -> tuple[Installed, ...]:
    """Returns the installed components for the running Python; each has a `summary()` for people."""
    found = (_find(name, data_folder) for name in components)
    return tuple(item for item in found if item is not None)


def outdated(item: Installed) -> bool:
    """Returns whether the installed packages differ from those that this version of the program pins."""
    return bool(_installer().outdated(item))


def uninstall(components: Sequence[str], data_folder: Path) -> bool:
    """Removes components of the running Python. Returns whether files in use remain until the next start.

    Raises Mono3DError when they cannot be removed.
    """
    if not edition.can_install():
        return False
    tag = f"cp{sys.version_info.major}{sys.version_info.minor}"
    with _translated_errors():
        done = [_installer().uninstall(name, data_folder, tag) for name in components]
    return any(item.waiting for item in done)


def report(data_folder: Path) -> str:
    """Returns a text for bug reports: machine, Python, installed packages and the end of the log, without secrets."""
    if edition.can_install():
        return str(_installer().doctor(data_folder))
    python = f"Python: {platform.python_version()}"
    return "\n".join((f"Mono3D {version()}, without an installer", f"System: {platform.platform()}", python))


def offered_by_system() -> tuple[str, ...]:
    """Returns torch and torchvision if a Linux distribution's Python provides both, else nothing.

    Only a Python that its distribution manages (PEP 668) is trusted; in others a user may have installed any version.
    Using them saves the largest download. Each installation tests them before they are used.
    """
    marker = Path(sysconfig.get_path("stdlib")) / "EXTERNALLY-MANAGED"
    names = ("torch", "torchvision")
    if marker.exists() and all(map(extras.has, names)):
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
    """Carries out plans one after the other and returns what was installed; `repair` replaces existing packages too.

    `progress` gets a stage in words and the fraction of the whole, weighted by bytes. Raises Mono3DError with cause
    and remedy, Cancelled when the user stopped it; in both cases earlier installations stay in use.
    """
    weights = [plan.download_bytes + plan.stored_bytes for plan in plans]
    total = max(1, sum(weights))
    done: list[Installed] = []
    with _translated_errors():
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
    """Protects packages from deletion during the block; yields the file descriptors of the locks.

    A child process that inherits them protects the packages until it ends. Raises Mono3DError when packages have just
    been removed.
    """
    if not packages:
        yield ()
        return
    with _translated_errors(), contextlib.ExitStack() as stack:
        held = stack.enter_context(_installer().in_use(packages))
        yield held


def tidy(data_folder: Path) -> None:
    """Removes packages that were replaced or uninstalled while in use, if they are no longer in use."""
    if edition.can_install():
        _installer().tidy(data_folder)


def _find(component: str, data_folder: Path) -> Installed | None:
    found: Installed | None = _installer().find(component, data_folder) if edition.can_install() else None
    return found


def _installer() -> Any:
    # It lies beside this package, at top level in a clone and inside the extension's package in Blender, or in it.
    parent = __package__ if IS_WHEEL else __package__.rpartition(".")[0]
    name = f"{parent}.{edition.INSTALLER}" if parent else edition.INSTALLER
    return importlib.import_module(name)


@contextlib.contextmanager
def _translated_errors() -> Iterator[None]:
    errors = importlib.import_module(".errors", _installer().__name__)
    try:
        yield
    except errors.InstallCancelled as error:
        raise Cancelled from error
    except errors.InstallError as error:
        raise Mono3DError(str(error)) from error
