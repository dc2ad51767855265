"""What can go wrong for a client, on one screen.

    AeroMatchError
      ClientError
        RejectedError           the server understood, and said no: `slug` says why
          RateLimitedError      too many requests; `retry_after_ms` says when to come back
          BusyError             the server has no room now, or is starting or draining
        NoConnectionError       the server could not be reached: nothing was sent
        NoAnswerError           sent, and no answer came: it may have been done, or not
          AnswerTimeoutError    the same, for the time was up; a TimeoutError too
        BadAnswerError          what came back is not what the server's schema says
        OutOfSyncError          a local book that is not in step with the server is not shown
        ClosedError             this client was closed

Misuse of the client's own methods is a TypeError or a ValueError that names the argument.
"""

from aeromatch import AeroMatchError
from aeromatch.schema.problems import Problem

__all__ = [
    "AnswerTimeoutError",
    "BadAnswerError",
    "BusyError",
    "ClientError",
    "ClosedError",
    "NoAnswerError",
    "NoConnectionError",
    "OutOfSyncError",
    "RateLimitedError",
    "RejectedError",
]


class ClientError(AeroMatchError):
    """Whatever a client raises that is not misuse.

    Attributes:
        lost_answers: How often the request was sent without being answered.
    """

    lost_answers = 0


class RejectedError(ClientError):
    """The server refused a request, and nothing was done.

    Attributes:
        problem: All that the server said.
    """

    def __init__(self, problem: Problem) -> None:
        super().__init__(f"{problem.slug}: {problem.detail}" if problem.detail else problem.slug)
        self.problem = problem

    @property
    def slug(self) -> str:
        """Why, as a stable name: R8's for what the exchange refuses, else one of docs/rest.md."""
        return self.problem.slug

    @property
    def status(self) -> int:
        """The HTTP status that goes with it, over any gateway."""
        return self.problem.status

    @property
    def retry_after_ms(self) -> int | None:
        """When to try again, where trying again can help."""
        return self.problem.retry_after_ms


class RateLimitedError(RejectedError):
    """Too many requests in too short a time (429)."""


class BusyError(RejectedError):
    """The server has no room now, or is starting or draining (503)."""


class NoConnectionError(ClientError):
    """The server could not be reached: nothing was sent."""


class NoAnswerError(ClientError):
    """A request was sent and no answer came: it may have been done, or not.

    What is safe to repeat was repeated before this is raised (docs/client.md says what that is).
    """


class AnswerTimeoutError(NoAnswerError, TimeoutError):
    """No answer came in `timeout_s`."""


class BadAnswerError(ClientError):
    """What came back is not what the server's schema says: another server, another version, or damage."""


class OutOfSyncError(ClientError):
    """A local book is not in step with the server, or not yet: it shows nothing rather than something wrong."""


class ClosedError(ClientError):
    """This client, stream or connection was closed."""


def rejection_of(problem: Problem) -> RejectedError:
    """The exception that goes with a problem."""
    kind = {429: RateLimitedError, 503: BusyError}.get(problem.status, RejectedError)
    return kind(problem)
