# SPDX-License-Identifier: GPL-3.0-or-later
"""What is sent is small: compressed, in parts where asked for, kept by browsers where it does not change."""

from __future__ import annotations

import gzip
import io
import json
import threading
from collections.abc import Iterator

import numpy as np
import pytest
from PIL import Image

from tests.web.web_server import COFFEE, SMALL, WebServer, need_packages, png

need_packages()

GZIP = {"Accept-Encoding": "br;q=1.0, gzip;q=0.8"}


@pytest.fixture(scope="module")
def id(server: WebServer) -> str:
    return server.done(COFFEE, SMALL | {"detail": 600})


def test_the_page_names_its_files_by_their_content_and_they_may_be_kept(server: WebServer) -> None:
    page = server.ask("GET", "/", headers=GZIP)
    assert page.headers["content-encoding"] == "gzip" and page.headers["cache-control"] == "no-cache"
    text = gzip.decompress(page.body).decode()
    assert text.encode() == server.get("/").body
    for name in ("page.en.js", "page.css"):
        address = next(part for part in text.split('"') if part.startswith(f"static/{name}?v="))
        packed = server.ask("GET", f"/{address}", headers=GZIP)
        plain = server.get(f"/{address}")
        assert gzip.decompress(packed.body) == plain.body and len(packed.body) < 0.4 * len(plain.body)
        assert packed.headers["cache-control"] == plain.headers["cache-control"]
        assert "immutable" in plain.headers["cache-control"] and plain.headers["vary"] == "Accept-Encoding"
        old = server.get(f"/static/{name}?v=0")
        assert old.headers["cache-control"] == "no-cache" and old.body == plain.body
        again = server.get(f"/static/{name}", If_None_Match=old.headers["etag"])
        assert (again.status, again.body) == (304, b"")


@pytest.mark.parametrize("name", ["js/main.js", "vendor/three/LICENSE"])
def test_the_sources_are_there(server: WebServer, name: str) -> None:
    assert server.get(f"/static/{name}").status == 200


def test_long_json_is_compressed(server: WebServer) -> None:
    packed = server.ask("GET", "/api/settings", headers=GZIP)
    assert packed.headers["content-encoding"] == "gzip" and int(packed.headers["content-length"]) == len(packed.body)
    assert json.loads(gzip.decompress(packed.body)) == server.get("/api/settings").json()
    for refused in ("", "identity", "gzip;q=0", "gzip;q=0.0", "x-gzip"):
        assert (
            "content-encoding" not in server.ask("GET", "/api/settings", headers={"Accept-Encoding": refused}).headers
        )


def test_the_view_is_compressed_and_says_what_it_becomes(server: WebServer, id: str) -> None:
    sizes = {}
    for query in ("", "?draft=1"):
        packed = server.ask("GET", f"/api/jobs/{id}/view{query}", headers=GZIP)
        plain = server.get(f"/api/jobs/{id}/view{query}")
        assert packed.headers["content-encoding"] == "gzip" and gzip.decompress(packed.body) == plain.body
        assert int(packed.headers["unpacked-length"]) == len(plain.body) and plain.body[:4] == b"glTF"
        again = server.ask("GET", f"/api/jobs/{id}/view{query}", headers={"If-None-Match": plain.headers["etag"]})
        assert again.status == 304
        sizes[query] = len(packed.body)
    download = len(server.get(f"/api/jobs/{id}/files/glb").body)
    assert 3 * sizes["?draft=1"] < sizes[""] < download / 8


def test_a_photo_comes_as_large_as_it_is_asked_for(server: WebServer) -> None:
    id = server.done(png(2400, 1600), SMALL)
    sides = {}
    for asked in (0, 300, 640, 641, 2048, 2049, 4096):
        answer = server.get(f"/api/jobs/{id}/photo?side={asked}")
        with Image.open(io.BytesIO(answer.body)) as picture:
            sides[asked] = max(picture.size)
    assert sides == {0: 2400, 300: 640, 640: 640, 641: 2048, 2048: 2048, 2049: 2400, 4096: 2400}
    for wrong in ("-1", "x", "1.5", "9999999999"):
        assert "side" in server.get(f"/api/jobs/{id}/photo?side={wrong}").error


@pytest.mark.parametrize(
    ("asked", "status", "part"),
    [
        ("bytes=0-9", 206, slice(0, 10)),
        ("bytes=100-", 206, slice(100, None)),
        ("bytes=-7", 206, slice(-7, None)),
        ("bytes=10-99999999999", 206, slice(10, None)),
        ("bytes=0-0,5-6", 200, slice(None)),
        ("bytes=9-3", 200, slice(None)),
        ("bytes=a-b", 200, slice(None)),
        ("lines=1-2", 200, slice(None)),
        ("bytes=99999999999-", 416, None),
        ("bytes=-0", 416, None),
    ],
)
def test_downloads_come_in_parts(server: WebServer, id: str, asked: str, status: int, part: slice | None) -> None:
    path = f"/api/jobs/{id}/files/ply"
    whole = server.get(path)
    assert whole.headers["accept-ranges"] == "bytes"
    answer = server.get(path, Range=asked)
    assert answer.status == status
    if part is None:
        assert answer.error and answer.headers["content-range"] == f"bytes */{len(whole.body)}"
    else:
        assert answer.body == whole.body[part]
    if status == 206:
        changed = server.get(path, Range=asked, If_Range='"other"')
        assert (changed.status, changed.body) == (200, whole.body), "another file than the client began with"


def test_other_answers_do_not_come_in_parts(server: WebServer, id: str) -> None:
    for path in (f"/api/jobs/{id}/depth", "/api/samples/coffee", "/static/js/main.js", f"/api/jobs/{id}/view"):
        answer = server.get(path, Range="bytes=0-9")
        assert answer.status == 200 and len(answer.body) > 10
        assert answer.headers.get("accept-ranges", "none") == "none"


def test_a_download_is_of_the_mesh_that_it_names(server: WebServer) -> None:
    id = server.done(COFFEE, SMALL)
    before = server.status(id)["result"]["files"]["ply"]
    data = server.get(before).body
    server.post(f"/api/jobs/{id}/shape", {"settings": {"detail": 64}, "draft": True})
    draft = server.wait(id)
    assert draft["is_draft"] and server.get(draft["result"]["files"]["ply"]).body == data
    server.post(f"/api/jobs/{id}/shape", {"settings": {"detail": 64}})
    after = server.wait(id)["result"]["files"]["ply"]
    assert after != before and len(server.get(after).body) < len(data)
    answer = server.get(before)
    assert answer.status == 409 and "Another page has changed this mesh" in answer.error
    assert server.get(f"/api/jobs/{id}/files/ply").body == server.get(after).body


@pytest.mark.parametrize(
    ("name", "kind"), [("picture", "PNG"), pytest.param("turntable", "WEBP", marks=pytest.mark.thorough)]
)
def test_there_are_pictures_of_the_model(server: WebServer, id: str, name: str, kind: str) -> None:
    with Image.open(io.BytesIO(server.get(f"/api/jobs/{id}/files/{name}").body)) as picture:
        assert picture.format == kind and getattr(picture, "n_frames", 1) == (1 if kind == "PNG" else 24)
        if kind == "PNG":
            assert np.asarray(picture.convert("L")).max() > 100


def test_one_stream_tells_of_several_jobs(server: WebServer) -> None:
    ids = [server.started(png(300, 200, seed=seed)) for seed in range(3)]
    query = "&".join(f"job={id}" for id in [*ids, "unknown"])
    told = list(lines_of(server, f"/api/events?{query}"))
    assert told[0] == {"id": "unknown"}
    last = {status["id"]: status["state"] for status in told[1:]}
    assert last == dict.fromkeys(ids, "done"), "and it ends with the last of them"
    for wrong in ("", "?job=", "?job=" + "&job=".join(map(str, range(101)))):
        answer = server.get(f"/api/events{wrong}")
        assert answer.status == 400 or (wrong == "?job=" and b'"id": ""' in answer.body)


def lines_of(server: WebServer, path: str) -> Iterator[dict[str, object]]:
    """Yields the data of a stream of events, which must end within a minute."""
    answers: list[bytes] = []
    asking = threading.Thread(target=lambda: answers.append(server.get(path).body))
    asking.start()
    asking.join(60)
    assert answers, "the stream does not end"
    for line in answers[0].splitlines():
        if line.startswith(b"data: "):
            yield json.loads(line[6:])
