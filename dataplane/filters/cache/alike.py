"""Whether two texts that mean nearly the same to an encoder may have one answer.

An encoder hardly hears numbers, names, negations and the order of words: of requests in which one
word was replaced a quarter stay above a cosine of 0.9, of those that were negated nine in ten
(tests/bench/near.py). Rule: every word that says something must be the same, and in the same order;
free are only words that say how something is asked. The lists are of English words; a word that
none of them has counts, so that texts in other languages are alike less often, not more.
"""

import re

MAX_CHARACTERS = 400
"""Longer texts are not compared: the encoder reads 64 tokens, of the begin and the end."""

_PIECE = re.compile(
    r"[^\W_]+(?:[.,:'/-][^\W_]+)*"  # a word, a number, a time, a date
    r"|[^\w\s.,;:!?'\"-]|(?<=\d)!|(?<!\S)-(?=\s)|-(?=\d)|_"  # a sign that counts
)
_BEGINS = re.compile(r"(?:^|[.!?:]\s+|\n\s*)$")
_NOT = re.compile(r"(?:ca|is|are|was|were|do|does|did|has|have|had|wo|would|could|should)n'?t")

_SAID_FREELY = """
a an the this that these those there here it its it's i i'm i'd i'll i've me myself we us you
is are am be been being was were do does did doing has have having had can could would will
shall may might should of to in on at for with by as so just also please pls kindly thanks thank
hi hey hello ok okay well now then oh um tell show give let know want wanna need like love wish
help find get got explain inform share provide say says assist looking look try trying wondering
curious able possible possibly exactly what what's which some into about really actually current
currently very
"""
_FREE = frozenset(_SAID_FREELY.split())
"""They say how something is asked, not what. ("Tell me X" asks what X is.)"""
_ASKS = frozenset(("when", "where", "who", "whom", "whose", "why", "how"))
_DENIES = frozenset(("not", "no", "cannot", "ain't", "unable"))
_WHETHER = frozenset(
    ("is", "are", "am", "was", "were", "do", "does", "did", "has", "have", "had", "should", "must")
)
"""What a question for yes or no begins with; who asks "can you" wants it done."""


def may_share(one: str, other: str) -> bool:
    """Whether what answers one text may answer the other, given that they mean nearly the same."""
    return max(len(one), len(other)) <= MAX_CHARACTERS and _read(one) == _read(other)


def _read(text: str) -> tuple[list[str], list[str]]:
    """What must be the same: what is asked for, and what is said of it, each in its order."""
    asks: list[str] = []
    says: list[str] = []
    text = text.replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")
    for found in _PIECE.finditer(text):
        written, at = found[0], found.start()
        word = written.lower()
        if word in _DENIES or _NOT.fullmatch(word):
            says.append("not")
        elif word in _ASKS:
            asks.append(word)
        elif word in _WHETHER and _BEGINS.search(text, max(0, at - 8), at):
            asks.append("whether")
        elif word not in _FREE or (written.isupper() and word != "i"):  # IT, US
            says.append(_plain(word))
    return asks, says


def _plain(word: str) -> str:
    """Without the endings of several and of a verb in use: "fees", "setting", "card's"."""
    word = word.removesuffix("'s")
    if not word.isalpha():
        return word
    if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    if len(word) > 5 and word.endswith("ing"):
        word = word[:-3]
        return word[:-1] if word[-1] == word[-2] and word[-1] not in "sl" else word
    return word
