# SPDX-License-Identifier: GPL-3.0-or-later
"""Tiny hand-made wheels, locks for them, and a local package index that can inject faults."""

from __future__ import annotations

import base64
import hashlib
import http.server
import threading
import time
import urllib.parse
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from vendor_installer import locks
from vendor_installer.interpreter import Interpreter


def make_wheel(
    folder: Path, name: str, version: str = "1.0", files: Mapping[str, bytes] | None = None, needs: Sequence[str] = ()
) -> Path:
    """Writes a pure Python wheel with the module `name` (or the given files), with requirements; returns its path."""
    content = dict(files) if files is not None else {f"{name}/__init__.py": f"version = {version!r}\n".encode()}
    info = f"{name}-{version}.dist-info"
    needed = "".join(f"Requires-Dist: {one}\n" for one in needs)
    content[f"{info}/METADATA"] = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{needed}".encode()
    content[f"{info}/WHEEL"] = b"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    record = "".join(f"{path},sha256={_digest(data)},{len(data)}\n" for path, data in content.items())
    content[f"{info}/RECORD"] = f"{record}{info}/RECORD,,\n".encode()
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for member, data in content.items():
            archive.writestr(member, data)
    return path


def _digest(data: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()


def locked(wheel: Path, *, hashed: bool = True, index: str = "") -> locks.LockedFile:
    """Returns the lock's line for a wheel."""
    name, version = wheel.name.split("-")[:2]
    with zipfile.ZipFile(wheel) as archive:
        stored = sum(item.file_size for item in archive.infolist())
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest() if hashed else None
    return locks.LockedFile(name, version, digest, wheel.name if hashed else "", wheel.stat().st_size, stored, index)


def write_lock(
    folder: Path, interpreter: Interpreter, files: list[locks.LockedFile], component: str = "tiny", backend: str = "cpu"
) -> locks.Lock:
    """Writes and returns the lock of the test component for an interpreter."""
    lock = locks.Lock(component, interpreter.tag, interpreter.platform, backend, tuple(files))
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{lock.name}.txt").write_text(lock.text(), "utf-8")
    return lock


@dataclass
class Index:
    """A package index at `url` with faults.

    cuts       file -> how often it is still to be cut off
    cut_at     file -> position of the cut; its middle if missing
    slow       files that are sent slowly
    silent     files that are never sent
    lost       files that do not exist
    requests   names of the requested files
    """

    url: str
    cuts: dict[str, int] = field(default_factory=dict)
    cut_at: dict[str, int] = field(default_factory=dict)
    slow: set[str] = field(default_factory=set)
    silent: set[str] = field(default_factory=set)
    lost: set[str] = field(default_factory=set)
    requests: list[str] = field(default_factory=list)


@contextmanager
def serve(folder: Path) -> Iterator[Index]:
    """Serves the wheels of a folder as a package index on the loopback address."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            # A proxy gets the complete URL.
            parts = urllib.parse.urlsplit(self.path).path.strip("/").split("/")
            if parts[0] == "simple" and len(parts) == 2:
                self._page(parts[1])
            else:
                self._file(folder / parts[-1])

        def _page(self, name: str) -> None:
            links = [path.name for path in folder.glob("*.whl") if path.name.split("-")[0].replace("_", "-") == name]
            body = "".join(f'<a href="/files/{link}">{link}</a>\n' for link in links).encode()
            self.send_response(200 if links else 404)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def _file(self, path: Path) -> None:
            index.requests.append(path.name)
            if path.name in index.lost:
                self.send_error(404)
                return
            data = path.read_bytes()
            self.send_response(200)
            self.send_header("Content-Type", "application/octet-stream")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            if index.cuts.get(path.name, 0) > 0:
                index.cuts[path.name] -= 1
                self.wfile.write(data[: index.cut_at.get(path.name, len(data) // 2)])
                self.wfile.flush()
                time.sleep(0.5)  # real files take longer than the installer's looks at what has arrived
                self.connection.close()
            elif path.name in index.silent:
                time.sleep(3.0)
            elif path.name in index.slow:
                for start in range(0, len(data), 1000):
                    self.wfile.write(data[start : start + 1000])
                    time.sleep(0.2)
            else:
                self.wfile.write(data)

        def log_message(self, format: str, *arguments: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    index = Index(f"http://127.0.0.1:{server.server_address[1]}/simple")
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield index
    finally:
        server.shutdown()
        server.server_close()
