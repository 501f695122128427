"""Which endpoint has which beginning of a conversation in its cache, as far as answers tell.

The rules: an endpoint that has answered is taken to have what it was sent, until its answers keep
saying that nothing of it was cached; then it loses the affinity for it. Answers are believed only
once any of the cluster has told of cached tokens: many servers never do. Bounded: what was asked
for longest ago is forgotten.
"""

from collections.abc import Sequence
from typing import Final

MAX_PREFIXES = 16_384
"""Of each cluster: 3 MB."""
MAX_MISSES: Final = 3
"""Answers in a row that say 0 where something should have been cached."""
MIN_TOKENS = 1024
"""Of a prompt that is expected to be cached: OpenAI's and Anthropic's least, vLLM's is far less."""


class _Holder:
    __slots__ = ("lost", "misses", "name")

    def __init__(self, name: str) -> None:
        self.name = name
        """Empty: nobody has it."""
        self.misses = 0
        self.lost: tuple[str, ...] = ()
        """Who was expected to have it and did not."""


class Prefixes:
    """Of one cluster, in one worker."""

    def __init__(self, max_prefixes: int = MAX_PREFIXES) -> None:
        self._max = max_prefixes
        self._holders: dict[int, _Holder] = {}
        self._is_told = False
        """Whether any answer has ever told of cached tokens."""
        self.hits = 0
        """Answers that told of cached tokens."""
        self.misses = 0
        """Answers that told of none where they should have."""
        self.losses = 0
        """Times that an endpoint lost the affinity for a prefix."""

    @property
    def count(self) -> int:
        """How many prefixes are known."""
        return len(self._holders)

    def holder(self, block: int) -> str:
        """The name of the endpoint that has it; empty: nobody is known to."""
        found = self._holders.get(block)
        return found.name if found is not None else ""

    def lost(self, block: int) -> tuple[str, ...]:
        """The names of endpoints that should have had it and did not."""
        found = self._holders.get(block)
        return found.lost if found is not None else ()

    def answered(self, key: Sequence[int], name: str, tokens: int, cached: int) -> None:
        """An endpoint has given a good answer to a conversation that begins so.

        :param tokens: of the prompt. :param cached: of these; 0 also when nobody told.
        """
        if cached:
            self._is_told = True
            self.hits += 1
        expected = (
            not cached
            and self._is_told
            and tokens >= MIN_TOKENS
            and any(self.holder(block) == name for block in key)
        )
        self.misses += expected
        for block in key:
            self._saw(block, name, cached > 0, expected)

    def forget(self, names: Sequence[str]) -> None:
        """These endpoints are gone, and with them their caches."""
        gone = frozenset(names)
        self._holders = {
            block: holder for block, holder in self._holders.items() if holder.name not in gone
        }

    def _saw(self, block: int, name: str, hit: bool, expected: bool) -> None:
        holder = self._holders.pop(block, None)
        if holder is None:
            holder = _Holder(name)
            if len(self._holders) >= self._max:
                del self._holders[next(iter(self._holders))]
        self._holders[block] = holder  # the newest
        if hit:
            holder.misses = 0
            if name in holder.lost:
                holder.lost = tuple(one for one in holder.lost if one != name)
        if not holder.name:
            if name not in holder.lost:
                holder.name = name
                holder.misses = 0
        elif holder.name == name and expected:
            holder.misses += 1
            if holder.misses >= MAX_MISSES:
                self.losses += 1
                holder.lost = (*holder.lost[-7:], name)
                holder.name = ""
                holder.misses = 0
