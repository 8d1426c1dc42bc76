# SPDX-License-Identifier: GPL-3.0-or-later
"""The code blocks of the documents, and which of their commands a test can run."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

COMMAND = "python3 -m mono3d_addon "
_MAKES = re.compile(r"(?:web|models|batch)\b|\S*PHOTO")
"""What follows in commands that make nothing of a photo, and in patterns of commands."""


@dataclass(frozen=True)
class Block:
    """A code block: the anchor of its heading, its language as stated (empty: not stated), its text without indent."""

    heading: str
    language: str
    text: str

    @property
    def is_python(self) -> bool:
        """Whether it is a Python program."""
        return self.language == "python" or bool(re.match(r"(import|from) \w", self.text))

    @property
    def commands(self) -> list[str]:
        """The command lines, with continued lines joined."""
        lines = [] if self.is_python else self.text.replace("\\\n", " ").splitlines()
        return [re.sub(r"\s+# .*", "", line).strip() for line in lines if line.strip()]

    @property
    def runs(self) -> list[str]:
        """The commands that reconstruct photos with the command line."""
        own = [line for line in self.commands if line.startswith(COMMAND)]
        return [line for line in own if not _MAKES.match(line.removeprefix(COMMAND)) and " -o " in line]


def anchor(heading: str) -> str:
    """Returns the anchor of a heading, as GitHub and the site make it."""
    words = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)
    return re.sub(r"[^\w\- ]", "", words).strip().lower().replace(" ", "-")


def blocks_of(document: Path) -> list[Block]:
    """Returns the fenced and the indented code blocks of a Markdown document, in their order."""
    return list(_blocks(document.read_text(encoding="utf-8").splitlines()))


def _blocks(lines: list[str]) -> Iterator[Block]:
    heading, number = "", 0
    while number < len(lines):
        line = lines[number]
        fence = re.match(r"( *)```(\w*)", line)
        if fence:
            end = next(at for at in range(number + 1, len(lines)) if lines[at].strip() == "```")
            yield Block(heading, fence[2], textwrap.dedent("\n".join(lines[number + 1 : end])))
            number = end + 1
            continue
        if found := re.match(r"#+ +(.+)$", line):
            heading = anchor(found[1])
        if line.startswith("    ") and line.strip() and (number == 0 or not lines[number - 1].strip()):
            end = number
            while end < len(lines) and (lines[end].startswith("    ") or not lines[end].strip()):
                end += 1
            yield Block(heading, "", textwrap.dedent("\n".join(lines[number:end])).strip("\n"))
            number = end
            continue
        number += 1
