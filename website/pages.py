# SPDX-License-Identifier: GPL-3.0-or-later
"""The pages of the site: the documents of the repository, with links that lead from page to page.

Documents outside docs/ become pages too if something leads to them. Other files that a page links to, such as a script
or the licence, are copied into the site, so that it is complete without a repository on the web.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

DOCUMENTS = "docs/"
COPIES = "source/"
"""Folder of the site that has copies of other files."""

_OWN_NAMES: Mapping[str, str] = {
    "README.md": "index.md",
    "docs/README.md": "index.md",
    "benchmarks/README.md": "benchmarks.md",
    "training/README.md": "training.md",
    "tests/photos/README.md": "sample_photos.md",
}
"""Document -> its page, where the name does not follow from the path."""
_NO_PAGES = frozenset({"README.md", "docs/README.md"})
"""Documents for readers of the repository, for which the site has a start page of its own."""
_LINK = re.compile(r"(!?\[(?:[^\]\[]|\[[^\]]*\])*\]\()([^)\s]+)(\))")
_ATTRIBUTE = re.compile(r"((?:href|src|srcset)=\")([^\"]+)(\")")
_FENCE = re.compile(r"(^ *```.*?^ *```|^(?: {4,}[^\n]*\n)+)", re.MULTILINE | re.DOTALL)


@dataclass
class Site:
    """What the site is made of.

    pages   path in the site -> text
    copies  path in the site -> the file to copy there
    """

    pages: dict[str, str] = field(default_factory=dict)
    copies: dict[str, Path] = field(default_factory=dict)


def collect(root: Path) -> Site:
    """Returns all documents in docs/ of a repository, and what they lead to.

    Raises FileNotFoundError if a link leads nowhere.
    """
    site = Site()
    for path in sorted((root / DOCUMENTS).rglob("*")):
        name = path.relative_to(root / DOCUMENTS).as_posix()
        if path.is_file() and path.suffix not in {".md", ".py", ".pyc", ".json"}:
            site.copies[name] = path
    waiting = [path.relative_to(root).as_posix() for path in sorted((root / DOCUMENTS).glob("*.md"))]
    seen = set(waiting)
    while waiting:
        document = waiting.pop()
        if document in _NO_PAGES:
            continue
        text, targets = _relinked(root, document)
        site.pages[page_of(document)] = text
        for target in targets:
            if target.endswith(".md"):
                waiting += [] if target in seen else [target]
                seen.add(target)
            elif not target.startswith(DOCUMENTS) or target.endswith(".py"):
                site.copies[_place(target)] = root / target
    return site


def page_of(document: str) -> str:
    """Returns the page, relative to the site, of a document, relative to the repository."""
    if document in _OWN_NAMES:
        return _OWN_NAMES[document]
    if document.startswith(DOCUMENTS):
        return document.removeprefix(DOCUMENTS)
    return document.replace("/README", "").replace("/", "_").lower()


def _place(target: str) -> str:
    """Returns where in the site a file of the repository is."""
    if target.endswith(".md"):
        return page_of(target)
    if target.startswith(DOCUMENTS) and not target.endswith(".py"):
        return target.removeprefix(DOCUMENTS)
    # A browser shows text, and downloads what it does not know.
    shown = target if PurePosixPath(target).suffix in {".txt", ".png", ".jpg", ".webp"} else f"{target}.txt"
    return COPIES + shown


def _relinked(root: Path, document: str) -> tuple[str, list[str]]:
    """Returns the text of a document as a page, and the files of the repository that it leads to."""
    targets: list[str] = []
    folder = (root / document).parent
    here = PurePosixPath(page_of(document)).parent.as_posix()

    def changed(match: re.Match[str]) -> str:
        name, _, place = match[2].partition("#")
        if "://" in match[2] or not name or name.startswith("mailto:"):
            return match[0]
        target = _target(root, folder / name)
        if target is None:
            raise FileNotFoundError(f"{document} links to {match[2]}, which does not exist.")
        targets.append(target)
        link = os.path.relpath(_place(target), here).replace(os.sep, "/")
        return f"{match[1]}{link}{f'#{place}' if place else ''}{match[3]}"

    text = (root / document).read_text(encoding="utf-8")
    parts = _FENCE.split(text)
    parts[::2] = [_ATTRIBUTE.sub(changed, _LINK.sub(changed, part)) for part in parts[::2]]
    return "".join(parts), targets


def _target(root: Path, path: Path) -> str | None:
    """Returns the file, relative to the repository, to which a link leads; a folder's is its README."""
    found = Path(os.path.normpath(path))
    if found.is_dir():
        found = next((found / name for name in ("README.md", "__init__.py") if (found / name).exists()), found)
    return found.relative_to(root).as_posix() if found.is_file() else None


def write(site: Site, folder: Path) -> None:
    """Writes the pages and copies into a folder."""
    for name, text in site.pages.items():
        place = folder / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, encoding="utf-8", newline="\n")
    for name, source in site.copies.items():
        place = folder / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(source.read_bytes())
