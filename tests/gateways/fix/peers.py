"""The other side of a session: a client that keeps to the protocol over connections that break in the worst places."""

from __future__ import annotations

from aeromatch.gateways.fix.codec import decode, encode
from aeromatch.gateways.fix.message import Message
from aeromatch.gateways.fix.values import time_text

SECOND_NS = 1_000_000_000


class Client:
    """An initiator. It forgets nothing: its numbers and messages outlive its connections."""

    def __init__(self, comp_id: str = "TW", target: str = "ISLD") -> None:
        self.comp_id, self.target = comp_id, target
        self.sent: dict[int, Message] = {}
        self.next_out = self.next_in = 1
        self.received: list[str] = []
        self.is_up = False
        self._asked_until = 0

    def frame(self, msg_type: str, sequence: int, values: dict[int, str], now_ns: int, **header: bool) -> bytes:
        message = Message(msg_type, dict(values))
        message.header.set(34, sequence).set(49, self.comp_id).set(56, self.target).set_time(52, now_ns)
        if header.get("again"):
            message.header.set(43, True).set(122, time_text(now_ns - SECOND_NS))
        return encode(message)

    def emit(self, msg_type: str, values: dict[int, str], now_ns: int) -> bytes:
        """A new message, under the next number."""
        self.sent[self.next_out] = Message(msg_type, dict(values))
        self.next_out += 1
        return self.frame(msg_type, self.next_out - 1, values, now_ns)

    def logon(self, now_ns: int) -> bytes:
        self._asked_until = 0
        return self.emit("A", {98: "0", 108: "30"}, now_ns)

    def order(self, name: str, now_ns: int) -> bytes:
        values = {11: name, 40: "1", 54: "1", 55: "ETH-USD", 60: time_text(now_ns)}
        return self.emit("D", values, now_ns)

    def take(self, frame: bytes, now_ns: int) -> list[bytes]:
        """Read a message of the server; the answers to it."""
        message, _ = decode(frame)
        if message.msg_type == "A":
            self.is_up = True
        if message.msg_type == "2":
            # At once, whatever its number.
            answers = self._resend(int(message[7]), now_ns)
            return answers + self._count(message, now_ns)
        return self._count(message, now_ns)

    def _count(self, message: Message, now_ns: int) -> list[bytes]:
        sequence = message.sequence
        if sequence > self.next_in:
            if self._asked_until >= self.next_in:
                return []
            self._asked_until = sequence
            return [self.emit("2", {7: str(self.next_in), 16: "0"}, now_ns)]
        if sequence < self.next_in:
            assert message.is_possible_duplicate, f"{message} when {self.next_in} was expected"
            return []
        self.next_in += 1
        if message.msg_type == "4":
            assert message.flag(123)
            self.next_in = int(message[36])
            assert self.next_in > sequence
        elif message.msg_type == "8":
            self.received.append(message[17])
        elif message.msg_type == "1":
            return [self.emit("0", {112: message[112]}, now_ns)]
        return []

    def _resend(self, begin: int, now_ns: int) -> list[bytes]:
        frames = []
        position = begin
        while position < self.next_out:
            following = position
            while following in self.sent and self.sent[following].is_administrative:
                following += 1
            if following > position:
                fill = {123: "Y", 36: str(following)}
                frames.append(self.frame("4", position, fill, now_ns, again=True))
                position = following
                continue
            message = self.sent[position]
            values = {tag: message[tag] for tag in message}
            frames.append(self.frame(message.msg_type, position, values, now_ns, again=True))
            position += 1
        return frames
