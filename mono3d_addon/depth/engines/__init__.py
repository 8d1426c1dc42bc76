# SPDX-License-Identifier: GPL-3.0-or-later
"""What runs a network: plain torch, torch with reduced precision on a graphics card, OpenVINO on a processor.

`engine` says what all of them offer; `choice` takes the fastest one whose result agrees with plain float32, which
`agreement` decides on the first picture. Only the modules `torch_engine` and `openvino_engine` import their libraries.
"""
