"""All that is personal in a text, each kind by its own recogniser; where two claim the same
characters, the kind that proves more has them.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence

import re2

Span = tuple[int, int]
Recogniser = Callable[[str, int], Iterator[Span]]
Found = tuple[int, int, str]
"""Start, end and kind."""

KINDS = ("secret", "email", "iban", "card", "national_id", "ip", "phone")
"""What is known, in the order in which they win over each other; an operator's own win over all."""


def recogniser(
    kinds: Sequence[str],
    own: Mapping[str, str],
    phone_regions: Sequence[str] = (),
    countries: Sequence[str] = (),
) -> Callable[[str, int], list[Found]]:
    """What finds all of these in a text, from a position on: in order, no two overlap.

    :param own: patterns (RE2) of the operator's by their name.
    """
    ordered = [(name, _own(pattern)) for name, pattern in own.items()]
    ordered += [(kind, _made(kind, phone_regions, countries)) for kind in KINDS if kind in kinds]

    def found_in(text: str, begin: int) -> list[Found]:
        found = [
            (start, end, rank)
            for rank, (_, recognise) in enumerate(ordered)
            for start, end in recognise(text, begin)
            if start < end
        ]
        return [(start, end, ordered[rank][0]) for start, end, rank in _apart(found)]

    return found_in


def _made(kind: str, phone_regions: Sequence[str], countries: Sequence[str]) -> Recogniser:
    """Imported when wanted: together they take 0.3 s and 20 MB."""
    match kind:
        case "secret":
            from dataplane.llm.personal.secrets import secrets

            return secrets
        case "email":
            from dataplane.llm.personal.emails import emails

            return emails
        case "phone":
            from dataplane.llm.personal.phones import phones

            return phones(phone_regions)
        case "national_id":
            from dataplane.llm.personal.identities import identities

            return identities(countries)
        case _:
            from dataplane.llm.personal import numbers

            by_kind = {"iban": numbers.ibans, "card": numbers.cards, "ip": numbers.addresses}
            return by_kind[kind]


def _own(pattern: str) -> Recogniser:
    compiled = re2.compile(pattern)

    def found_in(text: str, begin: int) -> Iterator[Span]:
        for found in compiled.finditer(text, begin):
            yield found.span()

    return found_in


def _apart(found: list[tuple[int, int, int]]) -> list[tuple[int, int, int]]:
    """Those of better rank, and of one rank the longer, where they overlap; by position."""
    kept: list[tuple[int, int, int]] = []
    for one in sorted(found, key=lambda one: (one[2], one[0] - one[1])):
        if all(one[1] <= other[0] or other[1] <= one[0] for other in kept):
            kept.append(one)
    kept.sort()
    return kept
