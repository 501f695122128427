"""Cards, accounts and addresses of machines: numbers that prove themselves.

Rule: every pattern is bounded, so that no text takes more than one pass over it; what its shape
leaves open a checksum decides.
"""

import re
from collections.abc import Iterator
from ipaddress import ip_address

from stdnum import iban, luhn

Span = tuple[int, int]

_CARD = re.compile(r"(?<![\w.])\d(?:[ -]?\d){12,18}(?!\d)")
_CARD_SIZES = range(19, 12, -1)
_ISSUED = re.compile(
    r"4(?:\d{12}|\d{15}|\d{18})|5[1-5]\d{14}|2[2-7]\d{14}|3[47]\d{13}|3(?:0|6|8)\d{12}"
    r"|35\d{14,17}|6\d{15,18}|5[0678]\d{11,17}"
)
"""Beginnings and lengths that are issued: Visa, Mastercard, American Express, Diners, JCB, Discover
and UnionPay, Maestro."""


def cards(text: str, begin: int) -> Iterator[Span]:
    """Payment cards: 13 to 19 digits with the checksum of Luhn."""
    for found in _CARD.finditer(text, begin):
        start = found.start()
        places = [at for at in range(start, found.end()) if text[at].isdigit()]
        digits = "".join(text[at] for at in places)
        for size in _CARD_SIZES:
            if size > len(digits):
                continue
            end = places[size - 1] + 1
            whole = end == found.end() or not text[end].isdigit()
            if whole and _ISSUED.fullmatch(digits[:size]) and luhn.is_valid(digits[:size]):
                yield start, end
                break


_IBAN = re.compile(r"(?<!\w)[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,4})?", re.IGNORECASE)
_IBAN_SIZES = range(34, 14, -1)


def ibans(text: str, begin: int) -> Iterator[Span]:
    """International account numbers, with their country's form and checksum."""
    for found in _IBAN.finditer(text, begin):
        start = found.start()
        places = [at for at in range(start, found.end()) if text[at] != " "]
        for size in _IBAN_SIZES:
            if size > len(places):
                continue
            end = places[size - 1] + 1
            if end < len(text) and text[end].isalnum():
                continue
            if iban.is_valid(text[start:end]):
                yield start, end
                break


_IPV4 = re.compile(r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?![\w]|\.\d)")
_IPV6 = re.compile(r"(?<![\w:])(?:[0-9a-f]{0,4}:){2,7}[0-9a-f]{0,4}(?![\w:])", re.IGNORECASE)


def addresses(text: str, begin: int) -> Iterator[Span]:
    """IP addresses, but for those that say nothing about anybody (127.0.0.1, ::1, 0.0.0.0)."""
    if "." in text:
        yield from _addresses(_IPV4, text, begin)
    if "::" in text or text.count(":") > 6:
        yield from _addresses(_IPV6, text, begin)


def _addresses(pattern: re.Pattern[str], text: str, begin: int) -> Iterator[Span]:
    for found in pattern.finditer(text, begin):
        try:
            address = ip_address(found[0])
        except ValueError:
            continue
        if not address.is_loopback and not address.is_unspecified:
            yield found.span()
