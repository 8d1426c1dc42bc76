# SPDX-License-Identifier: GPL-3.0-or-later
"""The command `models` and the leave to download, against a real server on this computer."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from mono3d_addon import cli, models_command
from mono3d_addon.depth import download, engine_cache, licence, timings, weights
from mono3d_addon.depth.catalogue import MODELS
from mono3d_addon.depth.model import Model
from mono3d_addon.errors import Mono3DError
from mono3d_addon.settings import GRADES, MODEL_NAMES, Settings
from tests.checkpoint_file import checkpoint
from tests.file_server import Behaviour, serving

ROOT = Path(__file__).resolve().parent.parent
SMALL, HYBRID = "midas_v21_small_256", "dpt_hybrid_384"
RESTRICTED = "depth_anything_v2_vitb"
CONTENT, OTHER = (checkpoint(MODELS[HYBRID].known_by, 200_000, seed) for seed in (3, 4))


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
    return tmp_path / "data"


@pytest.fixture
def models(server: Behaviour) -> Mapping[str, Model]:
    """The starter and two more, one with a published hash."""
    digest = hashlib.sha256(CONTENT).hexdigest()

    def row(name: str, sha256: str | None) -> Model:
        model = MODELS[name]
        address = f"{server.address}/{model.file}"
        return dataclasses.replace(
            model, address=address, file_bytes=len(CONTENT), size_is_exact=True, sha256=sha256, parameters=50_000
        )

    return {"starter": MODELS["starter"], SMALL: row(SMALL, digest), HYBRID: row(HYBRID, None)}


def listed(models: Mapping[str, Model], data: Path, capsys: pytest.CaptureFixture[str]) -> dict[str, dict[str, object]]:
    capsys.readouterr()
    assert models_command.run(["list", "--json", "--data-folder", str(data)], "models", models) == 0
    return {row["name"]: row for row in json.loads(capsys.readouterr().out)}


def test_the_life_of_a_models_weights(
    models: Mapping[str, Model], server: Behaviour, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def command(*words: str) -> int:
        return models_command.run([*words, "--data-folder", str(data)], "mono3d models", models)

    place = data / "weights" / models[SMALL].file
    assert {name: row["state"] for name, row in listed(models, data, capsys).items()} == {
        "starter": "bundled",
        SMALL: "to download",
        HYBRID: "to download",
    }
    assert command("path", SMALL) == 1
    error = capsys.readouterr().err
    for word in (models[SMALL].file, models[SMALL].address, str(place.parent), "--download"):
        assert word in error
    assert command("download", SMALL) == 0
    out = capsys.readouterr()
    assert str(place) in out.out and f"Downloading {place.name}" in out.err
    assert place.read_bytes() == CONTENT
    assert command("path", SMALL) == 0 and capsys.readouterr().out.strip() == str(place)
    row = listed(models, data, capsys)[SMALL]
    assert (row["state"], row["path"], row["bytes"]) == ("ready", str(place), len(CONTENT))
    assert command("verify") == 0
    assert "published" in capsys.readouterr().out
    stamp = place.stat().st_mtime_ns
    place.write_bytes(CONTENT[:-1] + b"X")
    os.utime(place, ns=(stamp, stamp))  # as a disk that rots
    assert listed(models, data, capsys)[SMALL]["state"] == "ready"
    assert command("verify", "starter", SMALL) == 1
    told = capsys.readouterr().err
    assert "SHA-256" in told and f"'models download {SMALL}' downloads it again." in told
    assert listed(models, data, capsys)[SMALL]["state"] == "damaged"
    with pytest.raises(Mono3DError, match="download it again"):
        weights.find(models[SMALL], data)
    told = models_command.remedy(Settings(model=SMALL), data, models)
    assert told == f"'models download {SMALL}' downloads {place.name} again."
    assert command("download", SMALL) == 0 and place.read_bytes() == CONTENT
    with engine_cache.cache_for(SMALL, place, data).making("graph") as folder:
        (folder / "graph.bin").write_bytes(bytes(2_000_000))
    assert int(str(listed(models, data, capsys)[SMALL]["kept_bytes"])) > 2_000_000
    assert command("list") == 0 and "ready (+2 MB cached)" in capsys.readouterr().out
    assert command("remove", SMALL) == 0
    told = capsys.readouterr().out
    assert str(place) in told and "2 MB of files derived from them" in told and not place.exists()
    assert listed(models, data, capsys)[SMALL]["kept_bytes"] == 0
    assert listed(models, data, capsys)[SMALL]["state"] == "to download"
    assert command("remove", SMALL) == 0 and "nothing to remove" in capsys.readouterr().out


def test_the_list_for_people(models: Mapping[str, Model], data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    partial = weights.partial_file(models[SMALL], data)
    partial.parent.mkdir(parents=True)
    partial.write_bytes(CONTENT[:50_000])
    (data / "weights" / models[HYBRID].file).write_bytes(b"cut")
    assert models_command.run(["list", "--data-folder", str(data)], "mono3d models", models) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "On this computer:" and lines[4] == "To download:"
    assert "bundled" in lines[1] and "8 MB" in lines[1] and "GPL" in lines[2]
    assert "MiDaS 2.1 small" in lines[5] and "about 0.09 s, to download (25% downloaded)" in lines[5]
    assert "76 % more error" in lines[6] and "MIT (free for all use)" in lines[6]
    assert lines[7].strip() == models[SMALL].choose_when
    assert "damaged" in lines[8] and "3 bytes instead of 200,000" in lines[-1]


def test_what_is_here_comes_first_with_the_seconds_measured_here(
    models: Mapping[str, Model], data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = data / "weights" / models[HYBRID].file
    place.parent.mkdir(parents=True)
    place.write_bytes(CONTENT)
    timer = timings.Timer(HYBRID, data)
    for device, seconds in (("cuda", 0.05), ("cpu", 4.0), ("cpu", 1.25), ("cpu", 1.0)):
        timer(device, seconds)
    rows = listed(models, data, capsys)
    assert list(rows) == ["starter", HYBRID, SMALL]
    assert rows[HYBRID]["seconds"] == {"cuda": 0.05, "cpu": 1.25} and rows[HYBRID]["speed"] == "1.2 s here"
    assert (rows[SMALL]["seconds"], rows[SMALL]["speed"]) == ({}, "about 0.09 s")
    assert models_command.run(["list", "--data-folder", str(data)], "mono3d models", models) == 0
    assert "1.2 s here, ready" in capsys.readouterr().out
    timer("cuda", 0.05)
    assert listed(models, data, capsys)[HYBRID]["speed"] == "0.05 s here (cuda)"


def test_the_columns_of_the_catalogue(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = listed(MODELS, data, capsys)
    better = rows["depth_anything_v2_vits"]
    assert (better["grade"], better["label"]) == ("better", "Better: Depth Anything V2 small")
    assert (better["accuracy"], better["terms"]) == ("88 % of depths within 25 %", "Apache-2.0 (free for all use)")
    assert "2406.09414" in str(better["accuracy_source"])
    assert rows["moge_2_vitl_normal"]["gives"] == "metres, lens, sky, normals"
    assert rows[RESTRICTED]["terms"] == "CC-BY-NC-4.0 (not for commercial work)"
    assert rows["midas_v21_384"]["terms"] == "MIT, made from weights under CC-BY-NC-4.0"


@pytest.mark.parametrize("word", ["better", "best"])
def test_a_word_stands_for_a_model(word: str, data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert models_command.run(["path", word, "--data-folder", str(data)], "models") == 1
    assert capsys.readouterr().err.startswith(f"{GRADES[word]}: ")


def test_every_model_of_the_settings_is_listed(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert list(listed(MODELS, data, capsys)) == list(MODEL_NAMES)


def test_all_models_and_one_that_fails(
    models: Mapping[str, Model], server: Behaviour, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    server.statuses = deque([404])
    assert models_command.run(["download", "--all", "--data-folder", str(data)], "models", models) == 1
    answer = capsys.readouterr()
    assert "404" in answer.err and "Traceback" not in answer.err
    assert HYBRID in answer.out and (data / "weights" / models[HYBRID].file).exists()


def test_removing_leaves_what_is_not_ours(
    models: Mapping[str, Model], data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    hub = tmp_path / "torch" / "hub" / "checkpoints" / models[SMALL].file
    hub.parent.mkdir(parents=True)
    hub.write_bytes(CONTENT)
    assert models_command.run(["remove", SMALL, "starter", "--data-folder", str(data)], "models", models) == 0
    assert hub.exists() and "not downloaded by Mono3D" in capsys.readouterr().out
    assert weights.status(MODELS["starter"], data).state == "bundled"


def test_removing_what_is_left_of_a_download_and_its_remembered_hash(
    models: Mapping[str, Model], server: Behaviour, data: Path
) -> None:
    path = download.download(models[HYBRID], data)
    weights.partial_file(models[HYBRID], data).write_bytes(b"begun")
    assert models_command.run(["remove", HYBRID, "--data-folder", str(data)], "models", models) == 0
    assert [one.name for one in path.parent.iterdir()] == [f".{path.name}.lock"]
    server.content = OTHER
    assert download.download(models[HYBRID], data).read_bytes() == OTHER


def test_a_model_of_which_no_hash_is_known(
    models: Mapping[str, Model], data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def command(*words: str) -> tuple[int, str]:
        code = models_command.run([*words, "--data-folder", str(data)], "mono3d models", models)
        told = capsys.readouterr()
        return code, told.out + told.err

    rows = command("list")[1].splitlines()
    for number, name, known in ((1, "starter", "published"), (5, SMALL, "published"), (8, HYBRID, "unknown")):
        assert name in rows[number] and rows[number + 1].endswith(f"SHA-256 {known}")
    place = data / "weights" / models[HYBRID].file
    place.parent.mkdir(parents=True)
    place.write_bytes(bytes(len(CONTENT)))
    code, told = command("verify", HYBRID)
    assert code == 1 and "damaged" in told and f"models download {HYBRID}" in told
    assert "damaged" in command("list")[1].splitlines()[8]
    assert command("download", HYBRID)[0] == 0
    code, told = command("verify", HYBRID)
    assert code == 0
    for word in ("no SHA-256 is published", "size", "checksums", "tensor names", "first use"):
        assert word in told


def test_removing_while_it_is_downloaded(
    models: Mapping[str, Model], server: Behaviour, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    server.gate = threading.Event()
    thread = threading.Thread(target=download.download, args=(models[SMALL], data))
    thread.start()
    end = time.monotonic() + 10.0
    while not weights.status(models[SMALL], data).arrived and time.monotonic() < end:
        time.sleep(0.01)
    assert models_command.run(["remove", SMALL, "--data-folder", str(data)], "models", models) == 1
    assert "being downloaded" in capsys.readouterr().err
    server.gate.set()
    thread.join()
    assert weights.status(models[SMALL], data).state == "ready"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ([], "ACTION"),
        (["download"], "--all"),
        (["download", "dpt_nonsense"], "no model 'dpt_nonsense'"),
        (["remove"], "MODEL"),
        (["list", "--all"], "--all"),
    ],
)
def test_wrong_usage(words: list[str], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["models", *words]) == 2
    assert told in capsys.readouterr().err


def test_it_runs_on_a_bare_python(data: Path) -> None:
    code = f"import sys; sys.path.insert(0, {str(ROOT)!r})\n"
    code += "from mono3d_addon.cli import main; sys.exit(main(sys.argv[1:]))"
    words = ["models", "list", "--data-folder", str(data)]
    done = subprocess.run([sys.executable, "-I", "-S", "-c", code, *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "starter" in done.stdout and not data.exists()


@pytest.mark.skipif(os.name == "nt", reason="uses POSIX signals")
def test_ctrl_c_keeps_what_has_arrived(server: Behaviour, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = MODELS[SMALL]
    server.content, server.gate = bytes(model.file_bytes), threading.Event()
    words = ["models", "download", SMALL, "--data-folder", str(data)]
    monkeypatch.setenv(weights.MIRROR, server.address)
    process = subprocess.Popen(
        [sys.executable, "-m", "mono3d_addon", *words],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    end = time.monotonic() + 20.0
    while weights.status(model, data).arrived < model.file_bytes // 2 and time.monotonic() < end:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, error = process.communicate(timeout=20)
    assert process.returncode == 130 and "interrupted" in error and "Traceback" not in error
    assert weights.status(model, data) == weights.Status("to download", arrived=model.file_bytes // 2)


def test_leave_is_given_by_the_flag_only(
    models: Mapping[str, Model], server: Behaviour, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a terminal nobody is asked, whatever the input holds."""
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\n"))
    models_command.ensure_weights(Settings(model=SMALL), data, allow_download=False, models=models)
    assert server.requests == []
    models_command.ensure_weights(Settings(model=SMALL), data, allow_download=True, models=models)
    models_command.ensure_weights(Settings(model=SMALL), data, allow_download=True, models=models)
    assert weights.find(models[SMALL], data).read_bytes() == CONTENT and len(server.requests) == 1


def test_nothing_is_downloaded_that_is_not_needed(
    models: Mapping[str, Model], server: Behaviour, data: Path, tmp_path: Path
) -> None:
    models_command.ensure_weights(Settings(), data, allow_download=True, models=models)
    models_command.ensure_weights(
        Settings(model=SMALL, weights=str(tmp_path / "own.pt")), data, allow_download=True, models=models
    )
    assert server.requests == []


@pytest.fixture
def restricted(server: Behaviour) -> Mapping[str, Model]:
    """A model whose weights are not for commercial work."""
    model = dataclasses.replace(
        MODELS[RESTRICTED],
        address=f"{server.address}/model.pth",
        file_bytes=len(CONTENT),
        sha256=hashlib.sha256(CONTENT).hexdigest(),
    )
    return {RESTRICTED: model}


def test_a_licence_that_excludes_commercial_work_must_be_accepted(
    restricted: Mapping[str, Model], server: Behaviour, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["download", RESTRICTED, "--data-folder", str(data)]
    assert models_command.run(words, "models", restricted) == 1
    refused = capsys.readouterr().err
    assert "CC-BY-NC-4.0, not for commercial work: accept the licence first" in refused
    assert "models download depth_anything_v2_vitb --accept-licence" in refused and server.requests == []
    with pytest.raises(Mono3DError, match="not for commercial work"):
        models_command.ensure_weights(Settings(model=RESTRICTED), data, True, restricted)
    with pytest.raises(Mono3DError, match="not for commercial work"):
        download.download(restricted[RESTRICTED], data)
    assert server.requests == []
    assert models_command.run([*words, "--accept-licence"], "models", restricted) == 0
    shown = capsys.readouterr().err
    assert "licence: CC-BY-NC-4.0: not for commercial work" in shown and restricted[RESTRICTED].address in shown
    assert (data / "weights" / "depth_anything_v2_vitb.pth").read_bytes() == CONTENT
    # What is there needs no answer again.
    assert models_command.run(words, "models", restricted) == 0
    assert len(server.requests) == 1


def test_an_accepted_licence_is_remembered_until_the_model_is_removed(
    restricted: Mapping[str, Model], server: Behaviour, data: Path
) -> None:
    model = restricted[RESTRICTED]
    server.statuses = deque([404])
    with pytest.raises(Mono3DError, match="404"):
        download.download(model, data, accepts_licence=True)
    assert licence.is_settled(model, data)
    # The next try needs no answer, on the command line neither.
    assert models_command.run(["download", RESTRICTED, "--data-folder", str(data)], "models", restricted) == 0
    assert not licence.is_settled(dataclasses.replace(model, licence="CC-BY-NC-5.0"), data), "another licence"
    assert not licence.is_settled(MODELS["depth_anything_v2_vitl"], data), "another model"
    assert models_command.run(["remove", RESTRICTED, "--data-folder", str(data)], "models", restricted) == 0
    assert not licence.is_settled(model, data)
    with pytest.raises(Mono3DError, match="accept the licence first"):
        download.download(model, data)


def test_the_licence_is_shown_before_the_download(
    models: Mapping[str, Model], server: Behaviour, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    server.statuses = deque([404])
    assert models_command.run(["download", SMALL, "--data-folder", str(data)], "models", models) == 1
    shown = capsys.readouterr().err
    assert shown.index("licence: MIT)") < shown.index("404")


_ACCEPT = """
import dataclasses, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from mono3d_addon import models_command
from mono3d_addon.depth.catalogue import MODELS
row = MODELS["depth_anything_v2_vitb"]
row = dataclasses.replace(row, address=sys.argv[2], file_bytes=int(sys.argv[3]), sha256=sys.argv[4])
sys.exit(models_command.run(["download", row.name, "--data-folder", sys.argv[5]], "models", {row.name: row}))
"""


@pytest.mark.skipif(os.name == "nt", reason="needs a pseudo-terminal")
@pytest.mark.parametrize("answer", ["y", "n"])
def test_a_terminal_is_asked_for_the_licence(
    restricted: Mapping[str, Model], server: Behaviour, data: Path, answer: str
) -> None:
    model = restricted[RESTRICTED]
    mine, theirs = os.openpty()
    words = [str(ROOT), model.address, str(model.file_bytes), str(model.sha256), str(data)]
    with subprocess.Popen(
        [sys.executable, "-S", "-c", _ACCEPT, *words], stdin=theirs, stdout=subprocess.PIPE, stderr=theirs
    ) as process:
        shown = b""
        while b"[y/N]" not in shown:
            shown += os.read(mine, 1000)
        assert b"excludes commercial work" in b" ".join(shown.split()) and not server.requests
        os.write(mine, f"{answer}\n".encode())
        process.wait(20)
    os.close(mine)
    os.close(theirs)
    assert process.returncode == (0 if answer == "y" else 1)
    assert (weights.status(model, data).state == "ready") is (answer == "y")


_ASK = """
import dataclasses, os, sys
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from mono3d_addon import models_command
from mono3d_addon.depth.catalogue import MODELS
from mono3d_addon.settings import Settings
row = MODELS["midas_v21_small_256"]
row = dataclasses.replace(row, address=sys.argv[2], file_bytes=int(sys.argv[3]), sha256=sys.argv[4])
models_command.ensure_weights(Settings(model=row.name), Path(sys.argv[5]), False, {row.name: row})
"""


@pytest.mark.skipif(os.name == "nt", reason="needs a pseudo-terminal")
@pytest.mark.parametrize(("answer", "downloads"), [("y", True), ("yes", True), ("n", False), ("", False)])
def test_a_terminal_is_asked(
    models: Mapping[str, Model], server: Behaviour, data: Path, answer: str, downloads: bool
) -> None:
    model = models[SMALL]
    mine, theirs = os.openpty()
    words = [str(ROOT), model.address, str(model.file_bytes), str(model.sha256), str(data)]
    with subprocess.Popen(
        [sys.executable, "-S", "-c", _ASK, *words], stdin=theirs, stdout=subprocess.PIPE, stderr=theirs
    ) as process:
        shown = b""
        while b"[y/N]" not in shown:
            shown += os.read(mine, 1000)
        assert model.address.encode() in b"".join(shown.split()) and not server.requests
        os.write(mine, f"{answer}\n".encode())
        process.wait(20)
    os.close(mine)
    os.close(theirs)
    assert process.returncode == 0
    assert (weights.status(model, data).state == "ready") is downloads and len(server.requests) == int(downloads)


@pytest.mark.parametrize("words", [["models", "download", SMALL], ["--download", "--model", SMALL], ["--install"]])
def test_a_blender_told_to_stay_offline(
    server: Behaviour, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    monkeypatch.setenv(weights.MIRROR, server.address)
    assert cli.main(words, no_network="Blender was started with --offline-mode.") == 1
    assert "--offline-mode" in capsys.readouterr().err and server.requests == []


def test_the_command_line_downloads_without_a_photo(
    server: Behaviour, data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The real row, whose published size this server's file does not have."""
    monkeypatch.setenv(weights.MIRROR, server.address)
    assert cli.main(["--download", "--model", SMALL, "--data-folder", str(data)]) == 1
    error = capsys.readouterr().err
    assert "200,000 bytes instead of 85,761,505" in error and "Traceback" not in error
    assert [path for path, _ in server.requests] == [f"/{MODELS[SMALL].file}"]


def test_help_spells_names_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        models_command.run(["verify", "--help"], "mono3d models")
    assert "compare their SHA-256" in capsys.readouterr().out
