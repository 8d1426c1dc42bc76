# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests that are refused: each with the right status and one sentence."""

from __future__ import annotations

import io
import json
import struct
import time
import zlib

import pytest

from tests.web.web_server import COFFEE, WebServer, form, need_packages, png

need_packages()


@pytest.fixture(scope="module")
def server(quick_server: WebServer) -> WebServer:
    return quick_server


def huge_png(width: int, height: int) -> bytes:
    """Returns a PNG of a few kilobytes whose header tells a picture that fills the memory."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = zlib.compress(bytes(1_000_000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def test_the_server_tells_what_it_is(server: WebServer) -> None:
    about = server.get("/api/about").json()
    assert about["max_jobs"] == 20 and about["workers"] == 1 and ".heic" in about["photo_endings"]
    for sample in about["samples"]:
        answer = server.get(sample["thumbnail"])
        assert answer.headers["content-type"] == "image/jpeg" and answer.body.startswith(b"\xff\xd8")
    assert server.get("/api/samples/..%2f..%2fguard.py").status == 404


def test_every_answer_forbids_what_the_page_does_not_need(server: WebServer) -> None:
    for path in ("/", "/api/about", "/api/jobs/unknown", "/static/unknown", "/openapi.json"):
        headers = server.get(path).headers
        assert headers["content-security-policy"].startswith("default-src 'self';"), path
        assert "unsafe" not in headers["content-security-policy"].replace("'wasm-unsafe-eval'", "")
        assert headers["x-content-type-options"] == "nosniff" and headers["referrer-policy"] == "same-origin"
        assert "server" not in headers and "access-control-allow-origin" not in headers


@pytest.mark.parametrize(
    ("data", "status", "words"),
    [
        (b"", 415, "'photo.png' is empty (0 bytes); choose another file."),
        (b"no photo", 415, "'photo.png' is not a photo that can be read; use JPEG, PNG, HEIC or TIFF."),
        (b"%PDF-1.7 ...", 415, "is not a photo"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", 415, "is not a photo"),
        (b"\x80\x04\x95pickle", 415, "is not a photo"),
        (huge_png(30_000, 30_000), 413, "has 30000 x 30000 pixels, more than the limit of 100 megapixels"),
    ],
)
def test_what_is_no_photo_is_told_by_its_content(server: WebServer, data: bytes, status: int, words: str) -> None:
    answer = server.upload(data, name="photo.png")
    assert answer.status == status and words in answer.error


@pytest.mark.parametrize(
    ("settings", "status", "words"),
    [
        ({"near": -1}, 422, "Near: -1 m is outside 0 to 100,000 m."),
        ({"near": "1"}, 422, "Near: '1' is not of the type float."),
        ({"detail": 128.5}, 422, "Detail: '128.5' is not of the type int."),
        ({"detail": True}, 422, "Detail: 'True' is not of the type int."),
        ({"detail": 4096}, 422, "Detail: 4,096 px is outside 16 to 2,048 px."),
        ({"poisson_depth": 12}, 422, "Poisson depth: 12 is outside 4 to 10."),
        ({"network_size": 2048}, 422, "Network size: 2,048 px is outside 0 to 1,024 px."),
        ({"near": 9, "far": 2}, 422, "Far (2 m) must be larger than near (9 m)."),
        ({"surface": "cube"}, 422, "Surface: 'cube' is not one of grid"),
        ({"model": "dpt_large_384"}, 422, "Model: 'dpt_large_384' is not one of starter."),
        ({"mask": "/etc/passwd"}, 422, "There is no setting 'mask' here"),
        ({"depth_file": "/etc/passwd"}, 422, "There is no setting 'depth_file' here"),
        ({"weights": "/etc/passwd"}, 422, "There is no setting 'weights' here"),
        ({"max_pixels": 1000}, 422, "There is no setting 'max_pixels' here"),
        ({"\ud800\n": 1}, 422, "There is no setting '"),
        ({"surface": "\ud800"}, 422, "Surface: '"),
        ({"near": None}, 422, "Near: 'None' is not of the type float."),
        ({"near": 10**400}, 422, "Near: inf m is outside"),
        ('{"near": NaN}', 400, "cannot be read as JSON"),
        ('{"near": 1e999}', 422, "Near: inf m is outside"),
        ("[" * 9000, 400, "cannot be read as JSON"),
        ("[]", 400, "must be a JSON object"),
        ('{"near": 1' + " " * 20_000 + "}", 400, "cannot be read as JSON"),
    ],
)
def test_settings_out_of_bounds_are_named(server: WebServer, settings: object, status: int, words: str) -> None:
    answer = server.upload(COFFEE, settings)
    assert (answer.status, words in answer.error) == (status, True), answer.body


def test_forms_that_are_none(server: WebServer) -> None:
    assert server.post("/api/jobs", {}).status == 400
    assert "needs the field 'photo'" in server.upload().error
    assert server.upload(sample="../coffee").status == 400
    assert server.upload(COFFEE, preset="huge").error.startswith("There is no preset 'huge'")
    assert server.upload(COFFEE, more="field").status == 400
    assert server.upload(photo=b"", mask=b"no picture").status == 415
    assert server.upload(COFFEE, depth=b"no depth").status == 415
    assert server.upload(COFFEE, mask=b"no mask").error.startswith("The mask is not a photo")
    body, kind = form({}, {"photo": ("a.png", png(32, 32))})
    for wrong in (kind.replace("limit", "other"), "multipart/form-data", kind + "; charset=undefined", "text/plain"):
        assert server.ask("POST", "/api/jobs", body, {"Content-Type": wrong}).status == 400, wrong
    assert server.ask("POST", "/api/jobs", body[:200], {"Content-Type": kind}).status == 400
    many, kind = form({f"field{number}": "x" for number in range(1000)}, {})
    assert server.ask("POST", "/api/jobs", many, {"Content-Type": kind}).status == 400


@pytest.mark.parametrize("codec", ["punycode", "idna", "utf-7", "undefined", "unicode_escape", "zlib", "latin-1", '""'])
def test_a_form_in_another_codec_is_not_decoded(server: WebServer, codec: str) -> None:
    slow = ("a" * 30_000 + "\U0001f600" * 30_000).encode("punycode").decode()
    body, kind = form({"settings": slow, "preset": slow, "sample": slow}, {})
    began = time.monotonic()
    answer = server.ask("POST", "/api/jobs", body, {"Content-Type": f"{kind}; charset={codec}"})
    assert answer.status == 400 and answer.error == "The form cannot be read; send it in UTF-8."
    assert time.monotonic() - began < 1.0


def test_each_field_comes_once(server: WebServer) -> None:
    photo = png(32, 32)
    body, kind = form({}, {"photo": ("a.png", photo)})
    twice = body.replace(b"--limit--\r\n", b"") + body
    answer = server.ask("POST", "/api/jobs", twice, {"Content-Type": kind})
    assert answer.status == 400 and answer.error.startswith("The form has the field 'photo' more than once")
    assert server.ask("POST", "/api/jobs", body, {"Content-Type": f"{kind}; charset=UTF-8"}).status == 202


def test_other_methods_are_named(server: WebServer) -> None:
    for path, methods in (
        ("/api/jobs/unknown", "DELETE, GET, HEAD"),
        ("/api/jobs", "POST"),
        ("/api/about", "GET, HEAD"),
        ("/static/js/main.js", "GET, HEAD"),
    ):
        answer = server.ask("PATCH", path)
        assert (answer.status, answer.headers["allow"]) == (405, methods), path


def test_a_slash_too_many_is_another_page(server: WebServer) -> None:
    for path in ("/api/about/", "/api/jobs/", "/openapi.json/", "/static"):
        assert server.get(path).status == 404, path


def test_pages_that_are_not_there(server: WebServer) -> None:
    for path in (
        "/nothing",
        "/api/jobs/unknown",
        "/api/jobs/..%2f..",
        "/static/../guard.py",
        "/static/..%2fguard.py",
        "/static/%2e%2e/%2e%2e/guard.py",
        "/static/..%5cguard.py",
        "/static/%00",
        "/static//etc/passwd",
        "/api/samples/%00",
        "/static/" + "a" * 5000,
    ):
        assert server.get(path).status == 404, path
        assert server.get(path).error
    for method, path in (("PUT", "/api/jobs"), ("POST", "/"), ("DELETE", "/api/about"), ("GET", "/api/jobs")):
        assert server.ask(method, path).status == 405
        assert server.ask(method, path).error


def test_only_the_page_itself_may_ask_for_changes(server: WebServer) -> None:
    own = {"Origin": server.address, "Sec-Fetch-Site": "same-origin"}
    assert server.upload(b"", headers=own).status == 415
    for foreign in (
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://["},
        {"Origin": f"http://localhost:{server.port}"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ):
        answer = server.upload(b"", headers=foreign)
        assert (
            answer.status == 403 and answer.error == "Pages of other sites may not send requests that change something."
        ), foreign


def test_another_name_for_this_computer_is_refused(server: WebServer) -> None:
    for host in ("evil.example", "evil.example:80", f"127.0.0.1.evil.example:{server.port}", "", "[::1", "0.0.0.0"):
        answer = server.ask("GET", "/api/about", headers={"Host": host})
        assert answer.status == 403 and answer.error, host
    for host in ("localhost", f"localhost:{server.port}", "[::1]:80", server.host):
        assert server.ask("GET", "/api/about", headers={"Host": host}).status == 200, host


def test_too_many_bytes_are_refused_before_they_are_read(server: WebServer) -> None:
    answer = server.raw(
        f"POST /api/jobs HTTP/1.1\r\nHost: {server.host}\r\nContent-Length: 99999999999\r\n"
        "Expect: 100-continue\r\nContent-Type: multipart/form-data; boundary=x\r\n\r\n".encode()
    )
    assert answer.startswith(b"HTTP/1.1 413") and b"the limit here is 100 MB" in answer
    answer = server.raw(
        f"POST /api/jobs/x/shape HTTP/1.1\r\nHost: {server.host}\r\nContent-Length: 70000\r\n\r\n".encode()
        + bytes(70000)
    )
    assert answer.startswith(b"HTTP/1.1 413")


def test_what_is_no_http_is_answered_and_closed(server: WebServer) -> None:
    host = f"Host: {server.host}\r\nConnection: close\r\n"
    for request, status in (
        (f"GET / HTTP/1.1\r\n{host}X: {'a' * 70_000}\r\n\r\n", 431),
        (f"GET /{'a' * 70_000} HTTP/1.1\r\n{host}\r\n", 431),
        ("no request\r\n\r\n", 400),
        (f"POST /api/jobs HTTP/1.1\r\n{host}Content-Length: -5\r\n\r\n", 400),
        (f"POST /api/jobs HTTP/1.1\r\n{host}Content-Length: 5\r\nContent-Length: 6\r\n\r\n", 400),
        (f"POST /api/jobs HTTP/1.1\r\n{host}Transfer-Encoding: chunked\r\n\r\nzz\r\n", 400),
        (f"GET / HTTP/1.1\r\n{host}Content-Length: 5\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\n\r\n", 400),
    ):
        answer = server.raw(request.encode())
        head, _, body = answer.partition(b"\r\n\r\n")
        assert int(head.split()[1]) == status, (request[:60], answer[:200])
        assert json.loads(body)["error"], request[:60]


def test_openers_of_pictures_are_not_asked_by_the_server(server: WebServer) -> None:
    """A poisoned picture must not meet a decoder in the process that everybody shares."""
    import subprocess
    import sys

    from mono3d_addon.version import ROOT

    code = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from mono3d_addon.web import serving, client\n"
        "print(sorted({'PIL', 'numpy', 'torch', 'OpenEXR', 'open3d', 'pillow_heif'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code, str(ROOT)], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_formats_of_photos_are_recognised(tmp_path: object) -> None:
    from pathlib import Path

    from PIL import Image

    from mono3d_addon.web import sniff

    assert isinstance(tmp_path, Path)
    for form_, ending in (
        ("JPEG", ".jpg"),
        ("PNG", ".png"),
        ("WEBP", ".webp"),
        ("TIFF", ".tif"),
        ("GIF", ".gif"),
        ("BMP", ".bmp"),
        ("AVIF", ".avif"),
    ):
        buffer = io.BytesIO()
        Image.new("RGB", (123, 45), (10, 200, 30)).save(buffer, form_)
        path = tmp_path / f"{form_}.dat"
        path.write_bytes(buffer.getvalue())
        assert sniff.photo_ending(path) == ending
        assert sniff.size(path) == (123, 45), form_
