"""A session over connections that lose messages and break: each order is delivered once, each report arrives once."""

from __future__ import annotations

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule
from tests.gateways.fix.peers import SECOND_NS, Client

from aeromatch.gateways.fix.actions import Action, Deliver, Disconnect, LoggedOn, LoggedOut, Send
from aeromatch.gateways.fix.entrance import Entrance, Introduction
from aeromatch.gateways.fix.message import Message
from aeromatch.gateways.fix.profile import Profile
from aeromatch.gateways.fix.session import Session
from aeromatch.gateways.fix.store import FixStore

PROFILE = Profile(comp_id="ISLD", resend_messages=3, max_ahead_messages=4)
REPORT = {37: "1", 150: "0", 39: "0", 55: "ETH-USD", 54: "1", 151: "1", 14: "0", 6: "0"}


class LossyLink(RuleBasedStateMachine):
    """A client and a server; what is between them is lost at random, and so is what is not in the store.

    TCP loses nothing in the middle, but a garbled message is as good as lost, and a broken connection loses the rest.
    """

    def __init__(self) -> None:
        super().__init__()
        self.now_ns = 1_800_000_000 * SECOND_NS
        self.store = FixStore(None)
        self.client = Client()
        self.session: Session | None = None
        self.to_server: list[bytes] = []
        self.to_client: list[bytes] = []
        self.ordered: list[str] = []
        self.delivered: list[str] = []
        self.reported: list[str] = []

    def teardown(self) -> None:
        self.settle()
        assert self.delivered == self.ordered
        assert self.client.received == self.reported
        self.store.close()

    def act(self, actions: list[Action]) -> None:
        for action in actions:
            match action:
                case Send(data):
                    self.to_client.append(data)
                case Deliver(message):
                    # Were it delivered and the number forgotten, it would be delivered again.
                    assert self.store.session("TW").next_in > message.sequence
                    self.delivered.append(message[11])
                case Disconnect(reason):
                    raise AssertionError(f"the server ended it: {reason}")
                case LoggedOn() | LoggedOut():
                    pass

    @initialize()
    def begin(self) -> None:
        self.connect()

    @rule()
    def connect(self) -> None:
        """The connection breaks, and another one begins. What was under way is lost."""
        if self.session is not None:
            self.act(self.session.disconnected())
        self.to_server.clear()
        self.to_client.clear()
        self.now_ns += SECOND_NS
        entrance = Entrance(PROFILE)
        introduction = entrance.received(self.client.logon(self.now_ns), self.now_ns)
        assert isinstance(introduction, Introduction)
        self.session = Session(PROFILE, "TW", self.store.session("TW"), self.now_ns)
        self.act(self.session.accept(introduction, self.now_ns))

    @rule(is_garbled=st.lists(st.booleans(), min_size=1, max_size=4))
    def order(self, is_garbled: list[bool]) -> None:
        for garbled in is_garbled:
            name = f"order {len(self.ordered)}"
            self.ordered.append(name)
            frame = self.client.order(name, self.now_ns)
            self.to_server.append(frame[:-4] + b"xxx\x01" if garbled else frame)

    @rule()
    def ping(self) -> None:
        self.to_server.append(self.client.emit("1", {112: "ping"}, self.now_ns))

    @rule(is_lost_with_process=st.booleans())
    def report(self, is_lost_with_process: bool) -> None:
        """The server's application sends; or it is killed before the bytes leave, and the store has them."""
        assert self.session is not None
        name = f"report {len(self.reported)}"
        self.reported.append(name)
        actions = self.session.send(Message("8", {**REPORT, 17: name}), self.now_ns)
        if not is_lost_with_process:
            self.act(actions)

    @rule(count=st.integers(1, 5))
    def to_the_server(self, count: int) -> None:
        assert self.session is not None
        data, self.to_server = b"".join(self.to_server[:count]), self.to_server[count:]
        self.act(self.session.received(data, self.now_ns))

    @rule(count=st.integers(1, 5))
    def to_the_client(self, count: int) -> None:
        frames, self.to_client = self.to_client[:count], self.to_client[count:]
        for frame in frames:
            self.to_server += self.client.take(frame, self.now_ns)

    @rule(place=st.integers(0, 3))
    def lose_report(self, place: int) -> None:
        """A garbled message is none for the client."""
        if place < len(self.to_client) and b"\x0135=8\x01" in self.to_client[place]:
            del self.to_client[place]

    @rule()
    def send_again(self) -> None:
        assert self.session is not None
        self.act(self.session.more(self.now_ns))

    @rule()
    def restart(self) -> None:
        """The process ends: only the store is left."""
        self.session = None
        self.connect()

    def settle(self) -> None:
        """Nothing is lost any more: what was missed is asked for with the next message that comes."""
        self.flush()
        for _ in range(3):
            self.connect()
            self.flush()

    def flush(self) -> None:
        self.ping()
        self.report(is_lost_with_process=False)
        while self.to_server or self.to_client or (self.session is not None and self.session.has_more):
            self.to_the_server(5)
            self.to_the_client(5)
            self.send_again()


LossyLink.TestCase.settings = settings(
    max_examples=60, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
)
TestLossyLink = LossyLink.TestCase
