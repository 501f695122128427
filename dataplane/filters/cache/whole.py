"""Whether an answer is one that may be given again: whole, and ended by the model itself."""

from collections.abc import Sequence

import msgspec

from dataplane.filters.event import Event
from dataplane.llm.hub.answer import Answer, Finish, Unreadable
from dataplane.llm.hub.whole import Whole
from dataplane.llm.translate.codecs import CODECS
from dataplane.runtime.protocols import Operation

_GOOD = frozenset((Finish.STOP, Finish.STOP_SEQUENCE, Finish.TOOL_CALLS))


class _Embeddings(msgspec.Struct):
    data: list[msgspec.Raw]


def is_worth_keeping(operation: Operation, events: Sequence[Event]) -> bool:
    """What its protocol does not call a finished answer is none: errors, cuts, length limits."""
    if not events:
        return False
    if operation is Operation.EMBEDDINGS:
        return _is_embeddings(events)
    answer = _answer(operation, events)
    if answer is None or not answer.choices:
        return False
    return all(choice.finish in _GOOD for choice in answer.choices)


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
