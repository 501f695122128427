"""Comparing token vectors: the arithmetic of `dataplane.intent.embed`, in numpy.

Imported only where the `router` extra is installed.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dataplane.intent.encoder import BriefViews, Span, Views
from dataplane.intent.session import int8_product
from dataplane.intent.units import AgentTexts, phrasings

Array = NDArray[np.float32]
Ids = NDArray[np.int64]

WORDS_PER_AGENT = 256
"""Token vectors kept of one agent (1.5 kB each), so that a very long description stays cheap."""

# WordPiece numbers whole words by how common they are: below _FIRST_WORD are marks and letters,
# then "the", "of", "and" ... So rarity needs no statistics of anybody's data.
_FIRST_WORD = 1996
_COMMON = 100.0
_LAST_MARKER = 103
_VOCABULARY = 30_522
_SAYING = 0.2
"""Words of a request that say less ("to", "is") are not compared with those of the agents. They are
nearly half; the development data's requests and turns come out right as often without them."""
_SAYS_ENOUGH = 1.0
"""Words that say more than this ("what", "can" do not) are all worth reading: a rare one is not
what a request is about for being rare."""
_NOTHING: Array = np.zeros((0, 384), np.float32)


@dataclass(frozen=True, slots=True)
class Tokens:
    """A text as the encoder read it."""

    ids: Ids
    states: Array
    """One row per token, markers included."""
    offsets: tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Parts:
    """A text as the encoder read it, whole and in parts: a row for the whole, then one for each."""

    tokens: Tokens
    pool: Array
    """Which tokens, 1 or 0."""
    vectors: Array
    """The mean of theirs, of length 1."""


def in_parts(tokens: Tokens, parts: Sequence[Span]) -> Parts:
    """A text and parts of it, each of the words that it shares with the whole."""
    pool = np.zeros((1 + len(parts), len(tokens.ids)), np.float32)
    pool[0] = 1.0
    for row, part in enumerate(parts, 1):
        pool[row, inside(tokens.offsets, part)] = 1.0
    return Parts(tokens, pool, unit(pool @ tokens.states))


def mean(states: Array) -> Array:
    """The vector of a text or of a part of one: its tokens' mean, of length 1."""
    # Of the sum, which points the same way.
    return unit(np.add.reduce(states, axis=0))


def unit(vectors: Array) -> Array:
    """Vectors (in the last axis) at length 1; zero stays zero."""
    length = np.sqrt(np.einsum("...i,...i->...", vectors, vectors))[..., None]
    result: Array = vectors / np.maximum(length, 1e-9)
    return result


def rarity(ids: Ids) -> Array:
    """How much each token says, 0.05 (marks, "the") to about 5; markers say nothing."""
    rank = np.maximum(ids - _FIRST_WORD + 1, 0)
    weight = np.maximum(np.log1p(rank / _COMMON), 0.05)
    return np.where(ids > _LAST_MARKER, weight, 0.0).astype(np.float32)


def telling(ids: Ids, most: int) -> list[int]:
    """Which tokens of a text to read, so many at most: its marks of both ends, and not the common
    words ("the", "to", "is"); where that is not enough, those nearest to its ends.

    Of the development data's joined requests 0.768 come out right that way with 24 tokens beside
    USE, 0.755 with 18; sharing them out among its parts gains nothing (0.770).
    """
    says = np.minimum(rarity(ids), _SAYS_ENOUGH)
    says[[0, -1]] = np.inf
    ends = np.minimum(np.arange(len(ids)), np.arange(len(ids))[::-1])
    return sorted(np.lexsort((ends, -says))[:most].tolist())


_WEIGHTS = rarity(np.arange(_VOCABULARY))
_WEIGHTS = np.where(_WEIGHTS < _SAYING, 0.0, _WEIGHTS).astype(np.float32)


class ViewIndex:
    """The vectors of all agents, stacked so that one request is a few matrix products."""

    def __init__(
        self,
        agents: Sequence[AgentTexts],
        read_agent: Callable[[str], Tokens],
        read_request: Callable[[str], Tokens],
        read_briefly: Callable[[str, tuple[Span, ...]], Parts],
    ) -> None:
        self._read = read_request
        self._read_briefly = read_briefly
        vectors = [_AgentVectors.of(agent, read_agent) for agent in agents]
        self._heads = np.stack([v.head for v in vectors])
        self._wholes = np.stack([v.whole for v in vectors])
        self._units, self._unit_starts = _stacked([v.units for v in vectors])
        words, self._word_starts = _stacked([v.words for v in vectors])
        self._near_words = int8_product(words)
        self._examples = [v.examples for v in vectors]

    def views(self, text: str) -> list[Views]:
        """See AgentIndex."""
        return self.part_views(text, ())[0]

    def part_views(self, text: str, parts: Sequence[Span]) -> list[list[Views]]:
        """See AgentIndex."""
        read = in_parts(self._read(text), parts)
        vectors = read.vectors
        units = self._nearest_units(vectors)
        examples = self._nearest_examples(vectors, units)
        words = self._nearest_words(read)
        columns = (vectors @ self._heads.T, vectors @ self._wholes.T, units, words, examples)
        return [
            [Views(*row) for row in zip(*(c.tolist() for c in part), strict=True)]
            for part in zip(*columns, strict=True)
        ]

    def brief_views(self, text: str, parts: Sequence[Span]) -> list[list[BriefViews]]:
        """See AgentIndex."""
        read = self._read_briefly(text, tuple(parts))
        found = (
            read.vectors @ self._wholes.T,
            self._nearest_units(read.vectors),
            self._nearest_words(read),
        )
        columns = [column.tolist() for column in found]
        return [list(map(BriefViews, *rows)) for rows in zip(*columns, strict=True)]

    def _nearest_units(self, vectors: Array) -> Array:
        found: Array = np.maximum.reduceat(vectors @ self._units.T, self._unit_starts, axis=1)
        return found

    def _nearest_words(self, read: Parts) -> Array:
        """Per part and agent, how near the part's words come to the agent's on average; a part
        that says nothing counts as the whole."""
        ids = read.tokens.ids
        weights = _WEIGHTS[ids]
        if not weights.any():
            weights = rarity(ids)
        said = np.flatnonzero(weights)
        if not len(said):
            return np.zeros((len(read.pool), len(self._word_starts)), np.float32)
        products = self._near_words(unit(read.tokens.states[said]))
        near = np.maximum.reduceat(products, self._word_starts, axis=1)
        shares = read.pool[:, said] * weights[said]
        shares[~shares.any(axis=1)] = shares[0]
        totals: Array = np.add.reduce(shares, axis=1, keepdims=True)
        found: Array = shares @ near
        return found / totals

    def _nearest_examples(self, vectors: Array, units: Array) -> Array:
        if not any(map(len, self._examples)):
            return units
        nearest = [
            np.sort(vectors @ examples.T, axis=1)[:, -2:].mean(axis=1)
            if len(examples)
            else units[:, agent]
            for agent, examples in enumerate(self._examples)
        ]
        return np.stack(nearest, axis=1)


def inside(offsets: Sequence[Span], part: Span) -> slice:
    """The tokens of a part; all of them where the encoder did not read that far."""
    start, end = part
    found = [i for i, (a, b) in enumerate(offsets) if start <= a < b <= end]
    return slice(found[0], found[-1] + 1) if found else slice(0, len(offsets))


@dataclass(frozen=True, slots=True)
class _AgentVectors:
    head: Array
    whole: Array
    units: Array
    examples: Array
    words: Array

    @classmethod
    def of(cls, agent: AgentTexts, read: Callable[[str], Tokens]) -> "_AgentVectors":
        head, whole = read(agent.head), read(agent.whole)
        units = [read(text) for text in agent.units]
        examples = [read(text) for text in agent.examples]
        words = [t.states[t.ids > _LAST_MARKER] for t in (whole, head, *units, *examples)]
        some = np.concatenate(words) if any(map(len, words)) else whole.states
        return cls(
            head=mean(head.states),
            whole=mean(whole.states),
            units=np.stack([_phrased(agent, text, read) for text in agent.units]),
            examples=np.stack([mean(t.states) for t in examples]) if examples else _NOTHING,
            words=unit(some[:WORDS_PER_AGENT]),
        )


def _phrased(agent: AgentTexts, text: str, read: Callable[[str], Tokens]) -> Array:
    vectors = [mean(read(phrase).states) for phrase in phrasings(agent, text)]
    return unit(np.stack(vectors).mean(axis=0))


def _stacked(groups: Sequence[Array]) -> tuple[Array, NDArray[np.intp]]:
    """All rows in one matrix, and where each group starts."""
    starts = np.cumsum([0, *map(len, groups)])[:-1]
    return np.ascontiguousarray(np.concatenate(groups)), starts
