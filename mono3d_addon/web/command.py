# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m mono3d_addon web ...`: starts the server."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import os
import re
import sys
import tempfile
import threading
import webbrowser
from collections.abc import Sequence
from pathlib import Path

from .. import environment
from ..arguments import parse_web
from ..core.user_path import user_path
from ..environment import SCENE, VTP, WEB, WORKER
from ..errors import Mono3DError
from ..installing import install
from ..settings import WebOptions
from ..worker.local import LocalRunners
from .reach import hosts_of, is_everywhere, is_loopback

DONE = 0
_SHORTEST_TOKEN = 12


def run(arguments: Sequence[str], program: str, *, no_network: str = "") -> int:
    """Serves until Ctrl+C or SIGTERM and returns the exit code 0.

    `no_network` is the reason why downloads are forbidden; empty: they are not.
    Raises Mono3DError with a sentence for the user, SystemExit for wrong usage and --help.
    """
    options = parse_web(arguments, program)
    data_folder = environment.data_folder(options.data_folder).absolute()
    token = _token(options)
    _check_reach(options, token)
    if options.install:
        if no_network and not options.wheelhouse:
            raise Mono3DError(no_network)
        install((WORKER, WEB), data_folder, options)
    environment.tidy(data_folder)
    for name in (WORKER, WEB):
        environment.require_available(name, data_folder)
    packages = {name: path for name in (WORKER, WEB) if (path := environment.packages(name, data_folder))}
    with environment.in_use(list(packages.values())):
        if WEB in packages:
            # This process serves only the page; the installed packages precede other versions that Python may have.
            sys.path.insert(0, str(packages[WEB]))
        _serve(options, data_folder, token)
    kept = "results are kept for its next start" if options.keep_results else "all results have been deleted"
    print(f"Mono3D has stopped; {kept}.", flush=True)
    return DONE


def _serve(options: WebOptions, data_folder: Path, token: str) -> None:
    # These modules need the installed packages.
    from . import logs
    from .guard import Rules
    from .service import Service
    from .serving import listening, serve
    from .sessions import Sessions
    from .sign_in import SignIn
    from .visitor import Proxies

    logs.set_up(options.log_level, options.log_format)
    proxies = Proxies.of(options.trusted_proxies)
    options = dataclasses.replace(options, root_path=_root(options.root_path))
    listener = listening(options.host, options.port)
    port = listener.getsockname()[1]
    hosts = hosts_of(options.host) if not token and is_loopback(options.host) else frozenset()
    address = _address(options.host, port)
    folders = {name: path for name in (WORKER, VTP, SCENE) if (path := environment.packages(name, data_folder))}
    runners = LocalRunners(data_folder, folders, is_expendable=True)
    offered = {name for name in (VTP, SCENE) if environment.is_available(name, data_folder)}

    async def main() -> None:
        service = Service(options, data_folder, offered, runners)
        # Large uploads pass through temporary files, which are removed with the server's folder.
        tempfile.tempdir = str(service.folder.uploads)
        sign_in = None
        if token:
            # Browsers send a cookie to all ports of a host.
            sessions = Sessions(service.folder.path / "sessions.json", token)
            sign_in = SignIn(token, sessions, options.root_path, f"mono3d_session_{port}", service.shares)
        rules = Rules(hosts, int(options.max_megabytes * 1e6), sign_in, options.root_path, proxies)
        try:
            _announce(options, address)
            await serve(options, service, rules, listener)
        finally:
            tempfile.tempdir = None
            await service.close()

    with contextlib.closing(listener), contextlib.suppress(KeyboardInterrupt):
        asyncio.run(main())


def _announce(options: WebOptions, address: str) -> None:
    at_a_time = "one photo" if options.workers == 1 else f"{options.workers} photos"
    others = " and at the other addresses of this computer" if is_everywhere(options.host) else ""
    print(
        f"Mono3D is running at {address}{options.root_path}{others}\n"
        f"  {at_a_time} at a time, {options.max_jobs} in the queue; up to {options.max_pixels:g} megapixels and "
        f"{options.max_megabytes:g} MB; results are kept for {options.keep_hours:g} hours\n"
        "Press Ctrl+C to stop.",
        flush=True,
    )
    if options.open_browser and _has_screen():
        # Some browsers block the caller until they close.
        threading.Thread(target=webbrowser.open, args=(f"{address}{options.root_path}/",), daemon=True).start()


def _has_screen() -> bool:
    """Returns whether a graphical browser can be opened; a text browser would take over the terminal."""
    return sys.platform in ("win32", "darwin") or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def _address(host: str, port: int) -> str:
    name = host.strip("[]")
    if is_everywhere(host):
        # Many browsers cannot open the unspecified address.
        name = "::1" if ":" in name else "127.0.0.1"
    return f"http://[{name}]:{port}" if ":" in name else f"http://{name}:{port}"


def _token(options: WebOptions) -> str:
    token = options.token
    if token.startswith("@"):
        try:
            token = user_path(token[1:]).read_text(encoding="utf-8").split("\n", 1)[0].strip()
        except (OSError, UnicodeDecodeError) as error:
            raise Mono3DError(f"The token cannot be read from '{token[1:]}'; choose another file.") from error
        if not token:
            raise Mono3DError(f"The first line of '{options.token[1:]}' is empty; write the token there.")
    if token and (len(token) < _SHORTEST_TOKEN or not token.isascii() or not token.isalnum()):
        raise Mono3DError(f"The token must have at least {_SHORTEST_TOKEN} letters a-z and digits, and nothing else.")
    return token


def _root(path: str) -> str:
    """Returns the path of the page without a slash at its end. Raises Mono3DError for what is no path."""
    root = path.rstrip("/")
    if root and not re.fullmatch(r"(/[A-Za-z0-9._~-]+)+", root):
        raise Mono3DError(f"'{path}' is not a path; --root-path takes one such as /mono3d.")
    return root


def _check_reach(options: WebOptions, token: str) -> None:
    if not token and not options.insecure and not is_loopback(options.host):
        raise Mono3DError(
            f"Anybody who reaches {options.host} could use this server: set a secret with --token, "
            "or add --insecure to allow it."
        )
