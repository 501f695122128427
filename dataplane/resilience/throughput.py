"""Whether a stream is too slow to be worth waiting for.

The rule: the pace of a whole window is judged, never that of a moment, and time in which the
client did not read is not the provider's. The window begins with the first content, because what
comes before has limits of its own (timeouts.py).
"""

from dataplane.runtime.retry import RetryPolicy


class Throughput:
    """The pace of one stream. Feed it every read; ask `is_slow` about once a window, by a timer."""

    __slots__ = ("_in_events", "_minimum", "_paused_at", "_pauses", "_seen", "_since", "window_s")

    def __init__(self, policy: RetryPolicy, now: float) -> None:
        """Made at the first content. See `wanted`."""
        self._in_events = policy.min_tokens_per_second > 0.0
        self._minimum = policy.min_tokens_per_second or policy.min_bytes_per_second
        self.window_s = policy.throughput_window_s
        """How long to wait before `is_slow` is asked."""
        self._since = now
        self._seen = 0
        self._paused_at: float | None = None
        self._pauses = 0.0

    @staticmethod
    def wanted(policy: RetryPolicy) -> bool:
        """Whether a policy has a minimum at all."""
        return policy.min_tokens_per_second > 0.0 or policy.min_bytes_per_second > 0.0

    def feed(self, chunk: bytes) -> None:
        """A read. A token is taken to be an event (of SSE, or of AWS): providers send one or more
        in each.
        """
        if not self._in_events:
            self._seen += len(chunk)
        else:
            self._seen += chunk.count(b"data:") or chunk.count(b":event-type")

    def paused(self, now: float) -> None:
        """The client does not read, so the upstream is not read either."""
        if self._paused_at is None:
            self._paused_at = now

    def resumed(self, now: float) -> None:
        """The client reads again."""
        if self._paused_at is not None:
            self._pauses += now - self._paused_at
            self._paused_at = None

    def is_slow(self, now: float) -> bool:
        """Whether the window that ends now was too slow; a window that is not over is not."""
        pauses = self._pauses + (now - self._paused_at if self._paused_at is not None else 0.0)
        took = now - self._since - pauses
        if took < self.window_s:
            return False
        slow = self._seen < self._minimum * took
        self._since = now
        self._seen = 0
        self._pauses = 0.0
        if self._paused_at is not None:
            self._paused_at = now
        return slow
