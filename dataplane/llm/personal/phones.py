"""Telephone numbers."""

import re
from collections.abc import Callable, Iterator, Sequence

import phonenumbers

Span = tuple[int, int]

_PHONE = re.compile(r"(?<![\w.,/:+-])(?:\+|\(?\d)[\d ().\-/\u00a0]{5,22}\d(?![\w]|[.,:]\d)")
_GROUPED = re.compile(r"\d[ ().\-/\u00a0]+\d")
_DOTTED = re.compile(r"\d+\.\d+|(?:\d{1,3}\.){3}\d{1,3}")
_DATE = re.compile(r"(?:\d{1,2}[./-]){2}\d{2,4}\b|\d{4}[./-]\d{1,2}[./-]\d{1,2}\b")


def phones(regions: Sequence[str]) -> Callable[[str, int], Iterator[Span]]:
    """Recognises telephone numbers: international ones, and those of `regions` ("US") as they are
    written at home. The latter must be grouped or begin with 0: other digits are taken for numbers
    of something else.
    """

    def found_in(text: str, begin: int) -> Iterator[Span]:
        for found in _PHONE.finditer(text, begin):
            said = found[0]
            if _DATE.match(said) or _DOTTED.fullmatch(said):
                continue
            if said.startswith(("+", "00")):
                if _valid(re.sub(r"^00", "+", said), None):
                    yield found.span()
            elif (said.startswith(("0", "(0")) or _GROUPED.search(said)) and any(
                _valid(said, region) for region in regions
            ):
                yield found.span()

    return found_in


def _valid(said: str, region: str | None) -> bool:
    try:
        number = phonenumbers.parse(said, region)
    except phonenumbers.NumberParseException:
        return False
    return phonenumbers.is_valid_number(number)
