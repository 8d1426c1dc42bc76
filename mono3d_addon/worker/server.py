# SPDX-License-Identifier: GPL-3.0-or-later
"""The worker process: reads requests, runs tasks one after the other, and reports.

It is an isolated child process with the client's interpreter; its log is its standard error.
"""

from __future__ import annotations

import argparse
import contextlib
import faulthandler
import importlib
import logging
import os
import queue
import sys
import threading
import time
import traceback
from pathlib import Path
from typing import Any, BinaryIO

from ..core import extras
from ..errors import DISK_FULL, Cancelled, Mono3DError, is_disk_full, unforeseen
from ..session import Session
from ..settings import LOG_LEVELS
from . import protocol

_LOG = logging.getLogger("mono3d")


def main(arguments: list[str]) -> None:
    """Serves requests until the client closes the channel or dies; never returns."""
    options = _parse(arguments)
    if options.bare:
        extras.forbid(name for name in extras.NAMES if name not in options.allow)
    channel = _take_over_output()
    faulthandler.enable()
    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s", level=logging.WARNING)
    _LOG.setLevel(options.log_level.upper())
    requests: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
    cancelled: set[int] = set()
    threading.Thread(target=_listen, args=(requests, cancelled), daemon=True).start()
    _preload(options.warm)
    session = Session(options.data_folder)
    while True:
        request = requests.get()
        if "forget" in request:
            session.forget(request["forget"])
        else:
            _serve(request, channel, session, cancelled)


def _parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="mono3d-worker")
    parser.add_argument("--data-folder", type=Path, required=True)
    parser.add_argument("--warm", choices=tuple(protocol.TASKS), required=True, help="task to get ready for")
    parser.add_argument("--log-level", choices=LOG_LEVELS, default="info", help="how much of its own doings to write")
    parser.add_argument("--bare", action="store_true", help="use no extras, even if the interpreter has them")
    parser.add_argument("--allow", action="append", default=[], choices=extras.NAMES, help="except this one")
    return parser.parse_args(arguments)


def _take_over_output() -> BinaryIO:
    """Returns a private copy of standard output and sends what others print to the log.

    Open3D, torch and Blender write to standard output from C, which would break the protocol.
    """
    channel = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)
    return channel


def _listen(requests: queue.SimpleQueue[dict[str, Any]], cancelled: set[int]) -> None:
    """Queues requests. At the end of the input, when the client has ended, it ends this process, even during a job."""
    for line in sys.stdin.buffer:
        request = protocol.decode(line)
        if "cancel" in request:
            cancelled.add(request["cancel"])
        else:
            requests.put(request)
    # A normal exit would wait for native code, and some libraries hang or crash in their clean-up.
    os._exit(0)


def _preload(task: str) -> None:
    """Imports the module of a task before the first request, and calls its `warm_up` if it has one."""
    try:
        getattr(importlib.import_module(protocol.TASKS[task]), "warm_up", lambda: None)()
    except Exception:  # The task raises it again, and then it is reported.
        traceback.print_exc()


def _serve(request: dict[str, Any], channel: BinaryIO, session: Session, cancelled: set[int]) -> None:
    job = request["job"]
    began = time.perf_counter()
    _LOG.info("job %s: %s %s", job, request["task"], request.get("photo", ""))
    _LOG.debug("job %s: %s", job, request)

    def progress(stage: str, fraction: float) -> None:
        if job in cancelled:
            raise Cancelled
        _LOG.debug("job %s: %3.0f %% %s", job, 100.0 * fraction, stage)
        event = {"event": protocol.PROGRESS, "job": job, "stage": stage, "fraction": round(fraction, 4)}
        channel.write(protocol.encode(event))

    try:
        progress("Starting", 0.0)
        result = importlib.import_module(protocol.TASKS[request["task"]]).run(request, progress, session)
        answer = protocol.encode({"event": protocol.DONE, "job": job, "result": result})
        _LOG.info("job %s: done in %.2f s", job, time.perf_counter() - began)
        _LOG.debug("job %s: %s", job, result)
    except Cancelled as error:
        answer = protocol.encode({"event": protocol.FAILED, "job": job, "message": str(error)})
    except Mono3DError as error:
        # Its sentence says all; where it was raised helps developers only.
        _LOG.info("job %s: %s", job, error)
        _LOG.debug("job %s: raised here", job, exc_info=error)
        answer = protocol.encode({"event": protocol.FAILED, "job": job, "message": str(error)})
    except Exception as error:
        # The log's disk may be the one that is full.
        with contextlib.suppress(OSError):
            traceback.print_exc()
            sys.stderr.flush()
        answer = protocol.encode({"event": protocol.FAILED, "job": job, "message": _sentence(error)})
    cancelled.discard(job)
    channel.write(answer)


def _sentence(error: Exception) -> str:
    if is_disk_full(error):
        return DISK_FULL
    if isinstance(error, MemoryError):
        return "There was not enough memory; lower 'Detail' or take a smaller photo or model."
    if isinstance(error, ImportError):
        return str(extras.needed("These settings", error))
    return unforeseen(error, "the log")
