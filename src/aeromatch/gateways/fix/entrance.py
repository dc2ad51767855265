"""The first message of a connection: only a Logon to us is let in. Whose it is says which session it is for."""

from __future__ import annotations

from dataclasses import dataclass

from aeromatch.gateways.fix.actions import Action, Disconnect, Send
from aeromatch.gateways.fix.codec import BEGIN_STRING, Framer, GarbledError, begin_string_of, decode, encode
from aeromatch.gateways.fix.dictionary import FIX44, Dictionary
from aeromatch.gateways.fix.message import Message
from aeromatch.gateways.fix.profile import Profile
from aeromatch.gateways.fix.values import number_of

__all__ = ["Entrance", "Introduction", "is_accurate", "refuse"]


@dataclass(frozen=True, slots=True)
class Introduction:
    """A Logon that is well-formed, to us and of now. Nothing of it is proven yet.

    Attributes:
        message: The Logon.
        framer: What else came: `Session.accept` goes on with it.
    """

    message: Message
    framer: Framer

    @property
    def comp_id(self) -> str:
        """SenderCompID: who it says that it is."""
        return self.message.header[49]

    @property
    def username(self) -> str | None:
        """Username (553)."""
        return self.message.text(553)

    @property
    def password(self) -> str | None:
        """Password (554)."""
        return self.message.text(554)


class Entrance:
    """A connection before it belongs to a session. Whoever is not let in gets no answer: so the standard wants it."""

    def __init__(self, profile: Profile, dictionary: Dictionary = FIX44) -> None:
        self._profile = profile
        self._dictionary = dictionary
        self._framer = Framer(profile.max_message_bytes)

    def received(self, data: bytes, now_ns: int) -> Introduction | Disconnect | None:
        """Take what came. None: the first message is not whole yet. Not to be called after another answer."""
        self._framer.feed(data)
        frame = self._framer.next()
        if frame is None:
            return None
        if begin_string_of(frame) != BEGIN_STRING:
            return Disconnect("begin_string", f"BeginString is not {BEGIN_STRING}")
        try:
            message, pairs = decode(frame)
        except GarbledError as error:
            return Disconnect("garbled", f"the first message is garbled: {error}")
        if message.msg_type != "A":
            return Disconnect("no_logon", f"the first message is no Logon but has MsgType {message.msg_type}")
        if (problem := self._dictionary.check(message, pairs)) is not None:
            return Disconnect("invalid_logon", f"Logon: {problem.reason.text}, tag {problem.tag}")
        if message.header[56] != self._profile.comp_id:
            return Disconnect("comp_id", f"Logon to {message.header[56]}: we are {self._profile.comp_id}")
        if not is_accurate(message, self._profile, now_ns):
            return Disconnect("sending_time", f"Logon of {message.header[52]}: too far from now")
        try:
            number_of(message.header[34])
        except ValueError:
            return Disconnect("invalid_logon", "Logon: MsgSeqNum is no number")
        return Introduction(message, self._framer)


def is_accurate(message: Message, profile: Profile, now_ns: int) -> bool:
    """Whether SendingTime, which must be valid, is about now."""
    sent_ns = message.header.time_ns(52)
    return sent_ns is not None and abs(now_ns - sent_ns) <= profile.accuracy_s * 1e9


def refuse(introduction: Introduction, profile: Profile, reason: str, text: str, now_ns: int) -> list[Action]:
    """Turn somebody away who is not who he says, or may not come now: a Logout that says why, then the end.

    It has number 1 and is not stored: a session's numbers are not for whoever knows its name.
    """
    answer = introduction.message.reply("5", {58: text})
    answer.header.set(34, 1).set(49, profile.comp_id).set(56, introduction.comp_id).set_time(52, now_ns)
    return [Send(encode(answer)), Disconnect(reason, text)]
