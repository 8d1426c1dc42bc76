# SPDX-License-Identifier: GPL-3.0-or-later
"""The client's side: starts the worker process, sends it requests, and reports each failure as one sentence."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import site
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .. import environment
from ..core.stages import Progress
from ..errors import Cancelled, Mono3DError, WorkerDied
from ..version import import_paths
from . import protocol
from .runner import State

_KILL_FIRST = "700"
"""Linux: raises the badness score with which the kernel chooses what to kill when memory runs out, -1000..1000."""

_START = """\
import json, sys
before, behind = json.loads(sys.argv.pop(1))
sys.path[:] = [*before, *sys.path, *behind]
from mono3d_addon.worker.server import main
main(sys.argv[1:])
"""


class Job:
    """A request sent to a worker. The thread that reads the worker's events updates it; any thread may read it."""

    def __init__(self, worker: Worker, number: int) -> None:
        self.state: State = "running"
        self.stage = "Starting"
        self.fraction = 0.0
        self.result: dict[str, Any] = {}
        self.error = ""
        self.number = number
        self._worker = worker
        self._changed = threading.Condition()
        self._has_left = threading.Event()
        self._has_died = False

    def poll(self) -> bool:
        """Returns whether the job is still running; never blocks."""
        return self.state == "running"

    def wait(self, on_progress: Progress | None = None) -> dict[str, Any]:
        """Waits for the result and returns it. Raises Mono3DError when the job failed, Cancelled when it was stopped.

        A keyboard interrupt cancels the job.
        """
        seen = ("", -1.0)
        try:
            while self.state == "running":
                with self._changed:
                    # Check under the lock: a change between check and wait would be noticed half a second late.
                    is_news = on_progress is not None and (self.stage, self.fraction) != seen
                    if self.state == "running" and not is_news:
                        self._changed.wait(0.5)
                if on_progress and (self.stage, self.fraction) != seen:
                    seen = (self.stage, self.fraction)
                    on_progress(*seen)
        except KeyboardInterrupt:
            self.cancel()
            raise
        if self.state == "cancelled":
            raise Cancelled
        if self.state == "failed":
            raise WorkerDied(self.error) if self._has_died else Mono3DError(self.error)
        return self.result

    def cancel(self) -> None:
        """Stops the worker process at once; the next job starts a new one. Does nothing when the job has ended."""
        if self.state == "running":
            self._end("cancelled")
            self._worker.stop()

    def supersede(self) -> None:
        """Cancels the job but keeps the process, which abandons it at its next progress report.

        The next job may be submitted at once.
        """
        if self.state == "running":
            self._end("cancelled")
            self._worker.send({"cancel": self.number})

    def wait_until_left(self, seconds: float) -> bool:
        """Waits until the worker has finished or abandoned the job; returns False after `seconds` without that."""
        return self._has_left.wait(seconds)

    def take(self, event: dict[str, Any]) -> None:
        """Applies an event that the worker sent about this job."""
        if event["event"] == protocol.PROGRESS:
            with self._changed:
                self.stage, self.fraction = str(event["stage"]), float(event["fraction"])
                self._changed.notify_all()
        elif event["event"] == protocol.DONE:
            self._has_left.set()
            self.result = event["result"]
            self._end("done")
        else:
            self.fail(str(event["message"]))

    def fail(self, message: str, *, has_died: bool = False) -> None:
        """Ends the job with a sentence for the user; `has_died`: because the worker's process has ended."""
        self._has_left.set()
        self._has_died = has_died
        self.error = message
        self._end("failed")

    def _end(self, state: State) -> None:
        with self._changed:
            if self.state == "running":
                self.state = state
                self._changed.notify_all()


class Worker:
    """A worker process that is started when needed and kept, with its loaded model, between jobs; a `runner.Runner`.

    kind           task that it loads at its start and runs by default, a key of `protocol.TASKS`
    packages       folders of installed packages for its import path; empty if the interpreter has them
    log            file that receives what it prints; overwritten by each new process
    data_folder    folder with weights and cache
    python         interpreter; default: the running one
    idle_seconds   time without a job after which the process ends and frees its memory; 0: never
    variables      environment variables to set for the process
    log_level      one of `settings.LOG_LEVELS`
    is_expendable  whether Linux, short of memory, should kill the worker before this process
    is_bare        whether it works without extras (see `core.extras`), even if the interpreter has them; it takes
                   numpy from the interpreter
    allowed        extras that a bare worker may use nonetheless, if the interpreter has them

    Raises ValueError for a bare worker with packages: two numpys must never meet in one process.
    """

    def __init__(
        self,
        kind: str,
        packages: Sequence[Path],
        log: Path,
        data_folder: Path,
        python: str = sys.executable,
        idle_seconds: float = 0.0,
        variables: Mapping[str, str] | None = None,
        log_level: str = "info",
        is_expendable: bool = False,
        is_bare: bool = False,
        allowed: Sequence[str] = (),
    ) -> None:
        if is_bare and packages:
            raise ValueError("a bare worker has no packages")
        self.kind = kind
        self.log = log
        self._packages = tuple(packages)
        self._data_folder = data_folder
        self._python = python
        self._idle_seconds = idle_seconds
        self._variables = dict(variables or {})
        self._log_level = log_level
        self._is_expendable = is_expendable
        self._bare = ["--bare", *(f"--allow={name}" for name in allowed)] if is_bare else []
        self._process: subprocess.Popen[bytes] | None = None
        self._job: Job | None = None
        self._number = 0
        self._lock = threading.RLock()
        self._idle: threading.Timer | None = None

    @property
    def alive(self) -> bool:
        """Whether the process is running."""
        return self._process is not None and self._process.poll() is None

    @property
    def process_id(self) -> int | None:
        """The id of the process; None if it is not running."""
        return self._process.pid if self._process is not None and self.alive else None

    def start(self) -> None:
        """Starts the process, if it is not running; it loads its libraries in the background.

        Raises Mono3DError when it cannot be started.
        """
        with self._lock:
            self._stop_idle_timer()
            if self.alive:
                return
            self._process = self._launch()
            threading.Thread(target=self._read, args=(self._process,), daemon=True).start()
            self._start_idle_timer()

    def submit(self, request: Mapping[str, Any]) -> Job:
        """Starts a request and returns its job. Raises Mono3DError when the worker is busy or cannot start."""
        with self._lock:
            if self._job is not None and self._job.poll():
                raise Mono3DError("The worker is busy; wait for the running job or cancel it.")
            self.start()
            self._stop_idle_timer()
            self._number += 1
            job = self._job = Job(self, self._number)
        self.send({"task": self.kind, **request, "job": job.number})
        return job

    def forget(self, key: str) -> None:
        """Has a running process drop the photo kept in memory as `key`, after the jobs submitted before."""
        self.send({"forget": key})

    def send(self, message: Mapping[str, Any]) -> None:
        """Sends a message to the process, if it is running; the reading thread reports a process that has just died."""
        process = self._process
        if process is not None and process.stdin is not None:
            with contextlib.suppress(OSError, ValueError):
                process.stdin.write(protocol.encode(message))
                process.stdin.flush()

    def stop(self) -> None:
        """Stops the process within a second, with any running job."""
        with self._lock:
            self._stop_idle_timer()
            process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        try:
            process.wait(0.5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        with contextlib.suppress(OSError):
            assert process.stdin is not None
            process.stdin.close()

    def _launch(self) -> subprocess.Popen[bytes]:
        before, behind = import_paths()
        paths = json.dumps([[*map(str, self._packages), *before], behind])
        # Without packages of ours it takes those that this process would import, which a user may have installed.
        isolated = ["-E", "-P"] if not self._packages and site.ENABLE_USER_SITE else ["-I"]
        command = [self._python, *isolated, "-X", "utf8", "-c", _START, paths]
        command += ["--data-folder", str(self._data_folder), "--warm", self.kind, "--log-level", self._log_level]
        command += self._bare
        # In a session of its own the child does not receive the terminal's Ctrl+C; the client decides what to do.
        platform_options: dict[str, Any] = (
            {"creationflags": 0x08000000} if os.name == "nt" else {"start_new_session": True}
        )
        variables = {**os.environ, **self._variables}
        try:
            self.log.parent.mkdir(parents=True, exist_ok=True)
            with self.log.open("wb") as log, environment.in_use(self._packages) as held:
                process = subprocess.Popen(
                    command,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=log,
                    env=variables,
                    pass_fds=held,
                    **platform_options,
                )
        except OSError as error:
            raise Mono3DError(f"The worker cannot be started ({error.strerror or error}).") from error
        if self._is_expendable:
            with contextlib.suppress(OSError):
                Path(f"/proc/{process.pid}/oom_score_adj").write_text(_KILL_FIRST, encoding="ascii")
        return process

    def _read(self, process: subprocess.Popen[bytes]) -> None:
        """Passes events to their job until the channel closes."""
        assert process.stdout is not None
        for line in process.stdout:
            job = self._job
            # A kill may truncate the last line; the exit code then says how the process ended.
            with contextlib.suppress(ValueError, KeyError, TypeError):
                event = protocol.decode(line)
                if job is not None and job.number == event.get("job"):
                    job.take(event)
                    if not job.poll():
                        self._start_idle_timer()
        process.stdout.close()
        code = process.wait()
        with self._lock:
            job = self._job if self._process in (process, None) else None
        if job is not None:
            job.fail(_cause_of_death(code, self.log), has_died=True)

    def _start_idle_timer(self) -> None:
        with self._lock:
            self._stop_idle_timer()
            if self._idle_seconds > 0.0:
                self._idle = threading.Timer(self._idle_seconds, self._stop_if_idle)
                self._idle.daemon = True
                self._idle.start()

    def _stop_idle_timer(self) -> None:
        if self._idle is not None:
            self._idle.cancel()
            self._idle = None

    def _stop_if_idle(self) -> None:
        with self._lock:
            if self._job is None or not self._job.poll():
                self.stop()


def _cause_of_death(code: int, log: Path) -> str:
    """Returns the sentence for a worker that ended during a job with the exit code `code` (negative: a signal)."""
    if os.name != "nt" and code == -signal.SIGKILL:
        cause = "was killed, most likely because memory ran out; lower 'Detail' or take a smaller model"
    elif os.name != "nt" and code < 0:
        name = signal.Signals(-code).name if -code in set(signal.Signals) else str(-code)
        cause = f"crashed ({name}); try again, and lower 'Detail' if it happens again"
    else:
        cause = f"ended unexpectedly (code {code}); install the packages again if it happens again"
    return f"The worker {cause}. The log is {log}."
