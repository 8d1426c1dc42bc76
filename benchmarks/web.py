# SPDX-License-Identifier: GPL-3.0-or-later
"""Measures the overhead of the web server: `python3 benchmarks/web.py [--runs 10] [--data-folder FOLDER]`.

Starts a server with one worker and sends it different photos of 1 and 12 megapixels over loopback. The pipeline's time
is measured by the worker in the same request, from reading the photo to the mesh. The overhead is the rest of the time
that the page waits: upload, queue, saving, the mesh file for the viewer, events.

Needs the installed packages (`python3 -m mono3d_addon web --install`).
"""

from __future__ import annotations

import argparse
import contextlib
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from mono3d_addon import environment  # noqa: E402
from mono3d_addon.web.client import Client  # noqa: E402

SIZES = {"1 Mpx": (1224, 816), "12 Mpx": (4242, 2828)}
_SAVING = "Saving the result"

_MAKE = """
import sys; sys.path.insert(0, sys.argv[1])
from PIL import Image, ImageEnhance
width, height, count = map(int, sys.argv[4:])
for number in range(count):
    with Image.open(sys.argv[2]) as picture:
        large = picture.convert("RGB").resize((width, height), Image.Resampling.LANCZOS)
    ImageEnhance.Brightness(large).enhance(0.8 + 0.02 * number).save(f"{sys.argv[3]}/{width}-{number}.jpg", quality=92)
"""


@contextlib.contextmanager
def serving(data: Path) -> Iterator[Client]:
    """Runs a server during the block and yields a client for it."""
    command = [sys.executable, "-m", "mono3d_addon", "web", "--port", "0", "--no-open-browser", "--data-folder"]
    process = subprocess.Popen([*command, str(data)], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield Client(process.stdout.readline().split()[-1])
    finally:
        process.terminate()
        process.wait()


def measure(client: Client, photo: Path, folder: Path) -> dict[str, float]:
    """Returns the seconds of one photo by stage, and the size of the mesh file for the viewer in megabytes."""
    began = time.perf_counter()
    job = client.reconstruct(photo)
    done = time.perf_counter() - began
    with client._asked("GET", f"/api/jobs/{job.id}/view") as answer:
        size = len(answer.read())
    received = time.perf_counter() - began
    stages = dict(job.result["seconds"])
    saving = stages.pop(_SAVING)
    pipeline = sum(stages.values())
    began = time.perf_counter()
    client._json("POST", f"/api/jobs/{job.id}/shape", {"settings": {"near": 1.5}, "draft": True})
    job.refresh()
    job.wait()
    draft = time.perf_counter() - began
    began = time.perf_counter()
    job.shape({"near": 1.5})
    shape = time.perf_counter() - began
    began = time.perf_counter()
    job.save(folder, "glb")
    download = time.perf_counter() - began
    job.delete()
    return {
        "pipeline": pipeline,
        "job done": done,
        "overhead": done - pipeline,
        "saving": saving,
        "mesh received": received,
        "overhead of the mesh": received - pipeline,
        "draft of a slider": draft,
        "full reshape": shape,
        "download GLB": download,
        "view MB": size / 1e6,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description="Measures the overhead of the web server.")
    parser.add_argument("--runs", type=int, default=10, help="photos per size (default: 10)")
    parser.add_argument(
        "--data-folder", type=Path, default=environment.default_data_folder(), help="folder with the installed packages"
    )
    options = parser.parse_args()
    packages = environment.require("worker", options.data_folder)
    cup = ROOT / "tests" / "photos" / "coffee.png"
    with tempfile.TemporaryDirectory() as scratch, serving(options.data_folder) as client:
        for name, size in SIZES.items():
            counts = [str(number) for number in (*size, options.runs + 2)]
            command = [sys.executable, "-c", _MAKE, str(packages), str(cup), scratch, *counts]
            subprocess.run(command, check=True)
            photos = sorted(Path(scratch).glob(f"{size[0]}-*.jpg"))
            runs = [measure(client, photo, Path(scratch) / "out") for photo in photos][2:]
            print(f"{name}, {len(runs)} runs after 2 warm-up runs: median (lowest to highest), seconds")
            for what in runs[0]:
                values = [run[what] for run in runs]
                print(f"  {what:20} {statistics.median(values):6.3f} ({min(values):.3f} to {max(values):.3f})")


if __name__ == "__main__":
    main()
