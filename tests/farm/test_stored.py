# SPDX-License-Identifier: GPL-3.0-or-later
"""Results that are known by what they are made from: done once, whatever happens on the way."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mono3d_addon.core import computer
from mono3d_addon.errors import WorkerDied
from mono3d_addon.farm.summary import merge, summary_of
from mono3d_addon.run import stored
from mono3d_addon.run.journal import Journal, Known
from mono3d_addon.run.loop import Flow, run
from mono3d_addon.run.plan import Plan, PlannedPhoto, photos_of, write_plan
from mono3d_addon.run.report import Record
from mono3d_addon.run.stored import StoredResults
from mono3d_addon.run.stores import FolderStore, source_of
from mono3d_addon.settings import Settings
from tests.farm.noting_runner import Act, NotingRunner, Quiet

SETTINGS = Settings()
FLOW = Flow(jobs=2, spare=4, attempts=3)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    for name in ("a", "b", "c", "d", "e"):
        (folder / f"{name}.jpg").write_bytes(name.encode())
    return folder


class Batch:
    """A batch whose workers do what `act` does; `record` has what became of each photo, by its name."""

    def __init__(self, photos: Path, act: Act = lambda request: None) -> None:
        self.photos = photos
        self.runner = NotingRunner(act)
        self.store = FolderStore(photos.parent / "out")
        self.record: dict[str, Record] = {}
        self.on_note: Callable[[], None] = lambda: None

    def run(
        self,
        settings: Settings = SETTINGS,
        weights: str = "w",
        formats: Sequence[str] = ("glb", "npy"),
        flow: Flow = FLOW,
        **options: Any,
    ) -> Plan:
        self.store.prepare()
        plan = write_plan(self.store, [source_of(str(self.photos))], settings, tuple(formats), weights)
        journal = Journal(self.store, plan.key)

        def note(photo: PlannedPhoto, record: Record) -> None:
            self.record[Path(photo.address).stem] = record
            journal.append(photo, record)
            self.on_note()

        results = StoredResults(self.store, settings, weights, tuple(formats), **options)
        runner: Any = self.runner
        quiet: Any = Quiet()
        try:
            run(photos_of(self.store, plan), settings, results, runner, quiet, quiet, note, flow)
        finally:
            journal.close()
        return plan

    def statuses(self) -> set[str]:
        """Returns what became of the photos."""
        return {record.status for record in self.record.values()}

    def asked(self) -> list[str]:
        """Returns the photos that the runner was asked for since the last call."""
        names = sorted(path.stem for path in self.runner.photos)
        self.runner.photos.clear()
        return names

    def files(self) -> dict[str, bytes]:
        """Returns all results and records, by their names below the folder."""
        root = self.store.root
        found = {path.relative_to(root).as_posix(): path for path in root.rglob("*") if path.is_file()}
        return {name: path.read_bytes() for name, path in found.items() if not name.startswith(".mono3d/")}


def test_results_have_readable_names_in_two_levels_and_a_record(photos: Path) -> None:
    batch = Batch(photos)
    batch.run()
    assert batch.asked() == ["a", "b", "c", "d", "e"]
    files = batch.files()
    assert len(files) == 15
    for name, record in batch.record.items():
        assert record.status == "done" and len(record.files) == 2
        glb = next(file for file in record.files if file.endswith(".glb"))
        first, second, file = glb.split("/")
        identity = Path(file).stem.removeprefix(f"{name}-")
        assert len(identity) == 20 and identity.startswith(first + second) and files[glb] == f"{name}glb".encode()
        stored = json.loads(files[f"{first}/{second}/{identity}.json"])
        assert stored["status"] == "done" and stored["files"] == record.files and stored["id"] == identity
        assert stored["made_from"]["weights"] == "w"
    assert not list(batch.store.root.glob(".mono3d-*")), "no folders of photos that are worked on"


def test_a_record_means_done_whatever_the_file_is_called(photos: Path) -> None:
    batch = Batch(photos)
    batch.run()
    before, _ = batch.files(), batch.asked()
    (photos / "a.jpg").rename(photos / "renamed.jpg")
    (photos / "more").mkdir()
    (photos / "more" / "copy.jpg").write_bytes(b"b")
    batch.run()
    assert batch.asked() == [] and batch.files() == before
    assert {"renamed", "copy"} < set(batch.record) and batch.statuses() == {"done"}


def test_the_same_photo_under_two_names_is_done_once(photos: Path) -> None:
    for number in range(8):
        (photos / f"copy{number}.jpg").write_bytes(b"a")
    batch = Batch(photos)
    batch.run()
    assert len(batch.asked()) == 5 and len(batch.files()) == 15
    assert batch.statuses() == {"done"} and len(batch.record) == 13


@pytest.mark.parametrize(
    "other", [{"settings": Settings(detail=100)}, {"weights": "v"}, {"formats": ("glb",)}], ids=lambda one: str(*one)
)
def test_other_settings_make_new_work_and_touch_nothing_old(photos: Path, other: dict[str, Any]) -> None:
    batch = Batch(photos)
    batch.run()
    before, _ = batch.files(), batch.asked()
    batch.run(**other)
    assert len(batch.asked()) == 5
    after = batch.files()
    assert len(after) > len(before) and before.items() <= after.items()
    batch.run()
    assert batch.asked() == [] and batch.files() == after


def test_a_photo_that_kills_its_worker_three_times_fails_alone(photos: Path) -> None:
    deaths = []

    def act(request: Mapping[str, Any]) -> None:
        if Path(request["photo"]).stem == "c":
            deaths.append(request)
            Path(request["exports"]["glb"]).write_bytes(b"half")
            raise WorkerDied("The worker crashed.")

    batch = Batch(photos, act)
    batch.run()
    assert len(deaths) == 3 and batch.asked().count("c") == 3
    assert batch.record["c"].status == "failed"
    assert batch.record["c"].message == "The worker crashed. It was tried 3 times."
    assert [name for name, record in sorted(batch.record.items()) if record.status == "done"] == ["a", "b", "d", "e"]
    assert not any(content == b"half" for content in batch.files().values())
    batch.run()
    assert batch.asked() == [], "a failure is final"
    batch.runner = NotingRunner()
    batch.run(retry_failed=True)
    assert batch.asked() == ["c"] and batch.statuses() == {"done"}


def test_a_worker_that_dies_once_costs_an_attempt_only(photos: Path) -> None:
    lock = threading.Lock()
    seen: set[str] = set()

    def act(request: Mapping[str, Any]) -> None:
        with lock:
            is_first = request["photo"] not in seen
            seen.add(request["photo"])
        if is_first:
            raise WorkerDied("The worker crashed.")

    batch = Batch(photos, act)
    batch.run()
    assert batch.statuses() == {"done"} and len(batch.asked()) == 10


def test_a_photo_that_kills_the_worker_while_it_is_ahead_fails_alone_too(photos: Path) -> None:
    def act(request: Mapping[str, Any]) -> None:
        if "c" in {Path(path).stem for path in (request["photo"], *request["ahead"])}:
            raise WorkerDied("The worker crashed.")

    batch = Batch(photos, act)
    batch.run(flow=Flow(jobs=1, spare=2, attempts=3))
    assert {name for name, record in batch.record.items() if record.status == "failed"} == {"c"}


def test_photos_from_elsewhere_are_fetched_ahead_and_named_ahead(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fetched = threading.Barrier(5)

    class Far:
        """A photo that is copied; the first one waits until all are."""

        def __init__(self, address: str) -> None:
            self.path = Path(address)
            self.local = None

        def fetch(self, folder: Path) -> Path:
            return Path(shutil.copy(self.path, folder))

    places: list[Path] = []

    def act(request: Mapping[str, Any]) -> None:
        places.append(Path(request["photo"]))
        assert all(Path(path).is_file() for path in request["ahead"])
        assert photos not in places[-1].parents

    claimed = StoredResults._claimed

    def together(results: StoredResults, name: str) -> Record | None:
        fetched.wait(20)
        return claimed(results, name)

    monkeypatch.setattr(stored, "photo_at", Far)
    monkeypatch.setattr(StoredResults, "_claimed", together)
    batch = Batch(photos, act)
    batch.run(flow=Flow(jobs=1, spare=4))
    assert batch.statuses() == {"done"} and len(places) == 5
    assert not any(place.exists() for place in places), "copies are removed"


def test_a_photo_that_cannot_be_got_is_tried_again_and_told(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tries: list[str] = []

    class Lost:
        """A photo that its storage does not give."""

        local = None

        def __init__(self, address: str) -> None:
            self.address = address

        def fetch(self, folder: Path) -> Path:
            tries.append(self.address)
            raise PermissionError("Forbidden")

    monkeypatch.setattr(stored, "photo_at", Lost)
    batch = Batch(photos)
    batch.run()
    assert len(tries) == 3 * 5 and batch.statuses() == {"failed"}
    assert batch.record["a"].message.startswith("The photo cannot be read (Forbidden); check where it is")


def test_workers_are_renewed_after_so_many_photos(photos: Path) -> None:
    batch = Batch(photos)
    batch.run(flow=Flow(jobs=1, spare=2, recycle=2))
    assert batch.runner.processes == [1, 1, 2, 2, 3]


def test_workers_are_renewed_when_their_memory_grows(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(60):
        (photos / f"{number}.jpg").write_bytes(str(number).encode())
    batch = Batch(photos)

    def memory(process: int) -> int:
        # The first process needs 1 GB, and from its 30th photo on 3 GB.
        return 10**9 * (3 if process == 1 and len(batch.runner.photos) >= 30 else 1)

    monkeypatch.setattr(computer, "resident_memory", memory)
    batch.run(flow=Flow(jobs=1, recycle=1000))
    assert batch.runner.processes == [1] * 30 + [2] * 35


def test_an_interrupt_ends_photos_that_wait_for_the_same_one(photos: Path) -> None:
    names = ["b.jpg", *(f"copy{number}.jpg" for number in range(8))]
    for name in names[1:]:
        (photos / name).write_bytes(b"a")
    order = photos / "order.txt"
    order.write_text("\n".join(names))
    stopped, copied = threading.Event(), threading.Event()

    class Stopping(NotingRunner):
        def stop(self) -> None:
            stopped.set()

    def act(request: Mapping[str, Any]) -> None:
        if Path(request["photo"]).stem == "b":
            assert copied.wait(20)
            return
        copied.set()
        assert stopped.wait(20)
        raise WorkerDied("The worker was stopped.")

    def interrupt() -> None:
        raise KeyboardInterrupt

    batch = Batch(order)
    batch.runner, batch.on_note = Stopping(act), interrupt
    with pytest.raises(KeyboardInterrupt):
        batch.run()
    assert len(batch.asked()) == 2 and len(batch.files()) == 3, "nothing counts as failed"


def test_the_journal_saves_reading_the_photos_again(photos: Path) -> None:
    batch = Batch(photos)
    plan = batch.run()
    known = Known(batch.store, plan.key, "")
    everyone = list(photos_of(batch.store, plan))
    assert [known.status(photo) for photo in everyone] == ["done"] * 5
    assert known.status(replace(everyone[0], id="0" * 20)) == ""
    assert Known(batch.store, plan.key, "1/2").status(everyone[0]) == ""


def test_status_and_report_tell_the_last_of_each_photo(photos: Path) -> None:
    def act(request: Mapping[str, Any]) -> None:
        if Path(request["photo"]).stem == "c":
            raise WorkerDied("The worker crashed.")

    batch = Batch(photos, act)
    plan = batch.run()
    found = summary_of(batch.store, plan)
    assert (found.photos, found.done, found.failed, found.left) == (5, 4, 1, 0)
    assert found.words() == "5 photos: 4 done, 1 failed, 0 left."
    batch.runner = NotingRunner()
    batch.run(retry_failed=True)
    # Two machines may have noted the same photo.
    batch.run()
    assert merge(batch.store, plan, "").done == 5
    report = json.loads((batch.store.root / "report.json").read_text())
    assert (report["done"], report["failed"], report["left"]) == (5, 0, 0)
    assert sorted(Path(one["photo"]).stem for one in report["photos"]) == ["a", "b", "c", "d", "e"]
    assert all(one["files"] for one in report["photos"])
    lines = photos.parent / "report.jsonl"
    merge(batch.store, plan, str(lines))
    assert len([json.loads(line) for line in lines.read_text().splitlines()]) == 5


def test_a_photo_that_a_list_names_twice_counts_once(photos: Path) -> None:
    batch = Batch(photos / "list.txt")
    batch.photos.write_text("a.jpg\nb.jpg\na.jpg\n")
    batch.store = FolderStore(photos.parent / "out")
    plan = batch.run()
    found = summary_of(batch.store, plan)
    assert (found.photos, found.done, found.left, found.repeated) == (3, 2, 0, 1)
    assert found.words() == "3 photos: 2 done, 0 failed, 0 left, 1 named again."
    assert merge(batch.store, plan, "") == found


def test_a_result_replaces_the_failure_of_another_machine(photos: Path) -> None:
    """The other one gives up on the photo while it is done here."""
    batch = Batch(photos)

    def act(request: Mapping[str, Any]) -> None:
        name = next(iter(request["exports"].values())).rpartition("-")[2].partition(".")[0]
        place = batch.store.root / name[:2] / name[2:4] / f"{name}.json"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text('{"photo": "elsewhere", "status": "failed", "message": "The worker crashed."}')

    batch.runner = NotingRunner(act)
    batch.run()
    assert batch.statuses() == {"done"}
    records = [json.loads(text) for name, text in batch.files().items() if name.endswith(".json")]
    assert [one["status"] for one in records] == ["done"] * 5


def test_a_photo_that_is_changed_or_gone_counts_as_it_is_now(photos: Path) -> None:
    def act(request: Mapping[str, Any]) -> None:
        if Path(request["photo"]).read_bytes() in (b"c", b"d"):
            raise WorkerDied("The worker crashed.")

    batch = Batch(photos, act)
    plan = batch.run()
    assert (summary_of(batch.store, plan).done, summary_of(batch.store, plan).failed) == (3, 2)
    (photos / "c.jpg").write_bytes(b"repaired")
    (photos / "d.jpg").unlink()
    plan = batch.run()
    found = merge(batch.store, plan, "")
    assert (found.photos, found.done, found.failed, found.left) == (4, 4, 0, 0)
    report = json.loads((batch.store.root / "report.json").read_text())
    assert sorted(Path(one["photo"]).stem for one in report["photos"]) == ["a", "b", "c", "e"]


def test_the_speed_is_that_of_the_last_minutes(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    batch = Batch(photos)
    store = batch.store
    store.prepare()
    for number in range(995):
        (photos / f"{number}.jpg").touch()
    plan = write_plan(store, [source_of(str(photos))], Settings(), ("glb",), "w")
    now = 1_000_000.0
    monkeypatch.setattr("time.time", lambda: now)
    journal = Journal(store, plan.key, "1/2")
    # A slow hour, a break, then two photos a second.
    moments = [*(float(one) for one in range(0, 3600, 100)), *(10_000 + one / 2 for one in range(200))]
    for photo, moment in zip(photos_of(store, plan), moments, strict=False):
        now = 1_000_000.0 + moment
        journal.append(photo, Record("x", "done"))
    assert summary_of(store, plan).left > 764, "some lines are not written yet"
    journal.close()
    found = summary_of(store, plan, now)
    assert found.done == 236 and found.photos_per_second == pytest.approx(2.0) and found.seconds_left == 382.0
    assert found.words().endswith("764 left; 2 photos/s, 6 min left.")
    later = summary_of(store, plan, now + 3600.0)
    assert later.photos_per_second == 0.0 and later.seconds_left is None and "no photo lately" in later.words()
