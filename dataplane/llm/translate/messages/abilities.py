"""What a Claude model takes, read from its name.

Rule: the API tells nobody in advance, it refuses; and other servers speak Messages too, so a name
that is no Claude's gets what the first version of the API had.

From platform.claude.com (models, migration guides, adaptive thinking, effort, mid-conversation
system messages) as of November 2026: thinking budgets ended with 4.6, adaptive thinking and effort
began with it (effort: with Opus 4.5), sampling parameters are refused since 4.7, "system" as a role
is known since 4.8 (not to Sonnet 5), Fable, Mythos and Opus 5.5 always think.
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

_NAME: Final = re.compile(
    r"claude-(?:(?P<family>opus|sonnet|haiku|fable|mythos)-)?"
    r"(?P<major>\d)(?:[-.](?P<minor>\d{1,2})(?!\d))?"
)
_ALWAYS: Final = ("fable", "mythos")


@dataclass(frozen=True, slots=True)
class Abilities:
    """Which words of the API one model accepts."""

    sampling: bool = True
    """temperature, top_p and top_k."""
    budget: bool = True
    """Thinking with `budget_tokens`."""
    adaptive: bool = False
    efforts: tuple[str, ...] = ()
    """`output_config.effort`, weakest first."""
    without_thinking: str = "disabled"
    """The thinking type that turns it off; empty when it is off unless asked for, "always" when it
    cannot be turned off."""
    late_system: bool = False
    """Messages with the role "system"."""
    prefill: bool = True
    """The last message may be the assistant's, to go on from; refused since 4.6."""


_CLASSIC: Final = Abilities()
_EFFORTS: Final = ("low", "medium", "high", "max")
_ALL_EFFORTS: Final = ("low", "medium", "high", "xhigh", "max")


@lru_cache(maxsize=256)
def abilities(model: str) -> Abilities:
    """By the provider's name for the model, prefixes and suffixes ignored."""
    found = _NAME.search(model.lower())
    if found is None:
        return _modern("mythos", (4, 7)) if "claude-mythos" in model.lower() else _CLASSIC
    family = found["family"] or ""
    version = (int(found["major"]), int(found["minor"] or 0))
    if version < (4, 6) and family not in _ALWAYS:
        return (
            Abilities(efforts=_EFFORTS[:3]) if (family, version) == ("opus", (4, 5)) else _CLASSIC
        )
    if version == (4, 6):
        return Abilities(adaptive=True, efforts=_EFFORTS, prefill=False)
    return _modern(family, version)


def _modern(family: str, version: tuple[int, int]) -> Abilities:
    off = "disabled"
    if family in _ALWAYS or (family == "opus" and version >= (5, 5)):
        off = "always"
    elif version < (5, 0):
        off = ""
    elif family == "sonnet" and version >= (5, 5):
        off = "between_tools"
    return Abilities(
        sampling=False,
        budget=False,
        adaptive=True,
        efforts=_ALL_EFFORTS,
        without_thinking=off,
        late_system=version >= (4, 8) and (family, version) != ("sonnet", (5, 0)),
        prefill=False,
    )
