"""Descriptions that a router has a hard time with: told by `outrider check`, never refused.

Two descriptions are alike when the words that carry their meaning are the same ones. That is less
than what the router in the data plane sees, but needs nothing of it: on the development data (43
sets of agents, 1,573 pairs, none meant to be alike) one pair is told, two that find research
papers; the next one has 0.48.
"""

import re
from collections import Counter
from functools import lru_cache
from math import sqrt
from typing import TYPE_CHECKING, NamedTuple

from controlplane.config.rules.orchestrator import orchestrator_of

if TYPE_CHECKING:
    from controlplane.config.parse import Parsed
    from controlplane.config.problem import ConfigError, Path

MOST_ALIKE = 0.5
"""Cosine of two descriptions' words, 0 to 1."""
MOST_COMPARED = 200
"""Agents of one listener: comparing all pairs of these takes a fifth of a second."""
_WORD = re.compile(r"[^\W\d_]{2,}")
_QUOTED = re.compile(r'"[^"\n]{4,200}"|\u201c[^\u201d\n]{4,200}\u201d')
_ENDINGS = re.compile(r"(?:ing|ed|es|s|e)$")
_EMPTY = frozenset(
    re.findall(
        r"\w+",
        """
        a about after all also an and any are as at be been both but by can could do does each for
        from get give has have help helps how if in into is it its like may more most need needs
        not of on one or other our out over own provide provides put set should so some such than
        that the their them then there these they this those through to use used user users using
        want wants was we what when where which who will with would you your answer answers
        question questions agent agents request requests handle handles task tasks
        """,
    )
)


def notes(parsed: "Parsed") -> list["ConfigError"]:
    """Agents that cannot be told apart, and those without an example."""
    told: list[ConfigError] = []
    for index, listener in enumerate(parsed.config.listeners):
        steps = listener.plan.steps
        looping = {agent for step in steps for agent in step.loop or ()}
        if len(listener.agents) < 2 or (steps and not looping):
            continue  # nobody chooses
        # Who has no description here is described by its own card.
        described = [
            _Described(("listeners", index, "agents", at), agent.id, agent.description)
            for at, agent in enumerate(listener.agents)
            if agent.description
            and (
                agent.id in looping
                if steps
                else agent.choosable and agent.id != listener.plan.merge
            )
        ][:MOST_COMPARED]
        told += _alike(parsed, described)
        if orchestrator_of(parsed.config, listener).type == "model":
            continue
        shown = {agent.id for agent in listener.agents if agent.examples}
        for one in described:
            if one.id not in shown and not _QUOTED.search(one.text):
                hint = f"add 'examples': some requests that {one.id!r} is meant for"
                told.append(parsed.error(one.path, "the router has only a description", hint))
    return told


class _Described(NamedTuple):
    """An agent of a listener."""

    path: "Path"
    id: str
    text: str


def _alike(parsed: "Parsed", agents: list[_Described]) -> list["ConfigError"]:
    """Each agent once, with the one before it that is most like it."""
    told = []
    for number, agent in enumerate(agents):
        near = ((likeness(agent.text, one.text), one.id) for one in agents[:number])
        most, other = max(near, default=(0.0, ""))
        if most >= MOST_ALIKE:
            what = f"says almost the same as that of {other!r} ({most:.2f} of 1)"
            hint = "say what only this agent does, and what is the other's"
            told.append(parsed.error((*agent.path, "description"), what, hint))
    return told


def likeness(one: str, other: str) -> float:
    """How much two descriptions share, 0 to 1, by the words that carry their meaning."""
    a, b = _weights(one), _weights(other)
    shared = sum(weight * b[word] for word, weight in a.items() if word in b)
    return min(1.0, shared)


@lru_cache(1024)
def _weights(text: str) -> dict[str, float]:
    """Words -> weights whose squares sum up to 1. What says it twice says little more."""
    words = (word for word in _WORD.findall(text.casefold()) if word not in _EMPTY)
    counts = Counter(_stem(word) for word in words)
    weights = {word: sqrt(count) for word, count in counts.items()}
    length = sqrt(sum(weight * weight for weight in weights.values())) or 1.0
    return {word: weight / length for word, weight in weights.items()}


def _stem(word: str) -> str:
    """Without what only grammar asks for; short words stay."""
    cut = _ENDINGS.sub("", word)
    return cut if len(cut) > 3 else word
