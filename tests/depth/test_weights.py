# SPDX-License-Identifier: GPL-3.0-or-later
"""Finding and verifying weights files."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from mono3d_addon.depth import file_lock, weights
from mono3d_addon.depth.catalogue import MODELS
from mono3d_addon.depth.model import Model
from mono3d_addon.errors import Mono3DError
from tests.checkpoint_file import checkpoint

ROOT = Path(__file__).resolve().parents[2]
CONTENT = b"not really weights" * 100
PUBLISHED = dataclasses.replace(
    MODELS["midas_v21_small_256"], file_bytes=len(CONTENT), sha256=hashlib.sha256(CONTENT).hexdigest()
)
NO_HASH = dataclasses.replace(MODELS["dpt_hybrid_384"], file_bytes=42_000)
UNHASHED, ANOTHER = (checkpoint(NO_HASH.known_by, 2_000, seed) for seed in (1, 2))


@pytest.fixture(autouse=True)
def private_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))


@pytest.fixture
def data_folder(tmp_path: Path) -> Path:
    return tmp_path / "data with space é"


def put(path: Path, content: bytes = CONTENT) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def hashed(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Returns a list that grows with every file that is hashed."""
    seen: list[Path] = []
    real = weights.sha256_of

    def counting(path: Path) -> str:
        seen.append(path)
        return real(path)

    monkeypatch.setattr(weights, "sha256_of", counting)
    return seen


def test_the_starter_is_bundled(data_folder: Path) -> None:
    found = weights.find(MODELS["starter"], data_folder)
    assert found.name == "starter.safetensors"
    assert weights.sha256_of(found) == MODELS["starter"].sha256


def test_places_are_tried_in_order(data_folder: Path, tmp_path: Path) -> None:
    official = put(tmp_path / "torch" / "hub" / "checkpoints" / PUBLISHED.file)
    assert weights.find(PUBLISHED, data_folder) == official
    cached = put(data_folder / "cache" / "weights" / PUBLISHED.file)
    assert weights.find(PUBLISHED, data_folder) == cached
    placed = put(data_folder / "weights" / PUBLISHED.file)
    assert weights.find(PUBLISHED, data_folder) == placed
    explicit = put(tmp_path / "elsewhere" / PUBLISHED.file)
    assert weights.find(PUBLISHED, data_folder, explicit) == explicit


def test_missing_weights_say_what_to_do(data_folder: Path) -> None:
    model = MODELS["dpt_large_384"]
    with pytest.raises(Mono3DError) as caught:
        weights.find(model, data_folder)
    for word in (model.file, model.address, "1376 MB", str(data_folder / "weights")):
        assert word in str(caught.value)


def test_missing_explicit_file(data_folder: Path, tmp_path: Path) -> None:
    for path in (tmp_path / "none.pt", tmp_path):
        with pytest.raises(Mono3DError, match="does not exist"):
            weights.find(PUBLISHED, data_folder, path)


@pytest.mark.parametrize("content", [CONTENT[:-1], b"", CONTENT + b"x"], ids=["cut", "empty", "longer"])
def test_wrong_size(data_folder: Path, content: bytes) -> None:
    put(data_folder / "weights" / PUBLISHED.file, content)
    with pytest.raises(Mono3DError, match=f"{len(content):,} bytes instead of {len(CONTENT):,}"):
        weights.find(PUBLISHED, data_folder)


def test_wrong_hash_in_every_place(data_folder: Path, tmp_path: Path) -> None:
    changed = CONTENT[:-1] + b"X"
    explicit = put(tmp_path / PUBLISHED.file, changed)
    with pytest.raises(Mono3DError, match="not the right weights file"):
        weights.find(PUBLISHED, data_folder, explicit)
    put(data_folder / "weights" / PUBLISHED.file, changed)
    with pytest.raises(Mono3DError, match="not the right weights file"):
        weights.find(PUBLISHED, data_folder)


def test_weights_under_a_name_of_their_own_are_the_users(data_folder: Path, tmp_path: Path) -> None:
    own = put(tmp_path / "my training.pt", b"short")
    assert weights.find(PUBLISHED, data_folder, own) == own


def test_a_file_is_hashed_once_until_it_changes(data_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = put(data_folder / "weights" / PUBLISHED.file)
    seen = hashed(monkeypatch)
    weights.find(PUBLISHED, data_folder)
    weights.find(PUBLISHED, data_folder)
    assert seen == [path]
    put(path, CONTENT[:-1] + b"X")
    os.utime(path, ns=(1, 1))
    with pytest.raises(Mono3DError):
        weights.find(PUBLISHED, data_folder)
    assert len(seen) == 2


def test_an_unpublished_hash_is_recorded_on_first_use(data_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = put(data_folder / "weights" / NO_HASH.file, UNHASHED)
    seen = hashed(monkeypatch)
    weights.find(NO_HASH, data_folder)
    weights.find(NO_HASH, data_folder)
    assert seen == [path]
    put(path, ANOTHER)
    os.utime(path, ns=(1, 1))
    with pytest.raises(Mono3DError, match="of the file first used"):
        weights.find(NO_HASH, data_folder)
    weights.forget(NO_HASH, data_folder)
    assert weights.find(NO_HASH, data_folder) == path


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (bytes(2_000), "damaged, or no file of torch's"),
        (UNHASHED[:1_000] + ANOTHER[1_000:], "damaged, or no file of torch's"),
        (checkpoint(["another.weight"], 2_000), "no tensor 'pretrained.model"),
    ],
    ids=["zeros", "mixture", "another network"],
)
def test_without_a_published_hash_the_tensors_are_looked_at(data_folder: Path, content: bytes, told: str) -> None:
    path = put(data_folder / "weights" / NO_HASH.file, content)
    for _ in range(2):
        with pytest.raises(Mono3DError, match=told) as caught:
            weights.find(NO_HASH, data_folder)
        assert f"download it again (it is at {NO_HASH.address})" in str(caught.value)
        found = weights.status(NO_HASH, data_folder)
        assert found.state == "damaged" and told in found.problem
    put(path, UNHASHED)
    os.utime(path, ns=(1, 1))
    assert weights.find(NO_HASH, data_folder) == path, "nothing of the wrong file is held against the right one"


def test_what_another_process_records_meanwhile_is_kept(data_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = put(data_folder / "weights" / PUBLISHED.file)
    put(data_folder / "weights" / NO_HASH.file, UNHASHED)
    real = weights.sha256_of

    def slow(file: Path) -> str:
        if file == path:
            weights.find(NO_HASH, data_folder)
        return real(file)

    monkeypatch.setattr(weights, "sha256_of", slow)
    weights.find(PUBLISHED, data_folder)
    put(data_folder / "weights" / NO_HASH.file, ANOTHER)
    with pytest.raises(Mono3DError, match="of the file first used"):
        weights.find(NO_HASH, data_folder)


def test_many_processes_record_at_once(data_folder: Path, tmp_path: Path) -> None:
    code = (
        "import dataclasses, sys; from pathlib import Path; from mono3d_addon.depth import weights\n"
        "from mono3d_addon.depth.catalogue import MODELS\n"
        "row = dataclasses.replace(MODELS['midas_v21_small_256'], file_bytes=10, size_is_exact=True, sha256='0' * 64)\n"
        "for number in range(20):\n"
        "    path = Path(sys.argv[1], f'{sys.argv[2]}-{number}.pt'); path.write_bytes(bytes(10))\n"
        "    weights.fault_of(row, path, Path(sys.argv[3]))\n"
    )
    words = [sys.executable, "-c", code, str(tmp_path)]
    processes = [subprocess.Popen([*words, str(number), str(data_folder)], cwd=ROOT) for number in range(4)]
    assert [process.wait(60) for process in processes] == [0, 0, 0, 0]
    record = json.loads((data_folder / weights.RECORD).read_text(encoding="utf-8"))
    assert len(record["verified"]) == 80


def test_a_record_that_another_process_holds_for_long_costs_the_record_only(
    data_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(weights, "_PATIENCE", 0.2)
    path = put(data_folder / "weights" / PUBLISHED.file)
    (data_folder / "cache").mkdir()
    with file_lock.held(data_folder / weights.RECORD_LOCK, lambda: None):
        assert weights.find(PUBLISHED, data_folder) == path
    assert not (data_folder / weights.RECORD).exists()


@pytest.fixture
def unreadable() -> Iterator[Path]:
    """The data folder with weights that the user of the process may not read."""
    if os.name == "nt":
        pytest.skip("needs the rights of POSIX systems")
    folder = Path(tempfile.mkdtemp())
    for model, content in ((PUBLISHED, CONTENT), (NO_HASH, UNHASHED)):
        put(folder / "weights" / model.file, content).chmod(0)
    put(folder / "weights" / "own.pt").chmod(0)
    folder.chmod(0o755)
    user = os.geteuid()
    if user == 0:
        os.seteuid(65534)
    try:
        yield folder
    finally:
        os.seteuid(user)
        shutil.rmtree(folder)


@pytest.mark.parametrize("model", [PUBLISHED, NO_HASH], ids=["published hash", "no hash"])
@pytest.mark.parametrize("name", ["", "own.pt"])
def test_a_file_that_may_not_be_read(unreadable: Path, model: Model, name: str) -> None:
    explicit = unreadable / "weights" / name if name else None
    with pytest.raises(Mono3DError, match=r"cannot be read \(Permission denied\)"):
        weights.find(model, unreadable, explicit)
    if not explicit:
        found = weights.status(model, unreadable)
        assert found.state == "damaged" and "cannot be read" in found.problem


@pytest.mark.parametrize("record", [b"", b"[]", b'{"verified": 3}', b'{"verified": {"x": 1}}', b"\xff"])
def test_a_damaged_record_only_costs_hashing(data_folder: Path, record: bytes) -> None:
    path = put(data_folder / "weights" / PUBLISHED.file)
    put(data_folder / weights.RECORD, record)
    assert weights.find(PUBLISHED, data_folder) == path


def test_a_data_folder_that_cannot_be_written(tmp_path: Path) -> None:
    blocked = put(tmp_path / "a file in place of the folder")
    explicit = put(tmp_path / PUBLISHED.file)
    assert weights.find(PUBLISHED, blocked, explicit) == explicit


def test_no_partial_files_stay(data_folder: Path) -> None:
    put(data_folder / "weights" / PUBLISHED.file)
    weights.find(PUBLISHED, data_folder)
    left = sorted(path.name for path in (data_folder / "cache").iterdir())
    assert left == [weights.RECORD_LOCK.name, weights.RECORD.name]


def test_bundled_weights_that_are_missing(data_folder: Path) -> None:
    absent: Model = dataclasses.replace(MODELS["starter"], file="other.safetensors")
    with pytest.raises(Mono3DError, match="install Mono3D again"):
        weights.find(absent, data_folder)
