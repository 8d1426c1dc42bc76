# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of components that can be installed."""

from __future__ import annotations

import types
from collections.abc import Mapping

from .component import Component, Requirement
from .platforms import LINUX, MACOS, WINDOWS
from .torch_builds import TORCH

_NEVER_USED = (
    "*/__pycache__/*",
    "*.dist-info/sboms/*",
    "numpy/*/tests/*",
    "numpy/tests/*",
    "*.data/scripts/*",
    "*.data/headers/*",
)

# Importing Open3D imports its web viewer. These are the packages that the viewer loads at import.
_OPEN3D_NEEDS = (
    "plotly",
    "dash",
    "pydantic",
    "pydantic_core",
    "typing_extensions",
    "typing_inspection",
    "annotated_types",
    "narwhals",
    "janus",
    "werkzeug",
    "markupsafe",
)

WORKER = Component(
    name="worker",
    purpose="PyTorch, timm, OpenVINO and Open3D, which turn a photo into a mesh",
    requirements=(
        *TORCH,
        Requirement("timm==1.0.31"),
        Requirement("sympy"),
        Requirement("mpmath<1.4"),
        Requirement("networkx"),
        Requirement("safetensors"),
        # Runs the networks on processors. Its dependency openvino-telemetry sends usage data, so it is not installed.
        Requirement("openvino==2026.4.1", platforms=(LINUX,), backends=("cpu", "cpu-pypi")),
        Requirement("openvino==2026.4.1", platforms=(WINDOWS,), backends=("cpu",)),
        Requirement("open3d-cpu==0.20.0", platforms=(LINUX,)),
        Requirement("open3d==0.20.0", platforms=(WINDOWS, MACOS)),
        *(Requirement(name) for name in _OPEN3D_NEEDS),
        Requirement("libusb-package", platforms=(LINUX,)),
        Requirement("numpy"),
        Requirement("pillow"),
        Requirement("pillow-heif"),
        Requirement("pillow-jxl-plugin"),
        Requirement("packaging"),
        Requirement("fast-simplification==0.2.0"),
        Requirement("OpenEXR==3.5.3"),
        Requirement("tqdm"),
        Requirement("colorama", platforms=(WINDOWS,)),
    ),
    default_backends=types.MappingProxyType({LINUX: "cpu", WINDOWS: "cpu", MACOS: "mps"}),
    fallbacks=types.MappingProxyType({"cpu": "cpu-pypi"}),
    trims=(
        *_NEVER_USED,
        "torch/include/*",
        "torch/share/*",
        "torch/test/*",
        "torch/lib/*.a",
        "torch/lib/*.lib",
        "torch/bin/[!t]*",
        "torch/bin/t[!o]*",
        "sympy/*/tests/*",
        "networkx/*/tests/*",
        "networkx/tests/*",
        # JavaScript of packages of which only the Python part is imported.
        "plotly/package_data/*",
        "plotly/labextension/*",
        "dash/*.js",
        "dash/*.js.map",
        "dash/*/proptypes.js",
        "open3d/resources/html/*",
        "open3d/web_visualizer*",
        "open3d/labextension/*",
        # Plugins for other devices, importers of other model formats, and files for building against OpenVINO.
        "openvino/libs/*intel_gpu_plugin*",
        "openvino/libs/*intel_npu_*",
        "openvino/libs/*openvino_[!pi]*_frontend*",
        "openvino/libs/*openvino_paddle_frontend*",
        "openvino/libs/cache.json",
        "openvino/include/*",
        "openvino/libs/*.lib",
        "openvino/cmake/*",
        # Files for building against the CUDA libraries.
        "nvidia/*/include/*",
        "nvidia/*/lib/*.a",
        "nvidia/*/lib/*.alt.*",
        "nvidia/*/lib/*.bc",
    ),
    smoke="worker",
    minimum_glibc=(2, 35),
    graphics_backends=types.MappingProxyType(
        {LINUX: ("cu126", "cu128", "cu130", "rocm", "xpu"), WINDOWS: ("cu126", "cu128", "cu130")}
    ),
    # Libraries that are loaded only when a GPU is used.
    backend_trims=types.MappingProxyType({"cpu-pypi": ("nvidia/*/lib/libcudnn_*", "nvidia/*/lib/*nvrtc-builtins*")}),
    # Intel's wheels install their libraries into the interpreter's prefix. torch also loads them from torch/lib.
    moves=types.MappingProxyType({"xpu": types.MappingProxyType({"*.data/data/lib": "torch/lib"})}),
)

_BLENDER_52_NEEDS = (
    "cattrs",
    "attrs",
    "typing_extensions",
    "requests",
    "urllib3",
    "certifi",
    "idna",
    "charset_normalizer",
)

SCENE = Component(
    name="scene",
    purpose="Blender as a Python module, which writes .blend files without an installed Blender",
    requirements=(
        Requirement("bpy==5.0.1", pythons=("cp311",)),
        Requirement("numpy<2", pythons=("cp311",)),
        Requirement("bpy==5.2.3", pythons=("cp313",)),
        Requirement("numpy>=2.2,<3", pythons=("cp313",)),
        # Since 5.2, Blender's extension system imports these at start.
        *(Requirement(name, pythons=("cp313",)) for name in _BLENDER_52_NEEDS),
    ),
    default_backends=types.MappingProxyType({LINUX: "cpu", WINDOWS: "cpu", MACOS: "cpu"}),
    fallbacks=types.MappingProxyType({}),
    trims=_NEVER_USED,
    smoke="scene",
)

VTP = Component(
    name="vtp",
    purpose="PyVista, which writes VTP files",
    requirements=(
        Requirement("pyvista"),
        Requirement("vtk"),
        Requirement("numpy"),
        Requirement("pyvista_validation"),
        Requirement("scooby"),
        Requirement("pooch"),
        Requirement("platformdirs"),
        Requirement("typing_extensions"),
    ),
    default_backends=types.MappingProxyType({LINUX: "cpu", WINDOWS: "cpu", MACOS: "cpu"}),
    fallbacks=types.MappingProxyType({}),
    trims=_NEVER_USED,
    smoke="vtp",
)

# Starlette and not FastAPI, which adds a compiled validator and OpenTelemetry. These packages are pure Python, so the
# files are the same on every platform.
WEB = Component(
    name="web",
    purpose="Starlette and uvicorn, which serve the web page",
    requirements=(
        Requirement("starlette==1.10.0"),
        Requirement("uvicorn==0.54.0"),
        Requirement("python-multipart==0.0.34"),
        Requirement("imagesize==2.0.1"),
        Requirement("anyio"),
        Requirement("idna"),
        Requirement("h11"),
        Requirement("click"),
        Requirement("typing_extensions"),
        Requirement("colorama", platforms=(WINDOWS,)),
    ),
    default_backends=types.MappingProxyType({LINUX: "cpu", WINDOWS: "cpu", MACOS: "cpu"}),
    fallbacks=types.MappingProxyType({}),
    trims=_NEVER_USED,
    smoke="web",
)

COMPONENTS: Mapping[str, Component] = types.MappingProxyType({item.name: item for item in (WORKER, SCENE, VTP, WEB)})
"""Every component by its name."""
