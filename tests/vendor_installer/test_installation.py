# SPDX-License-Identifier: GPL-3.0-or-later
"""Installations of tiny wheels by the real pip, and their failures."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import multiprocessing
import os
import subprocess
import sys
import threading
import time
import types
from collections.abc import Callable
from pathlib import Path

import pytest

import vendor_installer
from tests.vendor_installer.local_index import Index, locked, make_wheel, write_lock
from vendor_installer import InstallCancelled, InstallError, Removal, find, install, manifest, planning, smoke, sources
from vendor_installer.folders import Folders
from vendor_installer.install_lock import exclusive
from vendor_installer.interpreter import Interpreter
from vendor_installer.plans import Plan

MakePlan = Callable[[], Plan]


def _import_alpha(packages: Path) -> str:
    command = [
        sys.executable,
        "-I",
        "-c",
        "import sys; sys.path.insert(0, sys.argv[1]); import alpha; print(alpha.version)",
    ]
    return subprocess.run([*command, str(packages)], check=True, capture_output=True, text=True).stdout.strip()


def _leftovers(data_folder: Path) -> list[str]:
    found = []
    for environment in Folders(data_folder).environments.glob("*"):
        named = manifest.read(environment)
        found += [
            str(item)
            for item in environment.iterdir()
            if item.name != manifest.NAME and (named is None or item != named.packages)
        ]
    return found


def test_an_installation_is_found_and_works(tiny_plan: MakePlan, data_folder: Path) -> None:
    told: list[tuple[str, float]] = []
    made = tiny_plan()
    assert made.download_bytes == sum(item.locked.bytes for item in made.packages)
    assert not data_folder.exists()
    installed = install(made, allow_network=True, progress=lambda *step: told.append(step))
    assert find("tiny", data_folder) == installed
    assert installed.packages.parent == made.target
    assert installed.versions == {"alpha": "1.0", "beta": "1.0"}
    assert installed.hashes_complete
    assert _import_alpha(installed.packages) == "1.0"
    fractions = [fraction for _, fraction in told]
    assert fractions == sorted(fractions) and fractions[-1] == 1.0
    assert not _leftovers(data_folder)
    assert {item.name for item in data_folder.iterdir()} == {"environments", "logs", "install.lock"}


def test_the_summary_lists_packages_sizes_and_folder(tiny_plan: MakePlan, data_folder: Path) -> None:
    text = tiny_plan().summary()
    assert "alpha 1.0" in text and "download 0 MB" in text and str(data_folder) in text
    install(tiny_plan(), allow_network=True)
    assert "Already installed" in tiny_plan().summary() and tiny_plan().done


def test_a_second_installation_does_nothing_and_a_repair_does(tiny_plan: MakePlan, data_folder: Path) -> None:
    first = install(tiny_plan(), allow_network=True)
    assert install(tiny_plan(), allow_network=True) == first
    (first.packages / "alpha/__init__.py").unlink()
    again = install(tiny_plan(), allow_network=True, repair=True)
    assert again.packages != first.packages and not first.packages.exists()
    assert _import_alpha(again.packages) == "1.0"


def test_a_wrong_hash_is_refused_and_nothing_is_installed(
    tiny_plan: MakePlan, wheels: dict[str, Path], data_folder: Path
) -> None:
    made = tiny_plan()
    make_wheel(wheels["beta"].parent, "beta", files={"beta/__init__.py": b"evil = True\n"})
    with pytest.raises(InstallError, match="pinned"):
        install(made, allow_network=True)
    assert find("tiny", data_folder) is None
    assert not list(data_folder.rglob("beta*.whl"))


def test_a_damaged_download_from_an_earlier_run_is_fetched_again(tiny_plan: MakePlan, data_folder: Path) -> None:
    made = tiny_plan()
    kept = Folders(data_folder).downloads / made.packages[0].locked.file
    kept.parent.mkdir(parents=True)
    kept.write_bytes(bytes(made.packages[0].locked.bytes))
    assert _import_alpha(install(made, allow_network=True).packages) == "1.0"


def test_without_network_access_nothing_is_downloaded(tiny_plan: MakePlan, data_folder: Path) -> None:
    with pytest.raises(InstallError, match="network may not be used"):
        install(tiny_plan(), allow_network=False)
    install(tiny_plan(), allow_network=True, keep_downloads=True)
    assert install(tiny_plan(), allow_network=False, repair=True).versions["alpha"] == "1.0"


def test_a_broken_connection_keeps_finished_files(index: Index, tiny_plan: MakePlan, wheels: dict[str, Path]) -> None:
    beta = wheels["beta"].name
    index.cuts[beta] = 100
    with pytest.raises(InstallError, match=r"connection broke|damaged"):
        install(tiny_plan(), allow_network=True)
    index.cuts.clear()
    index.requests.clear()
    remaining = tiny_plan()
    assert remaining.download_bytes == wheels["beta"].stat().st_size
    install(remaining, allow_network=True)
    assert set(index.requests) == {beta}


def test_a_broken_connection_is_retried(
    index: Index, tiny_plan: MakePlan, wheels: dict[str, Path], data_folder: Path
) -> None:
    index.cuts[wheels["beta"].name] = 1
    install(tiny_plan(), allow_network=True)
    assert find("tiny", data_folder) is not None
    assert index.requests.count(wheels["alpha"].name) == 1


@pytest.mark.serial
def test_cancel_stops_pip_within_a_second_and_keeps_the_previous_state(
    index: Index, tiny_plan: MakePlan, wheels: dict[str, Path], data_folder: Path
) -> None:
    before = install(tiny_plan(), allow_network=True)
    index.slow.add(wheels["beta"].name)
    wanted = threading.Event()
    ended: list[float] = []

    def work() -> None:
        with pytest.raises(InstallCancelled):
            install(tiny_plan(), allow_network=True, repair=True, cancelled=wanted.is_set)
        ended.append(time.monotonic())

    thread = threading.Thread(target=work)
    index.requests.clear()
    thread.start()
    while wheels["beta"].name not in index.requests:
        time.sleep(0.02)
        assert thread.is_alive()
    time.sleep(0.3)
    asked = time.monotonic()
    wanted.set()
    thread.join(10)
    assert ended and ended[0] - asked < 1.0
    assert find("tiny", data_folder) == before and _import_alpha(before.packages) == "1.0"
    assert not _leftovers(data_folder)


def test_cancel_while_unpacking_leaves_nothing(tiny_plan: MakePlan, data_folder: Path) -> None:
    seen: list[str] = []
    with pytest.raises(InstallCancelled):
        install(
            tiny_plan(),
            allow_network=True,
            progress=lambda stage, fraction: seen.append(stage),
            cancelled=lambda: any(stage.startswith("Unpacking") for stage in seen),
        )
    assert find("tiny", data_folder) is None and not _leftovers(data_folder)


def test_packages_that_fail_the_smoke_test_are_not_installed(
    tiny_plan: MakePlan, data_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = install(tiny_plan(), allow_network=True)
    broken = "raise ImportError('libGL.so.1: cannot open shared object file')"
    monkeypatch.setattr(smoke, "SCRIPTS", types.MappingProxyType({"tiny": broken}))
    with pytest.raises(InstallError, match=r"do not work and were not installed.*libgl1"):
        install(tiny_plan(), allow_network=True, repair=True)
    assert find("tiny", data_folder) == before and not _leftovers(data_folder)


def test_two_installations_at_once(tiny_plan: MakePlan, data_folder: Path) -> None:
    with (
        exclusive(Folders(data_folder).install_lock),
        pytest.raises(InstallError, match=f"Another installation .process {os.getpid()}"),
    ):
        install(tiny_plan(), allow_network=True)
    install(tiny_plan(), allow_network=True)


def _die_at(made: Plan, step: str) -> None:
    def progress(stage: str, fraction: float) -> None:
        if stage.startswith(step):
            os._exit(9)

    install(made, allow_network=True, repair=True, progress=progress)


@pytest.mark.parametrize(
    "step",
    ["Unpacking", "Activating", *(pytest.param(one, marks=pytest.mark.thorough) for one in ("Downloading", "Testing"))],
)
@pytest.mark.skipif(sys.platform == "win32", reason="needs fork")
def test_a_crash_in_the_middle_leaves_the_previous_state(step: str, tiny_plan: MakePlan, data_folder: Path) -> None:
    before = install(tiny_plan(), allow_network=True)
    process = multiprocessing.get_context("fork").Process(target=_die_at, args=(tiny_plan(), step))
    process.start()
    process.join(60)
    assert process.exitcode == 9
    assert find("tiny", data_folder) == before and _import_alpha(before.packages) == "1.0"
    after = install(tiny_plan(), allow_network=True, repair=True)
    assert find("tiny", data_folder) == after and not _leftovers(data_folder)


def test_a_crash_before_the_manifest_is_no_installation(
    tiny_plan: MakePlan, data_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(installed: object) -> None:
        raise RuntimeError

    with monkeypatch.context() as patch:
        patch.setattr(manifest, "write", crash)
        with pytest.raises(RuntimeError):
            install(tiny_plan(), allow_network=True)
    assert list(data_folder.rglob("packages-*"))
    assert find("tiny", data_folder) is None
    install(tiny_plan(), allow_network=True)
    assert not _leftovers(data_folder)


def test_the_manifest_lists_what_is_installed(tiny_plan: MakePlan, data_folder: Path) -> None:
    made = tiny_plan()
    installed = install(made, allow_network=True)
    told = json.loads((made.target / "manifest.json").read_text("utf-8"))
    assert told["lock_digest"] == made.digest and told["backend"] == "cpu"
    assert told["versions"] == {"alpha": "1.0", "beta": "1.0"}
    assert told["stored_bytes"] == sum(f.stat().st_size for f in installed.packages.rglob("*") if f.is_file())


DAMAGED = ("", "{", "[]", "{}", '{"format": 1}', '{"format": 99}', '{"format": 1, "packages": 3}')


def test_a_damaged_manifest_is_no_installation(tiny_plan: MakePlan, data_folder: Path) -> None:
    made = tiny_plan()
    install(made, allow_network=True)
    for content in DAMAGED:
        (made.target / "manifest.json").write_text(content, "utf-8")
        assert find("tiny", data_folder) is None
    assert install(tiny_plan(), allow_network=True) == find("tiny", data_folder)


@pytest.mark.serial
def test_finding_is_quick(tiny_plan: MakePlan, data_folder: Path) -> None:
    install(tiny_plan(), allow_network=True)
    times = []
    for _ in range(20):
        began = time.perf_counter()
        find("tiny", data_folder)
        times.append(time.perf_counter() - began)
    assert min(times) < 0.002


def test_a_folder_that_cannot_be_written_is_refused_by_the_plan(tmp_path: Path, locks_folder: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    with pytest.raises(InstallError, match="cannot be written to"):
        vendor_installer.plan("tiny", blocked / "data", locks_folder=locks_folder)


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="permissions do not bind root")
def test_a_read_only_folder_is_refused(tmp_path: Path, locks_folder: Path) -> None:
    folder = tmp_path / "read only"
    folder.mkdir(mode=0o555)
    with pytest.raises(InstallError, match="cannot be written to"):
        vendor_installer.plan("tiny", folder / "data", locks_folder=locks_folder)


def test_a_folder_that_becomes_unwritable_is_one_sentence(tiny_plan: MakePlan, data_folder: Path) -> None:
    made = tiny_plan()
    data_folder.parent.mkdir(exist_ok=True)
    data_folder.write_text("a file where the folder should be")
    with pytest.raises(InstallError) as caught:
        install(made, allow_network=True)
    assert str(caught.value).endswith(".")


def test_a_file_without_a_hash_is_installed_but_never_called_pinned(
    tmp_path: Path, data_folder: Path, interpreter: Interpreter, wheels: dict[str, Path]
) -> None:
    folder = tmp_path / "open locks"
    write_lock(folder, interpreter, [locked(wheels["alpha"], hashed=False), locked(wheels["beta"])])
    made = vendor_installer.plan("tiny", data_folder, locks_folder=folder, allow_network=True)
    assert "Not pinned by a hash, which is not known yet: alpha" in made.summary()
    installed = install(made, allow_network=True)
    assert not installed.hashes_complete and _import_alpha(installed.packages) == "1.0"


def test_an_unreachable_index_leads_to_the_declared_fallback(
    tmp_path: Path,
    data_folder: Path,
    interpreter: Interpreter,
    wheels: dict[str, Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:

    for module in (planning, sources):
        monkeypatch.setattr(module, "INDEXES", {"far": "http://127.0.0.1:9/simple"})
    folder = tmp_path / "two locks"
    alpha = locked(wheels["alpha"], index="far")
    far = type(alpha)("alpha", "2.0+far", "0" * 64, "alpha-2.0+far-py3-none-any.whl", 5, 5, "far")
    write_lock(folder, interpreter, [far, locked(wheels["beta"])])
    with pytest.raises(InstallError, match="does not answer"):
        vendor_installer.plan("tiny", data_folder, locks_folder=folder, allow_network=True)
    write_lock(folder, interpreter, [locked(wheels["alpha"]), locked(wheels["beta"])], backend="cpu-other")
    unasked = vendor_installer.plan("tiny", data_folder, locks_folder=folder)
    assert unasked.backend == "cpu" and not unasked.sources_checked
    made = vendor_installer.plan("tiny", data_folder, locks_folder=folder, allow_network=True)
    assert made.backend == "cpu-other" and "cannot be reached" in made.summary()
    assert install(unasked, allow_network=True).backend == "cpu-other"
    again = vendor_installer.plan("tiny", data_folder, locks_folder=folder, allow_network=True)
    assert again.done


def test_packages_of_the_interpreter_must_exist(data_folder: Path, locks_folder: Path) -> None:
    with pytest.raises(InstallError, match="does not provide alpha itself"):
        vendor_installer.plan("tiny", data_folder, locks_folder=locks_folder, system=("alpha",))


def test_without_a_lock_the_message_lists_supported_pythons(data_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(InstallError, match="cannot be installed for Python"):
        vendor_installer.plan("tiny", data_folder, locks_folder=tmp_path)


def test_too_little_space_is_refused_by_the_plan(
    data_folder: Path, tmp_path: Path, interpreter: Interpreter, wheels: dict[str, Path]
) -> None:
    alpha = locked(wheels["alpha"])
    huge = type(alpha)(alpha.name, alpha.version, alpha.sha256, alpha.file, 10**16, 10**16)
    write_lock(tmp_path / "huge", interpreter, [huge])
    with pytest.raises(InstallError, match="too little space"):
        vendor_installer.plan("tiny", data_folder, locks_folder=tmp_path / "huge")


def test_verify_notices_a_change(tiny_plan: MakePlan, data_folder: Path) -> None:
    installed = install(tiny_plan(), allow_network=True)
    vendor_installer.verify(installed, data_folder)
    (installed.packages / "beta/data.bin").write_bytes(b"")
    with pytest.raises(InstallError, match="have been changed"):
        vendor_installer.verify(installed, data_folder)


def test_uninstall_leaves_nothing(tiny_plan: MakePlan, data_folder: Path) -> None:
    made = tiny_plan()
    install(made, allow_network=True, keep_downloads=True)
    assert vendor_installer.uninstall("tiny", data_folder) == Removal(1, ())
    assert find("tiny", data_folder) is None and not made.target.exists()
    assert {item.name for item in data_folder.iterdir()} == {"environments", "logs", "install.lock"}
    assert vendor_installer.uninstall("tiny", data_folder) == Removal(0, ())


def test_the_doctor_lists_versions_and_no_secrets(
    tiny_plan: MakePlan, data_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(tiny_plan(), allow_network=True)
    monkeypatch.setenv("HTTPS_PROXY", "http://user:secret@proxy.example:3128")
    warning = "[WARNING] /root/PoissonRecon/Src/FEMTree.Evaluation.inl (Line 155)\n  _getValues\n  a leaf\n"
    with (data_folder / "logs" / "install.log").open("a", encoding="utf-8") as log:
        log.write(f"the last lines\n{warning * 9}")
    text = vendor_installer.doctor(data_folder)
    assert text.endswith("\n  the last lines")
    assert "alpha 1.0" in text and "HTTPS_PROXY" in text and "secret" not in text
    assert "Graphics: " in text and "Free space: " in text


def test_nothing_is_written_outside_the_data_folder(
    tiny_plan: MakePlan, data_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    for name in ("XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME"):
        monkeypatch.delenv(name, raising=False)
    package = Path(vendor_installer.__file__).parent
    before = {
        path: hashlib.sha256(path.read_bytes()).digest()
        for path in package.rglob("*")
        if path.suffix in (".py", ".txt")
    }
    outside = {path for path in tmp_path.rglob("*") if data_folder not in (path, *path.parents)}
    install(tiny_plan(), allow_network=True)
    assert {path for path in tmp_path.rglob("*") if data_folder not in (path, *path.parents)} == outside
    assert before == {path: hashlib.sha256(path.read_bytes()).digest() for path in before}


def test_without_pip_the_bundled_wheel_is_used(
    tiny_plan: MakePlan, interpreter: Interpreter, data_folder: Path
) -> None:

    if not interpreter.pip_wheel:
        pytest.skip("this Python bundles no pip")
    made = dataclasses.replace(tiny_plan(), interpreter=dataclasses.replace(interpreter, has_pip=False))
    assert _import_alpha(install(made, allow_network=True).packages) == "1.0"
    bare = dataclasses.replace(interpreter, has_pip=False, pip_wheel="")
    with pytest.raises(InstallError, match="has no pip"):
        install(dataclasses.replace(made, interpreter=bare), allow_network=True, repair=True)


def test_a_large_log_is_rotated_once(tiny_plan: MakePlan, data_folder: Path) -> None:
    folders = Folders(data_folder)
    folders.log.parent.mkdir(parents=True)
    folders.log.write_text("old\n" * 1_000_000, "utf-8")
    install(tiny_plan(), allow_network=True)
    assert "pip" in folders.log.read_text("utf-8") and "old" not in folders.log.read_text("utf-8")
    install(tiny_plan(), allow_network=True, repair=True)
    assert folders.log.read_text("utf-8").count("$ ") >= 2
    assert {item.name for item in folders.log.parent.iterdir()} == {"install.log", "install.log.1"}
