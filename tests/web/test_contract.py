# SPDX-License-Identifier: GPL-3.0-or-later
"""What other people's tools make of the API's description: schemathesis attacks by it, a generator makes a client."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.web.web_server import COFFEE, STAND_IN, need_packages, serving

pytestmark = [pytest.mark.torch, pytest.mark.open3d, pytest.mark.slow, pytest.mark.thorough]
need_packages()

USE = """\
import io, sys, time
from client import Client
from client.api.default import about, create, file, status
from client.models import Upload
from client.types import File

client = Client(base_url=sys.argv[1], timeout=60)
assert about.sync(client=client).max_jobs == 20
photo = File(io.BytesIO(open(sys.argv[2], "rb").read()), "cup.png", "image/png")
upload = Upload(photo=photo, settings='{"detail": 128}')
job = create.sync(client=client, body=upload, idempotency_key="cup")
assert create.sync(client=client, body=upload, idempotency_key="cup").id == job.id
while (now := status.sync(job.id, client=client)).state in ("queued", "running"):
    time.sleep(0.05)
assert now.state == "done" and now.name == "cup.png", now
answer = file.sync_detailed(job.id, "glb", client=client)
assert answer.status_code == 200 and answer.content.startswith(b"glTF"), answer
print(now.result.counts.to_dict()["vertices"])
"""


def tool(module: str) -> list[str]:
    """Returns the command that runs a tool; skips where it is not installed."""
    if importlib.util.find_spec(module.partition(".")[0]) is None:
        pytest.skip(f"needs {module}")
    return [sys.executable, "-m", module]


def test_schemathesis_finds_nothing(tmp_path: Path) -> None:
    command = [*tool("schemathesis.cli"), "run", "--phases", "coverage,fuzzing", "--max-examples", "20", "--seed", "1"]
    # A stream of events has no end that a test waits for. That a form needs a photo or a sample cannot be said in a way
    # that generators of clients understand. A GET request with a body is refused before anybody looks at its path.
    command += ["--exclude-path-regex", "events"]
    command += ["--exclude-checks", "positive_data_acceptance,unsupported_method"]
    command += ["--generation-database", "none", "--request-timeout", "30", "--no-color"]
    with serving(tmp_path, "--max-jobs", "1000", program=STAND_IN) as server:
        done = subprocess.run(
            [*command, f"{server.address}/openapi.json"],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=500,
            check=False,
        )
        assert "API Operations" in done.stdout and done.returncode == 0, done.stdout + done.stderr
        assert "Traceback" not in server.text()


def test_a_generated_client_works(tmp_path: Path) -> None:
    with serving(tmp_path, program=STAND_IN) as server:
        (tmp_path / "openapi.json").write_bytes(server.get("/openapi.json").body)
        command = [*tool("openapi_python_client"), "generate", "--path", "openapi.json", "--output-path", "client"]
        done = subprocess.run([*command, "--meta", "none"], cwd=tmp_path, capture_output=True, text=True, check=False)
        assert (tmp_path / "client" / "models" / "upload.py").exists(), done.stdout + done.stderr
        use = [sys.executable, "-c", USE, server.address, str(COFFEE)]
        path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
        done = subprocess.run(use, capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": path})
        assert done.returncode == 0 and int(done.stdout) > 1000, done.stdout + done.stderr
