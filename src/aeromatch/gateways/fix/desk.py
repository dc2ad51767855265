"""What a session's messages about orders ask for, and what becomes of it.

A desk is a session's for as long as the process lives: requests that were sent to the exchange are answered, whether
their client is still there or not. What it says meanwhile is numbered and kept, and comes when the client asks for it.

Each request is written down, with the number of the message that brought it, before it is sent. So after a crash of the
server it is known what was asked: what the exchange has done is found in the account's stream, the rest is refused.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any, Final, Protocol

from aeromatch._core import AeroMatchError
from aeromatch.gateways.fix import tags
from aeromatch.gateways.fix.follower import Follower, accounts_of
from aeromatch.gateways.fix.message import Group, Message
from aeromatch.gateways.fix.options import FixOptions
from aeromatch.gateways.fix.orders import SessionOrders
from aeromatch.gateways.fix.refusals import business_reason, cancel_reason, order_reason, text_of
from aeromatch.gateways.fix.reports import (
    Body,
    cancel_rejected,
    followed,
    rejected,
    restored,
    status_of,
    unknown_status,
)
from aeromatch.gateways.fix.requests import amendment, new_order, side_of, terms_of
from aeromatch.gateways.fix.store import SessionStore
from aeromatch.gateways.fix.tracked import Change, Tracked
from aeromatch.gateways.problems import refusal, unknown_order
from aeromatch.gateways.services import Principal, RefusedError, Role, Services
from aeromatch.gateways.streams import Hub
from aeromatch.gateways.trading import Trading
from aeromatch.schema.orders import AmendOrder, CancelResult, NewOrder, Order

__all__ = ["Desk", "Link"]

log = logging.getLogger("aeromatch.fix")

MOST_CHANGES: Final = 100
"""Cancels and replacements of one order that may be under way."""
LONGEST_ID: Final = 36
"""Of an order the exchange says so (R5)."""
FOR_SYMBOL, FOR_ALL = "1", "7"
"""MassCancelRequestType (530)."""


class Link(Protocol):
    """A session's connection."""

    @property
    def principal(self) -> Principal:
        """Who it is; whoever asks for something has it looked at again."""

    def admit(self, role: Role) -> Principal:
        """Lets a request in that needs a role. Raises RefusedError."""

    def flush(self) -> None:
        """Lets the messages leave that were numbered and are kept."""

    def end(self, slug: str, detail: str) -> None:
        """Logs the client out, with a reason, and closes."""

    def abort(self) -> None:
        """Closes at once, without a word."""

    async def room(self) -> None:
        """Waits until the client takes what is sent."""


class Desk:
    """The orders of one session, from its messages to their reports."""

    def __init__(
        self,
        services: Services,
        trading: Trading,
        hub: Hub,
        options: FixOptions,
        store: SessionStore,
        send: Callable[[Message], None],
        fail: Callable[[str], None],
    ) -> None:
        """Go on where the session stood.

        Arguments:
            services: The server's.
            trading: The server's.
            hub: The server's.
            options: Limits.
            store: The session's.
            send: Numbers a message and keeps it, within a transaction; it leaves if somebody is there.
            fail: Called when the store can keep nothing any more.
        """
        self.hub, self.trading, self.options, self.store = hub, trading, options, store
        self._services, self._send, self._fail = services, send, fail
        self.orders = SessionOrders(store, options.kept_orders)
        # Their answers were lost with the process before this one.
        self._lost = {order.number: order for order in self.orders.unanswered()}
        for order in self._lost.values():
            for change in order.changes:
                change.is_lost = not change.sequence
        self._followers = {account: Follower(self, account) for account in accounts_of(store)}
        self._link: Link | None = None
        self.is_broken = False
        """What is known here is ahead of the store: nothing more is told, or kept."""
        self._begun: list[Coroutine[Any, Any, None]] = []
        self._entering: dict[int, asyncio.Task[None]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._request = 0
        self._conclusions: list[Callable[[], None]] = []
        self._concluded: asyncio.Future[None] | None = None

    # For the connection.

    def start(self, link: Link) -> None:
        """The client is there: what happened since comes, and what happens."""
        self._link = link
        for follower in self._followers.values():
            follower.start()

    async def stop(self) -> None:
        """The client has gone. Requests under way are answered all the same."""
        self._link = None
        for follower in tuple(self._followers.values()):
            await follower.stop()

    async def finished(self) -> None:
        """Waits until all requests have their answers."""
        while self._tasks:
            await asyncio.wait(set(self._tasks))

    def unanswered(self) -> tuple[asyncio.Task[None], ...]:
        """Requests under way."""
        return tuple(self._tasks)

    def begin(self) -> None:
        """Sends what messages have asked for: when the transaction in which they were taken is safe."""
        begun, self._begun = self._begun, []
        for work in begun:
            task = asyncio.get_running_loop().create_task(work if self.store.is_safe else self._when_safe(work))
            self._tasks.add(task)
            task.add_done_callback(self._ended)

    async def _when_safe(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await self.store.safe()
        except BaseException:
            work.close()
            raise
        await work

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("what became of a request could not be kept", exc_info=error)
            self.break_off(error)

    def break_off(self, error: BaseException) -> None:
        """A transaction has failed: nothing of what it was about is sent.

        Orders, and the messages that were about to leave, are ahead of the store now. As after a crash, whoever logs on
        next begins with what the store has. If that can keep nothing any more, nobody does.
        """
        self.is_broken = True
        for work in self._begun:
            work.close()
        self._begun.clear()
        if self._link is not None:
            self._link.abort()
        if isinstance(error, AeroMatchError):
            self._fail(str(error))

    # For followers.

    def end(self, slug: str, detail: str) -> None:
        """Sends the client away."""
        if self._link is not None:
            self._link.end(slug, detail)

    async def room(self) -> None:
        """Waits until the client takes what is sent."""
        if self._link is not None:
            await self._link.room()

    async def state_of(self, order_id: str) -> Order | None:
        """An order as it is now. Raises RefusedError; None: the client has gone."""
        return None if self._link is None else await self.trading.order(self._link.principal, order_id)

    def is_lost(self, order: Tracked) -> bool:
        """Whether the answers to its requests were lost with the process before this one."""
        return order.number in self._lost

    def refuse_lost(self, account: str | None, refused: RefusedError) -> None:
        """What the process before this one left without an answer, and has not been done, is refused."""
        for number, order in [each for each in self._lost.items() if each[1].account == account]:
            del self._lost[number]
            if not order.order_id:
                self.send("8", rejected(order, refused, order_reason(refused), f"L{number}", time.time_ns()))
            for change in [each for each in order.changes if each.is_lost and not each.sequence]:
                self._refuse_change(order, change, refused)
            self.orders.save(order)

    @contextmanager
    def committing(self) -> Iterator[None]:
        """What is sent within is kept together, and leaves when it is."""
        if self.is_broken:
            raise RuntimeError("a transaction before this one has failed")
        try:
            with self.store.transaction():
                yield
        except BaseException as error:
            self.break_off(error)
            raise
        if self._link is not None:
            self._link.flush()

    async def _conclude(self, conclusion: Callable[[], None]) -> None:
        """Lets the client know what became of a request: with what else is known in this turn, as one transaction."""
        if self._concluded is None:
            loop = asyncio.get_running_loop()
            self._concluded = loop.create_future()
            loop.call_soon(self._conclude_all, self._concluded)
        self._conclusions.append(conclusion)
        await asyncio.shield(self._concluded)

    def _conclude_all(self, concluded: "asyncio.Future[None]") -> None:
        conclusions, self._conclusions, self._concluded = self._conclusions, [], None
        try:
            with self.committing():
                for conclusion in conclusions:
                    conclusion()
        except Exception as error:
            concluded.set_exception(error)
        else:
            concluded.set_result(None)

    def send(self, msg_type: str, body: Body) -> None:
        """Numbers a message and keeps it, within a transaction."""
        message = Message(msg_type)
        for tag, value in body:
            message.set(tag, value)
        self._send(message)

    # Messages. Each is taken within a transaction, and what it asks for is sent when that has ended.

    def take(self, message: Message, link: Link) -> bool:
        """Takes a message about orders; False: it is about something else."""
        match message.msg_type:
            case "D":
                self._new(message, link)
            case "F" | "G":
                self._ask(message, link)
            case "q":
                self._mass_cancel(message, link)
            case "H":
                self._status(message)
            case _:
                return False
        return True

    def _admit(self, link: Link) -> Principal:
        services = self._services
        if services.state != "ready":
            raise refusal("draining" if services.state == "draining" else "not_ready", services.detail)
        return link.admit("trade")

    def _exec_id(self, link: Link) -> str:
        """An id that no other report has: a connection's number is not given again."""
        self._request += 1
        return f"R{link.principal.session}.{self._request}"

    def _new(self, message: Message, link: Link) -> None:
        cl_ord_id = message[tags.CL_ORD_ID]
        known, is_again = self.orders.find(cl_ord_id), message.is_possible_resend or message.is_possible_duplicate
        if known is not None and is_again:
            self.send("8", status_of(known, None, time.time_ns()))
            return
        order = Tracked(
            first=cl_ord_id,
            cl_ord_id=cl_ord_id,
            symbol=message[tags.SYMBOL],
            side=message[tags.SIDE],
            quantity=message.text(tags.ORDER_QTY) or "0",
            ord_type=message[tags.ORD_TYPE],
            price=message.text(tags.PRICE),
            terms=terms_of(message),
        )
        try:
            if known is not None:
                raise refusal("duplicate_client_order_id", f"this session has used ClOrdID {cl_ord_id!r}")
            principal = self._admit(link)
            entered = new_order(message)
            order.account = self._services.admission.account_for(principal, entered.account)
            self._follow(order.account)
        except RefusedError as refused:
            self._count(refused)
            self.send("8", rejected(order, refused, order_reason(refused), self._exec_id(link), time.time_ns()))
            return
        self.orders.add(order)
        self._begun.append(self._enter(order, entered, principal, self._exec_id(link), is_again=is_again))

    def _count(self, refused: RefusedError) -> None:
        self._services.stages.count("aeromatch_refusals_total", gateway="fix", slug=refused.slug)

    def _follow(self, account: str | None) -> None:
        """From now on, before the first order that is sent for it."""
        if account in self._followers:
            return
        if len(self._followers) >= self.options.accounts:
            raise refusal("too_many_subscriptions", f"a session trades for at most {self.options.accounts} accounts")
        self.hub.account_number(account)
        self._followers[account] = follower = Follower(self, account)
        if self._link is not None:
            # Else it is `start` that starts it: an order may come with the Logon.
            follower.start()

    async def _enter(
        self, order: Tracked, entered: NewOrder, principal: Principal, exec_id: str, *, is_again: bool
    ) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._entering[order.number] = task
        started_ns, status = time.perf_counter_ns(), 200
        try:
            state, is_new = await self.trading.new_order(principal, entered)
            if not is_new and not is_again:
                raise refusal(
                    "duplicate_client_order_id", f"ClOrdID {order.first!r} was used for order {state.order_id}"
                )
        except Exception as error:
            refused = _refused(error, "an order failed")
            status = refused.status
            self._count(refused)
            await self._conclude(partial(self._not_entered, order, refused, exec_id))
        else:
            await self._conclude(partial(self._entered, order, state, is_new=is_new))
        finally:
            del self._entering[order.number]
            self._services.stages.request("fix", "D", status, time.perf_counter_ns() - started_ns)

    def _entered(self, order: Tracked, state: Order, *, is_new: bool) -> None:
        for body in followed(order, state) if is_new else restored(order, state):
            self.send("8", body)
        self.orders.save(order)

    def _not_entered(self, order: Tracked, refused: RefusedError, exec_id: str) -> None:
        self.send("8", rejected(order, refused, order_reason(refused), exec_id, time.time_ns()))
        self.orders.save(order)

    def _ask(self, message: Message, link: Link) -> None:
        """A cancel or a replacement."""
        cl_ord_id, before = message[tags.CL_ORD_ID], message[tags.ORIG_CL_ORD_ID]
        is_replace, wanted = message.msg_type == "G", None
        order = self.orders.find(before) or self.orders.of_venue(message.text(tags.ORDER_ID) or "")
        try:
            if (other := self.orders.find(cl_ord_id)) is not None:
                if other is order and (message.is_possible_resend or message.is_possible_duplicate):
                    self.send("8", status_of(order, None, time.time_ns()))
                    return
                raise refusal("duplicate_client_order_id", f"this session has used ClOrdID {cl_ord_id!r}")
            if order is None or order.is_done:
                raise unknown_order(before)
            if len(cl_ord_id) > LONGEST_ID:
                raise refusal("invalid_client_order_id")
            if len(order.changes) >= MOST_CHANGES:
                raise refusal("rate_limited", f"{MOST_CHANGES} changes of this order are under way")
            if is_replace:
                wanted = amendment(message, order)
            principal = self._admit(link)
        except RefusedError as refused:
            self._count(refused)
            reason = cancel_reason(refused, has_ended=order is not None)
            self.send("9", cancel_rejected(order, cl_ord_id, before, refused, reason, is_replace=is_replace))
            return
        change = Change(kind="amend" if is_replace else "cancel", cl_ord_id=cl_ord_id)
        if wanted is not None:
            # The form has no numbers: amounts of the wire are text.
            change.quantity, change.price = message.text(tags.ORDER_QTY), message.text(tags.PRICE)
        order.changes.append(change)
        self.orders.link(order, cl_ord_id)
        self.orders.save(order)
        self._begun.append(self._change(order, change, principal, wanted))

    async def _change(self, order: Tracked, change: Change, principal: Principal, wanted: AmendOrder | None) -> None:
        entering = self._entering.get(order.number)
        if entering is not None:
            await asyncio.wait({entering})
        started_ns, status = time.perf_counter_ns(), 200
        try:
            if not order.order_id:
                raise unknown_order(order.first)
            report = await (
                self.trading.send_cancel(principal, order.order_id)
                if wanted is None
                else self.trading.send_amend(principal, order.order_id, wanted)
            )
        except Exception as error:
            refused = _refused(error, "a change of an order failed")
            status = refused.status
            self._count(refused)
            await self._conclude(partial(self._refuse_change, order, change, refused))
        else:
            await self._conclude(partial(self._changed, order, change, report.sequence))
        finally:
            route = "F" if wanted is None else "G"
            self._services.stages.request("fix", route, status, time.perf_counter_ns() - started_ns)

    def _changed(self, order: Tracked, change: Change, sequence: int) -> None:
        # The report comes with the stream, between what was before and what is behind it.
        change.sequence = sequence
        self.orders.save(order)

    def _refuse_change(self, order: Tracked, change: Change, refused: RefusedError) -> None:
        with suppress(ValueError):
            order.changes.remove(change)
        reason = cancel_reason(refused, has_ended=True)
        is_replace = change.kind == "amend"
        told = cancel_rejected(order, change.cl_ord_id, order.cl_ord_id, refused, reason, is_replace=is_replace)
        self.send("9", told)
        self.orders.save(order)

    def _mass_cancel(self, message: Message, link: Link) -> None:
        kind, symbol = message[tags.MASS_CANCEL_REQUEST_TYPE], message.text(tags.SYMBOL)
        try:
            if kind not in (FOR_SYMBOL, FOR_ALL):
                raise refusal("invalid_combination", "MassCancelRequestType (530) is 1 or 7")
            if (symbol is not None) != (kind == FOR_SYMBOL):
                raise refusal("malformed", "Symbol (55) is for MassCancelRequestType (530) 1, which needs it")
            if message.text(tags.SIDE) is not None:
                side_of(message)
            if symbol is not None:
                self.trading.check_symbol(symbol)
            principal = self._admit(link)
            account = self._services.admission.account_for(principal, None)
        except RefusedError as refused:
            self._mass_refused(message, refused)
            return
        # Who acts for any account means those that it has used here.
        accounts: list[str | None] = [account] if account is not None else list(self._followers)
        self._begun.append(self._cancel_all(message, principal, accounts))

    async def _cancel_all(self, message: Message, principal: Principal, accounts: list[str | None]) -> None:
        symbol = message.text(tags.SYMBOL)
        side = None if message.text(tags.SIDE) is None else side_of(message)
        started_ns, status = time.perf_counter_ns(), 200
        done = CancelResult(canceled=0, order_ids=[])
        try:
            for account in accounts:
                if account is None:
                    # Named nobody, it would be everybody's.
                    raise refusal("account_needed", "orders without an account are canceled one by one")
                result = await self.trading.cancel_all(principal, symbol=symbol, side=side, account=account)
                done = CancelResult(
                    canceled=done.canceled + result.canceled, order_ids=[*done.order_ids, *result.order_ids]
                )
        except Exception as error:
            refused = _refused(error, "a mass cancel failed")
            status = refused.status
            await self._conclude(partial(self._mass_refused, message, refused))
        else:
            await self._conclude(lambda: self._send(self._mass_report(message, done)))
        finally:
            self._services.stages.request("fix", "q", status, time.perf_counter_ns() - started_ns)

    def _mass_report(self, message: Message, done: CancelResult) -> Message:
        kind = message[tags.MASS_CANCEL_REQUEST_TYPE]
        report = self._mass_answer(message, kind).set(tags.TOTAL_AFFECTED_ORDERS, done.canceled)
        for order_id in done.order_ids:
            order = self.orders.of_venue(order_id)
            entry = Group()
            if order is not None:
                entry.set(tags.ORIG_CL_ORD_ID, order.cl_ord_id)
                entry.set(tags.AFFECTED_ORDER_ID, order_id)
                report.add_group(tags.NO_AFFECTED_ORDERS, entry)
        return report

    def _mass_answer(self, message: Message, response: str) -> Message:
        answer = Message("r")
        answer.set(tags.CL_ORD_ID, message[tags.CL_ORD_ID])
        answer.set(tags.ORDER_ID, message[tags.CL_ORD_ID])
        answer.set(tags.MASS_CANCEL_REQUEST_TYPE, message[tags.MASS_CANCEL_REQUEST_TYPE])
        answer.set(tags.MASS_CANCEL_RESPONSE, response)
        answer.set_optional(tags.SYMBOL, message.text(tags.SYMBOL))
        answer.set_optional(tags.SIDE, message.text(tags.SIDE))
        return answer.set_time(tags.TRANSACT_TIME, time.time_ns())

    def _mass_refused(self, message: Message, refused: RefusedError) -> None:
        self._count(refused)
        reason = {"unknown_instrument": "1", "invalid_combination": "0"}.get(refused.slug, "99")
        answer = self._mass_answer(message, "0").set(tags.MASS_CANCEL_REJECT_REASON, reason)
        self._send(answer.set(tags.TEXT, text_of(refused)))

    def _status(self, message: Message) -> None:
        order = self.orders.find(message[tags.CL_ORD_ID]) or self.orders.of_venue(message.text(tags.ORDER_ID) or "")
        request_id, now = message.text(tags.ORD_STATUS_REQ_ID), time.time_ns()
        if order is not None:
            self.send("8", status_of(order, request_id, now))
            return
        cl_ord_id = message[tags.CL_ORD_ID]
        refused = unknown_order(cl_ord_id)
        self.send("8", unknown_status(cl_ord_id, message[tags.SYMBOL], message[tags.SIDE], now, refused))

    def refuse(self, message: Message, refused: RefusedError, *, reason: str | None = None) -> None:
        """A BusinessMessageReject: for what has no answer of its own to be refused with."""
        self._count(refused)
        answer = Message("j").set(tags.REF_SEQ_NUM, message.sequence).set(tags.REF_MSG_TYPE, message.msg_type)
        answer.set(tags.BUSINESS_REJECT_REASON, business_reason(refused) if reason is None else reason)
        self._send(answer.set(tags.TEXT, text_of(refused)))


def _refused(error: Exception, what: str) -> RefusedError:
    if isinstance(error, RefusedError):
        return error
    log.error(what, exc_info=error)
    return refusal("internal_error")
