# SPDX-License-Identifier: GPL-3.0-or-later
"""The section of a version in the changelog."""

from __future__ import annotations

import re

from ...errors import Mono3DError

UNRELEASED = "Unreleased"


def changes_of(changelog: str, version: str, *, is_draft: bool = False) -> str:
    """Returns the section of a version, with the version in its heading.

    A draft takes the section 'Unreleased' if there is none for the version. Raises Mono3DError when there is neither.
    """
    sections = {}
    for section in re.split(r"^## +", changelog, flags=re.MULTILINE)[1:]:
        heading, _, text = section.partition("\n")
        # The heading may go on with a date.
        sections[heading.split()[0].strip("[]")] = f"# Mono3D {heading.strip()}\n\n{text.strip()}\n"
    if version in sections:
        return sections[version]
    if is_draft and UNRELEASED in sections:
        return sections[UNRELEASED].replace(UNRELEASED, f"{version} (draft)", 1)
    raise Mono3DError(
        f"CHANGELOG.md has no heading '## {version}': rename '## {UNRELEASED}' to it, or use --draft for a trial."
    )
