# SPDX-License-Identifier: GPL-3.0-or-later
"""Engines that run a network: PyTorch in float32, or in half precision on a graphics card, and OpenVINO on a processor.

`engine` is their interface; `choice` takes the fastest one whose result agrees with float32 PyTorch, as compared by
`agreement` on the first picture. Only `torch_engine` and `openvino_engine` import their libraries. Where these are not
installed, `numpy_engine` runs the starter model.
"""
