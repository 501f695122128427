"""How much a text looks like an attempt to take over the model: 0 to 1, and why. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass

from dataplane.filters.screening.plain import hides, plain
from dataplane.filters.screening.signs import IN_DATA, SIGNS, STRONG

MAX_CHARACTERS = 100_000
"""Looked at of one text, half at each end: 1 MB would take a quarter of a second."""
SPAN = 3000
"""Characters that signs must stand within to be added up: a long text has room for accidents."""


@dataclass(frozen=True, slots=True)
class Score:
    """What was found in a text."""

    value: float
    """0: nothing; 1: surely."""
    signs: tuple[str, ...]
    """Names of what was found."""


NOTHING = Score(0.0, ())


def score(text: str, *, is_data: bool = False) -> Score:
    """:param is_data: a tool or a document says it, not a person."""
    if len(text) > MAX_CHARACTERS:
        half = MAX_CHARACTERS // 2
        text = f"{text[:half]}\n{text[-half:]}"
    found = plain(text)
    hits = [
        (match.start(), sign.name, sign.weight)
        for sign in ((*SIGNS, *IN_DATA) if is_data else SIGNS)
        for match in sign.pattern.finditer(found)
    ]
    if hides(text):
        hits.append((0, "hidden words", STRONG))
    hits.sort()
    best = NOTHING
    for at, (begin, _, _) in enumerate(hits):
        within = [hit for hit in hits[at:] if hit[0] <= begin + SPAN]
        weights: dict[str, float] = {}
        for _, name, weight in within:
            weights[name] = max(weight, weights.get(name, 0.0))
        value = 1.0 - _product(1.0 - weight for weight in weights.values())
        if value > best.value:
            best = Score(round(value, 4), tuple(sorted(weights)))
    return best


def _product(values: Iterable[float]) -> float:
    result = 1.0
    for value in values:
        result *= value
    return result
