"""Requests over HTTP: encoding, signing, timeouts, what is repeated, and what is raised."""

import asyncio
import ssl
from collections.abc import Mapping
from typing import Any, Final, TypeVar
from urllib.parse import quote, urlencode

import httpx
import msgspec

from aeromatch import __version__
from aeromatch.client.backoff import Backoff
from aeromatch.client.credentials import Credentials
from aeromatch.client.errors import (
    AnswerTimeoutError,
    BadAnswerError,
    BusyError,
    ClientError,
    ClosedError,
    NoAnswerError,
    NoConnectionError,
    RateLimitedError,
    RejectedError,
    rejection_of,
)
from aeromatch.schema.problems import Problem, type_of

__all__ = ["Rest", "path_of"]

T = TypeVar("T")

MS_PER_S: Final = 1000
UNREACHED: Final = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)

_encode = msgspec.json.Encoder().encode
_problem = msgspec.json.Decoder(Problem)


def path_of(*parts: str) -> str:
    """A path of parts, each percent-encoded: a symbol may have a slash."""
    return "".join("/" + quote(part, safe="") for part in parts)


class Rest:
    """The HTTP side of a client.

    Arguments:
        url: Of the server, without a path.
        credentials: None: the server asks for none.
        timeout_s: Of a call, repeats included.
        retries: How often a call that may be repeated is, at most.
        tls: How the server's certificate is checked; True: as the system does.
    """

    def __init__(
        self, url: str, credentials: Credentials | None, timeout_s: float, retries: int, tls: ssl.SSLContext | bool
    ) -> None:
        self._credentials = credentials
        self._timeout_s = timeout_s
        self._retries = retries
        # Time is kept for the whole call, not for its parts.
        self._http = httpx.AsyncClient(
            base_url=url, timeout=None, verify=tls, headers={"user-agent": f"aeromatch/{__version__}"}
        )

    async def close(self) -> None:
        """Ends the connections."""
        await self._http.aclose()

    async def call(
        self,
        answer: type[T],
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        body: msgspec.Struct | None = None,
        may_repeat: bool,
    ) -> T:
        """Sends a request until it is answered, if it may be sent again.

        Arguments:
            answer: The type of the answer.
            method: Of HTTP.
            path: Percent-encoded.
            query: Parameters; those that are None are left out.
            body: Sent as JSON.
            may_repeat: Whether sending it twice is the same as sending it once.

        Returns:
            The answer.

        Raises:
            RejectedError: The server refused it; `lost_answers` says how often it was sent before, unanswered.
            NoConnectionError: The server could not be reached.
            NoAnswerError: No answer came.
            BadAnswerError: The answer is not of that type.
            ClosedError: The client is closed.
        """
        if self._http.is_closed:
            raise ClosedError("this client was closed")
        filled = {name: value for name, value in (query or {}).items() if value is not None}
        target = f"{path}?{urlencode(filled)}" if filled else path
        content = b"" if body is None else _encode(body)
        attempts = lost_answers = 0
        last: ClientError | None = None
        delays_s = Backoff(limit_s=2.0).delays_s()
        try:
            async with asyncio.timeout(self._timeout_s):
                while True:
                    attempts += 1
                    try:
                        return await self._send(answer, method, target, content)
                    except ClientError as error:
                        lost_answers += isinstance(error, NoAnswerError)
                        error.lost_answers = lost_answers
                        if attempts > self._retries or not _helps(error, may_repeat):
                            raise
                        last = error
                    await asyncio.sleep(_pause_s(last, next(delays_s)))
        except TimeoutError as error:
            if isinstance(error, AnswerTimeoutError):
                raise
            # Who only waited to try again knows why.
            if last is not None and not isinstance(last, NoAnswerError):
                raise last from error
            message = f"{method} {path}: no answer in {self._timeout_s:g} s"
            timed_out = AnswerTimeoutError(message)
            timed_out.lost_answers = lost_answers + 1
            raise timed_out from error

    async def _send(self, answer: type[T], method: str, target: str, content: bytes) -> T:
        headers = {"content-type": "application/json"} if content else {}
        request = self._http.build_request(method, target, content=content or None, headers=headers)
        if self._credentials is not None:
            # What is signed is the target as it goes out.
            sent_target = request.url.raw_path.decode("ascii")
            request.headers.update(self._credentials.headers(method, sent_target, content))
        try:
            response = await self._http.send(request)
        except UNREACHED as error:
            raise NoConnectionError(f"{request.url.host}:{request.url.port} cannot be reached: {error}") from error
        except httpx.HTTPError as error:
            reason = str(error) or type(error).__name__
            raise NoAnswerError(f"{method} {target}: sent, and the connection ended: {reason}") from error
        except RuntimeError as error:
            if not self._http.is_closed:
                raise
            raise ClosedError("this client was closed") from error
        if not response.is_success:
            raise _rejection(response)
        try:
            return msgspec.json.decode(response.content, type=answer)
        except msgspec.MsgspecError as error:
            raise BadAnswerError(f"{method} {target}: {error}") from error


def _helps(error: ClientError, may_repeat: bool) -> bool:
    """Whether sending again can help, and does nothing twice."""
    if isinstance(error, (RateLimitedError, NoConnectionError)):
        return True
    return may_repeat and isinstance(error, (NoAnswerError, BusyError))


def _pause_s(error: ClientError, delay_s: float) -> float:
    """The server's wish, if it has one; a server that just ended a connection is asked again at once."""
    if isinstance(error, RejectedError) and error.retry_after_ms is not None:
        return max(error.retry_after_ms / MS_PER_S, delay_s)
    return delay_s


def _rejection(response: httpx.Response) -> RejectedError:
    """What the server said, or what another one before it did."""
    try:
        problem = _problem.decode(response.content)
    except msgspec.MsgspecError:
        slug = f"http_{response.status_code}"
        problem = Problem(
            type=type_of(slug),
            title=response.reason_phrase,
            status=response.status_code,
            slug=slug,
            detail=response.text[:200],
        )
    after = response.headers.get("retry-after", "")
    if problem.retry_after_ms is None and after.isdigit():
        problem.retry_after_ms = int(after) * MS_PER_S
    return rejection_of(problem)
