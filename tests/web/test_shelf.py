# SPDX-License-Identifier: GPL-3.0-or-later
"""Jobs on disk without a server: what is written down, who leaves when room is needed, who comes next."""

from __future__ import annotations

import asyncio
import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mono3d_addon.errors import DISK_FULL, Mono3DError, WorkerDied
from mono3d_addon.settings import Settings, WebOptions
from mono3d_addon.web import records
from mono3d_addon.web.folders import SharedFolder
from mono3d_addon.web.jobs import Job, Revision
from mono3d_addon.web.pool import Pool, Work
from mono3d_addon.web.records import Kept, Record
from mono3d_addon.web.refusal import Refusal
from mono3d_addon.web.room import leaving
from mono3d_addon.web.service import Service
from mono3d_addon.web.shelf import Shelf
from mono3d_addon.web.uploads import Upload
from tests.web.runners import Fake, Fakes

MB = 1_000_000


def job(folder: Path, name: str, owner: str = "", size: int = 0, *, changed: float = 0.0, state: str = "done") -> Job:
    """Returns a job with a folder and a photo of `size` bytes."""
    own = folder / name
    (own / "upload").mkdir(parents=True)
    photo = own / "upload" / "photo.png"
    photo.write_bytes(bytes(min(size, 100)))
    made = Job.of(
        Record(name, f"{name}.png", "upload/photo.png", Settings(), changed, changed, state, owner=owner),
        SharedFolder(own),
    )
    made.bytes = size
    return made


def test_a_record_is_read_as_it_was_written(tmp_path: Path) -> None:
    settings = Settings(detail=300, mask=str(tmp_path / "upload" / "mask.png"))
    whole = Kept("0123", {"counts": {"vertices": 3}, "seconds": {"a": 0.5}}, settings, 3)
    record = Record("x" * 24, "Tässe ☃.png", "upload/photo.png", settings, 1.5, 2.5, "running", "", 3, 1, "o", "k")
    record = dataclasses.replace(record, wanted=dataclasses.replace(settings, near=2.0), whole=whole)
    records.write(tmp_path, record)
    assert records.read(tmp_path) == record
    assert str(tmp_path) not in (tmp_path / "job.json").read_text(), "it may move with its folder"
    moved = tmp_path.rename(tmp_path.with_name("moved"))
    assert records.read(moved).settings.mask == str(moved / "upload" / "mask.png")


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "{}", '{"whole": 1, "wanted": null}', '{"id": "\\ud800'])
def test_a_damaged_record_is_an_error(tmp_path: Path, text: str) -> None:
    (tmp_path / "job.json").write_text(text)
    with pytest.raises(Mono3DError, match="cannot be read"):
        records.read(tmp_path)


def test_a_record_with_settings_out_of_bounds_is_an_error(tmp_path: Path) -> None:
    records.write(tmp_path, Record("x", "a", "p", Settings(), 0.0, 0.0, "done"))
    content = json.loads((tmp_path / "job.json").read_text())
    content["settings"]["near"] = -1.0
    (tmp_path / "job.json").write_text(json.dumps(content))
    with pytest.raises(Mono3DError):
        records.read(tmp_path)


def test_whoever_takes_most_loses_the_oldest_first(tmp_path: Path) -> None:
    jobs = [job(tmp_path, f"team{number}", "team", 10 * MB, changed=number) for number in range(3)]
    jobs += [job(tmp_path, f"flood{number}", "flood", 10 * MB, changed=100 + number) for number in range(6)]
    jobs.append(job(tmp_path, "runs", "flood", 10 * MB, changed=0.0, state="running"))
    order = [one.id for one in leaving(jobs)]
    assert order[:4] == ["flood0", "flood1", "flood2", "flood3"], "down to what the team has"
    assert order[4:6] == ["team0", "flood4"] or order[4:6] == ["flood4", "team0"]
    assert len(order) == 9 and "runs" not in order


def test_room_is_counted_with_what_jobs_write(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path, 1000 * MB, 3600.0)
    for number in range(8):
        shelf.add(job(tmp_path, f"job{number}", "a", 100 * MB, changed=1e12 + number))
        shelf.expected.note(100 * MB)
    assert [one.id for one in shelf.surplus(100 * MB)] == []
    shelf.add(job(tmp_path, "running", "a", 0, state="running"))
    assert [one.id for one in shelf.surplus(100 * MB)] == [], "800 written, 100 expected, 100 needed"
    assert [one.id for one in shelf.surplus(101 * MB)] == ["job0"]
    assert not shelf.lacks(900 * MB) and shelf.lacks(901 * MB), "what runs cannot leave"
    assert shelf.lacks(1e18), "the disk is smaller"


def test_jobs_are_found_again_in_their_order(tmp_path: Path) -> None:
    async def story() -> list[str]:
        shelf = Shelf(tmp_path, 1000 * MB, 3600.0)
        for number, state in ((3, "done"), (1, "queued"), (2, "failed")):
            shelf.add(job(tmp_path, f"job{number}", changed=number, state=state))
        gone = job(tmp_path, "gone")
        shelf.add(gone)
        shelf.remove(gone)
        assert not (tmp_path / "gone" / "job.json").exists(), "before its folder goes"
        found = Shelf(tmp_path, 1000 * MB, 3600.0)
        return [f"{one.id} {one.state} {one.last_change:g}" for one in found.found()]

    assert asyncio.run(story()) == ["job1 queued 1", "job2 failed 2", "job3 done 3"]


def test_visitors_take_turns(tmp_path: Path) -> None:
    """One who sends ten photos at once lets others in between; whoever waits at a slider comes first."""

    async def story() -> list[str]:
        runner = Fake()
        pool = Pool([runner])
        works = {name: Work({"name": name}, name, is_urgent=False, owner=name[0]) for name in ("a1", "a2", "a3", "a4")}
        works |= {name: Work({"name": name}, name, is_urgent=False, owner=name[0]) for name in ("b1", "c1", "b2")}
        works["x1"] = Work({"name": "x1"}, "x1", is_urgent=True, owner="a")
        for work in works.values():
            pool.submit(work)
        planned = sorted(works, key=lambda name: pool.position(works[name]))
        await asyncio.gather(*(work.left for work in works.values()))
        assert [request["name"] for request in runner.requests] == planned
        await pool.close()
        return planned

    assert asyncio.run(story()) == ["a1", "x1", "b1", "c1", "a2", "b2", "a3", "a4"]


def served(
    folder: Path, outcomes: list[Any], story: Callable[[Service, Fake], Any], options: WebOptions | None = None
) -> Any:
    """Runs `story` with a service whose runner gives one outcome after the other."""

    async def run() -> Any:
        runners = Fakes(outcomes)
        service = Service(options or WebOptions(), folder, (), runners)
        await service.start()
        try:
            return await story(service, runners.photos[0])
        finally:
            await service.close()

    return asyncio.run(run())


def create(service: Service, owner: str = "me") -> Job:
    with service.place(owner) as (id, folder):
        service.make_room(1000)
        (folder.path / "upload").mkdir()
        photo = folder.path / "upload" / "photo.png"
        photo.write_bytes(bytes(1000))
        return service.create(id, folder, Upload("cup.png", photo))


async def over(one: Job) -> str:
    while not one.is_over:
        await asyncio.sleep(0.005)
    await asyncio.sleep(0.05)
    return one.state


def test_a_job_survives_one_worker_and_costs_no_more_than_two(tmp_path: Path) -> None:
    died = WorkerDied("The worker was killed. The log is /x.")

    async def story(service: Service, runner: Fake) -> None:
        first = create(service)
        assert await over(first) == "done"
        second = create(service)
        assert await over(second) == "failed" and second.error == "The worker was killed."
        assert [request["key"] for request in runner.requests] == [first.id, first.id, second.id, second.id]

    served(tmp_path, [died, {}, died, died], story)


def test_failed_jobs_leave_nothing_but_their_sentence(tmp_path: Path) -> None:
    async def story(service: Service, runner: Fake) -> None:
        one = create(service)
        assert await over(one) == "failed"
        assert [path.name for path in one.folder.path.iterdir()] == ["job.json"]
        assert one.bytes < 10_000 and "No such thing" in service.status(one)["error"]

    served(tmp_path, [Mono3DError("No such thing.")], story)


def test_a_full_disk_costs_the_oldest_result_and_not_the_new_job(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    full = [Mono3DError(DISK_FULL), Mono3DError("'/x/a.npy' cannot be written (No space left on device).")]

    async def story(service: Service, runner: Fake) -> None:
        service.shelf._free = lambda: 0  # type: ignore[method-assign]
        service.make_room = lambda length, besides=None: None  # type: ignore[method-assign]
        old, new = create(service), None
        assert await over(old) == "done"
        new = create(service)
        assert await over(new) == "done", new.error
        assert service.shelf.get(old.id) is None and not old.folder.path.exists()
        assert caplog.text.count("is full") == 1
        last = create(service)
        service.shelf.remove(new)
        assert await over(last) == "failed" and last.error.startswith("The server's disk is full; try again later")
        assert caplog.text.count("is full") == 2 and str(tmp_path) not in last.error

    served(tmp_path, [{}, full[0], {}, full[1]], story)


def test_a_visitor_of_a_team_takes_half_of_the_queue(tmp_path: Path) -> None:
    async def story(service: Service, runner: Fake) -> None:
        runner.hold()
        jobs = [create(service) for _ in range(2)]
        with pytest.raises(Refusal, match="still busy with 2 of your photos"):
            create(service)
        jobs += [create(service, "other"), create(service, "third")]
        with pytest.raises(Refusal, match="busy with other photos"):
            create(service, "fourth")
        runner.release()
        assert [await over(one) for one in jobs] == ["done"] * 4

    served(tmp_path, [{}] * 4, story, WebOptions(token="correcthorse42", max_jobs=4))


def test_a_photo_that_ended_three_servers_is_given_up(tmp_path: Path) -> None:
    async def story(service: Service, runner: Fake) -> tuple[str, int]:
        (one,) = service.shelf
        state = await over(one)
        return (f"{state} {one.error}" if one.error else state), one.attempts

    for attempts, expected in ((2, "done"), (3, "failed The server stopped several times")):
        home = tmp_path / str(attempts)
        jobs = home / "web" / "server-0" / "jobs"
        jobs.mkdir(parents=True)
        (jobs.parent / "port").write_text("8760")
        records.write(
            job(jobs, "a", size=1).folder.path,
            Record("a", "a.png", "upload/photo.png", Settings(), 1e12, 1e12, "running", attempts=attempts),
        )
        found, starts = served(home, [{}], story)
        assert found.startswith(expected), found
        assert starts == 3


def test_what_only_makes_a_draft_counts_as_done(tmp_path: Path) -> None:
    one = job(tmp_path, "a", state="running")
    assert one.record().state == "queued"
    one.whole = one.view = Revision(SharedFolder(tmp_path / "a" / "0"), {}, Settings(), 1)
    assert one.record().state == "done"
    one.wanted = Settings(near=2.0)
    assert one.record().state == "queued"
