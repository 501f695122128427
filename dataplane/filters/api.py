"""What a filter is: it sees a request and says go on (with this request) or answers itself."""

from dataclasses import dataclass
from typing import Protocol

from dataplane.runtime.effects import Steps
from dataplane.runtime.messages import LocalReply, Request


@dataclass(frozen=True, slots=True)
class Continue:
    """Go on with this request, which may be another than the one that came."""

    request: Request


Verdict = Continue | LocalReply


class RequestFilter(Protocol):
    """One step of the input side of a filter chain."""

    @property
    def id(self) -> str:
        """What the operator calls it."""
        ...

    def on_request(self, request: Request) -> Steps[Verdict]:
        """Look at a request; I/O is asked for by yielding effects."""
        ...
