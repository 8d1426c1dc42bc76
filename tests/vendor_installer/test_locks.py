# SPDX-License-Identifier: GPL-3.0-or-later
"""The lock files in the repository, and their format."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.vendor_installer.local_index import locked, make_wheel
from tests.vendor_installer.tiny import TINY
from vendor_installer import InstallError, locks, relock
from vendor_installer.component import Requirement
from vendor_installer.components import COMPONENTS
from vendor_installer.indexes import INDEXES
from vendor_installer.locks import normalized_name

ALL = [path.stem for path in sorted(locks.FOLDER.glob("*.txt"))]


def _load(name: str) -> locks.Lock:
    return locks.parse((locks.FOLDER / f"{name}.txt").read_text("utf-8"), name)


def test_there_are_exactly_the_locks_that_the_table_declares() -> None:
    assert set(ALL) == set(relock.all_names())


def test_the_processor_and_one_backend_for_a_graphics_card_are_pinned_on_linux() -> None:
    for tag in ("cp311", "cp313", "cp314"):
        for backend in ("cpu-pypi", "cu130"):
            assert _load(f"worker-{tag}-linux_x86_64-{backend}").complete


@pytest.mark.parametrize("backend", ["cu126", "cu128", "rocm", "xpu"])
def test_torch_of_an_index_that_was_not_read_is_the_one_file_that_is_not_pinned(backend: str) -> None:
    for name in ALL:
        if name.endswith(f"-{backend}"):
            lock = _load(name)
            assert [item.name for item in lock.files if not item.sha256] == ["torch"]
            assert "INCOMPLETE, not pinned: torch" in lock.text()


@pytest.mark.parametrize("name", ALL)
def test_every_lock_parses_and_is_written_the_same_again(name: str) -> None:
    lock = _load(name)
    assert lock.name == name
    assert lock.text() == (locks.FOLDER / f"{name}.txt").read_text("utf-8")
    assert lock.files
    for item in lock.files:
        assert item.bytes > 0 and item.stored > 0
        assert not item.index or item.index in INDEXES
        assert (item.sha256 is None) == item.sizes_estimated


@pytest.mark.parametrize("name", ALL)
def test_every_lock_holds_exactly_what_its_component_declares(name: str) -> None:
    lock = _load(name)
    declared = {
        normalized_name(requirement.text.replace("<", "=").replace(">", "=").split("=")[0])
        for requirement in COMPONENTS[lock.component].requirements
        if requirement.applies(lock.python_tag, lock.platform, lock.backend)
    }
    assert {normalized_name(item.name) for item in lock.files} == declared


@pytest.mark.parametrize("name", ALL)
def test_a_lock_without_a_hash_says_so(name: str) -> None:
    text = (locks.FOLDER / f"{name}.txt").read_text("utf-8")
    assert ("INCOMPLETE" in text) == (not _load(name).complete)
    assert "hashes: complete" in text or "INCOMPLETE" in text


@pytest.mark.parametrize("name", ALL)
def test_compiled_files_are_for_the_python_and_the_platform_of_the_lock(name: str) -> None:
    lock = _load(name)
    words = {"linux_x86_64": "x86_64", "windows_amd64": "win_amd64", "macos_arm64": "macosx"}
    for item in lock.files:
        if not item.file:
            continue
        _, _, python, abi, platform = item.file.removesuffix(".whl").rsplit("-", 4)
        assert platform == "any" or words[lock.platform] in platform
        assert abi in ("none", "abi3") or lock.python_tag in python.split(".")


names = st.from_regex(r"[a-z][a-z0-9_-]{0,10}[a-z0-9]", fullmatch=True)
files = st.builds(
    locks.LockedFile,
    name=names,
    version=st.from_regex(r"[0-9]{1,3}(\.[0-9]{1,3}){0,3}(\+cpu)?", fullmatch=True),
    sha256=st.one_of(st.none(), st.binary(min_size=32, max_size=32).map(bytes.hex)),
    file=st.one_of(st.just(""), names.map(lambda name: f"{name}-1-py3-none-any.whl")),
    bytes=st.integers(0, 10**12),
    stored=st.integers(0, 10**12),
    index=st.sampled_from(["", *INDEXES]),
    sizes_estimated=st.booleans(),
)


@given(st.lists(files, max_size=5))
def test_a_written_lock_is_read_back(items: list[locks.LockedFile]) -> None:
    lock = locks.Lock("worker", "cp311", "linux_x86_64", "cpu-pypi", tuple(items))
    assert locks.parse(lock.text(), lock.name) == lock


def test_a_damaged_lock_is_refused() -> None:
    with pytest.raises(InstallError, match="damaged"):
        locks.parse("numpy>=1\n", "worker-cp311-linux_x86_64-cpu")


def test_the_digest_names_the_content() -> None:
    one = locks.LockedFile("a", "1", "0" * 64, "a-1-py3-none-any.whl", 1, 1)
    other = locks.LockedFile("a", "1", "1" * 64, "a-1-py3-none-any.whl", 1, 1)
    digests = {locks.Lock("w", "cp311", "p", "cpu", (item,)).digest for item in (one, other)}
    assert len(digests) == 2


@pytest.fixture
def tiny_index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder with the wheels that pip finds instead of those of the public index."""
    real = relock._report

    def here(requirements: Sequence[str], tag: str, platform: str, extra: Sequence[str]) -> list[dict[str, Any]]:
        return real(requirements, tag, platform, [*extra, "--no-index", "--find-links", str(tmp_path)])

    monkeypatch.setattr(relock, "_report", here)
    return tmp_path


def test_only_the_lines_of_the_named_packages_are_renewed(tiny_index: Path) -> None:
    before = [locked(make_wheel(tiny_index, name)) for name in ("alpha", "gone")]
    for name in ("alpha", "beta"):
        make_wheel(tiny_index, name, "2.0")
    lock = locks.Lock("tiny", "cp311", "linux_x86_64", "cpu", tuple(before))
    declared = Requirement("gone<9", platforms=("windows_amd64",))
    component = dataclasses.replace(TINY, requirements=(*TINY.requirements, declared))
    renewed = relock.renew(lock, component, ["Beta"])
    assert renewed.files == (before[0], locked(tiny_index / "beta-2.0-py3-none-any.whl"), before[1])
    again = relock.renew(renewed, component, ["alpha", "gone"])
    assert [(item.name, item.version) for item in again.files] == [("alpha", "2.0"), ("beta", "2.0")]


def test_what_cannot_be_renewed_alone_is_one_sentence(tiny_index: Path) -> None:
    alpha = locked(make_wheel(tiny_index, "alpha"))
    make_wheel(tiny_index, "beta", needs=("alpha>=2",))
    lock = locks.Lock("tiny", "cp311", "linux_x86_64", "cpu", (alpha,))
    foreign = dataclasses.replace(TINY, requirements=(Requirement("gamma==1.0", index="pytorch-cpu"),))
    for component, name, words in (
        (TINY, "beta", "beta need alpha>=2, which the lock does not have"),
        (TINY, "gamma", "does not declare gamma"),
        (foreign, "gamma", "with the whole lock only"),
    ):
        with pytest.raises(InstallError, match=words):
            relock.renew(lock, component, [name])
