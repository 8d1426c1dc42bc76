# SPDX-License-Identifier: GPL-3.0-or-later
"""Sensor widths of cameras whose EXIF has a focal length but neither its 35 mm equivalent nor the sensor size."""

from __future__ import annotations

# Phones with several cameras are not listed: the model does not identify the camera that was used.
# Longer side in millimetres, from the makers' data sheets (sensor size, or pixel pitch times pixels).
_WIDTHS = {
    "apple iphone": 3.58,
    "apple iphone 3g": 3.58,
    "apple iphone 3gs": 3.58,
    "apple iphone 4": 4.54,
    "canon eos 10d": 22.7,
    "canon eos 20d": 22.5,
    "canon eos 30d": 22.5,
    "canon eos 40d": 22.2,
    "canon eos 50d": 22.3,
    "canon eos 5d": 35.8,
    "canon eos 6d": 35.8,
    "canon eos 300d digital": 22.7,
    "canon eos 350d digital": 22.2,
    "canon eos 400d digital": 22.2,
    "canon eos 450d": 22.2,
    "canon eos 500d": 22.3,
    "canon eos 550d": 22.3,
    "canon eos 600d": 22.3,
    "nikon d1": 23.7,
    "nikon d100": 23.7,
    "nikon d700": 36.0,
    "nikon d3": 36.0,
    "olympus e-1": 17.3,
    "olympus e-300": 17.3,
    "olympus e-500": 17.3,
    "pentax *ist d": 23.5,
    "sony nex-5": 23.4,
}
_GENERIC_WORDS = ("corporation", "co.,ltd", "optical", "imaging corp.", "asahi")


def sensor_width(camera_name: str) -> float:
    """Returns the longer side of a camera's sensor in millimetres; 0 if it is not in the table.

    `camera_name` is make and model from EXIF; case and generic company words are ignored.
    """
    words = [word for word in camera_name.lower().split() if word not in _GENERIC_WORDS]
    return _WIDTHS.get(" ".join(words), 0.0)
