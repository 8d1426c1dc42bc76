# SPDX-License-Identifier: GPL-3.0-or-later
"""The simulated farm of benchmarks/scale.py, where the outcome can be told."""

from __future__ import annotations

import pytest

from benchmarks.scale import Farm, lognormal, simulated

EVEN = Farm(8, 1, start=0.0, transfer=0.0, slow=0.0)


def test_even_photos_are_shared_evenly() -> None:
    found = simulated(8000, [2.0], EVEN)
    assert found.seconds == pytest.approx(2000.0, rel=0.01)
    assert found.used == pytest.approx(1.0, abs=0.01) and found.twice == 0


def test_slow_machines_do_less_instead_of_keeping_all_waiting() -> None:
    farm = Farm(400, 1, start=0.0, transfer=0.0, slow=0.25, slowness=3.0)
    # A quarter of the machines counts a third: the speed is that of 333.
    assert simulated(400_000, [1.0], farm).seconds == pytest.approx(1200.0, rel=0.05)


def test_the_storage_limits_the_speed() -> None:
    farm = Farm(1000, 4, start=0.0, slow=0.0, requests=500.0)
    assert simulated(10_000, [1.0], farm).seconds == pytest.approx(100.0, rel=0.05)


def test_lost_machines_cost_time_and_no_photos() -> None:
    times = lognormal(1.0)
    kept = simulated(20_000, times, Farm(40, 4, slow=0.0))
    lost = simulated(20_000, times, Farm(40, 4, slow=0.0, life=300.0))
    assert lost.seconds > 1.2 * kept.seconds and 0 < lost.twice < 400
