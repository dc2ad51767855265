"""The session protocol of FIX 4.4, of an acceptor: bytes and times in, actions out. No I/O, and no clock of its own.

What changes the numbers is in the store before the actions are there: a message is never sent, nor given to the
application, that a restart would not know of. So each incoming message is delivered at most once, and each outgoing
one can be had again.
"""

from __future__ import annotations

from enum import Enum
from typing import Final

from aeromatch.gateways.fix.actions import Action, Deliver, Disconnect, LoggedOn, LoggedOut, Rejected, Send
from aeromatch.gateways.fix.codec import BEGIN_STRING, Framer, GarbledError, Pairs, begin_string_of, decode, encode
from aeromatch.gateways.fix.dictionary import FIX44, Dictionary
from aeromatch.gateways.fix.entrance import Introduction, is_accurate
from aeromatch.gateways.fix.gap import Gap
from aeromatch.gateways.fix.message import Message
from aeromatch.gateways.fix.profile import Profile
from aeromatch.gateways.fix.pulse import NS, Pulse
from aeromatch.gateways.fix.rejects import Problem, Reason
from aeromatch.gateways.fix.resend import Resend
from aeromatch.gateways.fix.store import SessionStore
from aeromatch.gateways.fix.values import number_of, time_text

__all__ = ["Session"]

ENDING: Final = (Reason.COMP_ID_PROBLEM, Reason.SENDING_TIME_ACCURACY)
"""Problems after which the other side cannot be trusted to be who, or when, it says: the session ends."""


class Phase(Enum):
    """Where a connection's session is."""

    NEW = "new"
    UP = "up"
    ENDING = "ending"
    """We sent Logout, and wait for the answer."""
    OVER = "over"


class Session:
    """The session of one connection, with what its store has of those before.

    Every method that takes `now_ns` (nanoseconds) answers with actions, to be done in their order. An application that
    answers what was delivered calls `send`; within a transaction of the store, what it notes there and what it sends
    are kept together or not at all.

    Attributes:
        utc_offset_ns: What brings `now_ns` to nanoseconds since 1970: whoever has a clock that is never set, as timers
            want it, keeps it up to date.
    """

    def __init__(
        self, profile: Profile, comp_id: str, store: SessionStore, now_ns: int, dictionary: Dictionary = FIX44
    ) -> None:
        """Begin with the other side's CompID; `now_ns` is when its connection began."""
        self.profile = profile
        self.comp_id = comp_id
        self.store = store
        self.utc_offset_ns = 0
        self.garbled_messages = 0
        self.taken_messages = 0
        """All that came, garbled ones too."""
        self._dictionary = dictionary
        self._framer = Framer(profile.max_message_bytes)
        self._phase = Phase.NEW
        self._gap = Gap(profile.max_ahead_messages, profile.max_ahead_bytes)
        self._pulse = Pulse(0, now_ns)
        self._resend: Resend | None = None
        self._resend_room = 0
        self._ends_ns = 0
        self._end_reason = ""
        self._tells_processed = False
        self._now_ns = now_ns
        self._actions: list[Action] = []

    @property
    def is_up(self) -> bool:
        """Whether messages are sent at once; before and after they are kept for the next logon."""
        return self._phase is Phase.UP

    @property
    def has_more(self) -> bool:
        """Whether messages wait to be sent again: `more` gives them once the socket has taken those before."""
        return self._phase in (Phase.UP, Phase.ENDING) and self._resend is not None

    @property
    def next_tick_ns(self) -> int | None:
        """When `tick` is to be called at the latest; None: not before something else happens."""
        if self._phase is Phase.ENDING:
            return self._ends_ns
        return self._pulse.next_ns if self._phase is Phase.UP else None

    def accept(self, introduction: Introduction, now_ns: int) -> list[Action]:
        """Log on whom the entrance let in and the application knows; what came with the Logon is taken too."""
        self._framer = introduction.framer
        self._begin(now_ns)
        with self.store.transaction():
            self._log_on(introduction.message, introduction.message.sequence)
            self._take_frames()
        return self._done()

    def received(self, data: bytes, now_ns: int) -> list[Action]:
        """Take what came, in whatever pieces."""
        self._begin(now_ns)
        self._framer.feed(data)
        with self.store.transaction():
            self._take_frames()
        return self._done()

    def send(self, message: Message, now_ns: int, *, is_kept: bool = True) -> list[Action]:
        """Send an application message: it gets the next number, and is kept.

        While the session is not up nothing goes out: the other side finds at its next logon that it has missed a
        number, and asks. What is not kept is not sent again: a gap is filled in its place.
        """
        self._now_ns = now_ns
        self._emit(message, is_kept=is_kept)
        return self._done()

    def more(self, now_ns: int) -> list[Action]:
        """The next of the messages that were asked for again."""
        self._begin(now_ns)
        self._continue_resend()
        return self._done()

    def tick(self, now_ns: int) -> list[Action]:
        """Do what time demands: heartbeats, a test request, the end of a connection that is silent."""
        self._now_ns = now_ns
        if self._phase is Phase.ENDING and now_ns >= self._ends_ns:
            self._end(self._end_reason, "no answer to our Logout came")
        elif self._phase is Phase.UP:
            due = self._pulse.due(now_ns)
            if due == "lost":
                self._end("heartbeat_timeout", "nothing came, not even an answer to our TestRequest")
            elif due == "test":
                self._emit(Message("1", {112: "TEST"}))
            elif due == "heartbeat":
                self._emit(Message("0"))
        return self._done()

    def logout(self, reason: str, text: str, now_ns: int) -> list[Action]:
        """End the session, with the reason as a slug and in words: the other side's Logout is waited for."""
        self._now_ns = now_ns
        if self._phase is Phase.UP:
            self._log_out(reason, text)
        return self._done()

    def disconnected(self) -> list[Action]:
        """The connection is gone."""
        if self._phase is Phase.UP:
            self._actions.append(LoggedOut("connection_lost"))
        self._phase = Phase.OVER
        return self._done()

    # What goes out.

    def _begin(self, now_ns: int) -> None:
        self._now_ns = now_ns
        # For all requests of one call together: many that come at once are not worth more than one.
        self._resend_room = self.profile.resend_messages

    def _done(self) -> list[Action]:
        actions, self._actions = self._actions, []
        return actions

    @property
    def _utc_ns(self) -> int:
        return self._now_ns + self.utc_offset_ns

    def _address(self, message: Message, sequence: int) -> None:
        header = message.header
        header.set(34, sequence).set(49, self.profile.comp_id).set(56, self.comp_id).set_time(52, self._utc_ns)
        if self._tells_processed:
            header.set(369, self.store.next_in - 1)

    def _emit(self, message: Message, *, is_kept: bool = True) -> None:
        """Give a message its number, keep it where it is the application's, and send it while the session is up."""
        if message.is_administrative and self._phase in (Phase.ENDING, Phase.OVER):
            return
        self._address(message, self.store.next_out)
        frame = encode(message)
        self.store.take(frame if is_kept and not message.is_administrative else None)
        if self._phase is Phase.UP or message.is_administrative:
            self._transmit(frame)

    def _transmit(self, frame: bytes) -> None:
        self._pulse.sent(self._now_ns)
        self._actions.append(Send(frame))

    def _reject(self, message: Message, problem: Problem) -> None:
        if message.msg_type == "3":
            # Two sides that refuse each other's refusals would never end.
            return
        answer = message.reply("3", {45: message.sequence, 372: message.msg_type, 373: int(problem.reason)})
        answer.set(58, problem.reason.text).set_optional(371, problem.tag)
        self._emit(answer)

    def _log_out(self, reason: str, text: str = "") -> None:
        """Send Logout and wait for the answer."""
        self._emit(Message("5").set_optional(58, text))
        self._ends_ns = self._now_ns + int(self.profile.logout_timeout_s * NS)
        self._end_reason = reason
        if self._phase is Phase.UP:
            self._actions.append(LoggedOut(reason))
        self._phase = Phase.ENDING

    def _fail(self, reason: str, text: str) -> None:
        """Send Logout, and wait for nothing: the other side's numbers, or its Logon, make no sense."""
        self._emit(Message("5", {58: text}))
        self._end(reason, text)

    def _end(self, reason: str, detail: str) -> None:
        if self._phase is Phase.UP:
            self._actions.append(LoggedOut(reason))
        self._phase = Phase.OVER
        self._actions.append(Disconnect(reason, detail))

    def _ask(self, sequence: int) -> None:
        """Ask for what is missing before a number."""
        if self._gap.is_to_be_asked(self.store.next_in, sequence, self._now_ns):
            self._emit(Message("2", {7: self.store.next_in, 16: 0}))

    # What comes in.

    def _take_frames(self) -> None:
        while self._phase in (Phase.UP, Phase.ENDING) and (frame := self._framer.next()) is not None:
            self.taken_messages += 1
            try:
                message, pairs = decode(frame)
            except GarbledError:
                self.garbled_messages += 1
                continue
            self._pulse.received(self._now_ns)
            self._take(message, pairs, frame)

    def _take(self, message: Message, pairs: Pairs, frame: bytes) -> None:
        if self._phase is Phase.ENDING:
            self._take_at_the_end(message, pairs, frame)
            return
        try:
            sequence = number_of(message.header.text(34) or "")
        except ValueError:
            self._fail("no_sequence_number", "Received message without MsgSeqNum")
            return
        if begin_string_of(frame) != BEGIN_STRING:
            self._count(sequence)
            self._log_out("begin_string", "Incorrect BeginString")
            return
        problem = self._dictionary.check(message, pairs) or self._problem_of(message)
        if problem is not None and problem.reason in ENDING:
            self._count(sequence)
            self._reject(message, problem)
            self._log_out(problem.reason.name.lower())
        elif _is_sequenced(message):
            self._take_sequenced(message, sequence, problem, frame)
        elif problem is not None:
            self._count(sequence)
            self._reject(message, problem)
        else:
            self._handle(message, sequence)
        self._take_ahead()

    def _take_at_the_end(self, message: Message, pairs: Pairs, frame: bytes) -> None:
        """After our Logout its answer is waited for, and what the other side has missed is sent again.

        Anything else is left to the next session: its number is not counted, so it is asked for then.
        """
        if message.msg_type == "5":
            self._end(self._end_reason, "the answer to our Logout came")
        elif message.msg_type == "2":
            problem = self._dictionary.check(message, pairs) or self._problem_of(message)
            if problem is None and begin_string_of(frame) == BEGIN_STRING:
                self._resend_what(message)

    def _problem_of(self, message: Message) -> Problem | None:
        """What is wrong with a valid message's header."""
        header = message.header
        if header[49] != self.comp_id or header[56] != self.profile.comp_id:
            return Problem(Reason.COMP_ID_PROBLEM)
        if not is_accurate(message, self.profile, self._utc_ns):
            return Problem(Reason.SENDING_TIME_ACCURACY)
        return _problem_of_duplicate(message)

    def _take_sequenced(self, message: Message, sequence: int, problem: Problem | None, frame: bytes) -> None:
        """Take a message whose number matters: it is the expected one, one ahead, or one from before."""
        expected = self.store.next_in
        if sequence > expected:
            self._gap.keep(sequence, frame)
            self._ask(sequence)
        elif sequence < expected and not message.is_possible_duplicate:
            self._fail("sequence_too_low", f"MsgSeqNum too low, expecting {expected} but received {sequence}")
        elif problem is not None:
            self._count(sequence)
            self._reject(message, problem)
        elif sequence == expected:
            self._handle(message, sequence)

    def _take_ahead(self) -> None:
        """Take what came before its turn, now that its turn has come."""
        while self._phase is Phase.UP and self._gap.has(sequence := self.store.next_in):
            ahead = self._gap.take(sequence)
            if ahead is None:
                self._count(sequence)
                continue
            # Who sent it, and when, was judged when it came.
            message, pairs = decode(ahead)
            problem = self._dictionary.check(message, pairs) or _problem_of_duplicate(message)
            self._take_sequenced(message, sequence, problem, ahead)

    def _count(self, sequence: int) -> None:
        """The message of this number is dealt with, where it is the expected one."""
        if sequence == self.store.next_in:
            self.store.expect(sequence + 1)

    def _handle(self, message: Message, sequence: int) -> None:
        """Deal with a valid message whose turn it is, or whose number does not matter."""
        match message.msg_type:
            case "4":
                self._reset_sequence(message, sequence)
            case "A":
                self._log_on(message, sequence)
            case "2":
                self._take_resend_request(message, sequence)
            case "5":
                self._count(sequence)
                self._emit(Message("5"))
                self._end("logout", "the other side logged out")
            case kind:
                self._count(sequence)
                if kind == "1":
                    self._emit(Message("0", {112: message[112]}))
                elif kind == "3":
                    self._actions.append(Rejected(message))
                elif not message.is_administrative:
                    self._deliver(message)

    def _deliver(self, message: Message) -> None:
        self._actions.append(Deliver(message))

    def _reset_sequence(self, message: Message, sequence: int) -> None:
        """SequenceReset: forward only. To fill a gap it has to come in its turn, else its number does not matter."""
        new = number_of(message[36])
        is_gap_fill = message.flag(123)
        if new < self.store.next_in or (is_gap_fill and new <= sequence):
            self._reject(message, Problem(Reason.VALUE_INCORRECT))
            return
        self.store.expect(new)
        self._gap.forget_below(new)

    def _take_resend_request(self, message: Message, sequence: int) -> None:
        """Answer first, whatever its number: both sides may be waiting for each other's messages."""
        self._resend_what(message)
        if sequence > self.store.next_in:
            self._gap.keep(sequence, None)
            self._ask(sequence)
        self._count(sequence)

    def _resend_what(self, message: Message) -> None:
        """Send again what a ResendRequest is about."""
        begin, end, last = number_of(message[7]), number_of(message[16]), self.store.next_out - 1
        if begin == 0 or (end and end < begin):
            self._reject(message, Problem(Reason.VALUE_INCORRECT, 7 if begin == 0 else 16))
        else:
            self._resend_from(begin, min(end or last, last))

    def _resend_from(self, begin: int, end: int) -> None:
        if self._resend is None:
            self._resend = Resend(begin, end)
        else:
            self._resend.join(begin, end)
        self._continue_resend()

    def _continue_resend(self) -> None:
        if self._resend is None or not self._resend_room or not self.has_more:
            return
        now = time_text(self._utc_ns)
        for piece in self._resend.pieces(self.store, self._resend_room, now):
            if isinstance(piece, bytes):
                self._resend_room -= 1
                self._transmit(piece)
                continue
            first, following = piece
            fill = Message("4", {123: True, 36: following})
            self._address(fill, first)
            fill.header.set(43, True).set_time(122, self._utc_ns)
            self._transmit(encode(fill))
        if self._resend.is_done:
            self._resend = None

    def _log_on(self, message: Message, sequence: int) -> None:
        """Take a Logon: the first of the connection, or one more that begins the numbers anew or changes HeartBtInt."""
        is_first = self._phase is Phase.NEW
        is_reset = message.flag(141) or (is_first and self.profile.reset_on_logon)
        expected, next_out = (1, 1) if is_reset else (self.store.next_in, self.store.next_out)
        if sequence < expected:
            self._fail("sequence_too_low", f"MsgSeqNum too low, expecting {expected} but received {sequence}")
            return
        interval_s, wanted = message.integer(108) or 0, message.integer(789)
        if (refusal := self._refusal_of(message, interval_s, next_out)) is not None:
            # Before anything begins anew: what is refused changes nothing.
            self._count(sequence)
            self._fail("invalid_logon", refusal)
            return
        if is_reset:
            self.store.reset()
            self._gap.clear()
            self._resend = None
        self._count(sequence)
        self._pulse.set_interval(interval_s)
        self._tells_processed = 369 in message.header
        answer = message.reply("A", {98: 0, 108: interval_s})
        if message.flag(141):
            answer.set(141, True)
        if wanted is not None:
            answer.set(789, self.store.next_in)
        self._emit(answer)
        if is_first:
            self._phase = Phase.UP
            self._pulse.received(self._now_ns)
            self._actions.append(LoggedOn(message, is_reset))
        if wanted is not None and wanted < next_out:
            self._resend_from(max(wanted, 1), next_out)
        if sequence > expected:
            self._gap.keep(sequence, None)
            if wanted is None:
                self._ask(sequence)
            else:
                # Our answer's NextExpectedMsgSeqNum has done so.
                self._gap.asked(sequence, self._now_ns)

    def _refusal_of(self, message: Message, interval_s: int, next_out: int) -> str | None:
        """Why a Logon's terms are not accepted."""
        if message[98] != "0":
            return "EncryptMethod (98) must be 0: use TLS"
        if interval_s < 0:
            return "HeartBtInt must not be negative"
        shortest_s, longest_s = self.profile.heartbeat_s
        if not shortest_s <= interval_s <= longest_s:
            return f"HeartBtInt (108) must be from {shortest_s} to {longest_s}"
        if (wanted := message.integer(789) or 0) > next_out:
            return f"Tag 789 (NextExpectedMsgSeqNum) is higher than expected. Expected {next_out}, Received {wanted}"
        return None


def _problem_of_duplicate(message: Message) -> Problem | None:
    """What is wrong with when a message says that it was sent first."""
    if not message.is_possible_duplicate or message.msg_type == "4":
        return None
    original_ns = message.header.time_ns(122)
    if original_ns is None:
        return Problem(Reason.REQUIRED_TAG_MISSING, 122)
    if original_ns > (message.header.time_ns(52) or 0):
        return Problem(Reason.SENDING_TIME_ACCURACY)
    return None


def _is_sequenced(message: Message) -> bool:
    """Whether a message's number must be the expected one.

    Not that of a Logout, which ends the session in any case, of a ResendRequest, which is answered at once, nor of what
    sets the numbers.
    """
    match message.msg_type:
        case "5" | "2":
            return False
        case "4":
            return message.flag(123)
        case "A":
            return not message.flag(141)
        case _:
            return True
