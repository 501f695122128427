"""What the tool that is an agent is called with: the operator's arguments, with the conversation in
the places of their words.

Rule: what the operator wrote goes out as it is; only the words of `tool.py` mean anything else.
"""

import re
from collections.abc import Sequence
from typing import Any

from dataplane.agents.mcp.tool import CONVERSATION, MESSAGE, MESSAGES, Tool
from dataplane.mcp.stateless import wrapped
from dataplane.runtime.decision import Turn
from dataplane.runtime.messages import Headers

_WORDS = re.compile("|".join(map(re.escape, (MESSAGE, CONVERSATION))))


def arguments(tool: Tool, turns: Sequence[Turn]) -> dict[str, Any]:
    """The arguments of one call. `turns` are the whole conversation, the question among them."""
    spoken = [turn for turn in turns if turn.text]
    question = next((turn.text for turn in reversed(spoken) if turn.role == "user"), "")
    words = {MESSAGE: question, CONVERSATION: transcript(spoken)}
    messages = [_message(turn) for turn in spoken]
    return {name: _filled(value, words, messages) for name, value in tool.arguments.items()}


def transcript(turns: Sequence[Turn]) -> str:
    """A conversation as one text: what was said, and by whom if there is more than one of it."""
    if len(turns) == 1:
        return turns[0].text
    return "\n\n".join(f"{turn.name or turn.role}: {turn.text}" for turn in turns)


def mirrored(tool: Tool, called_with: dict[str, Any]) -> Headers:
    """Headers that repeat arguments where the tool's schema wants that (2026-07-28)."""
    told = []
    for name, header in tool.headers.items():
        value = called_with.get(name)
        if isinstance(value, bool):
            value = "true" if value else "false"
        if isinstance(value, str | int):
            told.append((f"mcp-param-{header.lower()}", wrapped(str(value))))
    return tuple(told)


def _message(turn: Turn) -> dict[str, str]:
    named = {"name": turn.name} if turn.name else {}
    return {"role": turn.role, **named, "content": turn.text}


def _filled(value: object, words: dict[str, str], messages: list[dict[str, str]]) -> object:
    match value:
        case str() if value == MESSAGES:
            return messages
        case str():
            return _WORDS.sub(lambda found: words[found[0]], value)
        case dict():
            return {key: _filled(one, words, messages) for key, one in value.items()}
        case list():
            return [_filled(one, words, messages) for one in value]
        case _:
            return value
