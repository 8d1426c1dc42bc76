# SPDX-License-Identifier: GPL-3.0-or-later
"""Depth from one photo: the catalogue of models, their weights, their networks, and running them.

`catalogue` and `weights` are plain Python; everything else imports torch, and `networks.timm_bodies` timm.
"""
