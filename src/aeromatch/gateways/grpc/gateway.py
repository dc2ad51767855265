"""What all calls have in common: who may call, how a call is refused, and that a command is never taken back."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any, Final, NoReturn, Protocol, TypeVar

import grpc
from google.protobuf.message import Message

from aeromatch._core import AeroMatchError
from aeromatch.gateways.context import session as session_context
from aeromatch.gateways.grpc.forms import decode
from aeromatch.gateways.grpc.options import GrpcOptions
from aeromatch.gateways.grpc.peers import Peers, remote_of
from aeromatch.gateways.grpc.status import code_of, trailers
from aeromatch.gateways.grpc.typing import Context, Handler
from aeromatch.gateways.problems import refusal
from aeromatch.gateways.services import Credentials, Gate, Principal, RefusedError, Role, Services
from aeromatch.gateways.streams import Hub
from aeromatch.gateways.trading import Trading

__all__ = ["Call", "Gateway", "LongCall", "Unary"]

log = logging.getLogger("aeromatch.grpc")

T = TypeVar("T")

NONE: Final = Credentials()
PROOFS: Final = ("authorization", "x-aeromatch-key")
GONE: Final = 499
"""The status of a call whose client did not wait for the answer."""
LONGEST_MESSAGE: Final = 1000
UNAUTHORIZED: Final = 401
RECHECK_S: Final = 5.0
"""How long a stream outlives its key, where it only listens."""


@dataclass(frozen=True, slots=True)
class Unary:
    """A method that takes one message and gives one.

    Attributes:
        request: The message that it takes.
        work: Does it.
        role: Who may call it.
        cost: How many orders it counts for, of its message.
    """

    request: Callable[[], Message]
    work: Callable[["Gateway", Principal, Any], Coroutine[Any, Any, Message]]
    role: Role = "read"
    cost: Callable[[Any], int] = lambda _message: 1


@dataclass(slots=True)
class Call:
    """A call that is under way; `status` is what is counted when it has ended."""

    session: int
    remote: str
    route: str
    status: int = 200


class LongCall(Protocol):
    """A call that goes on until somebody ends it."""

    def end(self, refused: RefusedError) -> None:
        """The server ends it, with a reason. A second time does nothing."""

    def look_at_key(self) -> None:
        """Ends it if whoever it is may not go on, or acts for another account now."""


class Gateway:
    """What calls are answered with. In the event loop."""

    def __init__(self, services: Services, trading: Trading, hub: Hub, options: GrpcOptions) -> None:
        self.services = services
        self.trading = trading
        self.hub = hub
        self.options = options
        self.resumes = asyncio.Semaphore(options.resumes)
        self.is_draining = False
        self._peers = Peers(services.admission, services.stages, options.session_idle_s)
        self._commands: set[asyncio.Task[Any]] = set()
        self._long_calls: set[LongCall] = set()
        self._recheck: asyncio.TimerHandle | None = None

    def check_state(self) -> None:
        """Raises RefusedError (503) where the server takes nothing, or nothing new."""
        state, detail = self.services.state, self.services.detail
        if self.is_draining or state == "draining":
            raise refusal("draining", detail)
        if state != "ready":
            raise refusal("unavailable" if state == "failed" else "not_ready", detail)

    @property
    def is_serving(self) -> bool:
        """Whether the server takes everything."""
        return not self.is_draining and self.services.state == "ready"

    def admit(self, call: Call, context: Context, role: Role, body: bytes = b"", cost: int = 1) -> Gate:
        """Lets a call in, by what its metadata say. Raises RefusedError."""
        self.check_state()
        given = dict(context.invocation_metadata() or ())
        credentials = NONE
        if any(name in given for name in PROOFS):
            credentials = _credentials(given, call.route, body)
        return self.services.admission.admit(call.session, call.remote, credentials, role, cost)

    @asynccontextmanager
    async def answering(self, context: Context, route: str) -> AsyncIterator[Call]:
        """While a call is under way: whatever goes wrong in it becomes its status."""
        began = time.perf_counter_ns()
        call = Call(0, remote_of(context.peer()), route)
        has_entered, failure = False, None
        try:
            call.session = self._peers.enter(call.remote)
            has_entered = True
            session_context.set(call.session)
            yield call
        except RefusedError as refused:
            failure = refused
        except AeroMatchError as error:
            failure = refusal("unavailable", str(error))
        except asyncio.CancelledError:
            call.status = GONE
            raise
        except Exception:
            log.exception("a call failed", extra={"route": route})
            failure = refusal("internal_error")
        finally:
            if has_entered:
                self._peers.leave(call.remote)
            if failure is not None:
                call.status = failure.status
            self.services.stages.request("grpc", route, call.status, time.perf_counter_ns() - began)
        if failure is not None:
            await self._abort(context, call, failure)

    async def _abort(self, context: Context, call: Call, refused: RefusedError) -> NoReturn:
        self.services.stages.count("aeromatch_refusals_total", gateway="grpc", slug=refused.slug)
        await context.abort(code_of(refused), refused.detail[:LONGEST_MESSAGE], trailers(refused, call.session))

    @contextmanager
    def lasting(self, long_call: LongCall) -> Iterator[None]:
        """While a call goes on until somebody ends it."""
        self._long_calls.add(long_call)
        if self._recheck is None and self.services.auth_required:
            self._look_later()
        try:
            yield
        finally:
            self._long_calls.discard(long_call)

    def _look_later(self) -> None:
        self._recheck = asyncio.get_running_loop().call_later(RECHECK_S, self._look_at_keys)

    def _look_at_keys(self) -> None:
        for long_call in tuple(self._long_calls):
            long_call.look_at_key()
        self._recheck = None
        if self._long_calls:
            self._look_later()

    def renewed(self, before: Principal) -> Principal:
        """Who somebody is by now. Raises RefusedError (401) where the key is no longer good, or is another one's."""
        if before.key_id is None:
            return before
        try:
            principal = self.services.admission.admit_again(before, "read", 0).principal
        except RefusedError as refused:
            if refused.status == UNAUTHORIZED:
                raise
            return before
        if (principal.account, principal.roles) != (before.account, before.roles):
            raise refusal("invalid_key", "the key has changed: call again")
        return principal

    def end_all(self, refused: RefusedError) -> None:
        """Ends all calls that go on until somebody ends them."""
        for long_call in tuple(self._long_calls):
            long_call.end(refused)

    def unary(self, route: str, method: Unary) -> Handler:
        """The handler of a method."""

        async def handle(data: bytes, context: Context) -> bytes:
            answer: bytes
            async with self.answering(context, route) as call:
                message = decode(method.request, data)
                gate = self.admit(call, context, method.role, data, method.cost(message))
                if gate.headers:
                    context.set_trailing_metadata(_metadata(gate))
                _check_deadline(context)
                work = method.work(self, gate.principal, message)
                result = await (self.command(work) if method.role == "trade" else work)
                answer = result.SerializeToString()
            # What was refused has been raised: abort does not return.
            return answer

        handler: Handler = grpc.unary_unary_rpc_method_handler(handle)
        return handler

    def command(self, work: Coroutine[Any, Any, T]) -> Awaitable[T]:
        """Does something whose end is not its caller's: who stops waiting takes nothing back."""
        task = asyncio.create_task(work)
        self._commands.add(task)
        task.add_done_callback(self._command_done)
        return asyncio.shield(task)

    def _command_done(self, task: asyncio.Task[Any]) -> None:
        self._commands.discard(task)
        if not task.cancelled():
            # Where nobody waits any more, nobody else looks at it.
            task.exception()

    async def close(self) -> None:
        """Waits for what was sent to the exchange, and ends the sessions; no call is under way any more."""
        while self._commands:
            await asyncio.wait(tuple(self._commands))
        if self._recheck is not None:
            self._recheck.cancel()
        self._peers.close()


def _check_deadline(context: Context) -> None:
    """Raises RefusedError (408) where nobody waits for the answer any more: nothing has been sent yet."""
    left_s: float | None = context.time_remaining()
    if left_s is not None and left_s <= 0:
        raise refusal("request_timeout", "the deadline had passed before anything was done")


def _metadata(gate: Gate) -> tuple[tuple[str, str], ...]:
    return tuple((name.decode("ascii"), value.decode("ascii")) for name, value in gate.headers)


def _credentials(given: dict[str, str | bytes], route: str, body: bytes) -> Credentials:
    def text(name: str) -> str | None:
        value = given.get(name)
        return value.decode("latin-1") if isinstance(value, bytes) else value

    return Credentials(
        authorization=text("authorization"),
        key=text("x-aeromatch-key"),
        timestamp=text("x-aeromatch-timestamp"),
        nonce=text("x-aeromatch-nonce"),
        signature=text("x-aeromatch-signature"),
        method="POST",
        target=route.encode(),
        body=body,
    )
