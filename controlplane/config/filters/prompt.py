"""`type: prompt`."""

from typing import Annotated, Literal

from pydantic import Field, Strict, StringConstraints

from controlplane.config.fields import Block
from controlplane.config.filters.kind import Kind

Words = Annotated[str, StringConstraints(min_length=1, max_length=65_536)]


class SystemConfig(Block):
    """Instructions."""

    prepend: Words | None = None
    """Put in front of the instructions of a request."""
    append: Words | None = None
    """Put behind the instructions of a request."""


class MessageConfig(Block):
    """A message."""

    role: Literal["user", "assistant"]
    """Who says it."""
    content: Words
    """What is said."""


Turns = Annotated[tuple[MessageConfig, ...], Strict(False), Field(max_length=100)]


class MessagesConfig(Block):
    """Messages."""

    prepend: Turns = ()
    """Put in front of the conversation, behind its instructions."""
    append: Turns = ()
    """Put behind the conversation."""


class PromptConfig(Block):
    """Gives every request instructions and messages, in the words of whatever API it speaks."""

    system: SystemConfig = SystemConfig()
    """Instructions that every request gets."""
    messages: MessagesConfig = MessagesConfig()
    """Messages that every request gets."""


KIND = Kind(
    PromptConfig,
    blocks={
        ("system",): SystemConfig,
        ("messages",): MessagesConfig,
        ("messages", "prepend", "*"): MessageConfig,
        ("messages", "append", "*"): MessageConfig,
    },
    outputs=False,
)
