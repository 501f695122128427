"""What one attempt came to: the facts that decide what is done next.

The rule: an outcome names what happened, never what to do about it (retry.py does that).
"""

from dataclasses import dataclass
from enum import Enum

from dataplane.runtime.fault import Fault


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
    is_open: bool = False
    """Whether the candidate's breaker is open by now: then another candidate is better."""
