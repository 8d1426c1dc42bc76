# SPDX-License-Identifier: GPL-3.0-or-later
"""Entry point of `python -m vendor_installer`."""

from __future__ import annotations

from .commands import main

if __name__ == "__main__":
    raise SystemExit(main())
