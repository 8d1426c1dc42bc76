# SPDX-License-Identifier: GPL-3.0-or-later
"""What may end a process, done in one of its own: native code may crash, or the system end it for its memory.

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
    """Tells whether a process comes through calling a function; one that raises an exception does.

    Its trace goes to the standard error. The process ends with this one. Raises MemoryError when the system killed it,
    which it does where memory runs out.
    """
    code = _ended(module, function, *arguments)
    return code < _LEAST_WINDOWS_CRASH if os.name == "nt" else code >= 0


def succeeds(module: str, function: str, *arguments: str | int | bool) -> bool:
    """Tells, as `survives` does, whether a process calls a function and no exception is raised."""
    return _ended(module, function, *arguments) == 0


def _ended(module: str, function: str, *arguments: str | int | bool) -> int:
    """Returns the exit code of a process that calls a function; 1 after an exception."""
    call = json.dumps([sys.path, module, function, arguments])
    command = [sys.executable, "-I", "-X", "utf8", "-X", "faulthandler", "-c", _START, call]
    # The open input tells the child that this process still is there.
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as child:
        code = child.wait()
    if os.name != "nt" and code == -signal.SIGKILL:
        raise MemoryError("the system ended a process, most likely for its memory")
    return code
