# SPDX-License-Identifier: GPL-3.0-or-later
"""The server's log: one line per event, as text or as JSON."""

from __future__ import annotations

import json
import logging
import time
from collections import OrderedDict

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_QUIET_SECONDS = 10.0
_MOST = 1000


def set_up(level: str, form: str) -> None:
    """Sends all log messages to standard error; `form` is "text" or "json"."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonFormatter() if form == "json" else LineFormatter())
    logging.basicConfig(handlers=[handler], level=level.upper())
    # The library warns of each request that asks for WebSockets, which the page does not have.
    logging.getLogger("uvicorn.error").addFilter(lambda record: record.levelno > logging.WARNING)


class LineFormatter(logging.Formatter):
    """Text; a message stays on one line whatever a visitor has sent."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  the base class's name
        """Returns the line without the traceback."""
        return "".join(letter if letter.isprintable() else "?" for letter in super().formatMessage(record))


class JsonFormatter(logging.Formatter):
    """One JSON object per line: time, level, logger, message, and what the message is about, such as `job`."""

    def format(self, record: logging.LogRecord) -> str:
        """Returns the line."""
        content = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created)) + f".{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        content |= {name: value for name, value in vars(record).items() if name not in _STANDARD}
        if record.exc_info:
            content["traceback"] = self.formatException(record.exc_info)
        return json.dumps(content, default=str)


class Throttle:
    """Lets the first of many equal events through, and after ten seconds the next, with the number of those between."""

    def __init__(self) -> None:
        self._seen: OrderedDict[object, tuple[float, int]] = OrderedDict()

    def passes(self, key: object) -> int | None:
        """Returns how many events were held back since the last that passed; None to hold this one back."""
        now = time.monotonic()
        last, held = self._seen.get(key, (-_QUIET_SECONDS, 0))
        if now - last < _QUIET_SECONDS:
            self._seen[key] = last, held + 1
            return None
        self._seen[key] = now, 0
        self._seen.move_to_end(key)
        while len(self._seen) > _MOST:
            self._seen.popitem(last=False)
        return held
