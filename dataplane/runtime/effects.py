"""What pure code may ask the world for, and what it gets back.

A flow that must ask something in the middle is a generator: `Steps[T]` yields an Effect, is sent
its Reply and returns a T. `dataplane.server.perform` carries effects out; a test plays both parts
with no loop and no socket.
"""

from collections.abc import Generator
from dataclasses import dataclass
from typing import TypeVar

from dataplane.runtime.config import AgentTarget
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
class DecideAmong:
    """Ask an embedded router which of these fit. Answered by Decision or, when it is broken, by
    CallFailed."""

    agents: tuple[AgentTarget, ...]
    min_confidence: float
    conversation: tuple[Turn, ...]


@dataclass(frozen=True, slots=True)
class Recall:
    """Ask the store of sessions. Answered by Recalled, also when the store cannot be reached."""

    key: str


@dataclass(frozen=True, slots=True)
class Remember:
    """Keep something in the store of sessions. Answered by Recalled."""

    key: str
    value: bytes
    ttl_s: float


@dataclass(frozen=True, slots=True)
class Recalled:
    """What a store has, or None."""

    value: bytes | None = None


@dataclass(frozen=True, slots=True)
class CallFailed:
    """No answer came; `timed_out` tells a 504 from a 502."""

    detail: ResponseDetail
    message: str
    timed_out: bool = False


Effect = CallHttp | Decide | DecideAmong | Recall | Remember
Reply = HttpReply | CallFailed | Decision | Recalled
Steps = Generator[Effect, Reply, T]
