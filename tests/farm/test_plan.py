# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan of a batch: every photo once, in exactly one shard, whatever it is called."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mono3d_addon.errors import Mono3DError, WrongUsage
from mono3d_addon.run.plan import HEAD, PHOTOS, Plan, PlannedPhoto, photos_of, read_plan, write_plan
from mono3d_addon.run.stores import FolderStore, Item, source_of
from mono3d_addon.settings import Settings

ROOT = Path(__file__).resolve().parents[2]


class Listed:
    """A source with these addresses."""

    def __init__(self, addresses: list[str]) -> None:
        self._addresses = addresses

    def items(self) -> Iterator[Item]:
        yield from (Item(address, number, str(number)) for number, address in enumerate(self._addresses))


def planned(folder: Path, *words: object) -> Plan:
    store = FolderStore(folder)
    store.prepare()
    return write_plan(store, [source_of(str(word), folder) for word in words], Settings(), ("glb",), "w")


def names(folder: Path, shard: str = "") -> list[str]:
    store = FolderStore(folder)
    return [Path(photo.address).name for photo in photos_of(store, read_plan(store), shard)]


@given(st.lists(st.text(min_size=1, max_size=40), min_size=1, max_size=40), st.integers(1, 60))
def test_each_photo_is_in_exactly_one_shard(
    tmp_path_factory: pytest.TempPathFactory, addresses: list[str], count: int
) -> None:
    store = FolderStore(tmp_path_factory.mktemp("out"))
    plan = write_plan(store, [Listed(addresses)], Settings(), ("glb",), "w")
    assert read_plan(store) == plan and plan.photos == len(addresses)
    parts = [list(photos_of(store, plan, f"{number}/{count}")) for number in range(1, count + 1)]
    assert [photo.address for part in parts for photo in part] == addresses


def test_a_plan_finds_photos_at_any_depth_and_no_results(tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    for name in ("a.jpg", "deep/er/b.JPEG", "deep/c.png", "deep/notes.txt", ".hidden/d.jpg", "deep/.e.jpg"):
        (photos / name).parent.mkdir(parents=True, exist_ok=True)
        (photos / name).write_bytes(b"x")
    (photos / "deep" / "c_preview.png").write_bytes(b"\x89PNG....tEXtSoftware\0Mono3D")
    out = photos / "out"
    out.mkdir()
    (out / "f.jpg").write_bytes(b"x")
    plan = planned(out, photos)
    assert sorted(names(out)) == ["a.jpg", "b.JPEG", "c.png"] and plan.photos == plan.bytes == 3
    planned(out, photos, photos / "a.jpg", f"{photos}/deep/**/*.JPEG")
    assert Counter(names(out)) == Counter(["a.jpg", "b.JPEG", "c.png"]), "found twice, planned once"


def test_a_plan_may_be_made_of_a_list(tmp_path: Path) -> None:
    text, lines = tmp_path / "list.txt", tmp_path / "list.jsonl"
    # As Windows' programs write it.
    text.write_text("a.jpg\n\n/far/b.jpg\n", encoding="utf-8-sig")
    lines.write_text('{"address": "c.jpg", "size": 7, "etag": "x"}\n')
    planned(tmp_path / "out", text, lines)
    found = [json.loads(line) for line in (tmp_path / "out" / PHOTOS).read_text().splitlines()]
    assert [one["address"] for one in found] == [str(tmp_path / "a.jpg"), "/far/b.jpg", str(tmp_path / "c.jpg")]
    assert [one["size"] for one in found] == [-1, -1, 7] and found[2]["etag"] == "x"
    lines.write_text("{}\n")
    with pytest.raises(Mono3DError, match="Line 1"):
        planned(tmp_path / "out", lines)


def test_a_plan_may_be_made_of_a_list_in_parquet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    path = tmp_path / "list.parquet"
    columns = {"id": [1, 2], "address": ["a.jpg", "s3://far/b.jpg"], "size": [7, None], "etag": [None, "x"]}
    parquet.write_table(pyarrow.table(columns), path, row_group_size=1)
    planned(tmp_path / "out", path)
    found = [json.loads(line) for line in (tmp_path / "out" / PHOTOS).read_text().splitlines()]
    assert [one["address"] for one in found] == [str(tmp_path / "a.jpg"), "s3://far/b.jpg"]
    assert [one["size"] for one in found] == [7, -1] and [one["etag"] for one in found] == ["", "x"]
    parquet.write_table(pyarrow.table({"address": ["a.jpg", None]}), path)
    with pytest.raises(Mono3DError, match="Row 2 of .* has no address"):
        planned(tmp_path / "out", path)
    parquet.write_table(pyarrow.table({"url": ["a.jpg"]}), path)
    with pytest.raises(Mono3DError, match="has no column 'address'"):
        planned(tmp_path / "out", path)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(Mono3DError, match="cannot be read as Parquet"):
        planned(tmp_path / "out", path)


def test_a_list_in_parquet_needs_its_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    (tmp_path / "list.parquet").touch()
    with pytest.raises(Mono3DError, match=r"need the package pyarrow.*pip install 'mono3d\[parquet\]'"):
        planned(tmp_path / "out", tmp_path / "list.parquet")


def test_a_changed_photo_has_another_id(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"x")
    ids = []
    for content in (b"x", b"yy"):
        (tmp_path / "a.jpg").write_bytes(content)
        planned(tmp_path / "out", tmp_path / "a.jpg")
        store = FolderStore(tmp_path / "out")
        ids += [photo.id for photo in photos_of(store, read_plan(store))]
    assert len(set(ids)) == 2


def test_what_cannot_be_planned_is_told(tmp_path: Path) -> None:
    with pytest.raises(WrongUsage, match="no file or folder"):
        source_of(str(tmp_path / "nowhere"))
    with pytest.raises(Mono3DError, match="no photos to plan"):
        planned(tmp_path / "out", tmp_path)
    store = FolderStore(tmp_path / "out")
    with pytest.raises(Mono3DError, match="no plan yet"):
        read_plan(store)
    (tmp_path / "a.jpg").touch()
    planned(tmp_path / "out", tmp_path)
    (tmp_path / "out" / PHOTOS).write_bytes(b"")
    with pytest.raises(Mono3DError, match="not complete"):
        read_plan(store)
    (tmp_path / "out" / HEAD).write_bytes(b"{")
    with pytest.raises(Mono3DError, match="cannot be read"):
        read_plan(store)


@pytest.mark.parametrize("lengths", [(60, 4), (4, 60)], ids=["shorter", "longer"])
def test_a_plan_that_is_replaced_while_it_is_read_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lengths: tuple[int, int]
) -> None:
    monkeypatch.setattr("mono3d_addon.run.plan._CHUNK", 150)
    store = FolderStore(tmp_path)
    before, after = ([f"{'x' * length}{number}.jpg" for number in range(9)] for length in lengths)
    reading = photos_of(store, write_plan(store, [Listed(before)], Settings(), ("glb",), "w"))
    assert next(reading).address == before[0]
    write_plan(store, [Listed(after)], Settings(), ("glb",), "w")
    with pytest.raises(Mono3DError, match="The plan has been replaced meanwhile"):
        list(reading)


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("/a/cup.jpg", "cup"),
        ("s3://b/c/a%20cup.v2.jpg?x=1", "a cup.v2"),
        ("https://h/d/a:b?.jpg", "a_b"),
        ("/", "photo"),
    ],
)
def test_names_are_readable_and_fit_every_file_system(address: str, name: str) -> None:
    assert PlannedPhoto("", address, 0, "").name == name


_MILLION = """
import sys, time
from pathlib import Path
from mono3d_addon.run.plan import photos_of, write_plan
from mono3d_addon.run.stores import FolderStore, Item
from mono3d_addon.settings import Settings

class Many:
    def items(self):
        for number in range(int(sys.argv[2])):
            yield Item(f"/photos/{number % 1000:03}/picture-{number:08}.jpg", 200_000, str(10**18 + number))

store = FolderStore(Path(sys.argv[1]))
began = time.perf_counter()
plan = write_plan(store, [Many()], Settings(), ("glb",), "w")
planned = time.perf_counter()
found = sum(1 for _ in photos_of(store, plan, "7/1000"))
peak = Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0]
print(planned - began, time.perf_counter() - planned, int(peak) / 1024, found)
"""


@pytest.mark.thorough
@pytest.mark.serial
@pytest.mark.skipif(sys.platform != "linux", reason="reads the memory from /proc")
def test_a_million_photos_are_planned_in_a_minute_with_little_memory(tmp_path: Path) -> None:
    peaks = []
    for count in (1000, 1_000_000):
        done = subprocess.run(
            [sys.executable, "-c", _MILLION, str(tmp_path), str(count)],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        )
        planned, read, peak, found = map(float, done.stdout.split())
        peaks.append(peak)
    print(done.stdout)
    assert planned < 60.0 and read < 1.0 and 900 < found < 1100
    assert peaks[1] < peaks[0] + 16, "megabytes"
