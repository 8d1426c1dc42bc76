# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs pytest and exits without clean-up: some `bpy` wheels crash or hang when the interpreter ends."""

from __future__ import annotations

import os
import sys

import pytest

if __name__ == "__main__":
    code = pytest.main(sys.argv[1:])
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(int(code))
