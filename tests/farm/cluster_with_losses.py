# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a batch on a Ray cluster of two machines with S3 on this computer, and kills things on the way.

    python -m tests.farm.cluster_with_losses FOLDER_OF_PHOTOS DATA_FOLDER

Needs ray, moto[server] and s3fs. Prints a JSON object with what was killed and what came of it.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
LIMIT = 5400.0
"""Most seconds to wait for anything: hundreds of photos on a busy machine."""
WORDS = ("--runner", "ray", "--jobs", "1", "--detail", "96", "--format", "camera", "--preview", "off")


def main(photos: Path, data_folder: str) -> dict[str, Any]:
    """Returns the numbers of photos, results and records, the report's totals, and what was killed."""
    # Before Ray is imported: it then stays on the loopback address, which it would replace otherwise.
    os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"
    import boto3
    from moto.server import ThreadedMotoServer
    from ray.cluster_utils import Cluster

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    os.environ |= {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": "nobody",
        "AWS_SECRET_ACCESS_KEY": "nothing",
        "AWS_DEFAULT_REGION": "us-east-1",
        "PYTHONPATH": str(ROOT),
        "RAY_USAGE_STATS_ENABLED": "0",
    }
    store = boto3.client("s3")
    for bucket in ("photos", "results"):
        store.create_bucket(Bucket=bucket)
    files = sorted(photos.glob("*.jpg"))
    for path in files:
        store.upload_file(str(path), "photos", path.name)
    node = {
        "num_cpus": 1,
        "object_store_memory": 80 * 2**20,
        "include_dashboard": False,
        "node_ip_address": "127.0.0.1",
    }
    cluster = Cluster(initialize_head=True, head_node_args=node)
    killed: list[str] = []
    began = time.monotonic()
    try:
        # The head's processor is left to the second machine's successor.
        second = cluster.add_node(num_cpus=1, object_store_memory=80 * 2**20, node_ip_address="127.0.0.1")
        cluster.wait_for_nodes()
        command = [sys.executable, "-m", "mono3d_addon", "batch", "s3://photos", "-o", "s3://results", *WORDS]
        environment = os.environ | {"RAY_ADDRESS": cluster.address}
        run = subprocess.Popen([*command, "--data-folder", data_folder], env=environment, cwd=photos)
        try:
            for number, (name, kill) in enumerate(losses(cluster, second)):
                share = (number + 1) / 5
                wait_until(partial(is_due, store, run, share * len(files)))
                assert run.poll() is None, f"the run has ended before {name} was killed"
                kill()
                killed.append(name)
            code = run.wait(LIMIT)
        finally:
            run.kill()
        report = json.loads(store.get_object(Bucket="results", Key="report.json")["Body"].read())
        names = keys(store)
        return {
            "code": code,
            "photos": len(files),
            "results": sum(name.endswith("_camera.json") for name in names),
            "records": records(store),
            "half": sum(Path(name).name.startswith(".") for name in names),
            "done": report["done"],
            "failed": report["failed"],
            "reported": len({row["photo"] for row in report["photos"]}),
            "rows": len(report["photos"]),
            "killed": killed,
            "seconds": round(time.monotonic() - began, 1),
        }
    finally:
        cluster.shutdown()
        server.stop()


def is_due(store: Any, run: subprocess.Popen[bytes], count: float) -> bool:
    """Returns whether so many photos have a record, or the run has ended."""
    return records(store) >= count or run.poll() is not None


def losses(cluster: Any, second: Any) -> list[tuple[str, Callable[[], None]]]:
    """Returns what is killed, in this order: its name, and what does it."""

    def lose_machine() -> None:
        cluster.remove_node(second, allow_graceful=False)
        cluster.add_node(num_cpus=1, object_store_memory=80 * 2**20, node_ip_address="127.0.0.1")

    return [
        ("worker process", lambda: end_one("mono3d_addon.worker")),
        ("actor", lambda: end_one("ray::Hand")),
        ("machine", lose_machine),
    ]


def end_one(words: str) -> None:
    """Kills one process below this one whose command line has `words`."""
    found = [number for number, line in below(os.getpid()) if words in line]
    assert found, f"there is no process '{words}': {[line for _, line in below(os.getpid())]}"
    os.kill(found[-1], signal.SIGKILL)


def below(parent: int) -> list[tuple[int, str]]:
    """Returns the processes below one: ids and command lines."""
    parents: dict[int, int] = {}
    lines: dict[int, str] = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal():
            with contextlib.suppress(OSError, IndexError):
                parents[int(folder.name)] = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
                lines[int(folder.name)] = (
                    (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                )
    found: list[tuple[int, str]] = []
    for number in lines:
        above = number
        while above in parents and above != parent:
            above = parents[above]
        if above == parent and number != parent:
            found.append((number, lines[number]))
    return found


def keys(store: Any) -> list[str]:
    """Returns the names of all files in the bucket of results, except those that the batch keeps for itself."""
    pages = store.get_paginator("list_objects_v2").paginate(Bucket="results")
    names = [one["Key"] for page in pages for one in page.get("Contents", [])]
    return [name for name in names if not name.startswith(".mono3d/")]


def records(store: Any) -> int:
    """Returns how many photos have a record."""
    return sum(name.count("/") == 2 and name.endswith(".json") and "_camera" not in name for name in keys(store))


def wait_until(holds: Callable[[], bool]) -> None:
    """Waits for a condition. Raises TimeoutError."""
    ends = time.monotonic() + LIMIT
    while not holds():
        if time.monotonic() > ends:
            raise TimeoutError
        time.sleep(1.0)


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]).absolute(), sys.argv[2])))
