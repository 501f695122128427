"""BM25 over agents: the lexical score, and the whole router where the encoder is not installed.

Scores are shares: 0 when no word of the request is in the agent's texts, near 1 when all are there.
"""

import math
from collections import Counter
from collections.abc import Sequence

K1 = 2.0
B = 0.4
UNSEEN = 1.5
"""Added to the weight of a request, so that one shared word in a short one is no proof."""
LEAST = 6
"""Of fewer documents rarity says nothing: the words of one of two are not common words."""


class Bm25:
    """An index of a few dozen documents, each a list of words."""

    __slots__ = ("_idf", "_postings", "_size", "_unknown")

    def __init__(self, documents: Sequence[Sequence[str]]) -> None:
        self._size = len(documents)
        counts = [Counter(document) for document in documents]
        mean = sum(map(len, documents)) / max(1, self._size) or 1.0
        frequency = Counter(word for count in counts for word in count)
        of = max(self._size, LEAST)
        self._idf = {
            word: math.log(1 + (of - n + 0.5) / (n + 0.5)) for word, n in frequency.items()
        }
        self._unknown = math.log(1 + (of + 0.5) / 0.5)
        self._postings: dict[str, list[tuple[int, float]]] = {}
        for index, (document, count) in enumerate(zip(documents, counts, strict=True)):
            norm = K1 * (1 - B + B * len(document) / mean)
            for word, n in count.items():
                weight = self._idf[word] * n * (K1 + 1) / (n + norm)
                self._postings.setdefault(word, []).append((index, weight))

    def shares(self, request: Sequence[str]) -> list[float]:
        """For each document the part of the request's weight that it answers, 0 to 1."""
        scores = [0.0] * self._size
        total = UNSEEN
        for word in set(request):
            total += self._idf.get(word, self._unknown)
            for index, weight in self._postings.get(word, ()):
                scores[index] += weight
        # A word that is repeated in a document can weigh up to K1 + 1 times its idf.
        return [min(1.0, score / total) for score in scores]
