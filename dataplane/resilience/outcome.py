"""What one attempt came to: the facts that decide what is done next.

The rule: an outcome names what happened, never what to do about it (retry.py does that).
"""

from dataclasses import dataclass
from enum import Enum


class Stage(Enum):
    """How far an attempt had come when it ended."""

    __hash__ = object.__hash__

    CONNECT = "connect"
    """Nothing was sent."""
    BEFORE_HEAD = "before_head"
    """The request was sent, nothing of an answer came."""
    HEAD = "head"
    """The answer is an error by its status."""
    BEFORE_CONTENT = "before_content"
    """A good head, perhaps start-up events, and nothing that was passed on."""
    CONTENT = "content"
    """The client has a part of the answer: the commit point is behind us."""


class Fault(Enum):
    """Why an attempt is not the answer."""

    __hash__ = object.__hash__

    NONE = "none"
    CONNECTION = "connection"
    """No connection, or it broke."""
    SERVER = "server"
    """The provider failed (408, 409, 5xx) or was overloaded."""
    LIMITED = "limited"
    """429: this key, for now."""
    CREDENTIAL = "credential"
    """401, 402, 403, no credit: this key, for good."""
    SILENT = "silent"
    """Nothing came in time."""
    SLOW = "slow"
    """It came, but slower than the policy allows."""
    MALFORMED = "malformed"
    """Bytes that are no answer of the protocol."""
    INVALID = "invalid"
    """The request is wrong (400, 422), wherever it goes."""
    UNFIT = "unfit"
    """The request is wrong for this model: too long for it (also 413), unknown there (404)."""
    FILTERED = "filtered"
    """Refused for what it says. Passed on, never routed around."""
    GONE = "gone"
    """The client left."""


_BY_STATUS = {
    401: Fault.CREDENTIAL,
    402: Fault.CREDENTIAL,
    403: Fault.CREDENTIAL,
    404: Fault.UNFIT,
    408: Fault.SERVER,
    409: Fault.SERVER,  # a lock that timed out: the SDKs of OpenAI and Anthropic try again
    413: Fault.UNFIT,
    429: Fault.LIMITED,
}


def fault_of_status(status: int) -> Fault:
    """What a status says by itself; an error's body may know more."""
    if status < 400:
        return Fault.NONE
    return _BY_STATUS.get(status) or (Fault.SERVER if status >= 500 else Fault.INVALID)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one attempt ended."""

    stage: Stage
    fault: Fault
    status: int = 0
    """Of the provider's answer; 0 when there was none."""
    retry_after_s: float | None = None
    """Seconds that the provider asks us to wait."""
    may_retry: bool = True
    """False when the provider forbids it (`x-should-retry: false`)."""
    own_key: bool = True
    """Whether the credential was ours; False: the client's own was passed on."""
    other_keys: int = 0
    """Keys of this candidate that do not rest, without the one that was used."""
    other_endpoints: int = 0
    """Endpoints of this candidate that were not tried."""
