# SPDX-License-Identifier: GPL-3.0-or-later
"""A server for a team: who has the token, how one signs in and out, and what others get."""

from __future__ import annotations

import json
import time
import urllib.parse
from collections.abc import Iterator
from pathlib import Path

import pytest

from mono3d_addon.web import sessions
from mono3d_addon.web.refusal import Refusal
from mono3d_addon.web.sessions import Attempts, Sessions
from tests.web.web_server import COFFEE, SMALL, STAND_IN, Answer, WebServer, need_packages, serving

need_packages()
TOKEN = "correcthorse42battery"


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebServer]:
    folder = tmp_path_factory.mktemp("guarded")
    (folder / "token").write_text(f"{TOKEN}\n", encoding="utf-8")
    options = ("--host", "0.0.0.0", "--token", f"@{folder / 'token'}", "--log-level", "info")
    with serving(folder, *options, program=STAND_IN) as running:
        yield running
        assert "Traceback" not in running.text() and TOKEN not in running.text()


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def sign_in(server: WebServer, token: str = TOKEN, **headers: str) -> Answer:
    """Sends the form of the page."""
    body = urllib.parse.urlencode({"token": token}).encode()
    sent = {"Content-Type": "application/x-www-form-urlencoded", "Origin": f"http://{server.host}"}
    return server.ask("POST", "/sign-in", body, sent | {name.replace("_", "-"): one for name, one in headers.items()})


def cookie_of(answer: Answer) -> dict[str, str]:
    assert answer.status == 303 and answer.headers["location"] == "/", answer
    return {"Cookie": answer.headers["set-cookie"].split(";")[0]}


def visitor(number: int) -> dict[str, str]:
    """Returns the header with which a proxy tells the address of a visitor."""
    return {"X-Forwarded-For": f"203.0.113.{number}"}


def test_without_the_token_nothing_is_told(guarded: WebServer) -> None:
    cookie = {"Cookie": f"mono3d_session_{guarded.port}={TOKEN}"}
    for number, headers in enumerate(
        ({}, bearer("wrong"), bearer(""), {"Authorization": f"Basic {TOKEN}"}, cookie, bearer(TOKEN + "x"))
    ):
        for path in ("/api/about", "/api/jobs/x", "/openapi.json", "/static/index.html", "/metrics"):
            answer = guarded.ask("GET", path, headers=headers | visitor(number))
            assert answer.status == 401 and "token" in answer.error and answer.headers["www-authenticate"]
        assert guarded.upload(COFFEE, SMALL, headers=headers | visitor(number)).status == 401
    assert guarded.get(f"/api/about?token={TOKEN}").status == 401, "an address is no place for a secret"


def test_the_address_that_is_told_is_one_to_go_to(guarded: WebServer) -> None:
    assert (
        f"Mono3D is running at http://127.0.0.1:{guarded.port} and at the other addresses of this computer\n"
        in guarded.text()
    )
    assert "0.0.0.0" not in guarded.text()


def test_the_page_asks_for_it(guarded: WebServer) -> None:
    for path in ("/", f"/?token={TOKEN}", "/sign-in"):
        answer = guarded.get(path)
        assert answer.status == 401 and b'name="token"' in answer.body and "set-cookie" not in answer.headers
        assert b"<script>" not in answer.body and b"style=" not in answer.body and b'role="alert"' not in answer.body
    for path in ("/static/style/sign_in.css", "/static/js/sign_in.js", "/static/icon.svg"):
        assert guarded.get(path).status == 200, path
    for path in ("/static/js/main.js", "/static/js/../js/main.js", "/static/js/sign_in.js/"):
        assert guarded.get(path).status == 401, path


def test_the_form_opens_a_session(guarded: WebServer) -> None:
    answer = sign_in(guarded)
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie and "SameSite=lax" in cookie and "Path=/;" in cookie and "Secure" not in cookie
    assert TOKEN not in cookie and cookie != sign_in(guarded).headers["set-cookie"], "random"
    assert "Secure" in sign_in(guarded, X_Forwarded_Proto="https").headers["set-cookie"]
    sent = cookie_of(answer)
    assert guarded.ask("GET", "/", headers=sent).status == 200
    about = guarded.ask("GET", "/api/about", headers={"Cookie": f"other=1; {sent['Cookie']}; x"})
    assert about.status == 200 and about.json()["signed_in"]
    assert guarded.upload(b"", headers=sent).status == 415, "a request of the page"
    assert guarded.upload(b"", headers=sent | {"Origin": "http://evil.example"}).status == 403
    assert guarded.ask("GET", "/sign-in", headers=sent).status == 303


def test_signing_out_ends_the_session_and_no_other(guarded: WebServer) -> None:
    first, second = cookie_of(sign_in(guarded)), cookie_of(sign_in(guarded))
    assert guarded.ask("POST", "/sign-out", headers=first | {"Origin": "http://evil.example"}).status == 403
    assert guarded.ask("GET", "/sign-out", headers=first).status == 404
    answer = guarded.ask("POST", "/sign-out", headers=first)
    assert answer.status == 303 and "mono3d_session_" in answer.headers["set-cookie"]
    assert [guarded.ask("GET", "/", headers=one).status for one in (first, second)] == [401, 200]


def test_pages_of_other_sites_cannot_sign_in(guarded: WebServer) -> None:
    assert sign_in(guarded, Origin="http://evil.example").status == 403
    assert sign_in(guarded, Sec_Fetch_Site="cross-site").status == 403


def test_a_wrong_token_is_told_and_logged(guarded: WebServer) -> None:
    answer = sign_in(guarded, "wrong<b>", **visitor(50))
    assert answer.status == 401 and b"This token is wrong" in answer.body and "set-cookie" not in answer.headers
    assert answer.headers["cache-control"] == "no-store"
    assert "a wrong token from 203.0.113.50" in guarded.text() and "wrong<b>" not in guarded.text()


@pytest.mark.parametrize("is_form", [True, False])
def test_attempts_are_limited_by_address(guarded: WebServer, is_form: bool) -> None:
    guesser, other = visitor(60 + is_form), visitor(70 + is_form)

    def guess(token: str, headers: dict[str, str]) -> Answer:
        if is_form:
            return sign_in(guarded, token, **headers)
        return guarded.ask("GET", "/api/about", headers=bearer(token) | headers)

    assert [guess(f"wrong{number}", guesser).status for number in range(12)] == [401] * 10 + [429] * 2
    answer = guess(TOKEN, guesser)
    assert answer.status == 429 and int(answer.headers["retry-after"]) > 500, "the right one is not told either"
    assert b"Too many wrong tokens from your address; try again in 10 minutes." in answer.body
    assert guess(TOKEN, other).status == (303 if is_form else 200)
    assert f"{guesser['X-Forwarded-For']}; this place is blocked" in guarded.text()
    session = cookie_of(sign_in(guarded))
    assert guarded.ask("GET", "/", headers=session | guesser).status == 200, "who has signed in is not locked out"


@pytest.mark.parametrize(
    "body", [b"", b"token", b"token=" + b"a" * 5000, b"a=b&" * 900, b"token=%ff%00%zz", b"\xff" * 99]
)
def test_forms_that_are_none_open_nothing(guarded: WebServer, body: bytes) -> None:
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = guarded.ask("POST", "/sign-in", body, kind | visitor(len(body) % 250))
    assert answer.status in (400, 401, 413) and "set-cookie" not in answer.headers


def test_two_servers_of_one_host_have_cookies_of_their_own(guarded: WebServer, tmp_path: Path) -> None:
    """A browser sends all cookies of 127.0.0.1 to each of its ports, and replaces those of the same name."""
    other = "anotherhorse43battery"
    with serving(tmp_path, "--token", other, program=STAND_IN) as second:
        cookies = [cookie_of(sign_in(guarded))["Cookie"], cookie_of(sign_in(second, other))["Cookie"]]
        assert len({one.split("=")[0] for one in cookies}) == 2
        both = {"Cookie": "; ".join(cookies)}
        assert [server.ask("GET", "/api/about", headers=both).status for server in (guarded, second)] == [200, 200]
        assert second.ask("GET", "/api/about", headers={"Cookie": cookies[0]}).status == 401
        described = guarded.ask("GET", "/openapi.json", headers=both).json()
        assert described["components"]["securitySchemes"]["cookie"]["name"] == cookies[0].split("=")[0]


def test_programs_send_it_in_a_header(guarded: WebServer) -> None:
    about = guarded.ask("GET", "/api/about", headers=bearer(TOKEN) | {"Host": "mono3d.example"})
    assert about.status == 200 and not about.json()["signed_in"]
    # No browser sends this header for another page.
    assert guarded.upload(b"", headers=bearer(TOKEN) | {"Origin": "http://evil.example"}).status == 415


def test_sessions_outlive_the_server_but_not_the_token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "sessions.json"
    first = Sessions(path, TOKEN)
    secret, gone = first.open(), first.open()
    first.close(gone)
    assert secret not in path.read_text() and TOKEN not in path.read_text()
    again = Sessions(path, TOKEN)
    assert again.has(secret) and not again.has(gone) and not again.has("") and not again.has(secret + "x")
    assert not Sessions(path, "anotherhorse43battery").has(secret)
    text = path.read_text()
    path.write_text("{")
    assert not Sessions(path, TOKEN).has(secret)
    path.write_text(text)
    end = json.loads(text)["sessions"].popitem()[1]
    monkeypatch.setattr(time, "time", lambda: end + 1)
    assert not again.has(secret) and not Sessions(path, TOKEN).has(secret)


def test_memory_of_attempts_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "_MOST", 50)
    attempts = Attempts()
    for number in range(200):
        attempts.note(f"2001:db8:{number:x}::1")
    assert len(attempts._wrong) == 50 and attempts.count == 200
    for number in range(10):
        attempts.note(f"2001:db8::{number}")
    with pytest.raises(Refusal, match="Too many wrong tokens"):
        attempts.check("2001:db8::ffff")
    attempts.check("2001:db8:1::1")
    attempts.forget("2001:db8::5")
    attempts.check("2001:db8::ffff")
