# SPDX-License-Identifier: GPL-3.0-or-later
"""Joined modules do what they did apart; tests/browser runs the page's own."""

from __future__ import annotations

import re

import pytest

from tests.web.web_server import need_packages

need_packages()

from mono3d_addon.web.page_assets import STATIC, PageAssets  # noqa: E402
from mono3d_addon.web.script import joined  # noqa: E402

MODULES = {
    "a/main.js": 'import * as words from "./words.js";\nimport { far as wide,\n  near } from "../b/places.js";\n'
    'import { Lib } from "../lib.js";\nexport function run() { return words.say(wide, near, Lib); }\n',
    "a/words.js": 'import { near } from "../b/places.js";\nexport const say = (...all) => [near, ...all];\n',
    "b/places.js": 'export const near = 1;\nexport const far = 2;\nconst hidden = import("../late.js");\n',
}
OUTSIDE = {"lib.js": "./lib.js?v=1", "late.js": "./late.js?v=2"}


def test_modules_are_joined_in_the_order_of_their_imports() -> None:
    text = joined("a/main.js", MODULES.__getitem__, OUTSIDE)
    assert text.startswith('import * as $lib from "./lib.js?v=1";\n')
    places = [text.index(f"const ${name} =") for name in ("b_places", "a_words", "a_main")]
    assert places == sorted(places) and text.count("const near = 1") == 1
    assert re.search(r"const \{ far: wide,\s+near \} = \$b_places;", text) and "const words = $a_words;" in text
    assert 'import("./late.js?v=2")' in text and text.endswith("export const { run } = $a_main;\n")
    assert "import {" not in text and "export const near" not in text


@pytest.mark.parametrize(
    "text",
    [
        'import "./other.js";',
        'export { x } from "./other.js";',
        "export default 1;",
        "export let x = 1;",
        'import("./unknown.js");',
        'import { x } from "./self.js";',
    ],
)
def test_what_it_does_not_know_is_refused(text: str) -> None:
    modules = {"self.js": text, "other.js": ""}
    with pytest.raises(ValueError, match=r"self\.js"):
        joined("self.js", modules.__getitem__, {})


def test_the_page_and_its_viewer_share_no_module() -> None:
    """A module in both would be there twice, with a state for each."""
    assets = PageAssets()._assets
    parts = [set(re.findall(r"^const (\$\w+) = \(\(\) =>", assets[name].data.decode(), re.M)) for name in SCRIPTS]
    assert parts[0] and parts[1] and not parts[0] & parts[1]
    names = {"$js_" + path.stem for path in (STATIC / "js").glob("*.js")} - APART
    assert parts[0] | parts[1] == names, "and each is in one of them"


SCRIPTS = ("page.en.js", "viewer.js")
APART = {"$js_events_worker", "$js_sign_in"}
"""What runs elsewhere: in a worker, and on the page to sign in."""
