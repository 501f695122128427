"""How fast an endpoint answers: the wait for the first token and the time of each later one, kept
apart, because the whole time of an answer mostly measures how long it was.

The rule is Finagle's (Peak EWMA): a wait that is longer than what was known counts at once, a
shorter one counts by and by, and what is not heard of for a while fades, so that an endpoint that
was slow once is asked again.
"""

from math import exp

TYPICAL_TOKENS = 200.0
"""Of an answer, until some have been seen."""
TOKENS_WEIGHT = 0.05
"""Of the newest answer, in the mean of their lengths."""
BYTES_A_TOKEN = 220
"""Of a stream that does not tell its usage: an event of chat completions with one token, as OpenAI
and vLLM write them. It is the same mistake for all endpoints of a cluster.
"""
FAILURE_FACTOR = 2.0
"""A failure counts as a wait of so many times what is expected of the endpoint."""
MAX_PENALTY = 20.0
"""Times the mean of the cluster: after three times the decay it is forgotten."""
LEAST_S = 0.001
"""What an endpoint is taken to need at least, so that its requests under way always count."""


class Latency:
    """Of one endpoint; of a whole cluster it is the mean that a cold endpoint is taken for."""

    __slots__ = ("_first_at", "_first_s", "_token_at", "_token_s", "first_known", "tokens_known")

    def __init__(self) -> None:
        self.first_known = self.tokens_known = False
        self._first_s = self._token_s = 0.0
        self._first_at = self._token_at = 0.0

    def waited(self, seconds: float, now: float, decay_s: float) -> None:
        """The first token has come after so long."""
        if self.first_known:
            known = self._first_s
            if seconds < known:
                weight = exp(-max(now - self._first_at, 0.0) / decay_s)
                seconds = known * weight + seconds * (1.0 - weight)
        self.first_known = True
        self._first_s = seconds
        self._first_at = now

    def paced(self, seconds: float, now: float, decay_s: float) -> None:
        """A token has taken so long, in the mean of an answer."""
        if self.tokens_known:
            weight = exp(-max(now - self._token_at, 0.0) / decay_s)
            # an answer is many tokens: one of two at the same moment must count for something
            weight = min(weight, 0.9)
            seconds = self._token_s * weight + seconds * (1.0 - weight)
        self.tokens_known = True
        self._token_s = seconds
        self._token_at = now

    def first_s(self, now: float, decay_s: float) -> float:
        """The wait that is expected now."""
        return self._first_s * exp(-max(now - self._first_at, 0.0) / decay_s)

    def token_s(self, now: float, decay_s: float) -> float:
        """The time of a token that is expected now."""
        return self._token_s * exp(-max(now - self._token_at, 0.0) / decay_s)

    def known(self) -> tuple[float, float]:
        """Seconds to the first token and per token, as they were last seen: for people."""
        return self._first_s, self._token_s


class Latencies:
    """What is known of all endpoints of a cluster together."""

    __slots__ = ("_mean", "decay_s", "tokens")

    def __init__(self, decay_s: float) -> None:
        self.decay_s = decay_s
        self.tokens = TYPICAL_TOKENS
        """Of an answer, in the mean."""
        self._mean = Latency()

    def answered(
        self,
        latency: Latency,
        now: float,
        first_s: float,
        whole_s: float,
        tokens: int,
        streamed: bool,
        size: int = 0,
    ) -> None:
        """A good answer has ended.

        :param first_s: from sending the request to the first byte of the answer.
        :param whole_s: to its last byte.
        :param tokens: of the answer; 0 when nobody told. :param size: its bytes.
        """
        if streamed:
            self._waited(latency, first_s, now)
            tokens = tokens or size // BYTES_A_TOKEN
            if tokens > 1 and whole_s > first_s:
                self._paced(latency, (whole_s - first_s) / (tokens - 1), now)
        elif tokens:
            # nothing tells how long the first token took, so it is taken for what streams say
            wait_s = min(latency.first_s(now, self.decay_s), whole_s)
            self._paced(latency, (whole_s - wait_s) / tokens, now)
        else:  # embeddings and the like
            self._waited(latency, whole_s, now)
        if tokens:
            self.tokens += TOKENS_WEIGHT * (tokens - self.tokens)

    def failed(self, latency: Latency, now: float, waited_s: float) -> None:
        """There was no good answer; failing fast must not look like being fast."""
        expected = latency.first_s(now, self.decay_s) if latency.first_known else 0.0
        mean = self._mean.first_s(now, self.decay_s)
        mean = max(mean, LEAST_S)
        penalty = min(FAILURE_FACTOR * max(expected, mean), MAX_PENALTY * mean)
        latency.waited(max(waited_s, penalty), now, self.decay_s)

    def expected_s(self, latency: Latency, now: float) -> float:
        """How long a typical answer would take now."""
        decay_s = self.decay_s
        first = latency if latency.first_known else self._mean
        token = latency if latency.tokens_known else self._mean
        seconds = first.first_s(now, decay_s) + self.tokens * token.token_s(now, decay_s)
        return seconds if seconds > LEAST_S else LEAST_S

    def _waited(self, latency: Latency, seconds: float, now: float) -> None:
        latency.waited(seconds, now, self.decay_s)
        mean = self._mean
        # no peak in the mean: one slow answer says nothing of an endpoint nobody knows
        before = mean.first_s(now, self.decay_s) if mean.first_known else seconds
        mean.first_known = True
        mean._first_s = before + 0.1 * (seconds - before)
        mean._first_at = now

    def _paced(self, latency: Latency, seconds: float, now: float) -> None:
        latency.paced(seconds, now, self.decay_s)
        self._mean.paced(seconds, now, self.decay_s)
