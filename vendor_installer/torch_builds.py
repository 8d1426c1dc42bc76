# SPDX-License-Identifier: GPL-3.0-or-later
"""The builds of PyTorch for each platform and backend, with the libraries that they link."""

from __future__ import annotations

from .component import Requirement
from .indexes import pytorch_index
from .platforms import LINUX, MACOS, WINDOWS

# torch on the standard index is the build for CUDA 13.0. It links these libraries, so it needs them without a GPU too.
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

# The libraries of PyTorch's builds for CUDA 12, at the versions that PyTorch pins.
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
    version: str, build: str, platform: str, gigabytes: tuple[float, float], libraries: tuple[str, ...] = ()
) -> tuple[Requirement, ...]:
    """Returns torch for one kind of graphics card, and the libraries that it links.

    `gigabytes` are the approximate sizes to download and to store.
    """
    backend = "rocm" if build.startswith("rocm") else build
    sizes = (int(gigabytes[0] * _GIGA), int(gigabytes[1] * _GIGA))
    torch = Requirement(
        f"torch=={version}",
        platforms=(platform,),
        backends=(backend,),
        index=pytorch_index(build),
        estimated_sizes=sizes,
    )
    return (torch, *(Requirement(text, platforms=(platform,), backends=(backend,)) for text in libraries))


# PyTorch 2.11 is the last with a build for CUDA 12.8. The builds for Windows contain the CUDA libraries.
_GRAPHICS = (
    *(Requirement(text, platforms=(LINUX,), backends=("cu130",)) for text in ("torch==2.13.0", *_CUDA_130_LIBRARIES)),
    *_torch("2.13.0", "cu126", LINUX, (0.82, 1.7), _CUDA_126_LIBRARIES),
    *_torch("2.11.0", "cu128", LINUX, (0.82, 1.7), _CUDA_128_LIBRARIES),
    *_torch("2.13.0", "rocm7.2", LINUX, (4.9, 17.0)),
    *_torch("2.13.0", "xpu", LINUX, (1.2, 4.0), _XPU_LIBRARIES),
    *_torch("2.13.0", "cu126", WINDOWS, (2.6, 4.5)),
    *_torch("2.11.0", "cu128", WINDOWS, (2.8, 4.9)),
    *_torch("2.13.0", "cu130", WINDOWS, (1.9, 3.2)),
)

_CPU = (
    Requirement("torch==2.13.0", platforms=(LINUX,), backends=("cpu",), index=pytorch_index("cpu")),
    Requirement("torch==2.13.0", platforms=(LINUX,), backends=("cpu-pypi",)),
    Requirement("torch==2.13.0", platforms=(WINDOWS, MACOS), backends=("cpu", "mps")),
    *(Requirement(text, platforms=(LINUX,), backends=("cpu-pypi",)) for text in _CUDA_130_LIBRARIES),
)

_TORCHVISION = (
    Requirement("torchvision==0.28.0", backends=("cpu", "cpu-pypi", "mps", "cu126", "cu130", "rocm", "xpu")),
    Requirement("torchvision==0.26.0", backends=("cu128",)),
)

TORCH = (*_CPU, *_GRAPHICS, *_TORCHVISION)
"""torch, its libraries and torchvision for every platform and backend."""
