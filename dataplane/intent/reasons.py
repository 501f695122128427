"""Decisions in words, for traces, headers and `outrider explain`.

Rule: scores, agents and numbers of parts, never a word of what the user wrote.
"""

from collections.abc import Sequence


def single_reason(
    agent: str, chance: float, other: str, second: float, previous: str | None
) -> str:
    """One agent was chosen; `previous` had the conversation before."""
    reason = f"{agent} {chance:.2f}, next {other} {second:.2f}"
    if previous is None:
        return reason
    if previous == agent:
        return f"{reason}; stays with {agent}, which had the conversation"
    return f"{reason}; moves on from {previous}"


def several_reason(found: Sequence[tuple[str, float, int]]) -> str:
    """Parts of the message (counted from 1) chose different agents."""
    named = ", ".join(f"{agent} {chance:.2f} by part {part}" for agent, chance, part in found)
    return f"several requests in one message: {named}"


def nothing_reason(best: str, chance: float, asks: float, needed: float) -> str:
    """No agent fits the first message of a conversation."""
    return f"no agent fits: best {best} {chance:.2f}, confidence {asks:.2f} below {needed:.2f}"


def closing_reason(best: str, chance: float, asks: float, needed: float) -> str:
    """No agent fits a later message."""
    odds = f"confidence {asks:.2f} below {needed:.2f}, best {best} {chance:.2f}"
    return f"nothing is asked of an agent: {odds}"
