"""What an acceptor relies on: when to call again, how much one call gives, what is kept while nobody is there."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.gateways.fix.peers import SECOND_NS, Client

from aeromatch.gateways.fix.actions import Action, Deliver, Disconnect, LoggedOn, LoggedOut, Rejected, Send
from aeromatch.gateways.fix.codec import decode
from aeromatch.gateways.fix.entrance import Entrance, Introduction, refuse
from aeromatch.gateways.fix.message import Message
from aeromatch.gateways.fix.profile import Profile
from aeromatch.gateways.fix.session import Session
from aeromatch.gateways.fix.store import FixStore

PROFILE = Profile(comp_id="ISLD", resend_messages=10, max_ahead_messages=5, max_ahead_bytes=700)
START_NS = 1_800_000_000 * SECOND_NS


class Venue:
    """A store, a client, and the session of its connection."""

    def __init__(self) -> None:
        self.store = FixStore(None)
        self.client = Client()
        self.now_ns = START_NS
        self.session: Session | None = None

    def log_on(self, heartbeat_s: int = 30) -> list[Action]:
        frame = self.client.emit("A", {98: "0", 108: str(heartbeat_s)}, self.now_ns)
        introduction = Entrance(PROFILE).received(frame, self.now_ns)
        assert isinstance(introduction, Introduction)
        self.session = Session(PROFILE, "TW", self.store.session("TW"), self.now_ns)
        return self.session.accept(introduction, self.now_ns)

    @property
    def up(self) -> Session:
        assert self.session is not None
        return self.session

    def receive(self, *frames: bytes) -> list[Action]:
        return self.up.received(b"".join(frames), self.now_ns)

    def emit(self, msg_type: str, values: dict[int, str]) -> bytes:
        return self.client.emit(msg_type, values, self.now_ns)

    def report(self, name: str) -> list[Action]:
        return self.up.send(Message("8", {17: name}), self.now_ns)


@pytest.fixture
def venue() -> Iterator[Venue]:
    venue = Venue()
    yield venue
    venue.store.close()


def told(actions: list[Action]) -> list[str]:
    """Sent messages as type and number, other actions by name."""
    texts = []
    for action in actions:
        if isinstance(action, Send):
            message, _ = decode(action.data)
            texts.append(f"{message.msg_type} {message.sequence}{' again' if message.is_possible_duplicate else ''}")
        elif isinstance(action, Disconnect | LoggedOut):
            texts.append(f"{type(action).__name__} {action.reason}")
        else:
            texts.append(type(action).__name__)
    return texts


def test_ticks_at_the_named_times_do_all_that_time_demands(venue: Venue) -> None:
    assert told(venue.log_on(heartbeat_s=10)) == ["A 1", "LoggedOn"]
    happened = []
    while venue.session is not None and (next_ns := venue.session.next_tick_ns) is not None:
        assert venue.session.tick(next_ns - 1_000) == []
        actions = venue.session.tick(next_ns)
        assert actions
        happened.append((round((next_ns - START_NS) / SECOND_NS, 3), told(actions)))
    assert happened == [
        (10, ["0 2"]),
        (12, ["1 3"]),
        (24, ["LoggedOut heartbeat_timeout", "Disconnect heartbeat_timeout"]),
    ]


def test_a_session_without_heartbeats_waits_for_ever() -> None:
    entrance, client, store = Entrance(PROFILE), Client(), FixStore(None)
    profile = Profile(comp_id="ISLD", heartbeat_s=(0, 60))
    introduction = entrance.received(client.emit("A", {98: "0", 108: "0"}, START_NS), START_NS)
    assert isinstance(introduction, Introduction)
    session = Session(profile, "TW", store.session("TW"), START_NS)
    assert told(session.accept(introduction, START_NS)) == ["A 1", "LoggedOn"]
    assert session.next_tick_ns is None
    assert session.tick(START_NS + 10**15) == []
    store.close()


def test_timers_do_not_follow_a_clock_that_is_set(venue: Venue) -> None:
    venue.log_on(heartbeat_s=10)
    due_ns = venue.up.next_tick_ns
    for hours in (1, -1):
        venue.up.utc_offset_ns = offset_ns = hours * 3600 * SECOND_NS
        assert venue.up.tick(venue.now_ns + SECOND_NS) == []
        assert venue.up.next_tick_ns == due_ns
        actions = venue.receive(venue.client.emit("1", {112: "there?"}, venue.now_ns + offset_ns))
        assert isinstance(actions[0], Send)
        assert decode(actions[0].data)[0].header.time_ns(52) == venue.now_ns + offset_ns


def test_our_logout_waits_for_the_answer_or_for_a_while(venue: Venue) -> None:
    venue.log_on()
    assert told(venue.up.logout("draining", "the server is about to stop", venue.now_ns)) == [
        "5 2", "LoggedOut draining",
    ]  # fmt: skip
    order = venue.client.order("late", venue.now_ns)
    assert venue.receive(order) == []
    assert venue.up.tick(venue.now_ns + SECOND_NS) == []
    assert told(venue.receive(venue.emit("5", {}))) == ["Disconnect draining"]
    assert venue.receive(venue.emit("0", {})) == venue.up.tick(venue.now_ns + 60 * SECOND_NS) == []

    # What came after our Logout was left to the next session.
    assert told(venue.log_on()) == ["A 3", "LoggedOn", "2 4"]
    frames = venue.client._resend(2, venue.now_ns)
    assert told(venue.receive(*frames)) == ["Deliver"]

    venue.up.logout("draining", "", venue.now_ns)
    assert venue.up.next_tick_ns == venue.now_ns + 2 * SECOND_NS
    assert told(venue.up.tick(venue.now_ns + 2 * SECOND_NS)) == ["Disconnect draining"]


def test_what_is_sent_while_nobody_is_there_is_asked_for_afterwards(venue: Venue) -> None:
    venue.log_on()
    assert told(venue.report("a")) == ["8 2"]
    assert told(venue.up.disconnected()) == ["LoggedOut connection_lost"]
    assert venue.up.disconnected() == []
    assert venue.report("b") == []
    # One that is of no use later is not kept, but has a number.
    assert venue.up.send(Message("X", {262: "m"}), venue.now_ns, is_kept=False) == []
    assert told(venue.log_on()) == ["A 5", "LoggedOn"]
    assert told(venue.receive(venue.emit("2", {7: "3", 16: "0"}))) == ["8 3 again", "4 4 again"]


def test_what_is_sent_again_comes_in_pieces(venue: Venue) -> None:
    venue.log_on()
    for number in range(25):
        venue.report(str(number))
    # The same request many times in one piece of bytes is worth one.
    requests = [venue.emit("2", {7: "1", 16: "0"}) for _ in range(50)]
    sizes = [len(venue.receive(*requests))]
    while venue.up.has_more:
        sizes.append(len(venue.up.more(venue.now_ns)))
    # The first answer fills the gap of the Logon and has ten reports; the next request is for all from the begin.
    assert sizes == [11, 11, 10, 5]
    assert venue.up.more(venue.now_ns) == []
    assert told(venue.report("next")) == ["8 27"]


def test_what_comes_before_its_turn_is_kept_within_bounds(venue: Venue) -> None:
    venue.log_on()
    venue.client.order("lost", venue.now_ns)
    early = [venue.emit("1", {112: f"{number}"}) for number in range(20)]
    assert told(venue.receive(*early)) == ["2 2"]
    assert venue.up._gap._bytes <= PROFILE.max_ahead_bytes
    assert len(venue.up._gap._ahead) <= PROFILE.max_ahead_messages
    # All that was asked for is sent again; what was kept is not answered twice.
    answers = told(venue.receive(*venue.client._resend(2, venue.now_ns)))
    assert answers[0] == "Deliver"
    kept = answers.count("Deliver") - 1
    assert kept == 0
    assert 3 <= len([answer for answer in answers if answer.startswith("0 ")]) <= 5


def test_a_gap_that_is_not_filled_is_asked_for_again(venue: Venue) -> None:
    venue.log_on(heartbeat_s=60)
    venue.client.order("lost", venue.now_ns)
    assert told(venue.receive(venue.emit("0", {}))) == ["2 2"]
    venue.now_ns += 29 * SECOND_NS
    assert venue.receive(venue.emit("0", {})) == []
    venue.now_ns += 2 * SECOND_NS
    assert told(venue.receive(venue.emit("0", {}))) == ["2 3"]


def test_the_entrance_waits_for_a_whole_logon_and_the_session_takes_what_follows(venue: Venue) -> None:
    logon, order = venue.client.logon(venue.now_ns), venue.client.order("first", venue.now_ns)
    entrance = Entrance(PROFILE)
    assert entrance.received(logon[:20], venue.now_ns) is None
    introduction = entrance.received(logon[20:] + order[:30], venue.now_ns)
    assert isinstance(introduction, Introduction)
    session = Session(PROFILE, introduction.comp_id, venue.store.session("TW"), venue.now_ns)
    assert [type(action) for action in session.accept(introduction, venue.now_ns)] == [Send, LoggedOn]
    delivered = session.received(order[30:], venue.now_ns)
    assert [action.message[11] for action in delivered if isinstance(action, Deliver)] == ["first"]


def test_who_is_turned_away_takes_no_number(venue: Venue) -> None:
    introduction = Entrance(PROFILE).received(venue.client.logon(venue.now_ns), venue.now_ns)
    assert isinstance(introduction, Introduction)
    actions = refuse(introduction, PROFILE, "unauthenticated", "no such key", venue.now_ns)
    assert told(actions) == ["5 1", "Disconnect unauthenticated"]
    assert isinstance(actions[0], Send)
    assert decode(actions[0].data)[0][58] == "no such key"
    assert venue.store.names() == []


def test_a_refusal_by_the_client_is_told(venue: Venue) -> None:
    venue.log_on()
    venue.report("a")
    actions = venue.receive(venue.emit("3", {45: "2", 58: "what?"}))
    assert [action.message[58] for action in actions if isinstance(action, Rejected)] == ["what?"]


def test_garbled_messages_are_counted(venue: Venue) -> None:
    venue.log_on()
    assert venue.receive(b"8=FIX.4.4\x019=5\x0135=0\x0110=000\x01" * 3) == []
    assert venue.up.garbled_messages == 3
