"""One exchange as logs, metrics and traces will tell it; filled in on the way, read once at the
end.
"""

from collections.abc import Callable
from typing import Any

import msgspec

from dataplane.runtime.messages import ResponseDetail

NO_TIME: Any = 0.0
"""The very object that the encoder leaves out; not said to be a float, of which compiled code would
make another.
"""


class ExchangeRecord(msgspec.Struct, omit_defaults=True):
    """A msgspec Struct: one is made per request (0.15 us; a dataclass of this size costs 0.6).

    Facts about one request and its answer. Times are on Clock.now(), durations in seconds."""

    time: str = ""
    """When it finished, for people; the access log sets it."""
    listener: str = ""
    method: str = ""
    path: str = ""
    request_id: str = ""
    trace_id: str = ""
    span_id: str = ""
    parent_span_id: str = ""
    sampled: bool = False
    started: float = NO_TIME
    status: int = 0
    detail: ResponseDetail = msgspec.field(default_factory=lambda: ResponseDetail.VIA_UPSTREAM)
    """(A factory, so that logs show it even when it is the ordinary one.)"""
    route: str = ""
    model: str = ""
    """As the client asked for it."""
    provider: str = ""
    """Name of the ModelProvider that answered."""
    upstream_model: str = ""
    agents: tuple[str, ...] = ()
    decision: str = ""
    """Decision.reason, when a router was asked."""
    endpoint: str = ""
    upstream_request_id: str = ""
    """What the upstream called its answer; clients see ours."""
    attempts: int = 0
    stream: bool = False
    bytes_received: int = 0
    bytes_sent: int = 0
    first_byte_s: float = NO_TIME
    upstream_s: float = NO_TIME
    decision_s: float = NO_TIME
    duration_s: float = NO_TIME
    input_tokens: int = 0
    output_tokens: int = 0
    input_cached_tokens: int = 0
    """Of `input_tokens`: those the provider had in its cache."""
    reasoning_tokens: int = 0
    """Of `output_tokens`: those of thinking."""
    side_input_tokens: int = 0
    """Of `input_tokens`: those of models that were asked on the exchange's account besides."""
    side_output_tokens: int = 0
    """Of `output_tokens`, likewise."""
    side_cached_tokens: int = 0
    """Of `input_cached_tokens`, likewise."""
    side_cost_usd: float = 0.0
    """What those have cost, each at the price of its own model, as far as that is known."""
    attributes: dict[str, str] = {}
    """Further span attributes (static ones of the tracing config are added by the tracer)."""
    route_preference: str = ""
    """The routing preference that chose the model."""
    pinned: bool = False
    """The session was warm."""
    switched: bool = False
    """A warm session went on with another model."""
    failures: tuple[str, ...] = ()
    """Attempts that were thrown away: provider, and status or what went wrong."""
    recovery: str = ""
    """How a stream that broke was gone on with: "continue" or "resume"; "error" when it was not,
    and then the tokens are an estimate."""
    wasted_tokens: int = 0
    """What these have cost, as estimated."""
    principal: str = ""
    """Who called, where a listener asks."""
    tenant: str = ""
    """Whose caller that is."""
    versions: tuple[str, ...] = ()
    """`agent@version` of those `agents` that have several."""
    filter: str = ""
    """The one that has ended the exchange: refused it, failed, or answered itself."""
    flags: tuple[str, ...] = ()
    """What filters have to say of the exchange: `FILTER;WORD`."""
    similarity: float = 0.0
    """The answer is a cached one, to a question that is this near to the client's (cosine)."""
    shadow: bool = False
    """Nobody has its answer: another version was asked the same, beside the request."""
    session: str = ""
    """Agent listeners: the conversation."""
    session_tokens: int = 0
    """That its turns before this one have used, as far as agents and models tell."""
    session_cost_usd: float = 0.0
    """What they have cost: models that were asked within their runs, or to choose agents."""
    run_id: str = ""
    """Agent listeners: the run that the request began."""
    steps: tuple[str, ...] = ()
    """What became of each agent that was asked, where that was not one that has answered."""
    asks: str = ""
    """The agent whose answer is a question: it goes on when the client has said more."""
    alike: int = 0
    """So many more of its listener were refused like it and at its time, and have no line of their
    own: there were too many."""
    then: Callable[[Any], None] | None = None
    """Called with the finished record, by the recorder and before it is logged; never shown."""

    def spend(self, other: "ExchangeRecord", cost_usd: float = 0.0) -> None:
        """What another call used up on this exchange's account.

        :param cost_usd: what it has cost itself, besides what others have cost on its account.
        """
        self.input_tokens += other.input_tokens
        self.output_tokens += other.output_tokens
        self.side_input_tokens += other.input_tokens
        self.side_output_tokens += other.output_tokens
        self.side_cached_tokens += other.input_cached_tokens
        self.side_cost_usd = round(self.side_cost_usd + cost_usd + other.side_cost_usd, 9)
        self.input_cached_tokens += other.input_cached_tokens
        self.reasoning_tokens += other.reasoning_tokens
