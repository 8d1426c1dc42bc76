# SPDX-License-Identifier: GPL-3.0-or-later
"""What can be installed: a declared table, read by the lock tool, the plan and the installation."""

from __future__ import annotations

import types
from collections.abc import Mapping
from dataclasses import dataclass

PYTORCH_CPU = "pytorch-cpu"

INDEXES: Mapping[str, str] = types.MappingProxyType({PYTORCH_CPU: "https://download.pytorch.org/whl/cpu"})
"""Package indexes beside the standard one, by the name that the locks use."""


@dataclass(frozen=True)
class Requirement:
    """One package of a component, in pip's words (`timm==1.0.31`), and where it is wanted.

    Empty `pythons`, `platforms` or `backends` mean everywhere. `index` names a row of INDEXES.
    """

    text: str
    pythons: tuple[str, ...] = ()
    platforms: tuple[str, ...] = ()
    backends: tuple[str, ...] = ()
    index: str = ""

    def wanted(self, python_tag: str, platform: str, backend: str) -> bool:
        """Returns whether the package belongs to the set for this Python, platform and backend."""
        return (
            (not self.pythons or python_tag in self.pythons)
            and (not self.platforms or platform in self.platforms)
            and (not self.backends or backend in self.backends)
        )


@dataclass(frozen=True)
class Component:
    """A named set of packages with a folder of its own.

    `backends` gives the backend per platform; `fallbacks` the one to take where the first one's index cannot be
    reached. `trims` are patterns (fnmatch, on paths inside the wheels) of files that are never used and not unpacked.
    `smoke` names the script in smoke.py that must succeed before the switch. `minimum_glibc` concerns Linux.
    """

    name: str
    purpose: str
    requirements: tuple[Requirement, ...]
    backends: Mapping[str, str]
    fallbacks: Mapping[str, str]
    trims: tuple[str, ...]
    smoke: str
    minimum_glibc: tuple[int, int] = (2, 28)


LINUX, WINDOWS, MACOS = "linux_x86_64", "windows_amd64", "macos_arm64"

_NEVER_USED = (
    "*/__pycache__/*",
    "*.dist-info/sboms/*",
    "numpy/*/tests/*",
    "numpy/tests/*",
    "*.data/scripts/*",
    "*.data/headers/*",
)

# Open3D's import pulls in its web viewer; these are the packages which that import really loads.
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

# The CUDA build of torch on the standard index links these libraries: they must be there even where no GPU is.
_CUDA_LIBRARIES = (
    "nvidia-cuda-runtime==13.0.96",
    "nvidia-cuda-cupti==13.0.85",
    "nvidia-cuda-nvrtc==13.0.88",
    "nvidia-cudnn-cu13==9.20.0.48",
    "nvidia-cublas==13.1.1.3",
    "nvidia-cufft==12.0.0.61",
    "nvidia-cufile==1.15.1.6",
    "nvidia-curand==10.4.0.35",
    "nvidia-cusparse==12.6.3.3",
    "nvidia-cusparselt-cu13==0.8.1",
    "nvidia-nccl-cu13==2.29.7",
    "nvidia-nvshmem-cu13==3.4.5",
    "nvidia-nvjitlink",
)

WORKER = Component(
    name="worker",
    purpose="PyTorch, timm, OpenVINO and Open3D, which turn a photo into a mesh",
    requirements=(
        Requirement("torch==2.13.0", platforms=(LINUX,), backends=("cpu",), index=PYTORCH_CPU),
        Requirement("torch==2.13.0", platforms=(LINUX,), backends=("cpu-pypi",)),
        Requirement("torch==2.13.0", platforms=(WINDOWS, MACOS)),
        *(Requirement(text, platforms=(LINUX,), backends=("cpu-pypi",)) for text in _CUDA_LIBRARIES),
        Requirement("torchvision==0.28.0"),
        Requirement("timm==1.0.31"),
        Requirement("sympy"),
        Requirement("mpmath<1.4"),
        Requirement("networkx"),
        Requirement("safetensors"),
        # Runs the networks on processors. Its dependency openvino-telemetry reports to the publisher and is left out.
        Requirement("openvino==2026.4.1", platforms=(LINUX, WINDOWS), backends=("cpu", "cpu-pypi")),
        Requirement("open3d-cpu==0.20.0", platforms=(LINUX,)),
        Requirement("open3d==0.20.0", platforms=(WINDOWS, MACOS)),
        *(Requirement(name) for name in _OPEN3D_NEEDS),
        Requirement("libusb-package", platforms=(LINUX,)),
        Requirement("numpy"),
        Requirement("pillow"),
        Requirement("pillow-heif"),
        Requirement("fast-simplification==0.2.0"),
        Requirement("OpenEXR==3.5.3"),
        Requirement("tqdm"),
        Requirement("colorama", platforms=(WINDOWS,)),
    ),
    backends=types.MappingProxyType({LINUX: "cpu", WINDOWS: "cpu", MACOS: "mps"}),
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
        # Browser programs of packages whose Python half alone is imported.
        "plotly/package_data/*",
        "plotly/labextension/*",
        "*.data/data/*",
        "dash/*.js",
        "dash/*.js.map",
        "dash/*/proptypes.js",
        "open3d/resources/html/*",
        "open3d/web_visualizer*",
        "open3d/labextension/*",
        # Plugins for other devices, readers of other formats, and what compiles against it.
        "openvino/libs/*intel_gpu_plugin*",
        "openvino/libs/*intel_npu_*",
        "openvino/libs/*openvino_[!pi]*_frontend*",
        "openvino/libs/*openvino_paddle_frontend*",
        "openvino/libs/cache.json",
        "openvino/include/*",
        "openvino/libs/*.lib",
        "openvino/cmake/*",
        # What the CUDA libraries load only once a GPU is used.
        "nvidia/*/include/*",
        "nvidia/*/lib/libcudnn_*",
        "nvidia/*/lib/*nvrtc-builtins*",
        "nvidia/*/lib/*.a",
        "nvidia/*/lib/*.alt.*",
        "nvidia/*/lib/*.bc",
    ),
    smoke="worker",
    minimum_glibc=(2, 35),
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
    purpose="Blender as a Python module, which writes .blend files and previews where no Blender is",
    requirements=(
        Requirement("bpy==5.0.1", pythons=("cp311",)),
        Requirement("numpy<2", pythons=("cp311",)),
        Requirement("bpy==5.2.3", pythons=("cp313",)),
        Requirement("numpy>=2.2,<3", pythons=("cp313",)),
        # From 5.2 on Blender's own extension system imports these while it starts.
        *(Requirement(name, pythons=("cp313",)) for name in _BLENDER_52_NEEDS),
    ),
    backends=types.MappingProxyType({LINUX: "cpu", WINDOWS: "cpu", MACOS: "cpu"}),
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
    backends=types.MappingProxyType({LINUX: "cpu", WINDOWS: "cpu", MACOS: "cpu"}),
    fallbacks=types.MappingProxyType({}),
    trims=_NEVER_USED,
    smoke="vtp",
)

COMPONENTS: Mapping[str, Component] = types.MappingProxyType({item.name: item for item in (WORKER, SCENE, VTP)})
"""Every component by its name."""
