# SPDX-License-Identifier: GPL-3.0-or-later
"""The documents against the repository: links, file names, options, messages, and the generated page of settings."""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from mono3d_addon.arguments import build_parser
from mono3d_addon.settings import BatchOptions, RunOptions, Settings, WebOptions, fields_of
from tests.test_structure import MAY_IMPORT

ROOT = Path(__file__).resolve().parent.parent
DOCS = [*(ROOT / f"{name}.md" for name in ("README", "CONTRIBUTING", "CHANGELOG", "SECURITY", "CODE_OF_CONDUCT"))]
DOCS += sorted((ROOT / "docs").glob("*.md"))
ALL = [*DOCS, *(path for folder in ("benchmarks", "training") for path in sorted((ROOT / folder).rglob("*.md")))]
ALL += [*sorted((ROOT / "mono3d_addon").rglob("*.md")), ROOT / "tests" / "photos" / "README.md"]

OTHER_OPTIONS = {
    *("--rgb", "--preset", "--help", "--help-all", "--version"),  # of the command line, not from settings
    *("--online-mode", "--offline-mode", "--python", "--python-exit-code"),  # Blender's
    *("--platform", "--python-tag", "--offline", "--only"),  # the installer's
    *("--edition", "--website", "--release", "--blender", "--draft"),  # of the extension's build
    *("--check",),  # of sha256sum
    *("--step", "--run-dependencies"),  # of openjd
    *("--accept-licence", "--json"),  # of `models download` and `batch status`
    *("--thorough", "--changed", "--set-up", "--durations"),  # of the tests
    *("--work", "--data-folder"),  # of the site's pictures
}
"""Options in the documents that do not come from settings.py."""


def ids(paths: list[Path]) -> list[str]:
    return [path.relative_to(ROOT).as_posix() for path in paths]


def test_the_page_of_settings_is_up_to_date() -> None:
    from docs.make_settings import PAGE, page

    assert PAGE.read_text(encoding="utf-8") == page(), "run: python3 docs/make_settings.py"


def test_the_table_of_the_models_is_up_to_date() -> None:
    from docs.make_models import PAGE, page

    assert PAGE.read_text(encoding="utf-8") == page(), "run: python3 docs/make_models.py"


def test_the_page_of_third_parties_is_up_to_date() -> None:
    from docs.make_third_parties import PAGE, page

    assert PAGE.read_text(encoding="utf-8") == page(), "run: python3 docs/make_third_parties.py"


def test_basic_settings_are_few() -> None:
    items = [item for item in fields_of(Settings) if item.choice.only_with is None]
    basic = [item.name for item in items if item.choice.level == "basic"]
    assert 10 <= len(basic) <= 13, basic


def anchors(path: Path) -> set[str]:
    """Returns the anchors of a document's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ +(.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading).strip().lower().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("path", ALL, ids=ids(ALL))
def test_links_lead_somewhere(path: Path) -> None:
    for link in re.findall(r"\]\(([^)\s]+)\)", path.read_text(encoding="utf-8")):
        if "://" in link:
            continue
        name, _, anchor = link.partition("#")
        target = (path.parent / name).resolve() if name else path
        assert target.exists(), f"{link} does not exist"
        if anchor:
            assert anchor in anchors(target), f"{link}: there is no such heading"


@pytest.mark.parametrize("path", ALL, ids=ids(ALL))
def test_named_files_exist(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    for name in re.findall(
        r"(?<![\w/.-])((?:mono3d_addon|vendor_installer|tests|benchmarks|training|docs|website|\.ci)/[\w./*-]*)", text
    ):
        wanted = name.rstrip(".")
        assert any(ROOT.glob(wanted)) if "*" in wanted else (ROOT / wanted).exists(), f"{name} does not exist"
    for module in re.findall(r"-m ((?:mono3d_addon|vendor_installer|training|website)[\w.]*)", text):
        # A wheel has the installer inside the program's package.
        module = module.rstrip(".").replace("mono3d_addon.vendor_installer", "vendor_installer")
        place = ROOT / module.replace(".", "/")
        assert place.with_suffix(".py").exists() or (place / "__main__.py").exists(), f"{module} does not exist"


@pytest.mark.parametrize("path", DOCS, ids=ids(DOCS))
def test_named_options_exist(path: Path) -> None:
    known = set(OTHER_OPTIONS)
    for cls in (Settings, BatchOptions, WebOptions):
        for item in fields_of(cls):
            flag = "--" + item.name.replace("_", "-")
            known |= {flag, "--no-" + flag[2:], *item.choice.words}
    text = path.read_text(encoding="utf-8")
    commands = [*re.findall(r"`([^`\n]+)`", text), *re.findall(r"^ {4,}(.+)$", text, re.MULTILINE)]
    own = [one for one in commands if not re.match(r"(python3 -m pip|pip|git|apt|curl|proxy_|client_)", one)]
    for option in {word for command in own for word in re.findall(r"(?<![\w-])--[a-z][a-z-]+", command)}:
        assert option in known, f"there is no option {option}"


def test_the_quick_start_is_two_commands() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert "\n    python3 -m mono3d_addon --install tests/photos/coffee.png -o out/\n" in text
    assert "\n    python3 tests/run.py\n" in text
    assert len(text.splitlines()) <= 130


def test_every_page_and_picture_is_used() -> None:
    texts = "".join(path.read_text(encoding="utf-8") for path in ALL if path.name != "CHANGELOG.md")
    for path in (ROOT / "docs").rglob("*"):
        is_shown = path.suffix in {".md", ".jpg", ".png", ".webp"}
        assert not is_shown or path.name in texts, f"nothing leads to {path.name}"


def test_every_page_is_in_the_menu_of_the_site() -> None:
    menu = (ROOT / "website" / "mkdocs.yml").read_text(encoding="utf-8")
    for path in (ROOT / "docs").glob("*.md"):
        assert path.name == "README.md" or f": {path.name}\n" in menu, f"add {path.name} to nav in website/mkdocs.yml"


def test_the_tree_of_modules_is_that_of_the_repository() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    tree = text.split("```")[1]
    folders = [ROOT]
    named = set()
    for line in tree.splitlines():
        indent = (len(line) - len(line.lstrip())) // 2
        # A wide indent continues the description of the line before.
        if not line.strip() or indent > 3:
            continue
        del folders[indent + 1 :]
        for name in re.split(r",? +", re.split(r" {2,}", line.strip())[0]):
            path = folders[-1] / name
            assert path.exists(), f"{path.relative_to(ROOT)} does not exist"
            named.add(path.relative_to(ROOT).as_posix())
        folders.append(path)
    inside = {path for path in (ROOT / "mono3d_addon").rglob("*") if path.is_dir() and any(path.glob("*.py"))}
    wanted = {path.relative_to(ROOT).as_posix() for path in inside if path.parent.name in {"mono3d_addon", "core"}}
    assert wanted <= named, wanted - named


def test_the_order_of_imports_is_that_of_test_structure() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    levels = [re.split(r",\s*", level.strip()) for level in text.split("```")[3].split("->")]
    assert len(levels) > 5
    for number, level in enumerate(levels):
        above = {part for one in levels[:number] for part in one}
        for part in level:
            assert not MAY_IMPORT[part] & above, f"{part} may import {MAY_IMPORT[part] & above}"


@functools.cache
def sentences() -> str:
    """Returns all string constants of the product in lower case, with `{}` for each value put into an f-string."""
    texts = []
    for folder in ("mono3d", "mono3d_addon", "vendor_installer"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            texts += list(strings(ast.parse(path.read_text(encoding="utf-8"))))
    texts += [path.read_text(encoding="utf-8") for path in (ROOT / "mono3d_addon/web/static/js").glob("*.js")]
    return "\n".join(texts).lower()


def strings(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield "".join(str(one.value) if isinstance(one, ast.Constant) else "{}" for one in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def quoted_messages() -> list[str]:
    rows = re.findall(r"^\| (.+?) \|", (ROOT / "docs" / "problems.md").read_text(encoding="utf-8"), re.MULTILINE)
    return [row for row in rows if row != "message" and not row.startswith("(no message)")]


@pytest.mark.parametrize("message", quoted_messages())
def test_quoted_messages_are_those_of_the_program(message: str) -> None:
    """Each part of a message between placeholders is in the program; short parts are not looked for."""
    for part in re.split(r"'?\*[^*]+\*'?| / ", message):
        words = part.strip(" .,()'").lower().split()
        # The program may put a message together from two pieces.
        pieces = [(" ".join(words[:cut]), " ".join(words[cut:])) for cut in range(len(words))]
        is_there = any(one in sentences() and other in sentences() for one, other in pieces)
        assert len(words) < 3 or is_there, f"no message has the words '{' '.join(words)}'"


def test_documented_options_are_those_of_the_parser() -> None:
    taken = {word for action in build_parser("mono3d")._actions for word in action.option_strings}
    assert {"--" + item.name.replace("_", "-") for cls in (RunOptions, Settings) for item in fields_of(cls)} <= taken
