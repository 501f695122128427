"""The one text of a request that may be said in other words: what its user said last.

Rule: everything else counts as in an exact look-up (key.py): what was said before, instructions,
tools, parameters, pictures beside the text.
"""

from collections.abc import Callable
from typing import Any

import msgspec

from dataplane.filters.cache.alike import MAX_CHARACTERS
from dataplane.llm.texts.requests import request_slots
from dataplane.llm.texts.slot import TextKind
from dataplane.runtime.protocols import Operation


class Question(msgspec.Struct, frozen=True):
    """What is asked, and among what."""

    text: str
    group: str
    """The key of all requests that are the same but for this text."""


def question_of(
    operation: Operation, body: dict[str, Any], key: Callable[[dict[str, Any]], str]
) -> Question | None:
    """None: there is no such text, or it is too long to be known by its meaning.

    :param key: of a body. The body is changed while it is asked, and not afterwards.
    """
    if operation.protocol is None:
        return None  # a vector is of this text, and of no other
    slots = request_slots(operation, body)
    last = slots[-1] if slots else None
    if last is None or last.role != "user" or last.kind is not TextKind.TEXT or last.is_object:
        return None
    text = last.text
    if not text.strip() or len(text) > MAX_CHARACTERS:
        return None
    last.text = ""
    group = key(body)
    last.text = text
    return Question(text, group)
