"""What pure code may ask the world for, and what it gets back.

A flow that must ask something in the middle is a generator: `Steps[T]` yields an Effect, is sent
its Reply and returns a T. `dataplane.server.perform` carries effects out; a test plays both parts
with no loop and no socket.
"""

from collections.abc import Generator
from dataclasses import dataclass
from typing import TypeVar

from dataplane.runtime.decision import Decision, Turn
from dataplane.runtime.messages import HttpReply, Request, ResponseDetail

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class CallHttp:
    """Send a request to a cluster, read the whole answer. Answered by HttpReply or CallFailed."""

    cluster: str
    request: Request
    timeout_s: float | None = None
    """None: only the exchange's own deadline holds."""


@dataclass(frozen=True, slots=True)
class Decide:
    """Ask the listener's embedded router which agents fit. Answered by Decision."""

    listener: str
    conversation: tuple[Turn, ...]


@dataclass(frozen=True, slots=True)
class CallFailed:
    """No answer came; `timed_out` tells a 504 from a 502."""

    detail: ResponseDetail
    message: str
    timed_out: bool = False


Effect = CallHttp | Decide
Reply = HttpReply | CallFailed | Decision
Steps = Generator[Effect, Reply, T]
