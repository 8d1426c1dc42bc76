# SPDX-License-Identifier: GPL-3.0-or-later
"""Chooses photos, describes them, and runs jobs on them in the worker."""
