"""Features that may be on, for `user_space`: the same as in features.py, as a worker has them."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from hashlib import sha256

from dataplane.resilience.quota_book import Book
from dataplane.runtime.auth import ApiKey, Auth
from dataplane.runtime.cluster import Balancing, PolicyKind
from dataplane.runtime.config import Endpoint
from dataplane.runtime.limits import Amount, Limit, Measure, Part, Per
from dataplane.runtime.principal import Principal
from dataplane.runtime.retry import RetryPolicy
from tests.bench.contestants.contestant import CLAUDE, MODEL

PLENTY = 1_000_000_000
CLIENT_KEY = b"sk-bench"
ONE = (Endpoint("127.0.0.1", 9),)
TWO = (*ONE, Endpoint("localhost", 9))
_AT_ONCE = Amount(Measure.CONCURRENT, 1000)
_ALL = Limit(
    "all",
    (
        Amount(Measure.REQUESTS, PLENTY),
        Amount(Measure.TOKENS, PLENTY),
        Amount(Measure.CONCURRENT, 1000),
    ),
    per=(Per(Part.MODEL),),
)
_DIGEST = sha256(CLIENT_KEY).digest()
_KEY = ApiKey(Principal("bench", "t"), _DIGEST)


@dataclass(frozen=True, slots=True)
class Featured:
    """What is on, besides what always is."""

    retry: RetryPolicy = RetryPolicy()
    endpoints: tuple[Endpoint, ...] = ONE
    balancing: Balancing = Balancing()
    limits: Mapping[str, Limit] = field(default_factory=dict)
    auth: Auth | None = None
    api_keys: Mapping[bytes, ApiKey] = field(default_factory=dict)


PLAIN = Featured()
_TIMEOUTS = RetryPolicy(per_try_timeout_s=60.0, idle_timeout_s=30.0, first_token_timeout_s=20.0)
FEATURES = {
    "timeouts": Featured(_TIMEOUTS),
    "throughput": Featured(RetryPolicy(min_bytes_per_second=1.0)),
    "hedge": Featured(RetryPolicy(hedge_after_s=10.0)),
    "api_keys": Featured(auth=Auth(api_keys=True), api_keys={_DIGEST: _KEY}),
    "limits": Featured(limits={"all": _ALL}),
    "least_request": Featured(endpoints=TWO),
    "peak_ewma": Featured(endpoints=TWO, balancing=Balancing(PolicyKind.PEAK_EWMA)),
    "prefix_affinity": Featured(endpoints=TWO, balancing=Balancing(PolicyKind.PREFIX_AFFINITY)),
    "all_on": Featured(
        replace(_TIMEOUTS, min_bytes_per_second=1.0, hedge_after_s=10.0),
        TWO,
        Balancing(PolicyKind.PREFIX_AFFINITY),
        {"all": _ALL},
        Auth(api_keys=True),
        {_DIGEST: _KEY},
    ),
}
WITH_FEATURES = tuple(f"{kind}+{name}" for kind in ("json", "burst") for name in FEATURES)
"""Kinds of requests, and what is on for them."""


def grant(book: Book, now: float) -> None:
    """All that a limit ever gives."""
    book.opened()
    for model in (f"openai/{MODEL}", f"anthropic/{CLAUDE}"):
        for holding in book.of(_ALL, (model,), now) or []:
            book.granted(holding.id, holding.capacity, 0.0, now)
