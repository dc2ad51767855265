"""A FIX client made with QuickFIX, in an environment of its own: sends what stdin says, prints what comes.

python fix_program.py SETTINGS USERNAME PASSWORD
"""

import importlib
import json
import sys
import threading
from typing import Any

SOH = "\x01"
PRINTING = threading.Lock()
fix = importlib.import_module("quickfix")


def tell(event: str, **facts: Any) -> None:
    with PRINTING:
        print(json.dumps({"event": event, **facts}), flush=True)


def fields_of(message: Any) -> list[list[str]]:
    return [part.split("=", 1) for part in message.toString().split(SOH) if part]


def application(username: str, password: str) -> Any:
    """What QuickFIX calls, which passes everything on. Its class is known only where QuickFIX is."""

    def on_create(self: Any, session: Any) -> None:
        self.session = session

    def to_admin(_self: Any, message: Any, _session: Any) -> None:
        if f"{SOH}35=A{SOH}" in message.toString():
            message.setField(fix.StringField(553, username))
            message.setField(fix.StringField(554, password))

    calls = {
        "onCreate": on_create,
        "onLogon": lambda _self, _session: tell("logon"),
        "onLogout": lambda _self, _session: tell("logout"),
        "toAdmin": to_admin,
        "fromAdmin": lambda _self, message, _session: tell("session", fields=fields_of(message)),
        "toApp": lambda _self, _message, _session: None,
        "fromApp": lambda _self, message, _session: tell("message", fields=fields_of(message)),
    }
    return type("Program", (fix.Application,), calls)()


def main(settings_file: str, username: str, password: str) -> None:
    settings = fix.SessionSettings(settings_file)
    program, store, log = application(username, password), fix.FileStoreFactory(settings), fix.FileLogFactory(settings)
    initiator = fix.SocketInitiator(program, store, settings, log)
    initiator.start()
    tell("started")
    for line in sys.stdin:
        asked = json.loads(line)
        message = fix.Message()
        message.getHeader().setField(fix.MsgType(asked["type"]))
        for tag, value in asked["fields"]:
            message.setField(fix.StringField(tag, value))
        message.setField(fix.TransactTime())
        fix.Session.sendToTarget(message, program.session)
    initiator.stop()
    tell("stopped")


if __name__ == "__main__":
    main(*sys.argv[1:])
