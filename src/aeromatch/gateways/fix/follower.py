"""What happens to an account's orders, brought to a session: each report once, however often its client is cut off.

A message of the account's stream says up to which command it goes. The reports that it leads to, how the orders are
then, and that number are one transaction of the session's store: what was killed before its end has reported nothing,
and begins there again; what was killed behind it has numbered messages, for which the client asks. What the stream says
twice (an answer has told it already, or a stream that began again) is passed over by the number that each order has.

The stream has no ClOrdIDs, which come with the answers to requests: a message waits until those requests are answered
that were under way when it came.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Final, TypeAlias

import msgspec

from aeromatch.gateways.fix.reports import followed, restored
from aeromatch.gateways.fix.store import SessionStore
from aeromatch.gateways.problems import refusal
from aeromatch.gateways.services import RefusedError
from aeromatch.gateways.streams import Published, Stale, Subscription, Topic
from aeromatch.schema.messages import OrderMessage

if TYPE_CHECKING:
    from aeromatch.gateways.fix.desk import Desk

__all__ = ["Follower", "accounts_of", "draw_back"]

log = logging.getLogger("aeromatch.fix")

Task: TypeAlias = "asyncio.Task[None]"
Step: TypeAlias = Published | Callable[[], None]

POSITIONS: Final = "position/"
"""Behind it stands the account, as JSON."""
NOT_KEPT: Final = 410
ORDER_BYTES: Final = 512
"""About what an order of a message takes."""
TOGETHER: Final = 64
"""Messages that become one transaction at most."""
MARKED_EVERY_S: Final = 5.0
"""How often it is noted how far the stream has come, where nothing has happened to the account."""
LOST: Final = "the server ended before this was done"


def accounts_of(store: SessionStore) -> list[str | None]:
    """The accounts that a session follows."""
    return [msgspec.json.decode(name.removeprefix(POSITIONS), type=str | None) for name, _ in store.facts(POSITIONS)]


def draw_back(store: SessionStore, ends: tuple[int, ...]) -> None:
    """Notes no more than there is, before anything new happens: by shard, the first command that is to come.

    A journal that was not on the disk (`durability: memory`) may have lost its end: its numbers come again.
    """
    for name, text in store.facts(POSITIONS):
        known = msgspec.json.decode(text, type=list[int])
        # One that is gone altogether may have had another number of shards: nothing that was reported is in this one.
        places = known if len(known) == len(ends) else ends
        position = [min(place, end - 1) for place, end in zip(places, ends, strict=True)]
        if position != known:
            log.warning("the journal ends before what was reported", extra={"position": position, "reported": known})
            store.note(name, msgspec.json.encode(position).decode())


class Follower:
    """One account's stream, for one session, while its client is there: `streams.Outlet`."""

    gateway = "fix"

    def __init__(self, desk: "Desk", account: str | None) -> None:
        self._desk = desk
        self.account = account
        self._fact = POSITIONS + msgspec.json.encode(account).decode()
        text = desk.store.fact(self._fact)
        # Orders whose requests had no answer when the process ended before this one; None: they have been settled.
        self._is_recovering = text is not None
        if text is None:
            self._position = [place - 1 for place in desk.hub.position()]
            self._keep()
        else:
            self._position = msgspec.json.decode(text, type=list[int])
        self._queue: deque[tuple[Step, tuple[Task, ...]]] = deque()
        self._has_steps, self._has_room = asyncio.Event(), asyncio.Event()
        self._subscription: Subscription | None = None
        self._tasks: list[Task] = []

    def _keep(self) -> None:
        self._desk.store.note(self._fact, msgspec.json.encode(self._position).decode())

    def start(self) -> None:
        """Follow from where it stands; `stop` ends it."""
        self._queue.clear()
        self._has_steps.clear()
        self._has_room.set()
        loop = asyncio.get_running_loop()
        self._subscription = Subscription(
            self._desk.hub, Topic("orders", account=self.account), self, self._desk.options.queue_messages
        )
        self._tasks = [loop.create_task(self._follow(self._subscription)), loop.create_task(self._work())]

    async def stop(self) -> None:
        """Ends the stream; what was not reported is found again from where it stands."""
        if self._subscription is not None:
            self._subscription.end()
            self._subscription = None
        self._has_room.set()
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    async def _follow(self, subscription: Subscription) -> None:
        try:
            try:
                await subscription.orders_behind(tuple(self._position), lambda _position: None)
            except RefusedError as refused:
                if refused.status != NOT_KEPT:
                    raise
                log.warning("what happened to orders is not kept", extra={"account": self.account})
                await subscription.begin(lambda _position: None)
                await self._restore()
            self._put(self._settle)
            while True:
                await asyncio.sleep(MARKED_EVERY_S)
                self._desk.hub.tell_position(partial(self._passed, subscription))
        except RefusedError as refused:
            self._desk.end(refused.slug, refused.detail)
        except Exception:
            log.exception("an account's stream has ended", extra={"account": self.account})
            self._desk.end("internal_error", "the stream of executions has failed")

    def _passed(self, subscription: Subscription, position: tuple[int, ...]) -> None:
        """The stream has brought everything before these commands. One that has ended may not have: it is not asked."""
        if subscription is self._subscription:
            self._put(partial(self._mark, position))

    async def _restore(self) -> None:
        """Tells how the orders are now, where it is not kept how they became so."""
        for order in [each for each in self._desk.orders.live.values() if each.account == self.account]:
            state = await self._desk.state_of(order.order_id) if order.order_id else None
            if state is not None:
                with self._desk.committing():
                    for body in restored(order, state):
                        self._desk.send("8", body)
                    self._desk.orders.save(order)

    # `streams.Outlet`.

    def size(self, message: Published) -> int:
        """As `streams.Outlet`."""
        return len(message.message.orders) * ORDER_BYTES if isinstance(message.message, OrderMessage) else ORDER_BYTES

    def publish(self, message: Published) -> None:
        """As `streams.Outlet`."""
        self._put(message)
        if len(self._queue) > self._desk.options.queue_messages:
            self.end_slow("more has happened than the server keeps for a client")

    def offer(self, message: Published, _subscription: Stale, _channel: str) -> None:
        """As `streams.Outlet`: of orders nothing is left out."""
        self.publish(message)

    def forget(self, _subscription: Stale) -> None:
        """As `streams.Outlet`."""

    async def room(self) -> None:
        """As `streams.Outlet`."""
        await self._has_room.wait()

    def end_slow(self, detail: str) -> None:
        """As `streams.Outlet`. What was not reported comes with the next logon."""
        self._desk.end("slow_consumer", detail)

    # What is queued is worked off in order.

    def _put(self, step: Step) -> None:
        self._queue.append((step, self._desk.unanswered()))
        self._has_steps.set()
        if len(self._queue) > self._desk.options.queue_messages // 2:
            self._has_room.clear()

    async def _work(self) -> None:
        try:
            while True:
                await self._has_steps.wait()
                under_way = [task for task in self._queue[0][1] if not task.done()]
                if under_way:
                    await asyncio.wait(under_way)
                await self._desk.room()
                with self._desk.committing():
                    self._work_off()
                if not self._queue:
                    self._has_steps.clear()
                if len(self._queue) <= self._desk.options.queue_messages // 2:
                    self._has_room.set()
        except Exception:
            log.exception("executions could not be reported", extra={"account": self.account})
            self._desk.end("internal_error", "executions could not be reported")

    def _work_off(self) -> None:
        for _ in range(TOGETHER):
            if not self._queue or any(not task.done() for task in self._queue[0][1]):
                return
            step, _ = self._queue.popleft()
            if isinstance(step, Published):
                self._report(step)
            else:
                step()

    def _report(self, published: Published) -> None:
        message = published.message
        assert isinstance(message, OrderMessage)
        orders = self._desk.orders
        for state in message.orders:
            order = orders.of_venue(state.order_id)
            if order is None and self._is_recovering and state.client_order_id is not None:
                asked = orders.find(state.client_order_id)
                if asked is not None and asked.first == state.client_order_id and self._desk.is_lost(asked):
                    order = asked
            if order is None:
                continue  # It was entered elsewhere.
            for body in followed(order, state):
                self._desk.send("8", body)
            orders.save(order)
        shard = message.shard or 0
        self._position[shard] = max(self._position[shard], message.sequence)
        self._keep()

    def _mark(self, position: tuple[int, ...]) -> None:
        """Everything before these commands has been reported."""
        before = list(self._position)
        self._position = [max(place, end - 1) for place, end in zip(before, position, strict=True)]
        if self._position != before:
            self._keep()

    def _settle(self) -> None:
        """Whatever had no answer when the server ended, and has not been found done, is not done."""
        if self._is_recovering:
            self._is_recovering = False
            self._desk.refuse_lost(self.account, refusal("unavailable", LOST))
