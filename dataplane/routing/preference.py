"""Preferences as the embedded router reads them, and those that a request brings along.

Rule: what a client sends for us never reaches a provider: it is taken out of the body, whichever
protocol the body speaks.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import msgspec

from dataplane.runtime.choosing import Prefer, Preference
from dataplane.runtime.config import AgentTarget
from dataplane.runtime.decision import Decision
from dataplane.runtime.messages import LocalReply, ResponseDetail

INLINE = b'"routing_preferences"'
DEAD_METADATA = (b'"plano_preference_config"', b'"archgw_preference_config"')
MAX_INLINE = 64
OTHER = "-"
"""Competes with a single preference, so that it can fail to fit; no preference has this name."""
_ELSE = AgentTarget(
    OTHER,
    "Something else: small talk, greetings, thanks, and every other kind of question or task that"
    " is not described elsewhere.",
)


class _Policy(msgspec.Struct):
    prefer: Literal["none", "cheapest", "fastest", ""] | None = None


class _Inline(msgspec.Struct):
    name: str
    description: str
    models: list[str]
    selection_policy: _Policy | None = None
    examples: list[str] = []


@dataclass(frozen=True, slots=True)
class Taken:
    """A body without what was meant for us."""

    body: bytes
    preferences: tuple[Preference, ...] | None = None
    """None: the request brings none."""


_FIELDS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_INLINE = msgspec.json.Decoder(list[_Inline] | None)
_ENCODER = msgspec.json.Encoder()


def take_out(body: bytes) -> Taken | LocalReply:
    """Separate a request's own preferences from it. A body that is no JSON object stays as it is:
    somebody else will say what is wrong with it.
    """
    inline = INLINE in body
    if not inline and not any(word in body for word in DEAD_METADATA):
        return Taken(body)
    try:
        fields = _FIELDS.decode(body)
    except (ValueError, RecursionError):
        return Taken(body)
    raw = fields.pop("routing_preferences", None)
    changed = _without_dead(fields) or raw is not None
    given = None
    if raw is not None:
        try:
            given = _read(_INLINE.decode(raw))
        except (ValueError, RecursionError) as problem:
            message = f"The request's `routing_preferences` cannot be used: {problem}."
            return LocalReply(400, message, ResponseDetail.INVALID_BODY)
    return Taken(_ENCODER.encode(fields) if changed else body, given)


def _read(given: list[_Inline] | None) -> tuple[Preference, ...] | None:
    if given is None:
        return None
    if len(given) > MAX_INLINE:
        raise ValueError(f"more than {MAX_INLINE} of them")
    names = [one.name for one in given]
    for one in given:
        if not one.name or not one.models or not all(one.models):
            raise ValueError("each needs a name and models")
        if names.count(one.name) > 1:
            raise ValueError(f"two have the name {one.name!r}")
    return tuple(
        Preference(
            one.name,
            one.description,
            tuple(dict.fromkeys(one.models)),
            Prefer((one.selection_policy and one.selection_policy.prefer) or "none"),
            position,
            tuple(one.examples),
        )
        for position, one in enumerate(given)
    )


def _without_dead(fields: dict[str, msgspec.Raw]) -> bool:
    """Drop what older clients of Plano put into `metadata`; nobody reads it."""
    try:
        metadata = _FIELDS.decode(fields.get("metadata", msgspec.Raw(b"{}")))
    except (ValueError, RecursionError):
        return False
    kept = {name: v for name, v in metadata.items() if f'"{name}"'.encode() not in DEAD_METADATA}
    if len(kept) == len(metadata):
        return False
    if kept:
        fields["metadata"] = msgspec.Raw(_ENCODER.encode(kept))
    else:
        del fields["metadata"]
    return True


def as_agents(preferences: Sequence[Preference]) -> tuple[AgentTarget, ...]:
    """The preferences for a router of agents."""
    return as_competitors(
        AgentTarget(one.name, one.description, position=n, examples=one.examples)
        for n, one in enumerate(preferences)
    )


def as_competitors(agents: Iterable[AgentTarget]) -> tuple[AgentTarget, ...]:
    """What a router chooses among: never one alone, as that would always fit."""
    among = tuple(agents)
    return (*among, _ELSE) if len(among) == 1 else among


def chosen(decision: Decision, preferences: Sequence[Preference]) -> Preference | None:
    """The preference that fits best; None when none does."""
    by_name = {one.name: one for one in preferences}
    return next((by_name[name] for name in decision.agents if name in by_name), None)
