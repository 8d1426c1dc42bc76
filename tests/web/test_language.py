# SPDX-License-Identifier: GPL-3.0-or-later
"""The page's texts: each is translated, and the server sends the page in the visitor's language."""

from __future__ import annotations

import json
import re

import pytest

from mono3d_addon.languages import LANGUAGES, SHARED, catalogue
from tests.web.web_server import WebServer, need_packages

need_packages()

from starlette.datastructures import Headers  # noqa: E402

from mono3d_addon.web import language  # noqa: E402
from mono3d_addon.web.page_assets import STATIC  # noqa: E402
from tests.web import page_texts  # noqa: E402

NEITHER_WORDS = {
    "api.js": {"The user cancelled."},  # nobody sees it: whoever aborts catches it
    "measuring.js": {"{}px system-ui, sans-serif"},  # a font
    "models.js": {"models download {}"},  # a command
    "photo.js": {"Files"},  # a type of drops
    "video.js": {"WebM, VP9", "WebM, VP8"},  # formats
    "words.js": {"{} min {} s"},  # units
    "language.js": {"{}={}; path={}; max-age={}; samesite=lax{}"},
    "catalogue.js": {"English"},
}
"""Strings that look like words for people."""


def pairs(texts: set[str]) -> str:
    return "\n".join(f'msgid {json.dumps(one, ensure_ascii=False)}\nmsgstr ""\n' for one in sorted(texts))


def test_every_text_of_the_page_goes_through_the_catalogue() -> None:
    found = [
        f"{one.module}: {one.text}"
        for one in page_texts.unsaid()
        if one.text not in NEITHER_WORDS.get(one.module, ()) and not one.text.startswith("(")
    ]
    assert not found, f"say them by t() or heard(): {found}"


@pytest.mark.parametrize("code", LANGUAGES)
def test_no_text_is_missing_or_stale(code: str) -> None:
    wanted = page_texts.own() | page_texts.told()
    assert len(page_texts.own()) > 100 and len(page_texts.told()) > 200
    missing = set(wanted) - set(language.texts(code))
    assert not missing, f"{code}.po of the page lacks\n{pairs(missing)}"
    stale = set(catalogue(code, language.FOLDER)) - wanted
    assert not stale, f"{code}.po of the page has texts that it does not show: {stale}"
    brackets = {one for one in catalogue(code, SHARED) if one.endswith(")") and one.rpartition(" (")[0] in wanted}
    stale = set(catalogue(code, SHARED)) - wanted - brackets
    assert not stale, f"{code}.po of all has texts that only Blender shows: {stale}"


@pytest.mark.parametrize(
    ("accepted", "cookie", "code"),
    [
        ("de-AT,de;q=0.9,en;q=0.8", "", "de"),
        ("it, fr;q=0.5, de;q=0.4", "", "fr"),
        ("en-GB,de;q=0.9", "", "en"),
        ("de;q=0, en", "", "en"),
        ("ja", "", "en"),
        ("", "", "en"),
        (";;q=x,,de;q=", "", "de"),
        ("de", "a=b; mono3d_language=fr", "fr"),
        ("de", "mono3d_language=../x", "de"),
        ("xx," * 5000 + "de", "", "en"),
    ],
)
def test_the_language_is_the_chosen_one_or_the_browsers(accepted: str, cookie: str, code: str) -> None:
    assert language.wanted(Headers({"accept-language": accepted, "cookie": cookie})) == code


def test_html_is_translated_and_nothing_else_of_it_changed() -> None:
    html = (STATIC / "index.html").read_text(encoding="utf-8")
    german = language.translated(html, "de")
    assert '<html lang="de">' in german and '<h2 id="settings-title">Einstellungen</h2>' in german
    assert 'aria-label="3D-Modell"' in german and 'alt="Das Foto"' in german
    bare = [re.sub(r">[^<]*<|(aria-\w+|alt|content|lang)=\"[^\"]*\"", "", one) for one in (html, german)]
    assert bare[0] == bare[1]
    assert language.translated(html, "en") == html


def test_the_server_sends_the_page_in_the_visitors_language(server: WebServer) -> None:
    page = server.get("/", accept_language="fr-CH, de;q=0.5")
    assert page.headers["content-language"] == "fr" and '<html lang="fr">' in page.body.decode()
    assert "Accept-Language" in page.headers["vary"] and "Cookie" in page.headers["vary"]
    script = re.search(r'"(static/page\.fr\.js\?v=\w+)"', page.body.decode())
    assert script
    text = server.get(f"/{script[1]}").body.decode()
    assert '"Choose a photo": "Choisir une photo"' in text and 'LANGUAGE = "fr"' in text
    english = server.get("/")
    assert english.headers["content-language"] == "en" and english.headers["etag"] != page.headers["etag"]
    again = server.get("/", accept_language="fr", if_none_match=english.headers["etag"])
    assert again.status == 200, "another language is another page"
