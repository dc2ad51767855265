"""Logs: a line for people or an object for machines, written by a thread of its own: nobody else waits for a disk."""

import logging
import logging.handlers
import queue
import re
import sys
import time
from contextvars import ContextVar
from typing import Any, Final, Literal

import msgspec

from aeromatch.gateways import context
from aeromatch.server.config.sections import LoggingConfig

__all__ = ["Logs"]

QUEUE_LINES: Final = 10_000
CONTEXT: Final[tuple[tuple[str, ContextVar[Any]], ...]] = (
    ("request_id", context.request_id),
    ("session", context.session),
)
OWN_FIELDS: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "color_message", "taskName"}
# Keys and tokens are never meant to be logged; where a line brings one by accident, it does not leave the process.
SECRETS: Final = re.compile(
    r"(?i)(bearer\s+|(?:secret|signature|token|password|authorization)[\"']?\s*[:=]\s*[\"']?(?:bearer\s+)?)"
    r"[A-Za-z0-9+/_.=-]{8,}"
    # The keys' own secrets, wherever they stand: somebody may put one into a path.
    r"|ams_[A-Za-z0-9_-]{8,}"
)


def _hidden(text: str) -> str:
    return SECRETS.sub(lambda found: f"{found[1] or ''}***", text)


class _Fields(logging.handlers.QueueHandler):
    """Finishes a record where it is made, in the task that knows its request, and passes it on without waiting."""

    def prepare(self, record: logging.LogRecord) -> logging.LogRecord:
        fields = {name: value for name, value in vars(record).items() if name not in OWN_FIELDS}
        fields |= {name: found for name, variable in CONTEXT if (found := variable.get()) is not None}
        text = record.getMessage()
        if record.exc_info and record.exc_info[1] is not None:
            fields["exception"] = logging.Formatter().formatException(record.exc_info)
        plain = logging.makeLogRecord({"name": record.name, "levelno": record.levelno, "levelname": record.levelname})
        plain.created, plain.msg = record.created, _hidden(text)
        plain.__dict__["fields"] = {
            name: _hidden(value) if isinstance(value, str) else value for name, value in fields.items()
        }
        return plain

    def enqueue(self, record: logging.LogRecord) -> None:
        if self.lost:
            record.__dict__["fields"]["lines_lost"] = self.lost
        try:
            super().enqueue(record)
        except queue.Full:
            # Whoever logs never waits: what there is no room for is counted, and the next line says so.
            self.lost += 1
        else:
            self.lost = 0

    lost = 0


class _Listener(logging.handlers.QueueListener):
    """The thread that writes."""

    def __init__(self, lines: "queue.Queue[Any]", target: logging.Handler) -> None:
        super().__init__(lines, target)
        self._lines = lines

    def enqueue_sentinel(self) -> None:
        """Ends the thread after the lines that are there, for which it waits if there is no room."""
        self._lines.put(None)


class _Formatter(logging.Formatter):
    """Formats what `_Fields` has prepared."""

    def __init__(self, form: Literal["json", "console"]) -> None:
        super().__init__()
        self._is_json = form == "json"

    def format(self, record: logging.LogRecord) -> str:
        fields: dict[str, Any] = record.__dict__["fields"]
        moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        moment = f"{moment}.{int(record.created % 1 * 1e6):06d}Z"
        level = record.levelname.lower()
        if self._is_json:
            facts = {"time": moment, "level": level, "logger": record.name, "message": record.msg, **fields}
            return msgspec.json.encode(facts, enc_hook=str).decode()
        exception = fields.get("exception")
        rest = " ".join(f"{name}={value}" for name, value in fields.items() if name != "exception")
        line = f"{moment[11:23]} {level:7} {record.msg}{'  ' if rest else ''}{rest}"
        return f"{line}\n{exception}" if exception else line


class Logs:
    """The process's logs, from here to `close`: what `logging` is told goes where the configuration says.

    Raises:
        OSError: The file cannot be written.
    """

    def __init__(self, config: LoggingConfig) -> None:
        if config.file is None:
            self._target: logging.Handler = logging.StreamHandler(sys.stderr)
        else:
            # Sees that whoever rotates logs has moved its file away, and opens another.
            self._target = logging.handlers.WatchedFileHandler(config.file, encoding="utf-8")
        is_watched = config.file is None and sys.stderr.isatty()
        self._target.setFormatter(_Formatter(config.format or ("console" if is_watched else "json")))
        lines: queue.Queue[Any] = queue.Queue(QUEUE_LINES)
        self._listener = _Listener(lines, self._target)
        self._listener.start()
        self._is_closed = False
        root = logging.getLogger()
        self._before = (root.level, list(root.handlers))
        root.handlers[:] = [_Fields(lines)]
        self.apply(config)

    def apply(self, config: LoggingConfig) -> None:
        """Takes the level, and whether requests are lines, from a configuration."""
        level = config.level.upper()
        logging.getLogger().setLevel(level)
        # What libraries say of their own comings and goings, the server says better; and who sends garbage is not to
        # write a line with each.
        number = logging.getLevelNamesMapping()[level]
        for name, least in (
            ("uvicorn.error", logging.ERROR),
            ("asyncio", logging.WARNING),
            ("websockets", logging.ERROR),
        ):
            logging.getLogger(name).setLevel(max(least, number))
        access = logging.getLogger("uvicorn.access")
        # uvicorn asks, for each connection, whether anybody listens.
        access.propagate = config.access
        access.setLevel(logging.INFO)

    def flush(self) -> None:
        """Waits until what was logged before is written."""
        self._listener.stop()
        self._listener.start()

    def close(self) -> None:
        """Writes what waits, and gives `logging` back as it was; a second time does nothing."""
        if self._is_closed:
            return
        self._is_closed = True
        root = logging.getLogger()
        root.setLevel(self._before[0])
        root.handlers[:] = self._before[1]
        self._listener.stop()
        self._target.close()
