# SPDX-License-Identifier: GPL-3.0-or-later
"""The pages of the site from the documents of a repository, without MkDocs."""

from __future__ import annotations

from pathlib import Path

import pytest

from website import pages


def repository(folder: Path, **documents: str) -> Path:
    for name, text in {"docs/one.md": "# One", **documents}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


def test_documents_outside_become_pages_with_links_back(tmp_path: Path) -> None:
    root = repository(
        tmp_path,
        **{
            "docs/one.md": "See [how](../CONTRIBUTING.md#rules) and [all](../benchmarks/README.md).",
            "CONTRIBUTING.md": "Back to [one](docs/one.md).",
            "benchmarks/README.md": "[One](../docs/one.md), [this](README.md#x), [start](../README.md)",
            "README.md": "not a page",
            "other.md": "nothing leads here",
        },
    )
    site = pages.collect(root)
    assert site.pages == {
        "one.md": "See [how](contributing.md#rules) and [all](benchmarks.md).",
        "contributing.md": "Back to [one](one.md).",
        "benchmarks.md": "[One](one.md), [this](benchmarks.md#x), [start](index.md)",
    }


def test_other_files_are_copied(tmp_path: Path) -> None:
    text = "[script](../tools/do.py) ![a](shown.jpg) [folder](../tools) [web](https://example.org/x.md)"
    root = repository(
        tmp_path, **{"docs/one.md": text, "tools/do.py": "1", "tools/README.md": "T", "docs/shown.jpg": ""}
    )
    site = pages.collect(root)
    assert site.pages["one.md"] == (
        "[script](source/tools/do.py.txt) ![a](shown.jpg) [folder](tools.md) [web](https://example.org/x.md)"
    )
    assert site.copies == {"source/tools/do.py.txt": root / "tools/do.py", "shown.jpg": root / "docs/shown.jpg"}


def test_code_is_not_changed(tmp_path: Path) -> None:
    text = "a\n\n    [x](../gone.md)\n\n```\n[x](../gone.md)\n```\n[y](one.md)\n"
    assert pages.collect(repository(tmp_path, **{"docs/one.md": text})).pages["one.md"] == text


def test_a_link_to_nowhere_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"docs/one.md links to gone.md"):
        pages.collect(repository(tmp_path, **{"docs/one.md": "[x](gone.md)"}))


def test_attributes_of_html_are_links_too(tmp_path: Path) -> None:
    root = repository(
        tmp_path, **{"docs/one.md": '<img src="a.webp"> <a href="../NEWS.md">', "docs/a.webp": "", "NEWS.md": ""}
    )
    assert pages.collect(root).pages["one.md"] == '<img src="a.webp"> <a href="news.md">'
