"""What was asked before, by meaning: the vectors of a cache filter's questions.

Rule: bounded. A group keeps its newest questions, a worker the groups that were asked for last.
"""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from dataplane.runtime.effects import Alike, Meaning

if TYPE_CHECKING:
    from dataplane.sessions.redis import RedisStore

DIMENSIONS = 384
"""Of the encoder (dataplane/intent/embed.py)."""
VECTOR_BYTES = 2 * DIMENSIONS
MAX_OF_GROUP = 1024
"""To compare with them all takes 0.1 ms (measured on 2 shared cores: 0.06 to 0.11)."""
MAX_FOUND = 4
"""What else is alike is seldom another question (tests/bench/near.py)."""
ROW_BYTES = 4 * DIMENSIONS + 600
"""A question in memory: its vector, its text (400 characters at most), its key."""


class Question(msgspec.Struct, frozen=True):
    """One that was answered."""

    text: str
    key: str
    vector: bytes
    """Numbers of 16 bits: half the bytes, and similarities differ by less than 0.001."""
    expires: float
    """By the wall clock, which data planes share."""


class Meanings(Protocol):
    """Questions of one cache filter. May raise StoreError."""

    async def note(self, meaning: Meaning, key: str, ttl_s: float) -> None:
        """Keep a question whose answer is kept under a key."""

    async def alike(self, group: str, vector: Sequence[float], at_least: float) -> list[Alike]:
        """The most alike ones of a group that have not expired, best first."""


class LocalMeanings:
    """Implements Meanings in this process."""

    def __init__(self, max_bytes: int, wall: Callable[[], float]) -> None:
        self._max_rows = max(MAX_OF_GROUP, max_bytes // ROW_BYTES)
        self._wall = wall
        self._groups: OrderedDict[str, _Group] = OrderedDict()
        """The one asked for last is at the end."""
        self._rows = 0

    async def note(self, meaning: Meaning, key: str, ttl_s: float) -> None:
        """See Meanings."""
        self.add(meaning.group, self.question(meaning, key, ttl_s))

    async def alike(self, group: str, vector: Sequence[float], at_least: float) -> list[Alike]:
        """See Meanings."""
        return self.found(group, vector, at_least)

    def question(self, meaning: Meaning, key: str, ttl_s: float) -> Question:
        """As it is kept."""
        import numpy  # (the encoder, which made the vector, has loaded it in its thread)

        vector = numpy.asarray(meaning.vector, numpy.float16).tobytes()
        return Question(meaning.text, key, vector, self._wall() + ttl_s)

    def add(self, group: str, question: Question) -> None:
        """Keep it."""
        found = self._groups.get(group)
        if found is None:
            found = self._groups[group] = _Group()
            self._rows += found.size
        self._groups.move_to_end(group)
        self._rows -= found.size
        found.add(question)
        self._rows += found.size
        while self._rows > self._max_rows:
            _, oldest = self._groups.popitem(last=False)
            self._rows -= oldest.size

    def found(self, group: str, vector: Sequence[float], at_least: float) -> list[Alike]:
        """The most alike ones of a group that have not expired, best first."""
        known = self._groups.get(group)
        if known is None:
            return []
        self._groups.move_to_end(group)
        return known.alike(vector, at_least, self._wall())

    def knows(self, group: str) -> bool:
        """Whether anything of a group is here."""
        return group in self._groups


class SharedMeanings:
    """Implements Meanings in Redis: every worker adds to a log of each group, and reads what is new
    in it before it answers."""

    def __init__(self, store: "RedisStore", max_bytes: int, wall: Callable[[], float]) -> None:
        self._store = store
        self._local = LocalMeanings(max_bytes, wall)
        self._read: dict[str, bytes] = {}
        """Up to where the log of each group is here."""
        self._encode = msgspec.msgpack.Encoder().encode
        self._decode = msgspec.msgpack.Decoder(Question).decode

    async def note(self, meaning: Meaning, key: str, ttl_s: float) -> None:
        """See Meanings."""
        entry = self._encode(self._local.question(meaning, key, ttl_s))
        await self._store.append(_log(meaning.group), entry, MAX_OF_GROUP, ttl_s)

    async def alike(self, group: str, vector: Sequence[float], at_least: float) -> list[Alike]:
        """See Meanings."""
        if not self._local.knows(group):
            self._read.pop(group, None)
        news = await self._store.since(_log(group), self._read.get(group))
        for at, entry in news:
            self._read[group] = at
            try:
                question = self._decode(entry)
            except msgspec.MsgspecError:
                continue  # somebody else's, in a Redis that others use
            if len(question.vector) == VECTOR_BYTES:
                self._local.add(group, question)
        if len(self._read) > 2 * MAX_OF_GROUP:
            self._read = {one: at for one, at in self._read.items() if self._local.knows(one)}
        return self._local.found(group, vector, at_least)


class _Group:
    """The questions of one group; the newest overwrite the oldest."""

    __slots__ = ("_next", "_numpy", "_questions", "_vectors")

    def __init__(self) -> None:
        import numpy

        self._numpy: Any = numpy
        self._vectors = numpy.zeros((1, DIMENSIONS), numpy.float32)
        self._questions: list[Question] = []
        self._next = 0

    @property
    def size(self) -> int:
        """Rows that it takes, used or not."""
        return len(self._vectors)

    def add(self, question: Question) -> None:
        vector = self._numpy.frombuffer(question.vector, self._numpy.float16)
        for at, known in enumerate(self._questions):
            if known.key == question.key:
                self._questions[at], self._vectors[at] = question, vector
                return
        at = self._next
        if at == len(self._vectors) < MAX_OF_GROUP:
            rows = (min(2 * at, MAX_OF_GROUP), DIMENSIONS)
            grown = self._numpy.zeros(rows, self._numpy.float32)
            grown[:at] = self._vectors
            self._vectors = grown
        self._next = at = at % MAX_OF_GROUP
        self._vectors[at] = vector
        self._questions[at : at + 1] = [question]
        self._next += 1

    def alike(self, vector: Sequence[float], at_least: float, now: float) -> list[Alike]:
        count = len(self._questions)
        near = self._vectors[:count] @ self._numpy.asarray(vector, self._numpy.float32)
        best = [int(at) for at in self._numpy.argsort(-near) if near[at] >= at_least]
        live = [at for at in best if self._questions[at].expires > now]
        return [
            Alike(one.text, one.key, round(float(near[at]), 4))
            for at in live[:MAX_FOUND]
            if (one := self._questions[at])
        ]


def _log(group: str) -> str:
    return f"alike:{group}"
