"""Numbers that states give to people: by country, with the checks that each has."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import re2
from stdnum.au import tfn
from stdnum.be import nn
from stdnum.br import cpf
from stdnum.ca import sin
from stdnum.ch import ssn as ahv
from stdnum.cn import ric
from stdnum.de import idnr
from stdnum.dk import cpr
from stdnum.es import dni, nie
from stdnum.fi import hetu
from stdnum.fr import nir
from stdnum.in_ import aadhaar, pan
from stdnum.it import codicefiscale
from stdnum.kr import rrn
from stdnum.mx import curp
from stdnum.nl import bsn
from stdnum.no import fodselsnummer
from stdnum.pl import pesel
from stdnum.se import personnummer
from stdnum.us import ssn

Span = tuple[int, int]
Pattern = Any
"""Of RE2, which has no types."""
_NEAR = 48
"""Characters before a number in which the word for it is looked for."""


@dataclass(frozen=True, slots=True)
class _Identity:
    pattern: Pattern
    is_valid: Callable[[str], bool]
    word: Pattern | None = None
    """Must stand before it: too many other numbers look so."""

    def fits(self, text: str, start: int, said: str) -> bool:
        if self.word is not None and not self.word.search(text[max(0, start - _NEAR) : start]):
            return False
        return self.is_valid(said.upper())


def _identity(pattern: str, is_valid: Callable[[str], bool], word: str = "") -> _Identity:
    return _Identity(
        re2.compile(rf"(?i)\b(?:{pattern})\b"),
        is_valid,
        re2.compile(rf"(?i)\b(?:{word})\b") if word else None,
    )


def _nino(said: str) -> bool:
    return said[:2] not in ("BG", "GB", "NK", "KN", "TN", "NT", "ZZ")


_IDENTITIES: Mapping[str, tuple[_Identity, ...]] = {
    "AU": (_identity(r"\d{3} ?\d{3} ?\d{2,3}", tfn.is_valid, "tfn|tax file number"),),
    "BE": (_identity(r"\d\d\.\d\d\.\d\d-\d{3}\.\d\d", nn.is_valid),),
    "BR": (_identity(r"\d{3}\.\d{3}\.\d{3}-\d\d", cpf.is_valid),),
    "CA": (_identity(r"\d{3}[ -]\d{3}[ -]\d{3}", sin.is_valid),),
    "CH": (_identity(r"756\.\d{4}\.\d{4}\.\d\d", ahv.is_valid),),
    "CN": (_identity(r"\d{17}[\dX]", ric.is_valid),),
    "DE": (
        _identity(
            r"\d\d ?\d{3} ?\d{3} ?\d{3}",
            idnr.is_valid,
            r"steuer\w*|identifikationsnummer|id-?nr\.?|tax id(?:entification)?(?: number)?",
        ),
    ),
    "DK": (_identity(r"\d{6}-\d{4}", cpr.is_valid),),
    "ES": (
        _identity(r"\d{8}-?[A-Z]", dni.is_valid),
        _identity(r"[XYZ]-?\d{7}-?[A-Z]", nie.is_valid),
    ),
    "FI": (_identity(r"\d{6}[-+A]\d{3}[0-9A-Y]", hetu.is_valid),),
    "FR": (
        _identity(
            r"[12378] ?\d\d ?\d\d ?(?:\d\d|2[AB]) ?\d{3} ?\d{3} ?\d\d",
            nir.is_valid,
        ),
    ),
    "GB": (
        _identity(
            r"[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?\d\d ?\d\d ?\d\d ?[A-D]",
            _nino,
        ),
    ),
    "IN": (
        _identity(r"\d{4}[ -]\d{4}[ -]\d{4}", aadhaar.is_valid),
        _identity(r"[A-Z]{5}\d{4}[A-Z]", pan.is_valid),
    ),
    "IT": (_identity(r"[A-Z]{6}\d\d[A-EHLMPR-T]\d\d[A-Z]\d{3}[A-Z]", codicefiscale.is_valid),),
    "KR": (_identity(r"\d{6}-\d{7}", rrn.is_valid),),
    "MX": (_identity(r"[A-Z]{4}\d{6}[A-Z]{6}[0-9A-Z]\d", curp.is_valid),),
    "NL": (_identity(r"\d{9}", bsn.is_valid, "bsn|burgerservicenummer|sofi-?nummer"),),
    "NO": (_identity(r"\d{6} ?\d{5}", fodselsnummer.is_valid),),
    "PL": (_identity(r"\d{11}", pesel.is_valid),),
    "SE": (_identity(r"(?:\d\d)?\d{6}[-+]\d{4}", personnummer.is_valid),),
    "US": (
        _identity(r"\d{3}-\d\d-\d{4}", ssn.is_valid),
        _identity(r"\d{3} ?\d\d ?\d{4}", ssn.is_valid, "ssn|social security(?: number)?"),
    ),
}
COUNTRIES = frozenset(_IDENTITIES)


def identities(countries: Sequence[str]) -> Callable[[str, int], Iterator[Span]]:
    """Recognises the numbers of these countries (of all, if none is named)."""
    known = [one for country in (countries or _IDENTITIES) for one in _IDENTITIES[country]]

    def found_in(text: str, begin: int) -> Iterator[Span]:
        for one in known:
            for found in one.pattern.finditer(text, begin):
                start, end = found.span()
                if _stands_alone(text, start, end) and one.fits(text, start, found[0]):
                    yield start, end

    return found_in


def _stands_alone(text: str, start: int, end: int) -> bool:
    """No part of a longer number or word (RE2's \\b goes by ASCII)."""
    before, behind = text[start - 1 : start], text[end : end + 2]
    joined = before.isalnum() or before in ("_", ".", "-") if before else False
    return (
        not joined and not behind[:1].isalnum() and not (behind[:1] == "-" and behind[1:].isdigit())
    )
