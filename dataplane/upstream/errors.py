"""What can go wrong with an upstream, by phase, because what may be done about it depends on the
phase.
"""

from dataclasses import dataclass
from enum import Enum

from dataplane.runtime.fault import Fault, fault_of_status
from dataplane.runtime.messages import ResponseDetail

_FAULTS = {
    ResponseDetail.UPSTREAM_PROTOCOL_ERROR: Fault.MALFORMED,
    ResponseDetail.UPSTREAM_SILENT: Fault.SILENT,
    ResponseDetail.UPSTREAM_SLOW: Fault.SLOW,
}


class Phase(Enum):
    """How far the attempt had come."""

    CONNECT = "connect"
    """Nothing was sent: another endpoint may be tried."""
    STALE = "stale"
    """A kept connection was closed before any byte of an answer: a fresh one may be tried once."""
    ANSWER = "answer"
    """The request was sent: the upstream may have done the work."""


@dataclass(frozen=True, slots=True)
class UpstreamFailure:
    """Why an attempt ended without a whole answer."""

    phase: Phase
    detail: ResponseDetail
    message: str
    told: int = 0
    """The status, where it is not that of the detail."""
    why: str = ""
    """The same within somebody's sentence, where `message` is one."""
    filter: str = ""
    """The one that has ended the answer, if one has."""

    @property
    def reason(self) -> str:
        """For a sentence that says who has failed."""
        return self.why or self.message

    @property
    def fault(self) -> Fault:
        """What retries and breakers go by."""
        if self.told:
            return fault_of_status(self.told)
        return _FAULTS.get(self.detail, Fault.CONNECTION)

    @property
    def status(self) -> int:
        """What the client gets when nothing was sent to it yet."""
        if self.told:
            return self.told
        match self.detail:
            case (
                ResponseDetail.UPSTREAM_CONNECT_TIMEOUT
                | ResponseDetail.UPSTREAM_SILENT
                | ResponseDetail.UPSTREAM_SLOW
            ):
                return 504
            case ResponseDetail.NO_USABLE_ENDPOINT | ResponseDetail.UPSTREAM_OVERFLOW:
                return 503
            case _:
                return 502


class UpstreamError(Exception):
    """An attempt failed; `failure` says how and how far it had come."""

    def __init__(self, failure: UpstreamFailure) -> None:
        super().__init__(failure.reason)
        self.failure = failure
