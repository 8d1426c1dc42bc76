# SPDX-License-Identifier: GPL-3.0-or-later
"""The packages that the installer brings and that a worker can do without: forbids them, and says what needs one.

Everywhere else, the one module that owns an operation tries its import and has an answer to ModuleNotFoundError.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterable

from .. import edition
from ..errors import Mono3DError

PILLOW = "PIL"
DRACO = "DracoPy"
FSSPEC = "fsspec"
RAY = "ray"
PARQUET = "pyarrow"
NAMES = (
    PILLOW,
    "pillow_heif",
    "pillow_jxl",
    "OpenEXR",
    "fast_simplification",
    "open3d",
    "libusb_package",
    "openvino",
    "torch",
    "torchvision",
    "timm",
    "safetensors",
    "scipy",
    "tqdm",
    "pyvista",
    DRACO,
    FSSPEC,
    RAY,
    PARQUET,
)
"""The top-level modules of the extras that the program imports, and scipy, which others of them would import."""

_PACKAGES = {
    PILLOW: "Pillow",
    "pillow_heif": "pillow-heif",
    "pillow_jxl": "pillow-jxl-plugin",
    "fast_simplification": "fast-simplification",
}
"""Top-level module -> name of the package, where they differ."""

BY_PIP = {DRACO: "draco", FSSPEC: "addresses", RAY: "ray", PARQUET: "parquet"}
"""Top-level module -> extra of the Python package `mono3d`, for what the installer does not bring."""


def forbid(names: Iterable[str] = NAMES) -> None:
    """Makes every later import of these top-level modules in this process raise ModuleNotFoundError.

    For a process of the program's own, at its start: what the interpreter happens to have then changes no result.
    `importlib.util.find_spec` finds them no more either. Raises RuntimeError if one has been imported already.
    """
    for name in names:
        if sys.modules.get(name) is not None:
            raise RuntimeError(f"{name} has been imported before it was forbidden")
        # The import system's own way to say that a module does not exist.
        sys.modules[name] = None  # type: ignore[assignment]


def found(*names: str) -> tuple[str, ...]:
    """Returns those of the top-level modules that this interpreter has; none is imported."""
    return tuple(name for name in names if has(name))


def has(module: str) -> bool:
    """Returns whether this process may import a top-level module and can find it; imports nothing."""
    return importlib.util.find_spec(module) is not None


def require(feature: str, module: str) -> None:
    """Raises Mono3DError, as `needed` makes it, if this process has no such module; for use before long work."""
    if not has(module):
        raise needed(feature, ModuleNotFoundError(name=module))


def needed(feature: str, error: ImportError) -> Mono3DError:
    """Returns the sentence for a user who asked for `feature`, a plural noun, whose import failed with `error`."""
    module = (error.name or "").partition(".")[0]
    package = _PACKAGES.get(module, module)
    if isinstance(error, ModuleNotFoundError) and module in BY_PIP:
        extra = BY_PIP[module]
        return Mono3DError(
            f"{feature} need the package {package}, which is not installed: pip install 'mono3d[{extra}]'."
        )
    if isinstance(error, ModuleNotFoundError) and module in NAMES:
        return Mono3DError(f"{feature} need the package {package}, which is not installed: {edition.remedy()}.")
    return Mono3DError(f"{feature} need a package that cannot be loaded ({error}); install Mono3D's packages again.")
