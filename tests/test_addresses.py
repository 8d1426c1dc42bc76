# SPDX-License-Identifier: GPL-3.0-or-later
"""Photos and results at addresses: fsspec's own storage in memory, and one that is slow to appear."""

from __future__ import annotations

import contextlib
import errno
import json
import re
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from mono3d_addon.core import regular_file
from mono3d_addon.errors import Mono3DError, WrongUsage
from mono3d_addon.run import addresses
from mono3d_addon.run.plan import photos_of, read_plan, write_plan
from mono3d_addon.run.stores import FolderSource, FolderStore, Item, photo_at, source_of, store_of
from mono3d_addon.settings import Settings

fsspec = pytest.importorskip("fsspec")


@pytest.fixture
def place(request: pytest.FixtureRequest) -> str:
    """The address of an empty folder in memory."""
    return f"memory:///{re.sub(r'[^a-z0-9_]', '_', request.node.name)}"


def put(address: str, content: bytes = b"a photo") -> None:
    with fsspec.open(address, "wb") as file:
        file.write(content)


def found(word: str, without: str = "") -> dict[str, Item]:
    return {item.address.rpartition("://")[2].lstrip("/"): item for item in source_of(word, without or None).items()}


def test_photos_of_a_folder_a_pattern_and_a_list(place: str) -> None:
    name = place.removeprefix("memory:///")
    for path in ("a.jpg", "deep/b.PNG", "deep/notes.txt", f"out/x-{'0' * 20}_preview.png", "out/deep/c.jpg"):
        put(f"{place}/{path}", path.encode())
    every = found(place)
    assert set(every) == {f"{name}/a.jpg", f"{name}/deep/b.PNG", f"{name}/out/deep/c.jpg"}
    assert every[f"{name}/a.jpg"].size == 5 and every[f"{name}/a.jpg"].changed
    assert set(found(place, f"{place}/out")) == {f"{name}/a.jpg", f"{name}/deep/b.PNG"}
    assert set(found(f"{place}/*.jpg")) == {f"{name}/a.jpg"}
    assert set(found(f"{place}/**/*.jpg", f"{place}/out")) == {f"{name}/a.jpg"}
    assert found(f"{place}/out/*.png") == {}, "what a batch has written"
    assert set(found(f"{place}/a.jpg")) == {f"{name}/a.jpg"}
    lines = [{"address": "deep/b.PNG", "size": 3, "etag": "abc"}, {"address": "s3://elsewhere/c.jpg"}]
    put(f"{place}/list.jsonl", "\n".join(map(json.dumps, lines)).encode())
    listed = list(source_of(f"{place}/list.jsonl").items())
    assert listed == [Item(f"{place}/deep/b.PNG", 3, "abc"), Item("s3://elsewhere/c.jpg", -1, "")]
    put(f"{place}/bad.jsonl", b"{}\n")
    with pytest.raises(Mono3DError, match="Line 1 of 'memory://"):
        list(source_of(f"{place}/bad.jsonl").items())


def test_a_photo_is_fetched_under_its_name(place: str, tmp_path: Path) -> None:
    put(f"{place}/of: a cup?.jpg", b"pixels")
    photo = photo_at(f"{place}/of: a cup?.jpg")
    assert photo.local is None
    path = photo.fetch(tmp_path)
    assert path.parent == tmp_path and path.suffix == ".jpg" and path.read_bytes() == b"pixels"
    with pytest.raises(OSError):
        photo_at(f"{place}/none.jpg").fetch(tmp_path)


def test_what_is_too_large_for_a_photo_is_not_fetched(
    place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(regular_file, "MOST_BYTES", 1000)
    put(f"{place}/cup.jpg", bytes(1001))
    with pytest.raises(Mono3DError, match=r"'cup.jpg' has 0.0 GB, too many for a photo; make it smaller"):
        photo_at(f"{place}/cup.jpg").fetch(tmp_path)
    put(f"{place}/cup.jpg", bytes(1000))
    assert photo_at(f"{place}/cup.jpg").fetch(tmp_path).stat().st_size == 1000


def test_a_file_without_an_end_is_not_fetched_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(regular_file, "MOST_BYTES", 10_000_000)

    class Endless(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            with contextlib.suppress(OSError):
                while True:
                    self.wfile.write(bytes(1_000_000))

        def log_message(self, *words: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Endless) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            with pytest.raises(Mono3DError, match="'cup.jpg' has more than 0.0 GB, too many for a photo"):
                photo_at(f"http://127.0.0.1:{server.server_port}/cup.jpg").fetch(tmp_path)
        finally:
            server.shutdown()
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) < 20_000_000


@pytest.mark.parametrize("kind", ["memory", "renamed"])
def test_a_store_is_like_a_folder(place: str, tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if kind == "renamed":
        # As where files appear while they are written.
        monkeypatch.setattr(addresses, "_WHOLE_OR_NOT", frozenset())
    for number, store in enumerate((store_of(place), store_of(f"file://{tmp_path}/out"))):
        assert isinstance(store, FolderStore) == bool(number)
        store.prepare()
        assert list(store.names("")) == [] and store.size("ab/cd/x.json") is None
        with pytest.raises(FileNotFoundError):
            store.read("ab/cd/x.json")
        store.write("ab/cd/x.json", b"0123456789")
        store.write("ab/cd/x.json", b"abcdefghij")
        local = tmp_path / "y.glb"
        local.write_bytes(b"mesh")
        store.put("ab/y.glb", local)
        assert not local.exists()
        assert sorted(name.removeprefix("./") for name in store.names("")) == ["ab/cd/x.json", "ab/y.glb"]
        assert list(store.names("ab/cd")) == ["ab/cd/x.json"] and list(store.names("none")) == []
        assert store.size("ab/y.glb") == 4
        assert store.read("ab/cd/x.json", 2, 5) == b"cde" and store.read("ab/cd/x.json", 8) == b"ij"
        assert store.read("ab/cd/x.json", 3, 3) == b""


@pytest.mark.parametrize("number", [errno.EXDEV, errno.EIO])
def test_files_are_copied_from_another_file_system_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    store, path = FolderStore(tmp_path / "out"), tmp_path / "y.glb"
    store.prepare()
    path.write_bytes(b"mesh")
    replace = Path.replace

    def refuse(self: Path, place: Path) -> Path:
        if self == path:
            raise OSError(number, "refused")
        return replace(self, place)

    monkeypatch.setattr(Path, "replace", refuse)
    if number == errno.EXDEV:
        store.put("ab/y.glb", path)
        assert store.read("ab/y.glb") == b"mesh" and not path.exists()
    else:
        # Such a photo is tried again.
        with pytest.raises(OSError, match="refused"):
            store.put("ab/y.glb", path)
        assert path.exists()
    assert not list(tmp_path.rglob("*.partial"))


def test_nothing_half_written_appears(place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(addresses, "_WHOLE_OR_NOT", frozenset())
    store = store_of(place)
    store.write("x.json", b"old")
    system = type(fsspec.filesystem("memory"))

    def breaks(self: Any, path: str, value: bytes, **options: Any) -> None:
        with self.open(path, "wb") as file:
            file.write(value[:1])
        raise ConnectionResetError("gone")

    monkeypatch.setattr(system, "pipe_file", breaks)
    with pytest.raises(OSError, match="gone"):
        store.write("x.json", b"new")
    assert store.read("x.json") == b"old"
    assert fsspec.filesystem("memory").find(place) == [f"{place.removeprefix('memory://')}/x.json"]


def test_a_plan_is_kept_at_an_address(place: str) -> None:
    for number in range(30):
        put(f"{place}/photos/{number}.jpg", b"x" * number)
    store = store_of(f"{place}/out")
    plan = write_plan(store, [source_of(f"{place}/photos")], Settings(), ("glb",), "", "draco")
    assert read_plan(store) == plan and plan.compress == "draco"
    shards = [[photo.address for photo in photos_of(store, plan, f"{number}/3")] for number in (1, 2, 3)]
    wanted = sorted(f"{place}/photos/{number}.jpg" for number in range(30))
    assert sorted(address for shard in shards for address in shard) == wanted


def test_failures_are_sentences(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with pytest.raises(WrongUsage, match="'nowhere://x' is no address"):
        store_of("nowhere://x").prepare()
    # A port of this computer that nobody listens on.
    with pytest.raises(OSError):
        photo_at("http://127.0.0.1:9/cup.jpg").fetch(tmp_path)
    assert isinstance(source_of(f"file://{tmp_path}"), FolderSource)
    monkeypatch.setitem(sys.modules, "fsspec", None)
    with pytest.raises(Mono3DError, match=r"Addresses need the package fsspec.*pip install 'mono3d\[addresses\]'"):
        list(source_of("s3://photos").items())


@pytest.mark.thorough
def test_a_bucket_of_s3(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With MONO3D_TEST_RAY's Python: `PYTHON -m pytest tests/test_addresses.py --thorough`."""
    pytest.importorskip("s3fs", reason="s3fs and moto[server] are 150 MB")
    server_module: Any = pytest.importorskip("moto.server")
    server = server_module.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        values = {"ENDPOINT_URL": f"http://{host}:{port}", "ACCESS_KEY_ID": "a", "SECRET_ACCESS_KEY": "b"}
        for name, value in (values | {"DEFAULT_REGION": "us-east-1"}).items():
            monkeypatch.setenv(f"AWS_{name}", value)
        with pytest.raises(Mono3DError, match=r"Nothing can be written to 's3://none/out'"):
            store_of("s3://none/out").prepare()
        fsspec.filesystem("s3", use_listings_cache=False).mkdir("photos")
        for number in range(5):
            put(f"s3://photos/a/{number}.jpg", b"x" * number + b"y")
        store = store_of("s3://photos/out")
        store.prepare()
        plan = write_plan(store, [source_of("s3://photos", "s3://photos/out")], Settings(), ("glb",), "")
        assert read_plan(store) == plan and plan.photos == 5 and plan.bytes == 15
        (photo,) = (one for one in photos_of(store, plan) if one.name == "3")
        assert photo.address == "s3://photos/a/3.jpg" and photo.changed
        assert photo_at(photo.address).fetch(tmp_path).read_bytes() == b"xxxy"
        (tmp_path / "mesh").write_bytes(b"mesh")
        store.put("ab/cd/3.glb", tmp_path / "mesh")
        assert store.read("ab/cd/3.glb", 1, 3) == b"es" and store.size("ab/cd/3.glb") == 4
        assert list(store.names("ab")) == ["ab/cd/3.glb"] and store.size("ab/cd/4.glb") is None
        with pytest.raises(FileNotFoundError):
            store.read("ab/cd/4.json")
    finally:
        server.stop()
