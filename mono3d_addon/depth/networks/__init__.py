# SPDX-License-Identifier: GPL-3.0-or-later
"""The networks: a backbone turns a picture into feature maps from fine to coarse, a decoder merges them into disparity.

`architectures` is the table of backbones and decoders, and builds networks from it. `decoder` is shared by all but
`moge`, a whole network of its own; every other module is one kind of backbone or head. Each also maps the names of the
published weights files to its own, so that these files load unchanged.
"""
