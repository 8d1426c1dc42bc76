# SPDX-License-Identifier: GPL-3.0-or-later
"""The runner `ray`: without it, with a stand-in for its calls, and on a cluster of two machines with losses."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from mono3d_addon.equipping import Place
from mono3d_addon.errors import Mono3DError
from mono3d_addon.farm import ray_cluster
from mono3d_addon.farm.ray_cluster import run_on_ray
from mono3d_addon.farm.summary import summary_of
from mono3d_addon.farm.work import Work
from mono3d_addon.run.plan import PlannedPhoto, write_plan
from mono3d_addon.run.report import Record
from mono3d_addon.run.stores import source_of, store_of
from mono3d_addon.settings import BatchOptions, Settings

ROOT = Path(__file__).resolve().parents[2]


class Lost(Exception):
    """What Ray raises for an actor that is lost."""


class Gone(Exception):
    """What Ray raises for an answer that is lost with its machine."""


class Failed(Exception):
    """What Ray raises for an error in an actor."""

    def __init__(self, cause: Exception) -> None:
        super().__init__(str(cause))
        self.cause = cause


class Call:
    """A reference."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer


class Ray:
    """Does what the runner asks of Ray, in this process. `doing` decides what becomes of the photos of a part."""

    class exceptions:
        RayActorError = Lost
        ObjectLostError = Gone
        RayTaskError = Failed

    def __init__(self, doing: Any, machines: int = 2) -> None:
        self.doing = doing
        self.machines = machines
        self.made = self.ended = 0

    def is_initialized(self) -> bool:
        return True

    def nodes(self) -> list[dict[str, Any]]:
        return [{"Alive": number < self.machines, "Resources": {"CPU": 2.0}} for number in range(self.machines + 1)]

    def remote(self, cls: type) -> Any:
        ray = self

        class Method:
            def __init__(self, function: Any) -> None:
                self.remote = lambda *arguments: Call(lambda: function(*arguments))

        class Handle:
            def __init__(self) -> None:
                ray.made += 1
                self.number = ray.made
                self.ready = Method(lambda: None)
                self.do = Method(lambda photos: ray.doing(self.number, photos))

        class Maker:
            def options(self, **needs: Any) -> Any:
                assert needs == {"max_restarts": 0, "num_cpus": 2}
                return self

            def remote(self, work: Work, threads: int) -> Handle:
                assert work.options.jobs == 2 and threads == 1
                return Handle()

        return Maker()

    def wait(self, references: list[Call], num_returns: int, timeout: float) -> tuple[list[Call], list[Call]]:
        return references[:1], references[1:]

    def get(self, reference: Call) -> Any:
        return reference.answer()

    def kill(self, handle: Any) -> None:
        self.ended += 1


@pytest.fixture
def work(tmp_path: Path) -> Work:
    """A plan of 200 photos."""
    for number in range(200):
        (tmp_path / f"{number}.jpg").write_bytes(b"%d" % number)
    store = store_of(str(tmp_path / "out"))
    store.prepare()
    plan = write_plan(store, [source_of(str(tmp_path))], Settings(device="cpu"), ("glb",), "")
    return Work(str(tmp_path / "out"), BatchOptions(), plan)


def run(work: Work, ray: Ray, monkeypatch: pytest.MonkeyPatch) -> bool:
    monkeypatch.setattr(ray_cluster, "_ray", lambda: ray)
    return run_on_ray(work, Place(Path("nowhere")))


def done(photos: list[PlannedPhoto]) -> list[Record]:
    return [Record(photo.address, "done") for photo in photos]


def test_parts_of_lost_actors_are_done_by_others(work: Work, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []

    def doing(actor: int, photos: list[PlannedPhoto]) -> list[Record]:
        if actor in (1, 3):
            raise Lost if actor == 1 else Gone
        seen.extend(photo.address for photo in photos)
        return done(photos)

    ray = Ray(doing)
    assert run(work, ray, monkeypatch) is True
    assert len(seen) == len(set(seen)) == 200
    assert ray.made == ray.ended == 4
    found = summary_of(store_of(work.output), work.plan)
    assert (found.done, found.failed, found.left) == (200, 0, 0)
    idle = Ray(None)
    assert run(work, idle, monkeypatch) is True and idle.made == 0, "nothing is left"


def test_a_photo_that_ends_its_process_fails_alone(work: Work, monkeypatch: pytest.MonkeyPatch) -> None:
    def doing(actor: int, photos: list[PlannedPhoto]) -> list[Record]:
        if any(photo.address.endswith("/77.jpg") for photo in photos):
            raise Lost
        return done(photos)

    assert run(work, Ray(doing), monkeypatch) is False
    found = summary_of(store_of(work.output), work.plan)
    assert (found.done, found.failed) == (199, 1)


def test_what_keeps_all_from_being_done_is_told(work: Work, monkeypatch: pytest.MonkeyPatch) -> None:
    def cannot(actor: int, photos: list[PlannedPhoto]) -> list[Record]:
        raise Failed(OSError("the bucket is full"))

    with pytest.raises(Mono3DError, match=r"A machine of the cluster cannot do its part: the bucket is full"):
        run(work, Ray(cannot), monkeypatch)

    def lost(actor: int, photos: list[PlannedPhoto]) -> list[Record]:
        raise Lost("out of memory")

    many = replace(work, options=replace(work.options, attempts=20))
    with pytest.raises(Mono3DError, match=r"processes end again and again \(out of memory\)"):
        run(many, Ray(lost), monkeypatch)
    monkeypatch.undo()
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(Mono3DError, match=r"need the package ray.*pip install 'mono3d\[ray\]'"):
        run_on_ray(work, Place(Path("nowhere")))


@pytest.mark.thorough
@pytest.mark.serial
@pytest.mark.timeout(1800)
def test_a_cluster_loses_a_worker_an_actor_and_a_machine(tmp_path: Path) -> None:
    python = os.environ.get("MONO3D_TEST_RAY", sys.executable)
    data_folder = os.environ.get("MONO3D_TEST_DATA", "")
    if "MONO3D_TEST_RAY" not in os.environ and not all(map(importlib.util.find_spec, ("ray", "moto", "s3fs"))):
        pytest.skip("Ray is 770 MB: MONO3D_TEST_RAY names a Python with ray, moto[server], s3fs, numpy and Pillow")
    if not data_folder:
        pytest.skip("no installed packages (run 'python3 tests/run.py')")
    picture = Image.effect_noise((320, 213), 60).convert("RGB")
    for number in range(100):
        picture.rotate(number).save(tmp_path / f"{number}.jpg")
    command = [python, "-m", "tests.farm.cluster_with_losses", str(tmp_path), data_folder]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=1700, check=False)
    assert ended.returncode == 0, ended.stderr[-3000:]
    found = json.loads(ended.stdout.splitlines()[-1])
    assert found["killed"] == ["worker process", "actor", "machine"]
    assert (found["code"], found["done"], found["failed"], found["half"]) == (0, 100, 0, 0)
    assert found["results"] == found["records"] == found["rows"] == found["reported"] == 100
