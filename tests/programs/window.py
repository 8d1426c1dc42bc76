# SPDX-License-Identifier: GPL-3.0-or-later
"""A Blender window on a virtual screen, controlled by mouse and keys."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tests.programs.program import WORK, Program

WIDTH, HEIGHT = 1400, 900


class Window:
    """Blender on its own virtual screen, started with the .blend `file` if one is given.

    `options` are those of Blender; its window is `width` pixels wide and begins at the left of the screen.
    """

    def __init__(
        self, program: Program, name: str, file: str = "", options: tuple[str, ...] = (), width: int = WIDTH
    ) -> None:
        self.program = program
        self.folder = program.work / name
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        screen = f"-screen 0 {WIDTH}x{HEIGHT}x24 +extension GLX -nolisten tcp"
        command = ["xvfb-run", "-a", "-s", screen, "blender", *options]
        command += ["--window-geometry", "0", "0", str(width), str(HEIGHT)]
        command += ["--no-window-focus", *([file] if file else []), "--python", f"{WORK}/scripts/serve_window.py", "--"]
        command += [program.inside(self.folder)]
        self._output = (self.folder / "output.txt").open("wb")
        self._process = subprocess.Popen(
            program.command(*command), stdout=self._output, stderr=subprocess.STDOUT, start_new_session=True
        )
        self._variables: dict[str, str] = {}
        self._known: dict[str, tuple[float, float]] = {}

    def wait_until_ready(self) -> None:
        """Returns when Blender answers."""
        self._wait((self.folder / "ready.json").exists, 120.0, "Blender did not start")
        self._variables = json.loads((self.folder / "ready.json").read_text())
        self.ask("result = len(bpy.context.window_manager.windows)")

    def screen(self) -> dict[str, str]:
        """Returns the environment variables by which a program outside the Debian shows itself on this screen."""
        return {**self._variables, "XAUTHORITY": f"{self.program.root}{self._variables['XAUTHORITY']}"}

    def open_sidebar(self) -> None:
        """Opens the add-on's tab, after the splash screen if there is one."""
        self.keys("Escape", over=(400, 600))
        # Otherwise each mouse move over the sidebar makes the software renderer draw the view behind it too.
        self.ask("bpy.context.preferences.system.use_region_overlap = False")
        self.keys("n", over=self.view())
        time.sleep(0.5)
        self.ask("view_3d()[2].active_panel_category = 'Mono3D'; view_3d()[1].tag_redraw()")

    def close(self) -> str:
        """Ends Blender and returns what it printed."""
        os.killpg(self._process.pid, signal.SIGTERM)
        try:
            self._process.wait(10.0)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        self._output.close()
        return self.output()

    def output(self) -> str:
        """Returns what Blender has printed."""
        return (self.folder / "output.txt").read_text(encoding="utf-8", errors="replace")

    def ask(self, code: str, timeout: float = 120.0) -> Any:
        """Runs Python in Blender and returns its `result`; an exception there is raised here."""
        answer = self.folder / "answer.json"
        answer.unlink(missing_ok=True)
        beside = self.folder / "request.partial"
        beside.write_text(code, encoding="utf-8")
        beside.rename(self.folder / "request.py")
        self._wait(answer.exists, timeout, f"Blender does not answer: {code}")
        found = json.loads(answer.read_text(encoding="utf-8"))
        assert "error" not in found, found["error"]
        return found["result"]

    def wait_for(self, expression: str, timeout: float = 60.0) -> float:
        """Waits until a Python expression is true in Blender; returns the seconds that it took."""
        began = time.monotonic()
        while not self.ask(f"result = bool({expression})"):
            if time.monotonic() - began >= timeout:
                self.shot(f"failed {time.monotonic():.0f}")
                raise AssertionError(f"not within {timeout} s: {expression}\n{self.output()[-3000:]}")
            time.sleep(0.03)
        return time.monotonic() - began

    def keys(self, *keys: str, over: tuple[float, float] | None = None) -> None:
        """Presses keys one after the other, with the mouse at a position of the screen if one is given."""
        if over is not None:
            self.move(over[0] - 1, over[1])
            self.settle()
            self.move(*over)
            self.settle()
        for key in keys:
            self._x("key", key)
            self.settle()

    def type(self, text: str) -> None:
        """Types a text."""
        self._x("type", "--args", "1", "--delay", "15", text)
        self.settle()

    def move(self, x: float, y: float) -> None:
        """Moves the mouse."""
        self._x("mousemove", str(round(x)), str(round(y)))

    def click(self, x: float, y: float, button: int = 1) -> None:
        """Clicks."""
        self.move(x, y)
        self.settle()
        self._x("click", str(button))
        self.settle()

    def double_click(self, x: float, y: float) -> None:
        """Clicks twice, which may close the window that is clicked on."""
        self.move(x, y)
        self.settle()
        # Where the mouse is cannot be asked then, see `_x`.
        self._run("xdotool", "click", "--repeat", "2", "--delay", "60", "1")
        self.settle()

    def drag(self, start: tuple[float, float], end: tuple[float, float], button: int) -> None:
        """Drags the mouse from one position to another."""
        self.move(*start)
        self.settle()
        self._x("mousedown", str(button))
        for share in np.linspace(0.0, 1.0, 8):
            self.move(*(a + share * (b - a) for a, b in zip(start, end, strict=True)))
            self.settle()
        self._x("mouseup", str(button))
        self.settle()

    def drop(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        """Drags something from another program's window, at `start`, and drops it here, at `end`."""
        self.move(*start)
        time.sleep(0.5)
        self._x("mousedown", "1")
        # A slow program sees only some of the moves: it must notice the first while the mouse is over what is dragged.
        for pixels in (4, 8, 12):
            self.move(start[0] + pixels, start[1])
            time.sleep(0.5)
        # Blender does not answer while something is dragged over it.
        for share in np.linspace(0.0, 1.0, 12):
            self.move(*(a + share * (b - a) for a, b in zip(start, end, strict=True)))
            time.sleep(0.15)
        time.sleep(1.0)
        # Not by `_x`: the picture of what is dragged, under the mouse, goes away.
        self._run("xdotool", "mouseup", "1")
        time.sleep(1.0)

    def settle(self) -> None:
        """Returns when Blender has handled all mouse and key events."""
        self.ask("result = None")

    def view(self) -> tuple[float, float]:
        """Returns a position in the 3D view that no gizmo covers."""
        left, top, width, height = self.ask("result = region('WINDOW')")
        return left + 0.3 * width, top + 0.75 * height

    def buttons(
        self, until: str = "\n", start: float = 40.0, patience: int = 36, columns: int = 2
    ) -> dict[str, tuple[float, float]]:
        """Returns where the sidebar's buttons are, by what Blender calls them: a command or a data path.

        The mouse is moved down the sidebar, `start` pixels below its top at first, once over the fields and, with two
        `columns`, once over the small buttons at their right; not on from the button whose name contains `until`,
        nor after `patience` steps without any button.
        """
        left, top, width, height = self.ask("result = region('UI')")
        found: dict[str, tuple[float, float]] = {}
        # Between the arrows of a field, also of a narrow one with "automatic" beside it.
        for x in (left + 0.52 * width, left + width - 48)[:columns]:
            empty = 0
            for y in range(int(top + start), int(top + height) - 5, 13):
                name = self.button_at(x, y)
                found.setdefault(name, (x, y))
                if until in name:
                    return found
                # Headers and labels are no buttons; after this many of them the sidebar ends.
                empty = 0 if name else empty + 1
                if empty > patience:
                    break
        found.pop("", None)
        return found

    def button_at(self, x: float, y: float) -> str:
        """Returns Blender's name of the sidebar's button at a position of the screen; empty if there is none."""
        # The first move leaves the previous button, the second enters this one.
        self.move(x, y - 1)
        self.settle()
        self.move(x, y)
        self.settle()
        name = str(self.ask("result = button_under_mouse()"))
        return name.removeprefix('bpy.data.scenes["Scene"].')

    def find(self, name: str) -> tuple[float, float]:
        """Returns the position of the sidebar's button whose command or data path contains `name`."""
        if name in self._known and name in self.button_at(*self._known[name]):
            return self._known[name]
        buttons = self.buttons(name)
        for known, place in buttons.items():
            if name in known:
                self._known[name] = place
                return place
        self.shot(f"failed {time.monotonic():.0f}")
        raise AssertionError(f"there is no button for '{name}', but {', '.join(buttons) or 'none'}")

    def press(self, name: str) -> None:
        """Clicks the sidebar's button whose command or data path contains `name`."""
        self.click(*self.find(name))

    def shot(self, name: str) -> NDArray[np.uint8]:
        """Takes a screenshot; returns it, uint8 (height, width, 3), and stores it as a PNG."""
        path = self.folder / f"{name}.png"
        time.sleep(0.3)
        done = self._run("import", "-window", "root", self.program.inside(path))
        assert done.returncode == 0, done.stderr
        return np.asarray(Image.open(path).convert("RGB"))

    def _x(self, *words: str) -> None:
        # The query at the end is answered when the screen has handled the rest.
        done = self._run("xdotool", *words, "getmouselocation")
        assert done.returncode == 0, done.stderr

    def _run(self, *command: str) -> subprocess.CompletedProcess[str]:
        variables = [f"{name}={value}" for name, value in self._variables.items()]
        return self.program.run("env", *variables, *command, timeout=60)

    def _wait(self, condition: Any, timeout: float, complaint: str) -> None:
        end = time.monotonic() + timeout
        while not condition():
            assert time.monotonic() < end and self._process.poll() is None, f"{complaint}\n{self.output()[-3000:]}"
            time.sleep(0.01)


@contextlib.contextmanager
def with_sidebar(window: Window) -> Iterator[None]:
    """Waits for Blender and opens the add-on's tab; ends Blender after the block."""
    try:
        window.wait_until_ready()
        window.open_sidebar()
        yield
    finally:
        window.close()
