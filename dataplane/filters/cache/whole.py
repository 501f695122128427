"""Whether an answer is one that may be given again: whole, and ended by the model itself."""

from collections.abc import Sequence
from enum import Enum

import msgspec

from dataplane.filters.event import Event
from dataplane.llm.hub.answer import Answer, Finish, Unreadable
from dataplane.llm.hub.whole import Whole
from dataplane.llm.translate.codecs import CODECS
from dataplane.runtime.protocols import Operation

_GOOD = frozenset((Finish.STOP, Finish.STOP_SEQUENCE, Finish.TOOL_CALLS))


class _Embeddings(msgspec.Struct):
    data: list[msgspec.Raw]


class Worth(Enum):
    """Whom an answer may be given again."""

    NOBODY = "nobody"
    SAME = "same"
    """Who asks the very same."""
    ALIKE = "alike"
    """Also who asks nearly the same: it is words, and calls no tool with the first one's."""


def worth_of(operation: Operation, events: Sequence[Event]) -> Worth:
    """What its protocol does not call a finished answer is none: errors, cuts, length limits."""
    if not events:
        return Worth.NOBODY
    if operation is Operation.EMBEDDINGS:
        return Worth.SAME if _is_embeddings(events) else Worth.NOBODY
    answer = _answer(operation, events)
    ends = {choice.finish for choice in answer.choices} if answer is not None else set()
    if not ends or not ends <= _GOOD:
        return Worth.NOBODY
    return Worth.SAME if Finish.TOOL_CALLS in ends else Worth.ALIKE


def _answer(operation: Operation, events: Sequence[Event]) -> Answer | None:
    protocol = operation.protocol
    if protocol is None:
        return None
    codec = CODECS[protocol]
    if events[0].is_whole:
        read = codec.read_answer(b"".join(event.raw for event in events))
        return None if isinstance(read, Unreadable) else read
    reader, whole = codec.stream_reader(), Whole()
    for event in events:
        whole.feed(reader.feed(event.raw))
    whole.feed(reader.finish())
    return None if whole.failure is not None else whole.answer()


def _is_embeddings(events: Sequence[Event]) -> bool:
    try:
        return bool(msgspec.json.decode(events[0].raw, type=_Embeddings).data)
    except (msgspec.MsgspecError, RecursionError):
        return False
