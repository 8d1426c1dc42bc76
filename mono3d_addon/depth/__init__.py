# SPDX-License-Identifier: GPL-3.0-or-later
"""Depth from one photo: the catalogue of models, their weights, their networks, and inference.

`catalogue` and `weights` are plain Python. Only the `networks`, their loading and one engine import torch;
`numpy_network` runs the starter model without it.
"""
