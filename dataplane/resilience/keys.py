"""Several keys of one provider, in turn: a dead one is retired, a limited one cools down.

The rule: there is always a key to use. When all of them rest it is the one that is free soonest,
because a provider's answer tells a client more than a refusal of ours would.
"""

DEAD = frozenset((401, 402, 403))
"""Not known, not paid for, not allowed: the key will not come back by itself."""
LIMITED = 429

RETIRED_S = 600.0
"""Until a dead key is tried again, by one request."""
PROBE_S = 30.0
"""How long the others wait for what that request is told."""
COOLING_S = 10.0
"""Of a limited key, when its provider does not say how long."""
LONGEST_S = 3600.0


class Keys:
    """Which of a provider's keys is used next; they are known by their index.

    One for each provider of a config, shared by everything that calls it; a changed provider gets
    a new one. A provider with one key needs none.
    """

    __slots__ = ("_dead", "_free_at", "_next")

    def __init__(self, count: int) -> None:
        self._free_at = [0.0] * count
        self._dead = [False] * count
        self._next = 0

    def pick(self, now: float) -> int:
        """The key for a request.

        :param now: seconds of a clock that never goes back.
        """
        free_at = self._free_at
        count = len(free_at)
        index = self._next
        for _ in range(count):
            if free_at[index] <= now:
                break
            index = index + 1 if index + 1 < count else 0
        else:
            index = min(range(count), key=free_at.__getitem__)
        self._next = index + 1 if index + 1 < count else 0
        if self._dead[index] and free_at[index] <= now:
            free_at[index] = now + PROBE_S
        return index

    def outcome(self, index: int, status: int, retry_after_s: float | None, now: float) -> None:
        """What a provider said to a request with a key.

        :param status: of its answer; requests that got none need not be told.
        :param retry_after_s: seconds of its Retry-After, if it had one.
        """
        if status in DEAD:
            self._dead[index] = True
            self._free_at[index] = now + RETIRED_S
        elif status == LIMITED:
            rest = COOLING_S if retry_after_s is None else min(max(1.0, retry_after_s), LONGEST_S)
            self._dead[index] = False
            self._free_at[index] = max(self._free_at[index], now + rest)
        elif self._dead[index] and status < 500:
            self._dead[index] = False
            self._free_at[index] = now

    def resting(self, now: float) -> int:
        """How many keys are not used now."""
        return sum(free_at > now for free_at in self._free_at)

    def others(self, index: int, now: float) -> int:
        """How many keys can be used now in place of one (Outcome.other_keys)."""
        free = sum(free_at <= now for free_at in self._free_at)
        return free - (self._free_at[index] <= now)
