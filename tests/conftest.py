# SPDX-License-Identifier: GPL-3.0-or-later
"""The two tiers of tests, and a quiet, repeatable profile for hypothesis."""

from __future__ import annotations

import fnmatch
import signal
from pathlib import Path

import pytest

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell's background job ignores Ctrl+C, and would have the commands that the tests start ignore it too.
    signal.signal(signal.SIGINT, signal.default_int_handler)

try:
    from hypothesis import HealthCheck, settings
except ImportError:
    HAS_HYPOTHESIS = False
else:
    HAS_HYPOTHESIS = True
    settings.register_profile(
        "mono3d",
        deadline=None,
        derandomize=True,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
    )
    settings.register_profile("mono3d quick", settings.get_profile("mono3d"), max_examples=30)


class Folders:
    """Has pytest import nothing of the repository's root, whose `__init__.py` is the Blender extension's."""

    def pytest_collect_directory(self, path: Path, parent: pytest.Collector) -> pytest.Collector | None:
        """Collects the root as a plain folder, not as a package."""
        return pytest.Dir.from_parent(parent, path=path) if path == parent.config.rootpath else None


def pytest_configure(config: pytest.Config) -> None:
    """Registers the hook for the root, which a conftest of a folder below it cannot have, and chooses the profile."""
    config.pluginmanager.register(Folders())
    if HAS_HYPOTHESIS:
        is_thorough = config.getoption("thorough") or config.getoption("thorough_in")
        settings.load_profile("mono3d" if is_thorough else "mono3d quick")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Adds the options that choose the tier; without them the tests marked `thorough` are left out."""
    group = parser.getgroup("tiers")
    group.addoption("--thorough", action="store_true", help="also run the tests marked 'thorough'")
    group.addoption(
        "--thorough-in",
        action="append",
        default=[],
        metavar="PATTERN",
        help="also run the tests marked 'thorough' in files that match, such as 'tests/core/*'",
    )


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselects the thorough tests that were not asked for; a test named as FILE::TEST always runs."""
    if config.getoption("thorough") or any("::" in word for word in config.args):
        return
    patterns = config.getoption("thorough_in")

    def is_wanted(item: pytest.Item) -> bool:
        path = item.path.relative_to(config.rootpath).as_posix()
        return item.get_closest_marker("thorough") is None or any(fnmatch.fnmatch(path, one) for one in patterns)

    unwanted = [item for item in items if not is_wanted(item)]
    if unwanted:
        config.hook.pytest_deselected(items=unwanted)
        items[:] = [item for item in items if is_wanted(item)]
