"""Text -> words: what the lexical score compares.

The rule: equal meaning should meet in equal words at no cost, so endings go ("payments", "paying",
"pays" -> "pay") and words that every request has ("please", "what") do not count.
"""

import re
from functools import lru_cache

CACHED_STEMS = 4_096
"""Words whose stems are remembered, some 0.5 MB: people use the same ones."""

_WORD = re.compile(r"[^\W_]+")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
# Scripts written without spaces: a whole sentence would be one word, so each sign is one.
_UNSPACED = re.compile(r"[\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]")
_APOSTROPHE = re.compile(r"['\u2019](?:s|m|d|re|ve|ll|t)\b")

_STOP_WORDS = """
a about again also am an and any are as at be been but by can could did do does doing done
for from get give go got had has have he help her here hi hello hey him his how i if in into
is it its just know let like ll looking me my need no not now of ok okay on one or our out
please re s she should so some t tell than thank thanks that the their them then there these
they thing this those to too up us use ve want was we were what when where which who whose
why will with would yes you your able agent assistant tool user users handle handles
question questions capabilities service provide provides
"""
STOP_WORDS = frozenset(_STOP_WORDS.split())
"""Said in any request, or in any description of an agent."""


def split_name(name: str) -> str:
    """An id as words: "ResearchFinder" and "research_finder" -> "research finder"."""
    return " ".join(_WORD.findall(_CAMEL.sub(" ", name))).lower()


@lru_cache(CACHED_STEMS)
def stem(word: str) -> str:
    """The word without its English ending; words of up to three letters stay."""
    if len(word) > 4 and word.endswith("ies"):
        word = word[:-3] + "y"
    elif len(word) > 4 and word.endswith(("sses", "ches", "shes", "xes")):
        word = word[:-2]
    elif len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        word = word[:-1]
    for ending in ("ations", "ation", "ing", "ment", "ed", "er", "al", "ly", "ion"):
        if word.endswith(ending) and len(word) - len(ending) >= 4:
            word = word[: -len(ending)]
            break
    else:
        for ending in ("ing", "ed"):
            if word.endswith(ending) and len(word) - len(ending) == 3:
                word = word[: -len(ending)]
                break
    if len(word) > 4 and word[-1] == word[-2] and word[-1] not in "sz":
        word = word[:-1]
    if len(word) > 4 and word[-1] == "e":
        word = word[:-1]
    return word[:-1] + "i" if len(word) > 3 and word[-1] == "y" else word


def words(text: str) -> list[str]:
    """The words that carry meaning, stemmed, in order, repeats kept."""
    spaced = _UNSPACED.sub(lambda sign: f" {sign.group()} ", _CAMEL.sub(" ", text))
    lowered = _APOSTROPHE.sub("", spaced.lower())
    return [stem(w) for w in _WORD.findall(lowered) if w not in STOP_WORDS]
