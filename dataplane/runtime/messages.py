"""What passes between the parts of one exchange: requests, replies and the reason of each reply."""

from dataclasses import dataclass, field
from enum import StrEnum

Headers = tuple[tuple[str, str], ...]
"""Names as they came; compare them in lower case."""


class ResponseDetail(StrEnum):
    """Why the client got this answer, in one word: in the access log and in `x-outrider-detail`."""

    VIA_UPSTREAM = "via_upstream"
    LOCAL = "local"
    """Not an error: health, the list of models."""
    CACHE_HIT = "cache_hit"
    """Not an error: a filter had the answer."""
    ROUTE_NOT_FOUND = "route_not_found"
    MODEL_NOT_FOUND = "model_not_found"
    MODEL_REQUIRED = "model_required"
    METHOD_NOT_ALLOWED = "method_not_allowed"
    BAD_REQUEST = "bad_request"
    """The bytes are not one acceptable HTTP/1.1 message."""
    INVALID_JSON = "invalid_json"
    INVALID_BODY = "invalid_body"
    """JSON, but not what the API asks for."""
    UNTRANSLATABLE = "untranslatable"
    """The provider's protocol cannot say what was asked."""
    THREAD_UNSUPPORTED = "thread_unsupported_request"
    """A thread of Anthropic's, with a provider that keeps none: its own word, SDKs go by it."""
    RESPONSE_NOT_FOUND = "response_not_found"
    """No stored response has this id (for this tenant)."""
    TASK_NOT_FOUND = "task_not_found"
    """No A2A task has this id (for this caller)."""
    STATE_UNAVAILABLE = "state_unavailable"
    """The store of responses cannot be reached."""
    SESSION_NOT_FOUND = "session_not_found"
    """No MCP session has this id (for this caller): it has expired, or was ended."""
    UNAUTHENTICATED = "unauthenticated"
    """The listener wants a credential, and got none that is good."""
    AUTH_UNAVAILABLE = "auth_unavailable"
    """A token cannot be checked: the keys of its issuer are not there."""
    FORBIDDEN = "forbidden"
    """The caller is known, and may not do that."""
    HEADERS_TOO_LARGE = "headers_too_large"
    BODY_TOO_LARGE = "body_too_large"
    RECEIVE_TIMEOUT = "receive_timeout"
    RATE_LIMITED = "rate_limited"
    """A limit of the config is used up."""
    OVERLOADED = "overloaded"
    """The listener's concurrent requests are used up."""
    DEADLINE_EXCEEDED = "deadline_exceeded"
    DOWNSTREAM_GONE = "downstream_gone"
    NO_USABLE_ENDPOINT = "no_usable_endpoint"
    UPSTREAM_OVERFLOW = "upstream_overflow"
    """The circuit breakers of the cluster allow no more."""
    UPSTREAM_CONNECT_FAILED = "upstream_connect_failed"
    UPSTREAM_CONNECT_TIMEOUT = "upstream_connect_timeout"
    UPSTREAM_RESET = "upstream_reset"
    UPSTREAM_TRUNCATED = "upstream_truncated"
    UPSTREAM_PROTOCOL_ERROR = "upstream_protocol_error"
    UPSTREAM_SILENT = "upstream_silent"
    """A limit of the route's `retry` passed before any content, or within the answer."""
    UPSTREAM_SLOW = "upstream_slow"
    """Less than `retry.min_throughput`."""
    UPSTREAM_CREDENTIALS_EXHAUSTED = "upstream_credentials_exhausted"
    """No key of ours is good: the client's is not to blame, so this is no 401."""
    UPSTREAM_ERROR = "upstream_error"
    """An error that the provider told inside an answer that it began as a good one."""
    AGENT_FAILED = "agent_failed"
    """An agent that others build on did not answer 2xx, nor did who stands in for it."""
    RUN_LIMIT = "run_limit"
    """A run of agents has used up what one may."""
    PROMPT_TARGET = "prompt_target"
    """Not an error: a prompt target answered, or the user is asked for what it has to know."""
    PROMPT_TARGET_FAILED = "prompt_target_failed"
    """The API of a prompt target, or the model that calls it, did not answer 2xx."""
    FILTER_REFUSED = "filter_refused"
    FILTER_FAILED = "filter_failed"
    FILTER_TIMEOUT = "filter_timeout"
    INTERNAL = "internal"


@dataclass(frozen=True, slots=True)
class Request:
    """One whole HTTP request, as pure code sees it; `path` is without the query."""

    method: str
    path: str
    headers: Headers = ()
    body: bytes = b""
    query: str = ""

    def header(self, name: str) -> str | None:
        """The first value of a header, by its lower-case name."""
        for key, value in self.headers:
            if key.lower() == name:
                return value
        return None

    def with_body(self, body: bytes) -> "Request":
        """The same with another body, whose length nobody has said yet."""
        kept = tuple(pair for pair in self.headers if pair[0].lower() != "content-length")
        return Request(self.method, self.path, kept, body, self.query)


@dataclass(frozen=True, slots=True)
class HttpReply:
    """A whole answer to a CallHttp effect."""

    status: int
    headers: Headers = ()
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class LocalReply:
    """An answer made by us: shown in the error body of the API the client speaks."""

    status: int
    message: str
    detail: ResponseDetail
    headers: Headers = ()
    body: bytes | None = None
    """Sent as it is instead of an error body of ours (a filter's); its type is in `headers`."""
    kind: str = ""
    """OpenAI's `type`, where it is not the one of the status."""
    filter: str = field(default="", compare=False)
    """Which filter says it, if one does."""
