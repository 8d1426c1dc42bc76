# SPDX-License-Identifier: GPL-3.0-or-later
"""One batch on one computer or many: a plan, parts of it that anybody may do, and one report."""
