"""What an operator writes about trying again: `retry` blocks, and the defaults of all of them.

A key that is not written comes from the level below: `defaults`, then the listener, then the alias,
then the provider or agent. So no key has a default of its own here; what holds when nobody says
anything is told in its text and decided by the data plane (dataplane/runtime/retry.py).
"""

from typing import Annotated, Literal

from pydantic import Field

from controlplane.config.fields import Block, Duration

StreamRecovery = Literal["continue", "resume", "error"]
Rate = Annotated[float, Field(gt=0.0, le=1e9)]


class MinThroughput(Block):
    """The slowest that a stream may be; a slower one is given up like one that broke."""

    bytes_per_second: Rate | None = None
    """Bytes of the answer in a second, measured over `window`."""
    tokens_per_second: Rate | None = None
    """In place of `bytes_per_second`: tokens, taken as events with content."""
    window: Duration | None = None
    """Over how long the pace is measured, from the first content on; else `10s`."""


class BackOff(Block):
    """How long to wait between attempts: a random part of a span that doubles each time."""

    base_interval: Duration | None = None
    """The first span; else `100ms`."""
    max_interval: Duration | None = None
    """The longest span; else `2s`."""


class RetryBudget(Block):
    """How many retries may run at the same time, for each cluster and for each caller."""

    budget_percent: Annotated[float, Field(ge=0.0, le=100.0)] | None = None
    """Percent of the requests that are active, 0 to 100; else 20."""
    min_retry_concurrency: Annotated[int, Field(ge=0, le=1_000_000)] | None = None
    """So many are always allowed; else 3."""


class Hedge(Block):
    """A second attempt beside a slow first one; the first with content wins."""

    after: Duration | None = None
    """How long to wait for the first content; without it there is no second attempt."""
    max_tokens: Annotated[int, Field(ge=1, le=100_000_000)] | None = None
    """Requests that may take more tokens (prompt and answer) have one attempt; else 8192."""
    tools: bool | None = None
    """Whether requests with tools are hedged, too; else they are not."""


class Retry(Block):
    """How hard a request is tried; a key that is not here is taken from the level below."""

    num_retries: Annotated[int, Field(ge=0, le=10)] | None = None
    """Attempts after the first with one candidate, 0 to 10, then the next candidate; else 2."""
    per_try_timeout: Duration | None = None
    """For one attempt to give its first content; else the time of the whole request."""
    idle_timeout: Duration | None = None
    """How long an answer may be silent at any time; else `60s`."""
    first_token_timeout: Duration | None = None
    """Streams: from the answer's head to its first content; else any time."""
    min_throughput: MinThroughput | None = None
    """The slowest that a stream may be; without it any pace is good."""
    back_off: BackOff | None = None
    """How long to wait between attempts."""
    max_retry_after: Duration | None = None
    """The longest Retry-After that is waited for; else `10s`. Longer: the next candidate."""
    retry_budget: RetryBudget | None = None
    """How many retries may run at the same time."""
    hedge: Hedge | None = None
    """A second attempt beside a slow first one, of models; without it there is none."""
    stream_recovery: StreamRecovery | None = None
    """A stream that breaks half-way: `continue` has the next candidate go on from there, `resume`
    asks again and goes on while the words are the same, `error` says so; else `continue`."""
