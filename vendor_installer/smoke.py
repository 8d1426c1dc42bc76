# SPDX-License-Identifier: GPL-3.0-or-later
"""Smoke tests: running new packages in a child process before they replace the old ones.

The scripts do a small version of the program's work. Importing the packages also makes Python write its bytecode
cache, so the first real run starts as fast as later ones.
"""

from __future__ import annotations

import secrets
import types
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from . import pip
from .errors import InstallError, translate
from .folders import Folders, remove_tree
from .interpreter import Interpreter

_TIMEOUT_SECONDS = 600

_FRONT = "import sys; sys.path.insert(0, sys.argv[1]); scratch, device = sys.argv[2:]\n"

_DEVICES = {"cu126": "cuda", "cu128": "cuda", "cu130": "cuda", "rocm": "cuda", "xpu": "xpu", "mps": "mps"}
"""Backend -> its device type in torch; all others use the processor."""

# torchvision from the standard index is a CUDA build, whose library cannot be loaded with a CPU build of torch. Its
# Python part then fails without the operator nms (pytorch/vision issue 9085). Declaring the operators lets it import.
_TORCH = """
import importlib.util, pathlib
import torch
folder = pathlib.Path(importlib.util.find_spec("torchvision").submodule_search_locations[0])
try:
    for library in sorted(folder.glob("_C.*")):
        torch.ops.load_library(str(library))
except (OSError, ImportError):
    declared = torch.library.Library("torchvision", "DEF")
    declared.define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    declared.define("qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
import timm
there = {"cuda": torch.cuda.is_available, "xpu": torch.xpu.is_available, "mps": torch.backends.mps.is_available}
if device in there and not there[device]():
    if device != "mps":
        torch.zeros(1, device=device)  # raises an error with the reason
    device = "cpu"  # a virtual Mac has no Metal
network = timm.create_model("mobilenetv3_small_050", pretrained=False).eval().to(device)
with torch.inference_mode():
    found = network(torch.zeros(1, 3, 64, 64, device=device)).cpu()
assert found.shape == (1, 1000) and bool(torch.isfinite(found).all())
"""

_OPENVINO = """
shown = [pathlib.Path("/proc/cpuinfo"), pathlib.Path("/sys/devices/system/cpu")]
# If neither path exists on Linux, OpenVINO hangs while looking for processors. Mono3D does not use it there.
if importlib.util.find_spec("openvino") and (sys.platform != "linux" or any(path.exists() for path in shown)):
    import openvino
    layer = torch.nn.Conv2d(3, 4, 3).eval()
    picture = torch.ones(1, 3, 8, 8)
    graph = openvino.convert_model(layer, example_input=picture)
    found = openvino.Core().compile_model(graph, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})(picture.numpy())[0]
    with torch.inference_mode():
        assert abs(found - layer(picture).numpy()).max() < 1e-4
"""

_OPEN3D = """
import ctypes
found = importlib.util.find_spec("libusb_package")
for library in sorted(pathlib.Path(found.submodule_search_locations[0]).glob("libusb-1.0*")) if found else ():
    ctypes.CDLL(str(library), mode=ctypes.RTLD_GLOBAL)
import numpy
import open3d
directions = numpy.random.default_rng(0).normal(size=(2000, 3))
points = directions / numpy.linalg.norm(directions, axis=1, keepdims=True)
cloud = open3d.geometry.PointCloud(open3d.utility.Vector3dVector(points))
cloud.normals = open3d.utility.Vector3dVector(points)
mesh, _ = open3d.geometry.TriangleMesh.create_from_point_cloud_poisson(cloud, depth=4)
assert len(mesh.triangles) > 100
"""

_REST = """
import fast_simplification, OpenEXR, PIL.Image, pillow_heif, pillow_jxl, safetensors.torch, tqdm
pillow_heif.register_heif_opener()
fewer, _ = fast_simplification.simplify(numpy.asarray(mesh.vertices), numpy.asarray(mesh.triangles), 0.5)
assert len(fewer) > 10
"""

_SCENE = """
import os
import bpy
blend = os.path.join(scratch, "scene.blend")
bpy.ops.wm.save_as_mainfile(filepath=blend)
assert os.path.getsize(blend) > 1000
scene = bpy.context.scene
scene.render.engine = "CYCLES"
scene.cycles.samples = 1
scene.cycles.use_denoising = False
scene.render.resolution_x = scene.render.resolution_y = 64
scene.render.resolution_percentage = 100
scene.render.image_settings.file_format = "PNG"
scene.render.filepath = os.path.join(scratch, "preview.png")
bpy.ops.render.render(write_still=True)
assert os.path.getsize(scene.render.filepath) > 100
sys.stdout.flush()
os._exit(0)
"""

_VTP = """
import os
import pyvista
path = os.path.join(scratch, "sphere.vtp")
pyvista.Sphere().save(path)
assert os.path.getsize(path) > 1000
"""

_WEB = """
import asyncio, io
import imagesize, python_multipart, uvicorn
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
gif = b"GIF89a" + bytes((3, 0, 2, 0, 0, 0, 0))
assert imagesize.get(io.BytesIO(gif)) == (3, 2)
app = Starlette(routes=[Route("/", lambda request: PlainTextResponse("well"))])
server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, http="h11", log_level="error"))
async def ask():
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET / HTTP/1.1\\r\\nHost: localhost\\r\\nConnection: close\\r\\n\\r\\n")
    answer = await reader.read()
    writer.close()
    server.should_exit = True
    await serving
    return answer
assert asyncio.run(ask()).endswith(b"well")
"""

SCRIPTS: Mapping[str, str] = types.MappingProxyType(
    {
        "worker": _TORCH + _OPENVINO + _OPEN3D + _REST,
        "scene": _SCENE,
        "vtp": _VTP,
        "web": _WEB,
        "nothing": "",
    }
)
"""Name -> Python source. Runs with the packages folder first in the search path, and the variables `scratch`, a folder
for files, and `device`, torch's device type."""


def run_smoke_test(
    script: str,
    packages: Path,
    interpreter: Interpreter,
    backend: str,
    folders: Folders,
    cancelled: Callable[[], bool],
    on_poll: Callable[[], None] = lambda: None,
) -> None:
    """Runs the script of SCRIPTS named `script` with the packages, on the backend's device.

    Raises InstallError if it fails; InstallCancelled.
    """
    scratch = folders.temporary / secrets.token_hex(4)
    scratch.mkdir(parents=True)
    command: Sequence[str] = [interpreter.executable, "-I", "-c", _FRONT + SCRIPTS[script], str(packages), str(scratch)]
    command = [*command, _DEVICES.get(backend, "cpu")]
    try:
        done = pip.run(
            command,
            log=folders.log,
            temporary=scratch,
            cancelled=cancelled,
            on_poll=lambda output: on_poll(),
            seconds=_TIMEOUT_SECONDS,
        )
    finally:
        remove_tree(scratch)
    if done.code:
        reason = translate(done.output or f"the program ended with code {done.code}", folders.log)
        raise InstallError(f"The new packages do not work and were not installed. {reason}", reason.details)
