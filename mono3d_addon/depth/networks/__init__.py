# SPDX-License-Identifier: GPL-3.0-or-later
"""The networks: a backbone turns a picture into maps from fine to coarse, a decoder merges these into disparity.

`architectures` is the table that says which backbone goes with which decoder, and builds a network from it;
`decoder` is shared by all; every other module is one kind of backbone. Each also lists what its parts are called
in the published weights files, so that these load as they are.
"""
