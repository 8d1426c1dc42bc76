# SPDX-License-Identifier: GPL-3.0-or-later
"""What can be installed: a declared table, read by the lock tool, the plan and the installation."""

from __future__ import annotations

import types
from collections.abc import Mapping
from dataclasses import dataclass, field

_PYTORCH = "pytorch-"
PYTORCH_CPU = f"{_PYTORCH}cpu"

INDEXES: Mapping[str, str] = types.MappingProxyType(
    {
        f"{_PYTORCH}{build}": f"https://download.pytorch.org/whl/{build}"
        for build in ("cpu", "cu126", "cu128", "cu130", "rocm7.2", "xpu")
    }
)
"""Package indexes beside the standard one, by the name that the locks use."""


def build_label(index: str) -> str:
    """Returns the local part of the versions that an index of INDEXES serves: 'cu126' as in torch 2.13.0+cu126."""
    return index.removeprefix(_PYTORCH)


@dataclass(frozen=True)
class Requirement:
    """One package of a component, in pip's words (`timm==1.0.31`), and where it is wanted.

    Empty `pythons`, `platforms` or `backends` mean everywhere. `index` names a row of INDEXES. `about` is roughly how
    many bytes are downloaded and stored, for the lock of a file whose index cannot be read.
    """

    text: str
    pythons: tuple[str, ...] = ()
    platforms: tuple[str, ...] = ()
    backends: tuple[str, ...] = ()
    index: str = ""
    about: tuple[int, int] | None = None

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
    reached. `trims` are patterns (fnmatch, on paths inside the wheels) of files that are never used and not unpacked;
    `backend_trims` those of single backends. `moves` says which folders inside the wheels of a backend go where.
    `smoke` names the script in smoke.py that must succeed before the switch. `minimum_glibc` concerns Linux.
    `graphics` gives the backends per platform that are for graphics cards.
    """

    name: str
    purpose: str
    requirements: tuple[Requirement, ...]
    backends: Mapping[str, str]
    fallbacks: Mapping[str, str]
    trims: tuple[str, ...]
    smoke: str
    minimum_glibc: tuple[int, int] = (2, 28)
    graphics: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    backend_trims: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    moves: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def trims_for(self, backend: str) -> tuple[str, ...]:
        """Returns the patterns of the files that are not unpacked for a backend."""
        return (*self.trims, *self.backend_trims.get(backend, ()))

    def moves_for(self, backend: str) -> Mapping[str, str]:
        """Returns the folders inside the wheels (fnmatch) that are unpacked elsewhere for a backend."""
        return self.moves.get(backend, {})


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

# The CUDA build of torch on the standard index, which is PyTorch's for CUDA 13.0, links these libraries: they must be
# there even where no GPU is.
_CUDA_130_LIBRARIES = (
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

# The same for PyTorch's builds for CUDA 12, as PyTorch pins them.
_CUDA_126_LIBRARIES = (
    "nvidia-cuda-runtime-cu12==12.6.77",
    "nvidia-cuda-cupti-cu12==12.6.80",
    "nvidia-cuda-nvrtc-cu12==12.6.85",
    "nvidia-cudnn-cu12==9.10.2.21",
    "nvidia-cublas-cu12==12.6.4.1",
    "nvidia-cufft-cu12==11.3.0.4",
    "nvidia-cufile-cu12==1.11.1.6",
    "nvidia-curand-cu12==10.3.7.77",
    "nvidia-cusparse-cu12==12.5.4.2",
    "nvidia-cusparselt-cu12==0.7.1",
    "nvidia-nccl-cu12==2.29.3",
    "nvidia-nvshmem-cu12==3.4.5",
    "nvidia-nvjitlink-cu12==12.6.85",
)
_CUDA_128_LIBRARIES = (
    "nvidia-cuda-runtime-cu12==12.8.90",
    "nvidia-cuda-cupti-cu12==12.8.90",
    "nvidia-cuda-nvrtc-cu12==12.8.93",
    "nvidia-cudnn-cu12==9.19.0.56",
    "nvidia-cublas-cu12==12.8.4.1",
    "nvidia-cufft-cu12==11.3.3.83",
    "nvidia-cufile-cu12==1.13.1.3",
    "nvidia-curand-cu12==10.3.9.90",
    "nvidia-cusparse-cu12==12.5.8.93",
    "nvidia-cusparselt-cu12==0.7.1",
    "nvidia-nccl-cu12==2.28.9",
    "nvidia-nvshmem-cu12==3.4.5",
    "nvidia-nvjitlink-cu12==12.8.93",
)
_XPU_LIBRARIES = (
    "intel-sycl-rt==2026.0.0",
    "intel-cmplr-lib-rt==2026.0.0",
    "intel-cmplr-lib-ur==2026.0.0",
    "intel-openmp==2026.0.0",
    "intel-pti==0.17.0",
    "mkl==2026.0.0",
    "onemkl-sycl-blas==2026.0.0",
    "onemkl-sycl-dft==2026.0.0",
    "onemkl-sycl-lapack==2026.0.0",
    "onemkl-sycl-rng==2026.0.0",
    "onemkl-sycl-sparse==2026.0.0",
    "oneccl==2022.0.0",
    "impi-rt==2021.18.0",
    "tbb==2023.0.0",
    "tcmlib==1.5.0",
    "umf==1.1.0",
)

_GIGA = 1_000_000_000


def _torch(
    version: str, build: str, platform: str, about: tuple[float, float], libraries: tuple[str, ...] = ()
) -> tuple[Requirement, ...]:
    """Returns torch for a kind of graphics card, with the libraries that it links; `about` in gigabytes."""
    backend = "rocm" if build.startswith("rocm") else build
    sizes = (int(about[0] * _GIGA), int(about[1] * _GIGA))
    torch = Requirement(
        f"torch=={version}", platforms=(platform,), backends=(backend,), index=f"{_PYTORCH}{build}", about=sizes
    )
    return (torch, *(Requirement(text, platforms=(platform,), backends=(backend,)) for text in libraries))


# PyTorch made its last build for CUDA 12.8 at 2.11. On Windows its builds bring the CUDA libraries along.
_GRAPHICS_TORCH = (
    *(Requirement(text, platforms=(LINUX,), backends=("cu130",)) for text in ("torch==2.13.0", *_CUDA_130_LIBRARIES)),
    *_torch("2.13.0", "cu126", LINUX, (0.82, 1.7), _CUDA_126_LIBRARIES),
    *_torch("2.11.0", "cu128", LINUX, (0.82, 1.7), _CUDA_128_LIBRARIES),
    *_torch("2.13.0", "rocm7.2", LINUX, (4.9, 17.0)),
    *_torch("2.13.0", "xpu", LINUX, (1.2, 4.0), _XPU_LIBRARIES),
    *_torch("2.13.0", "cu126", WINDOWS, (2.6, 4.5)),
    *_torch("2.11.0", "cu128", WINDOWS, (2.8, 4.9)),
    *_torch("2.13.0", "cu130", WINDOWS, (1.9, 3.2)),
)
_OTHERS_THAN_CU128 = ("cpu", "cpu-pypi", "mps", "cu126", "cu130", "rocm", "xpu")

WORKER = Component(
    name="worker",
    purpose="PyTorch, timm, OpenVINO and Open3D, which turn a photo into a mesh",
    requirements=(
        Requirement("torch==2.13.0", platforms=(LINUX,), backends=("cpu",), index=PYTORCH_CPU),
        Requirement("torch==2.13.0", platforms=(LINUX,), backends=("cpu-pypi",)),
        Requirement("torch==2.13.0", platforms=(WINDOWS, MACOS), backends=("cpu", "mps")),
        *(Requirement(text, platforms=(LINUX,), backends=("cpu-pypi",)) for text in _CUDA_130_LIBRARIES),
        *_GRAPHICS_TORCH,
        Requirement("torchvision==0.28.0", backends=_OTHERS_THAN_CU128),
        Requirement("torchvision==0.26.0", backends=("cu128",)),
        Requirement("timm==1.0.31"),
        Requirement("sympy"),
        Requirement("mpmath<1.4"),
        Requirement("networkx"),
        Requirement("safetensors"),
        # Runs the networks on processors. Its dependency openvino-telemetry reports to the publisher and is left out.
        Requirement("openvino==2026.4.1", platforms=(LINUX,), backends=("cpu", "cpu-pypi")),
        Requirement("openvino==2026.4.1", platforms=(WINDOWS,), backends=("cpu",)),
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
        # What the CUDA libraries bring for compiling.
        "nvidia/*/include/*",
        "nvidia/*/lib/*.a",
        "nvidia/*/lib/*.alt.*",
        "nvidia/*/lib/*.bc",
    ),
    smoke="worker",
    minimum_glibc=(2, 35),
    graphics=types.MappingProxyType(
        {LINUX: ("cu126", "cu128", "cu130", "rocm", "xpu"), WINDOWS: ("cu126", "cu128", "cu130")}
    ),
    # What the CUDA libraries load only once a GPU is used.
    backend_trims=types.MappingProxyType({"cpu-pypi": ("nvidia/*/lib/libcudnn_*", "nvidia/*/lib/*nvrtc-builtins*")}),
    # Intel's wheels put their libraries beside Python's own, where torch looks for them; it looks in torch/lib too.
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

# Starlette rather than FastAPI, which brings a compiled validator and OpenTelemetry for what one function describes:
# these are Python alone, the same files everywhere.
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
    backends=types.MappingProxyType({LINUX: "cpu", WINDOWS: "cpu", MACOS: "cpu"}),
    fallbacks=types.MappingProxyType({}),
    trims=_NEVER_USED,
    smoke="web",
)

COMPONENTS: Mapping[str, Component] = types.MappingProxyType({item.name: item for item in (WORKER, SCENE, VTP, WEB)})
"""Every component by its name."""
