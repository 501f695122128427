"""Which headers of a client go on to the services behind us.

Rule: a client's credentials go to nobody they were not meant for. They were meant for this
listener, so neither agents nor filters see them (a model provider does when the operator says so:
`passthrough_auth`).
"""

from dataplane.runtime.messages import Headers

HOP_BY_HOP = frozenset(
    {
        "connection",
        "http2-settings",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
CREDENTIALS = frozenset({"authorization", "x-api-key", "api-key", "x-goog-api-key", "cookie"})
AWS = "x-amz-"
"""Parts of a signature, a session's token among them; x-amzn-* are parameters."""
OURS = "x-outrider-"
OWN_KEY = "x-outrider-key"
"""A caller's credential that is for us, where another one is for a provider."""

# Plano's names, for the clients that send them.
AFFINITY = "x-model-affinity"
"""The session that a request belongs to."""
CACHE = "x-plano-cache"
"""`off`: no implicit session and no cache markers for this request."""
MAX_SWITCH_SPEND = "x-plano-max-switch-spend-pct"
"""The budget of this request for switching models, in percent."""
FOR_CHOOSING = frozenset({AFFINITY, CACHE, MAX_SWITCH_SPEND})
"""They say how a model is chosen, so no provider has a use for them."""

# Each call gets its own: framing, whom it is sent to, and where in the trace it stands.
_SET_PER_CALL = frozenset(
    {
        "accept-encoding",
        "content-encoding",
        "content-length",
        "content-type",
        "expect",
        "host",
        "traceparent",
        "x-request-id",
    }
)
_STAY = HOP_BY_HOP | CREDENTIALS | _SET_PER_CALL


def for_services(headers: Headers) -> Headers:
    """The headers of a client that agents and filters may see."""
    named = _named_by_connection(headers)
    return tuple(
        (name, value)
        for name, value in headers
        if (low := name.lower()) not in _STAY
        and low not in named
        and not low.startswith((OURS, AWS))
    )


def for_client(headers: Headers) -> Headers:
    """The headers of a service's answer that the client may see; its length is ours to say."""
    named = _named_by_connection(headers)
    return tuple(
        (name, value)
        for name, value in headers
        if (low := name.lower()) not in HOP_BY_HOP
        and low not in named
        and low not in ("content-length", "x-request-id", "alt-svc")
        and not low.startswith(OURS)
    )


def _named_by_connection(headers: Headers) -> frozenset[str]:
    """Headers that hold for one hop only because `Connection` says so."""
    return frozenset(
        option.strip().lower()
        for name, value in headers
        if name.lower() == "connection"
        for option in value.split(",")
    )
