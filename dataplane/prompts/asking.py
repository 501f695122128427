"""What a model is asked to find out which prompt target a conversation is for, and what it says.

Rule: one call at most is taken from an answer, and only of a target that was offered.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from dataplane.llm.hub.answer import Answer
from dataplane.llm.hub.parts import Media, Part, Text, ToolCall, ToolResult
from dataplane.llm.hub.request import Message, Request, ToolChoice
from dataplane.prompts.tools import tools_of
from dataplane.runtime.prompts import PromptTarget
from dataplane.runtime.protocols import Protocol

NOTHING = "NONE"
"""What a model says when no target helps."""
FORGOTTEN = "(not shown)"
_INSTRUCTIONS = f"""\
You decide whether one of the functions you have been given does what the user wants now.

1. If one does, and the conversation has a value for each of its required parameters, call it. \
Take values from the conversation only; never make one up. Leave out optional parameters that \
nobody has mentioned.
2. If one does, and a required value is not in the conversation, do not call it: ask the user for \
that value in one short question, in the user's language.
3. If none does, or the user only makes conversation, answer with the word {NOTHING} and nothing \
else. Do not answer the user's question yourself."""


@dataclass(frozen=True, slots=True)
class Called:
    """The model calls a target."""

    target: PromptTarget
    call: ToolCall
    words: str = ""
    """What it says beside."""


@dataclass(frozen=True, slots=True)
class Said:
    """The model asks the user for something."""

    words: str


Found = Called | Said | None


def question_of(
    conversation: Request,
    targets: Sequence[PromptTarget],
    model: str,
    protocol: Protocol,
    forgets: bool = False,
) -> Request:
    """What a model is asked about a client's request.

    :param forgets: results of earlier calls are not shown.
    """
    names = {one.name for one in targets}
    return Request(
        model,
        False,
        protocol,
        _shown(conversation.messages, names, forgets),
        system=[Text(_INSTRUCTIONS)],
        tools=tools_of(targets),
        tool_choice=ToolChoice("auto"),
    )


def read_found(answer: Answer, targets: Mapping[str, PromptTarget]) -> Found:
    """What the model has found out."""
    parts = answer.choices[0].parts if answer.choices else []
    words = "".join(part.text for part in parts if isinstance(part, Text)).strip()
    for part in parts:
        if isinstance(part, ToolCall) and part.name in targets:
            return Called(targets[part.name], part, "" if _is_nothing(words) else words)
    if not words or _is_nothing(words) or any(isinstance(part, ToolCall) for part in parts):
        return None
    return Said(words)


def _is_nothing(words: str) -> bool:
    return words.strip(" \n`\"'.*").upper() == NOTHING


def _shown(messages: Sequence[Message], names: set[str], forgets: bool) -> list[Message]:
    """What was said, with calls of our targets and their results; other tools are the client's."""
    ours: set[str] = set()
    shown: list[Message] = []
    for message in messages:
        parts: list[Part] = []
        for part in message.parts:
            match part:
                case Text() | Media():
                    parts.append(part)
                case ToolCall(name=name) if name in names:
                    ours.add(part.id)
                    parts.append(part)
                case ToolResult(call_id=call) if call in ours:
                    kept = ToolResult(call, [Text(FORGOTTEN)], part.name) if forgets else part
                    parts.append(kept)
                case _:
                    pass
        if parts:
            shown.append(replace(message, parts=parts))
    return shown
