# SPDX-License-Identifier: GPL-3.0-or-later
"""The starter model's network on numpy alone, for where neither torch nor OpenVINO is installed.

A map is float32 (channels, height, width), contiguous: long rows suit numpy's loops, which run over the last axis.
`products` and `convolutions` do the work in memory that a `workspace` lends; `tensors` hands out the learnt numbers;
`backbone`, `decoder` and `heads` are the parts of the network, as in `networks`, and `network` is the whole.
"""
