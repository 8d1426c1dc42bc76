# SPDX-License-Identifier: GPL-3.0-or-later
"""Running an interpreter's pip as a child process that can be stopped at any time."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .environment import child_environment
from .errors import InstallCancelled, InstallError
from .interpreter import Interpreter

POLL_SECONDS = 0.1
_KILL_AFTER_SECONDS = 0.4

_FROM_WHEEL = "import runpy, sys; sys.path.insert(0, sys.argv.pop(1)); runpy.run_module('pip', run_name='__main__')"


@dataclass(frozen=True)
class Finished:
    """Exit code and output of a finished child process."""

    code: int
    output: str


def pip_command(interpreter: Interpreter) -> list[str]:
    """Returns the command that runs pip, from `interpreter.pip_wheel` if pip is not installed.

    Raises InstallError if the interpreter has neither.
    """
    if interpreter.has_pip:
        return [interpreter.executable, "-I", "-m", "pip"]
    if interpreter.pip_wheel:
        return [interpreter.executable, "-I", "-c", _FROM_WHEEL, interpreter.pip_wheel]
    raise InstallError(
        f"The Python '{interpreter.executable}' has no pip and none could be downloaded: check the connection to the "
        "package index, or install pip, on Debian and Ubuntu with 'apt install python3-pip', and try again."
    )


def run(
    command: Sequence[str],
    *,
    log: Path,
    temporary: Path,
    cancelled: Callable[[], bool],
    on_poll: Callable[[str], None] = lambda output: None,
    seconds: float | None = None,
) -> Finished:
    """Runs a command in its own process group; `on_poll` gets the output so far, ten times a second.

    The output is appended to `log`. When `cancelled()` returns true, ends the whole process group and raises
    InstallCancelled within half a second. Raises InstallError if the command takes longer than `seconds`.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    pieces: list[str] = []
    with log.open("a", encoding="utf-8", errors="replace") as record:
        record.write(f"\n$ {' '.join(command)}\n")
        process = _start(command, child_environment(temporary))

        def read() -> None:
            assert process.stdout is not None
            for line in process.stdout:
                pieces.append(line)
                record.write(line)

        reader = threading.Thread(target=read, daemon=True)
        reader.start()
        try:
            while True:
                if cancelled():
                    raise InstallCancelled
                if seconds is not None and time.monotonic() - started > seconds:
                    raise InstallError(
                        f"A step took longer than {seconds:.0f} s and was stopped: try again (log: {log})."
                    )
                on_poll("".join(pieces))
                try:
                    process.wait(POLL_SECONDS)
                    break
                except subprocess.TimeoutExpired:
                    continue
        finally:
            if process.poll() is None:
                stop(process)
            reader.join(1.0)
    return Finished(process.returncode, "".join(pieces))


def _start(command: Sequence[str], environment: dict[str, str]) -> subprocess.Popen[str]:
    options: dict[str, Any] = {}
    if sys.platform == "win32":
        options["creationflags"] = subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW
    else:
        options["process_group"] = 0
    try:
        return subprocess.Popen(
            list(command),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            errors="replace",
            env=environment,
            **options,
        )
    except OSError as error:
        raise InstallError(f"'{command[0]}' cannot be started ({error}): check the path.") from error


def stop(process: subprocess.Popen[str]) -> None:
    """Ends a process started by `run` and all of its children, first by SIGTERM and then by SIGKILL."""
    if sys.platform == "win32":
        subprocess.run(
            ["taskkill", "/F", "/T", "/PID", str(process.pid)],
            capture_output=True,
            check=False,
            creationflags=subprocess.CREATE_NO_WINDOW,
        )
    else:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_KILL_AFTER_SECONDS)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(_KILL_AFTER_SECONDS)
