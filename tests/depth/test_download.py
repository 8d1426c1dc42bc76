# SPDX-License-Identifier: GPL-3.0-or-later
"""Downloading weights from a real server on this computer, and everything that can go wrong on the way."""

from __future__ import annotations

import dataclasses
import errno
import hashlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mono3d_addon.depth import download as downloads
from mono3d_addon.depth import transfer, weights
from mono3d_addon.depth.catalogue import MODELS
from mono3d_addon.depth.download import download
from mono3d_addon.depth.model import Model
from mono3d_addon.depth.transfer import Patience
from mono3d_addon.errors import Cancelled, Mono3DError
from tests.checkpoint_file import checkpoint
from tests.file_server import Behaviour, serving

ROOT = Path(__file__).resolve().parents[2]
NAMES = ("pretrained.a.weight", "scratch.b.bias")
CONTENT, OTHER = (checkpoint(NAMES, 300_000, seed) for seed in (1, 2))
HASTY = Patience(timeout=5.0, tries=3, pause=0.0)
ONCE = Patience(timeout=5.0, tries=0, pause=0.0)
posix = pytest.mark.skipif(os.name == "nt", reason="uses what POSIX systems have")


@pytest.fixture(autouse=True)
def no_proxy_and_a_private_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy", "MONO3D_WEIGHTS_MIRROR"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))


@pytest.fixture
def server() -> Iterator[Behaviour]:
    with serving() as behaviour:
        behaviour.content = CONTENT
        yield behaviour


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data with space é"


def published(server: Behaviour, content: bytes = CONTENT) -> Model:
    """A model whose size and hash are known."""
    digest = hashlib.sha256(content).hexdigest()
    row = MODELS["midas_v21_small_256"]
    return dataclasses.replace(row, address=f"{server.address}/{row.file}", file_bytes=len(content), sha256=digest)


def unhashed(server: Behaviour) -> Model:
    """A model whose hash nobody has published and whose size is a guess."""
    row = dataclasses.replace(published(server), sha256=None, known_by=NAMES)
    return dataclasses.replace(row, size_is_exact=False, file_bytes=len(CONTENT) - 30_000)


def left_over(data: Path) -> list[str]:
    return sorted(path.name for path in (data / "weights").iterdir() if not path.name.endswith(".lock"))


def asked_for(server: Behaviour) -> list[str | None]:
    return [headers.get("Range") for _, headers in server.requests]


def failure(model: Model, data: Path, patience: Patience = HASTY) -> str:
    """Returns the sentence of a download that fails, which always tells how to help oneself."""
    with pytest.raises(Mono3DError) as caught:
        download(model, data, patience=patience)
    for word in (model.file, model.address, str(data / "weights")):
        assert word in str(caught.value)
    assert not (data / "weights" / model.file).exists()
    return str(caught.value)


def test_a_download_is_verified_in_place_and_ready(server: Behaviour, data: Path) -> None:
    seen: list[tuple[str, float]] = []
    model = published(server)
    path = download(model, data, lambda stage, fraction: seen.append((stage, fraction)), patience=HASTY)
    assert path == data / "weights" / model.file and path.read_bytes() == CONTENT
    assert left_over(data) == [model.file]
    assert weights.status(model, data) == weights.Status("ready", path)
    assert weights.find(model, data) == path
    assert any("of 0.3 MB" in stage for stage, _ in seen) and seen[-1][1] == 1.0
    assert download(model, data) == path and len(server.requests) == 1


def test_speed_is_told_while_bytes_arrive(server: Behaviour, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(downloads, "_REPORT_SECONDS", 0.0)
    seen: list[tuple[str, float]] = []
    download(published(server), data, lambda stage, fraction: seen.append((stage, fraction)))
    fractions = [fraction for _, fraction in seen]
    assert fractions == sorted(fractions) and any(0.0 < fraction < 1.0 for fraction in fractions)
    assert any("MB/s" in stage for stage, _ in seen)


@given(
    cuts=st.lists(st.integers(-1, len(CONTENT)), max_size=6),
    ranges=st.sampled_from(("right", "ignored", "shifted")),
    validators=st.sampled_from((('"1"', ""), ("", "Sun, 22 Nov 2026 10:00:00 GMT"), ("", ""), ('W/"1"', ""))),
    chunked=st.booleans(),
    hashed=st.booleans(),
)
@example([0], "right", ('"1"', ""), False, True)
@example([1], "right", ('"1"', ""), False, True)
@example([len(CONTENT) - 1], "right", ('"1"', ""), False, False)
@example([len(CONTENT)], "right", ('"1"', ""), True, False)
@example([-1, 7, -1], "right", ('"1"', ""), False, True)
@example([150_000, 0, 0], "right", ('"1"', ""), False, True)
@settings(max_examples=min(100, settings().max_examples))
def test_whatever_is_cut_the_file_is_whole_in_the_end(
    cuts: list[int], ranges: str, validators: tuple[str, str], chunked: bool, hashed: bool
) -> None:
    with serving() as server, tempfile.TemporaryDirectory() as folder:
        server.content, server.cuts, server.chunked = CONTENT, deque(cuts), chunked
        server.tag, server.modified = validators
        server.ranges = ranges  # type: ignore[assignment]
        model = published(server) if hashed else unhashed(server)
        path = download(model, Path(folder), patience=Patience(5.0, 20, 0.0))
        assert path.read_bytes() == CONTENT
        assert left_over(Path(folder)) == [model.file]


def test_the_next_call_asks_for_the_rest_only(server: Behaviour, data: Path) -> None:
    server.cuts = deque([100_000])
    assert "cut after 100,000 of 300,000 bytes" in failure(published(server), data, ONCE)
    assert weights.status(published(server), data) == weights.Status("to download", arrived=100_000)
    assert download(published(server), data).read_bytes() == CONTENT
    assert asked_for(server) == [None, "bytes=100000-"]
    assert server.requests[1][1]["If-Range"] == '"1"'


def test_a_file_changed_in_between_comes_whole(server: Behaviour, data: Path) -> None:
    server.content, server.cuts = OTHER, deque([100_000])
    model = unhashed(server)
    failure(model, data, ONCE)
    server.content, server.tag = CONTENT, '"2"'
    assert download(model, data).read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("now", "tag", "modified"),
    [
        (CONTENT, '"2"', ""),
        (CONTENT, "", "Sun, 22 Nov 2026 10:00:00 GMT"),
        (CONTENT, 'W/"1"', ""),
        (CONTENT, "", ""),
        (CONTENT + b"more", '"1"', ""),
    ],
    ids=["another tag", "another kind of validator", "a weak tag", "no validator", "another length"],
)
def test_a_server_that_gives_no_heed_to_the_condition(
    server: Behaviour, tmp_path: Path, now: bytes, tag: str, modified: str
) -> None:
    """The rest of another file is not put behind the beginning of the first."""
    source = transfer.Source(f"{server.address}/x.pt", len(CONTENT), 1000, has_hash=False)
    partial = tmp_path / "partial"
    server.content, server.cuts, server.ranges = OTHER, deque([100_000]), "careless"
    with pytest.raises(transfer.TransferError):
        transfer.fetch(source, partial, patience=ONCE)
    server.content, server.tag, server.modified = now, tag, modified
    transfer.fetch(source, partial, patience=HASTY)
    assert partial.read_bytes() == now
    assert asked_for(server) == [None, "bytes=100000-", None]


def test_a_changed_file_is_told_from_its_rest_where_a_hash_decides(server: Behaviour, tmp_path: Path) -> None:
    source = transfer.Source(f"{server.address}/x.pt", len(CONTENT), 0, has_hash=True)
    partial = tmp_path / "partial"
    server.content, server.cuts, server.ranges = OTHER, deque([100_000, 100_000]), "careless"
    with pytest.raises(transfer.TransferError):
        transfer.fetch(source, partial, patience=ONCE)
    server.tag = ""  # nothing speaks against it, and the hash will tell
    with pytest.raises(transfer.TransferError):
        transfer.fetch(source, partial, patience=ONCE)
    server.content, server.tag = CONTENT, '"2"'
    transfer.fetch(source, partial, patience=HASTY)
    assert partial.read_bytes() == CONTENT
    assert asked_for(server) == [None, "bytes=100000-", "bytes=200000-", None]


def test_the_rest_may_name_the_older_kind_of_validator_too(server: Behaviour, tmp_path: Path) -> None:
    """The first answer had a time only, the second one a tag beside the same time."""
    source = transfer.Source(f"{server.address}/x.pt", len(CONTENT), 0, has_hash=False)
    server.tag, server.modified, server.cuts = "", "Sun, 22 Nov 2026 10:00:00 GMT", deque([100_000])
    with pytest.raises(transfer.TransferError):
        transfer.fetch(source, tmp_path / "partial", patience=ONCE)
    server.tag = '"1"'
    transfer.fetch(source, tmp_path / "partial", patience=HASTY)
    assert (tmp_path / "partial").read_bytes() == CONTENT
    assert asked_for(server) == [None, "bytes=100000-"]


def test_without_a_validator_parts_are_joined_only_where_a_hash_decides(server: Behaviour, data: Path) -> None:
    server.content, server.tag, server.cuts = OTHER, "", deque([100_000])
    failure(published(server), data, ONCE)
    server.content = CONTENT
    assert download(published(server), data).read_bytes() == CONTENT  # the joined one has a wrong hash
    assert asked_for(server) == [None, "bytes=100000-", None]
    assert server.requests[1][1]["If-Range"] is None
    server.requests.clear()
    server.cuts = deque([100_000])
    assert download(unhashed(server), data / "2", patience=HASTY).read_bytes() == CONTENT
    assert asked_for(server) == [None, None]


def test_bytes_of_another_address_are_not_gone_on_with(server: Behaviour, data: Path) -> None:
    server.cuts = deque([100_000])
    failure(published(server), data, ONCE)
    moved = dataclasses.replace(published(server), address=f"{server.address}/elsewhere")
    assert download(moved, data).read_bytes() == CONTENT
    assert asked_for(server) == [None, None]


def test_it_goes_on_as_long_as_something_arrives(server: Behaviour, data: Path) -> None:
    server.cuts = deque([1000] * 20)
    assert download(published(server), data, patience=Patience(5.0, 2, 0.0)).read_bytes() == CONTENT
    server.cuts = deque([1000, 0, 0])
    assert "cut after 1,000" in failure(published(server), data / "2", Patience(5.0, 2, 0.0))


def test_a_whole_partial_file_needs_no_server(server: Behaviour, data: Path) -> None:
    """As after a crash between the last byte and the renaming."""
    model = published(server)
    source = transfer.Source(model.address, len(CONTENT), 0, True)
    (data / "weights").mkdir(parents=True)
    transfer.fetch(source, weights.partial_file(model, data))
    assert download(model, data).read_bytes() == CONTENT and len(server.requests) == 1


def test_416_for_a_whole_file_of_untold_length(server: Behaviour, data: Path) -> None:
    server.chunked = True
    model = unhashed(server)
    (data / "weights").mkdir(parents=True)
    source = transfer.Source(model.address, model.file_bytes, weights.size_tolerance(model), False)
    transfer.fetch(source, weights.partial_file(model, data))
    assert download(model, data).read_bytes() == CONTENT
    assert asked_for(server) == [None, "bytes=300000-"]


def test_416_for_a_partial_file_that_is_too_long(server: Behaviour, data: Path) -> None:
    server.content, server.cuts = CONTENT + b"more", deque([len(CONTENT) + 2])
    model = dataclasses.replace(unhashed(server), file_bytes=len(CONTENT))
    failure(model, data, ONCE)
    server.content = CONTENT
    assert download(model, data, patience=HASTY).read_bytes() == CONTENT
    assert asked_for(server) == [None, "bytes=300002-", None]


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_a_busy_server_is_asked_again(server: Behaviour, data: Path, status: int) -> None:
    server.statuses = deque([status, status])
    assert download(published(server), data, patience=HASTY).read_bytes() == CONTENT
    server.statuses = deque([status] * 3)
    assert str(status) in failure(published(server), data / "2")


@pytest.mark.parametrize(
    ("status", "told"), [(404, "not there any more"), (403, "refuses"), (204, "204"), (206, "206")]
)
def test_a_refusal_is_final(server: Behaviour, data: Path, status: int, told: str) -> None:
    server.statuses = deque([status])
    assert told in failure(published(server), data)
    assert len(server.requests) == 1


def test_a_wrong_hash_leaves_nothing(server: Behaviour, data: Path) -> None:
    server.content = OTHER
    message = failure(published(server), data)
    assert hashlib.sha256(OTHER).hexdigest() in message
    assert left_over(data) == []


def test_a_wrong_file_on_a_server_that_always_cuts_is_given_up(server: Behaviour, data: Path) -> None:
    server.content, server.cuts = OTHER, deque([200_000, len(OTHER)] * 30)
    message = failure(published(server), data)
    assert hashlib.sha256(OTHER).hexdigest() in message
    assert asked_for(server).count(None) == 2 and left_over(data) == []


def test_another_hash_than_that_of_the_file_first_used(server: Behaviour, data: Path) -> None:
    model = unhashed(server)
    path = download(model, data)
    path.unlink()
    server.content = OTHER
    assert "of the file first used" in failure(model, data)
    weights.forget(model, data)
    assert download(model, data).read_bytes() == OTHER


@pytest.mark.parametrize("content", [bytes(len(CONTENT)), checkpoint(["x.weight"], len(CONTENT))], ids=["zeros", "x"])
def test_a_file_of_unknown_hash_without_the_models_tensors(server: Behaviour, data: Path, content: bytes) -> None:
    server.content = content
    assert "what came is not the right file: it " in failure(unhashed(server), data)
    assert left_over(data) == []
    server.content = CONTENT
    assert download(unhashed(server), data).read_bytes() == CONTENT


def test_a_download_in_place_of_a_damaged_file_forgets_the_hash_first_used(server: Behaviour, data: Path) -> None:
    model = unhashed(server)
    path = download(model, data)
    server.content = OTHER
    path.write_bytes(CONTENT[:1000])
    server.statuses = deque([404])
    with pytest.raises(Mono3DError):
        download(model, data)
    path.write_bytes(OTHER)
    assert "of the file first used" in weights.fault_of(model, path, data), "it is forgotten for the right one only"
    assert download(model, data).read_bytes() == OTHER
    assert weights.status(model, data).state == "ready"
    assert not weights.fault_of(model, path, data, afresh=True)


def test_a_file_that_may_not_be_read_is_replaced(
    server: Behaviour, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = published(server)
    place = download(model, data)
    (data / weights.RECORD).unlink()
    real = weights.sha256_of

    def refusing(path: Path) -> str:
        if path == place:
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return real(path)

    monkeypatch.setattr(weights, "sha256_of", refusing)
    assert download(model, data) == place and len(server.requests) == 2


@pytest.mark.parametrize(
    "content", [b"<html>Please log in</html>", CONTENT + b"x", b""], ids=["page", "longer", "empty"]
)
def test_a_wrong_length_is_refused_before_it_is_taken(server: Behaviour, data: Path, content: bytes) -> None:
    server.content = content
    message = failure(published(server), data)
    assert f"what the server offers has {len(content):,} bytes instead of 300,000" in message
    assert left_over(data) == []


@pytest.mark.parametrize("form", ["chunked", "bare"])
def test_more_bytes_than_there_should_be(server: Behaviour, data: Path, form: str) -> None:
    setattr(server, form, True)
    server.content = CONTENT + bytes(1000)
    assert "more than the 300,000 bytes" in failure(published(server), data)


def test_a_length_that_nobody_knows(server: Behaviour, data: Path) -> None:
    server.bare = True
    assert download(published(server), data).read_bytes() == CONTENT
    assert "does not say how long" in failure(unhashed(server), data / "2")


def test_a_packed_answer_is_refused(server: Behaviour, data: Path) -> None:
    server.extra = {"Content-Encoding": "gzip"}
    assert "packed" in failure(published(server), data)


def test_a_redirect_is_followed_with_the_range(server: Behaviour, data: Path) -> None:
    server.redirect = "/moved/elsewhere"
    server.cuts = deque([200_000])
    assert download(published(server), data, patience=HASTY).read_bytes() == CONTENT
    assert [path for path, _ in server.requests][1::2] == ["/moved/elsewhere"] * 2
    assert asked_for(server)[-1] == "bytes=200000-"


@pytest.mark.parametrize("target", ["file:///etc/hostname", "ftp://127.0.0.1/x", "gopher://x/"])
def test_a_redirect_out_of_the_web_is_refused(server: Behaviour, data: Path, target: str) -> None:
    server.redirect = target
    assert "not safe" in failure(published(server), data)


def test_a_redirect_in_a_circle(server: Behaviour, data: Path) -> None:
    server.redirect = f"{server.address}/again"
    assert "302" in failure(published(server), data)


@pytest.mark.parametrize("address", ["file:///etc/hostname", "ftp://127.0.0.1/x", "/etc/hostname", "data:,x"])
def test_only_the_web_is_asked(server: Behaviour, data: Path, address: str) -> None:
    assert "http://" in failure(dataclasses.replace(published(server), address=address), data)


@pytest.mark.serial
def test_a_silent_server_is_given_up(server: Behaviour, data: Path) -> None:
    server.delay = 1.0
    began = time.monotonic()
    assert "does not answer" in failure(published(server), data, Patience(0.1, 2, 0.0))
    assert time.monotonic() - began < 2.0


def test_a_server_that_falls_silent_is_asked_for_the_rest(server: Behaviour, data: Path) -> None:
    server.gate = threading.Event()
    server.tag = ""
    threading.Timer(0.5, server.gate.set).start()
    assert download(published(server), data, patience=Patience(0.2, 20, 0.0)).read_bytes() == CONTENT
    assert "bytes=150000-" in asked_for(server)


def test_nobody_listens(data: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        nowhere = Behaviour(address=f"http://127.0.0.1:{taken.getsockname()[1]}")
        assert "connection failed" in failure(published(nowhere), data)


@pytest.mark.serial
def test_a_name_that_leads_nowhere(data: Path) -> None:
    began = time.monotonic()
    assert "offline" in failure(published(Behaviour(address="http://no-such-host.invalid")), data)
    assert time.monotonic() - began < 5.0


def test_the_proxy_of_the_environment_is_used(server: Behaviour, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", server.address)
    model = dataclasses.replace(published(server), address="http://weights.invalid/a/b.pt")
    assert download(model, data).read_bytes() == CONTENT
    assert server.requests[0][0] == "http://weights.invalid/a/b.pt"
    monkeypatch.setenv("no_proxy", "weights.invalid")
    assert "cannot be found" in failure(model, data / "2")


def test_a_proxy_that_wants_a_password(server: Behaviour, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", server.address)
    assert "407" in failure(dataclasses.replace(published(server), address="https://weights.invalid/b.pt"), data)
    assert server.requests[0][0] == "weights.invalid:443"
    monkeypatch.setenv("http_proxy", server.address)
    server.statuses = deque([407])
    assert "wants a password" in failure(published(server), data)


def test_a_mirror_of_the_users(server: Behaviour, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(weights.MIRROR, f"{server.address}/mirror/")
    model = dataclasses.replace(published(server), address="https://weights.invalid/v3/b.pt")
    assert f"{server.address}/mirror/{model.file}" in weights.missing_message(model, data)
    assert download(model, data).read_bytes() == CONTENT
    assert server.requests[0][0] == f"/mirror/{model.file}"


@pytest.mark.skipif(shutil.which("openssl") is None, reason="makes a certificate with openssl")
def test_certificates_count_and_encryption_is_not_given_up(
    server: Behaviour, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pem = tmp_path / "server.pem"
    words = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=test"]
    words += ["-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run(
        ["openssl", *words, "-keyout", str(pem), "-out", str(tmp_path / "c")], check=True, capture_output=True
    )
    pem.write_text(pem.read_text() + (tmp_path / "c").read_text())
    with serving(pem) as safe:
        safe.content = CONTENT
        assert "certificate is not trusted" in failure(published(safe), data)
        monkeypatch.setenv("SSL_CERT_FILE", str(pem))
        assert download(published(safe), data).read_bytes() == CONTENT
        safe.redirect = f"{server.address}/moved/x"
        assert "not safe" in failure(published(safe), data / "2")


def test_cancelling_keeps_what_has_arrived(server: Behaviour, data: Path) -> None:
    server.gate = threading.Event()
    asked: list[int] = []

    def cancelled() -> bool:
        asked.append(weights.status(published(server), data).arrived)
        server.gate.set() if server.gate else None
        return asked[-1] > 0

    with pytest.raises(Cancelled):
        download(published(server), data, cancelled=cancelled)
    assert 0 < weights.status(published(server), data).arrived < len(CONTENT)
    server.gate = None
    assert download(published(server), data).read_bytes() == CONTENT
    assert asked_for(server)[-1] is not None


@pytest.mark.serial
def test_cancelling_ends_the_pause_between_tries(server: Behaviour, data: Path) -> None:
    server.statuses = deque([503] * 9)
    began = time.monotonic()
    with pytest.raises(Cancelled):
        download(published(server), data, cancelled=lambda: len(server.requests) > 0, patience=Patience(5.0, 9, 60.0))
    assert time.monotonic() - began < 2.0


_CHILD = """
import dataclasses, sys
from pathlib import Path
from mono3d_addon.depth.catalogue import MODELS
from mono3d_addon.depth.download import download
address, size, digest = sys.argv[1:4]
row = MODELS["midas_v21_small_256"]
row = dataclasses.replace(row, address=address, file_bytes=int(size), sha256=digest)
def tell(stage, fraction):
    print(stage, flush=True)
download(row, Path(sys.argv[4]), tell)
"""


def child(model: Model, data: Path) -> subprocess.Popen[str]:
    """Returns a process of its own that downloads; without the site's packages, as the command line does."""
    code = f"import sys; sys.path.insert(0, {str(ROOT)!r})\n{_CHILD}"
    words = [model.address, str(model.file_bytes), str(model.sha256), str(data)]
    return subprocess.Popen([sys.executable, "-S", "-c", code, *words], stdout=subprocess.PIPE, text=True)


def until(condition: object, seconds: float = 10.0) -> None:
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:  # type: ignore[operator]
        time.sleep(0.01)
    assert condition()  # type: ignore[operator]


def test_of_two_processes_one_downloads_and_the_other_waits(server: Behaviour, data: Path) -> None:
    server.gate = threading.Event()
    model = published(server)
    first = child(model, data)
    until(lambda: weights.status(model, data).arrived > 0)
    second = child(model, data)
    assert second.stdout is not None and "Waiting for another process" in second.stdout.readline()
    server.gate.set()
    first.communicate(timeout=20)
    second.communicate(timeout=20)
    assert (first.returncode, second.returncode) == (0, 0)
    assert len(server.requests) == 1 and left_over(data) == [model.file]


def test_waiting_for_another_process_can_be_cancelled(server: Behaviour, data: Path) -> None:
    server.gate = threading.Event()
    first = child(published(server), data)
    until(lambda: weights.status(published(server), data).arrived > 0)
    with pytest.raises(Cancelled):
        download(published(server), data, cancelled=lambda: True)
    server.gate.set()
    first.communicate(timeout=20)
    assert first.returncode == 0


@posix
def test_a_killed_process_leaves_no_lock_and_its_bytes_are_used(server: Behaviour, data: Path) -> None:
    server.gate = threading.Event()
    model = published(server)
    first = child(model, data)
    until(lambda: weights.status(model, data).arrived == len(CONTENT) // 2)
    os.kill(first.pid, signal.SIGKILL)
    first.communicate(timeout=20)
    server.gate = None
    assert download(model, data).read_bytes() == CONTENT
    assert asked_for(server) == [None, "bytes=150000-"]


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A small disk of two megabytes."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = shutil.which("mount") and subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(place)], capture_output=True, check=False
    )
    if not mounted or mounted.returncode:
        pytest.skip("needs the right to mount a disk in memory")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def test_room_is_looked_for_first(server: Behaviour, disk: Path) -> None:
    (disk / "film").write_bytes(bytes(1_000_000))
    assert "MB free" in failure(published(server), disk)
    assert server.requests == []


def test_a_disk_that_fills_up_on_the_way(server: Behaviour, disk: Path) -> None:
    server.gate = threading.Event()
    results: list[str] = []
    thread = threading.Thread(target=lambda: results.append(failure(published(server), disk)))
    thread.start()
    until(lambda: weights.status(published(server), disk).arrived > 0)
    with pytest.raises(OSError, match="No space"), (disk / "film").open("wb", buffering=0) as film:
        while True:
            film.write(bytes(4096))
    server.gate.set()
    thread.join()
    assert "the disk is full" in results[0]
    (disk / "film").unlink()
    assert download(published(server), disk).read_bytes() == CONTENT
    assert (asked_for(server)[-1] or "") >= "bytes=150000-"


def test_a_disk_that_is_read_only(server: Behaviour, disk: Path) -> None:
    (disk / "weights").mkdir()
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    assert "Read-only" in failure(published(server), disk)


def test_a_full_disk_anywhere(server: Behaviour, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    assert "the disk is full" in failure(published(server), data)


def test_a_folder_that_cannot_be_made(server: Behaviour, data: Path) -> None:
    data.write_text("in the way")
    with pytest.raises(Mono3DError, match="cannot be written"):
        download(published(server), data)


@posix
def test_links_out_of_the_folder_are_not_followed(server: Behaviour, data: Path, tmp_path: Path) -> None:
    model = published(server)
    victim = tmp_path / "victim"
    victim.write_bytes(b"precious")
    (data / "weights").mkdir(parents=True)
    weights.partial_file(model, data).symlink_to(victim)
    (data / "weights" / model.file).symlink_to(victim)
    path = download(model, data)
    assert path.read_bytes() == CONTENT and not path.is_symlink()
    assert victim.read_bytes() == b"precious"


@pytest.mark.parametrize("file", ["../x.pt", "/tmp/x.pt", "a/b.pt", "..", ""])
def test_names_that_lead_out_of_the_folder_are_refused(server: Behaviour, data: Path, file: str) -> None:
    with pytest.raises(Mono3DError, match="nothing to download"):
        download(dataclasses.replace(published(server), file=file), data)
    assert server.requests == []


def test_a_damaged_file_is_replaced_only_by_a_right_one(server: Behaviour, data: Path) -> None:
    model = published(server)
    place = data / "weights" / model.file
    place.parent.mkdir(parents=True)
    place.write_bytes(b"damaged")
    assert weights.status(model, data).state == "damaged"
    server.statuses = deque([404])
    with pytest.raises(Mono3DError):
        download(model, data)
    assert place.read_bytes() == b"damaged"
    assert download(model, data).read_bytes() == CONTENT
    assert weights.status(model, data).state == "ready"


def test_the_bundled_model_is_not_downloaded(data: Path) -> None:
    with pytest.raises(Mono3DError, match="nothing to download"):
        download(MODELS["starter"], data)


def test_every_row_names_a_plain_file_and_a_safe_address() -> None:
    for model in MODELS.values():
        assert Path(model.file).name == model.file and not model.file.startswith(".")
        assert model.bundled or model.address.startswith("https://")
