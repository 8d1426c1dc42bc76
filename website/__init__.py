# SPDX-License-Identifier: GPL-3.0-or-later
"""The documentation site: what builds it from docs/, and the scripts that make its pictures."""
