# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs code that may crash, or that the system may kill for its memory, in a process of its own.

OpenVINO 2026.4 crashes for some networks and sizes on processors with AVX-512.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys

_START = """\
import importlib, json, os, sys, threading
threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
paths, module, function, arguments = json.loads(sys.argv[1])
sys.path[:] = paths
getattr(importlib.import_module(module), function)(*arguments)
os._exit(0)
"""
_LEAST_WINDOWS_CRASH = 0x80000000


def survives(module: str, function: str, *arguments: str | int | bool) -> bool:
    """Returns whether a process can call a function without a crash; an exception is not a crash.

    Its traceback goes to the standard error. The process ends with this one. Raises MemoryError when the system killed
    it, which it does when memory runs out.
    """
    code = _ended(module, function, *arguments)
    return code < _LEAST_WINDOWS_CRASH if os.name == "nt" else code >= 0


def succeeds(module: str, function: str, *arguments: str | int | bool) -> bool:
    """Returns whether a process can call a function without a crash and without an exception; see `survives`."""
    return _ended(module, function, *arguments) == 0


def _ended(module: str, function: str, *arguments: str | int | bool) -> int:
    """Returns the exit code of a process that calls a function; 1 after an exception."""
    call = json.dumps([sys.path, module, function, arguments])
    command = [sys.executable, "-I", "-X", "utf8", "-X", "faulthandler", "-c", _START, call]
    # The child ends when its input closes, that is, with this process.
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as child:
        code = child.wait()
    if os.name != "nt" and code == -signal.SIGKILL:
        raise MemoryError("the system ended a process, most likely for its memory")
    return code
