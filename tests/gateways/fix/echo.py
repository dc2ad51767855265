"""An acceptor without a network or a clock: both are the test's. Its application sends back what came."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from aeromatch.gateways.fix.actions import Action, Disconnect, LoggedOut, Send
from aeromatch.gateways.fix.entrance import Entrance, Introduction
from aeromatch.gateways.fix.message import Message
from aeromatch.gateways.fix.profile import Profile
from aeromatch.gateways.fix.session import Session
from aeromatch.gateways.fix.store import FixStore

SECOND_NS = 1_000_000_000


class EchoSession(Session):
    """A session whose application answers before the next message is looked at."""

    ECHOED = ("D", "d")

    _seen: frozenset[str] = frozenset()

    def _deliver(self, message: Message) -> None:
        if message.msg_type not in self.ECHOED:
            answer = message.reply("j", {45: message.sequence, 372: message.msg_type, 380: 3})
            self._emit(answer.set(58, "Unsupported Message Type"))
            return
        name = message.text(11)
        if name is not None and name in self._seen and message.is_possible_resend:
            return
        self._seen |= {name or ""}
        answer = Message(message.msg_type, {tag: message[tag] for tag in message})
        for tag in message:
            if groups := message.groups(tag):
                answer.set_groups(tag, groups)
        if message.is_possible_resend:
            answer.header.set(97, True)
        self._emit(answer)


@dataclass
class Line:
    """A connection as its client sees it."""

    entrance: Entrance
    session: Session | None = None
    sent: deque[bytes] = field(default_factory=deque)
    ended: Disconnect | None = None
    actions: list[Action] = field(default_factory=list)


class EchoAcceptor:
    """Sessions by their client's CompID, one connection each."""

    def __init__(self, profile: Profile, store: FixStore, clients: tuple[str, ...]) -> None:
        self.profile = profile
        self.store = store
        self.clients = clients
        self.now_ns = 1_800_000_000 * SECOND_NS
        self._busy: dict[str, Line] = {}

    def connect(self) -> Line:
        return Line(Entrance(self.profile))

    def receive(self, line: Line, data: bytes) -> None:
        if line.ended is not None:
            return
        if line.session is not None:
            self._act(line, line.session.received(data, self.now_ns))
            return
        answer = line.entrance.received(data, self.now_ns)
        if isinstance(answer, Disconnect):
            self._act(line, [answer])
        elif isinstance(answer, Introduction):
            if answer.comp_id not in self.clients or answer.comp_id in self._busy:
                self._act(line, [Disconnect("not_now", "unknown, or logged on already")])
                return
            self._busy[answer.comp_id] = line
            store = self.store.session(answer.comp_id)
            line.session = EchoSession(self.profile, answer.comp_id, store, self.now_ns)
            self._act(line, line.session.accept(answer, self.now_ns))

    def hang_up(self, line: Line) -> None:
        if line.session is not None:
            self._act(line, line.session.disconnected())
            self._free(line.session.comp_id)

    def advance(self, line: Line, duration_ns: int) -> None:
        self.now_ns += duration_ns
        if line.session is not None and line.ended is None:
            self._act(line, line.session.tick(self.now_ns))

    def _free(self, comp_id: str) -> None:
        self._busy.pop(comp_id, None)

    def _act(self, line: Line, actions: list[Action]) -> None:
        for action in actions:
            line.actions.append(action)
            match action:
                case Send(data):
                    line.sent.append(data)
                case Disconnect():
                    line.ended = action
                    if line.session is not None:
                        self._free(line.session.comp_id)
                case LoggedOut():
                    assert line.session is not None
                    assert not line.session.is_up
