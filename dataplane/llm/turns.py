"""What was said in a request, as routers and sessions look at it. Pure."""

import re

from dataplane.llm.hub.parts import Media, Text, Thinking, ToolCall, ToolResult
from dataplane.llm.hub.request import Message, Request
from dataplane.runtime.decision import Turn

CHARS_A_TOKEN = 4
_ENVELOPES = re.compile(
    r"<(system-reminder|user-prompt-submit-hook|command-name|local-command-stdout)>"
    r".*?</\1>",
    re.DOTALL,
)
"""What coding agents put into the user's mouth."""


def conversation(request: Request) -> tuple[Turn, ...]:
    """What user and assistant said: the messages that have words."""
    turns = (
        Turn(message.role, _words(message), message.name)
        for message in request.messages
        if message.role in ("user", "assistant")
    )
    return tuple(turn for turn in turns if turn.text)


def is_user_turn(request: Request) -> bool:
    """Whether a person has just said something: not a tool, nor a program in the person's name."""
    if not request.messages or request.messages[-1].role != "user":
        return False
    parts = request.messages[-1].parts
    if any(isinstance(part, Media) for part in parts):
        return True
    said = "\n".join(part.text for part in parts if isinstance(part, Text))
    return bool(_ENVELOPES.sub("", said).strip())


def estimated_tokens(request: Request) -> int:
    """How long a request is, in tokens, give or take a quarter."""
    size = prefix_chars(request) + sum(
        _size(part) for message in request.messages for part in message.parts
    )
    return size // CHARS_A_TOKEN


def prefix_chars(request: Request) -> int:
    """The length of instructions and tools."""
    return sum(len(part.text) for part in request.system if isinstance(part, Text)) + sum(
        len(tool.name) + len(tool.description) + len(tool.parameters or b"") + len(tool.raw or b"")
        for tool in request.tools
    )


def _words(message: Message) -> str:
    return "\n".join(part.text for part in message.parts if isinstance(part, Text) and part.text)


def _size(part: object) -> int:
    match part:
        case Text() | Thinking():
            return len(part.text)
        case ToolCall():
            return len(part.name) + len(part.arguments)
        case ToolResult():
            return sum(_size(inner) for inner in part.parts)
        case Media():
            return len(part.text)
        case _:
            return 0
