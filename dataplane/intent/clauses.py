"""One message -> the parts that could each be a request of its own.

Rule: parts come in the order they are written, do not overlap, and each says something (three words
at least). Whether two parts want two agents is not decided here.
"""

import re

from dataplane.intent.encoder import Span

MAX_CLAUSES = 6
"""What follows belongs to the last one: each may cost a run of the encoder."""
MIN_WORDS = 3

_BREAK = re.compile(
    r"(?<=[.!?;])[\"')\]]*\s+"
    r"|(?<=[\u3002\uff01\uff1f\uff1b])\s*"
    r"|\s*\n+\s*"
    r"|\s*,\s+(?:(?:and|but|or)\s+)?(?:also|then|plus)?\b\s*"
    r"|\s+(?:and\s+also|and\s+then|and\s+after\s+that|after\s+that|as\s+well\s+as|and|also|then|plus"
    r"|but|besides|additionally)\s+",
    re.IGNORECASE,
)
_WORD = re.compile(r"\w+")
# "Also, book a table": the break before it leaves the connector at the start of the part.
_LEADING = re.compile(
    r"(?:and|also|then|plus|but|oh|so|ok|okay|after that|finally|next)\b[\s,]*", re.IGNORECASE
)


def clauses(text: str) -> list[Span]:
    """The parts of `text` as character positions; one part when nothing separates it."""
    edges: list[Span] = []
    at = 0
    for match in _BREAK.finditer(text):
        edges.append((at, match.start()))
        at = match.end()
    edges.append((at, len(text)))
    merged: list[Span] = []
    for span in edges:
        span = _trim(text, span)
        if span[0] >= span[1]:
            continue
        # A fragment ("7pm, for two") completes what is beside it.
        small = min(_size(text, span), _size(text, merged[-1]) if merged else MIN_WORDS) < MIN_WORDS
        if merged and (small or len(merged) == MAX_CLAUSES):
            merged[-1] = (merged[-1][0], span[1])
        else:
            merged.append(span)
    return merged


def _trim(text: str, span: Span) -> Span:
    start, end = span
    while lead := _LEADING.match(text, start, end):
        start = lead.end()
    while start < end and text[start].isspace():
        start += 1
    while start < end and text[end - 1].isspace():
        end -= 1
    return start, end


def _size(text: str, span: Span) -> int:
    # Only whether it reaches MIN_WORDS matters, so a long part is not counted to its end.
    part = text[span[0] : min(span[1], span[0] + 120)]
    # Scripts without spaces have one "word" a sentence: two signs count as one.
    return max(len(_WORD.findall(part)), sum(1 for c in part if c > "\u2e80") // 2)
