# SPDX-License-Identifier: GPL-3.0-or-later
"""Random heights for grounds and mountains."""

from __future__ import annotations

import numpy as np

from training.scenes.palette import Random
from training.scenes.shapes import Array


def heights(random: Random, size: int, roughness: float) -> Array:
    """Returns random heights (size, size) between 0 and 1: waves whose strength falls with a power of their number."""
    frequencies = np.fft.fftfreq(size)[:, None] ** 2 + np.fft.rfftfreq(size)[None] ** 2
    strength = np.where(frequencies > 0, np.maximum(frequencies, 1e-9), np.inf) ** (-roughness / 2)
    phases = np.exp(2j * np.pi * random.random(strength.shape))
    made = np.fft.irfft2(strength * phases, (size, size))
    return np.asarray((made - made.min()) / (np.ptp(made) + 1e-12))
