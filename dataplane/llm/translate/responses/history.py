"""Conversations of the Responses API that the gateway itself remembers.

Rule: items are joined as they came. A function call stays a function call and reasoning stays
reasoning, so that the next turn says to the model what the client said and got; instructions are
not carried over, as the API has it.
"""

import re
from collections.abc import Mapping

import msgspec

_FIELDS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_ITEMS = msgspec.json.Decoder(list[msgspec.Raw])
_ENCODER = msgspec.json.Encoder()


class _Asked(msgspec.Struct):
    previous_response_id: str | None = None
    store: bool | None = None
    model: str | None = None


class _Named(msgspec.Struct):
    type: str | None = None
    id: str | None = None
    role: str | None = None


class _Answered(msgspec.Struct):
    id: str
    output: list[msgspec.Raw]
    status: str = ""


_ASKED = msgspec.json.Decoder(_Asked)
_ANSWERED = msgspec.json.Decoder(_Answered)
_NAMED = msgspec.json.Decoder(_Named)
_OURS = re.compile(r"[a-z]+_([0-9a-z]+)_[0-9]+")
"""Ids of items that the gateway wrote tell their response (write_answer.py, write_stream.py)."""


class Turn(msgspec.Struct, frozen=True):
    """What a request says of the conversation that it belongs to."""

    previous: str
    """Id of the response that it continues; empty when it begins one."""
    stored: bool
    """Whether the client wants it to be remembered."""
    model: str


def turn(body: bytes) -> Turn | None:
    """None when the body is not a request; who reads it next says why."""
    try:
        asked = _ASKED.decode(body)
    except (ValueError, RecursionError):
        return None
    return Turn(asked.previous_response_id or "", asked.store is not False, asked.model or "")


def own_items(body: bytes) -> list[msgspec.Raw]:
    """The input of a request as items: a text is one message of the user's.

    Raises ValueError when the input is neither a text nor a list.
    """
    given = _FIELDS.decode(body).get("input")
    if given is None or bytes(given) == b"null":
        return []
    if bytes(given).startswith(b'"'):
        return [msgspec.Raw(b'{"type":"message","role":"user","content":%b}' % bytes(given))]
    return _ITEMS.decode(given)


def continued(body: bytes, items: list[msgspec.Raw]) -> bytes:
    """A request that says again all that was said before it.

    Raises ValueError as `own_items` does.
    """
    fields = _FIELDS.decode(body)
    fields["input"] = msgspec.Raw(_ENCODER.encode([*items, *own_items(body)]))
    return _ENCODER.encode(fields)


def references(body: bytes) -> dict[str, str]:
    """Items of earlier answers that a request only names, each with the id of its response.

    Raises ValueError as `own_items` does.
    """
    if b'"id"' not in body:
        return {}
    named = filter(None, map(_reference, own_items(body)))
    return {name: f"resp_{ours[1]}" for name in named if (ours := _OURS.fullmatch(name))}


def resolved(body: bytes, items: Mapping[str, msgspec.Raw]) -> bytes:
    """A request in which items stand where they were only named."""
    fields = _FIELDS.decode(body)
    own = [items.get(_reference(item) or "", item) for item in own_items(body)]
    fields["input"] = msgspec.Raw(_ENCODER.encode(own))
    return _ENCODER.encode(fields)


def by_id(items: list[msgspec.Raw]) -> dict[str, msgspec.Raw]:
    """Items that have ids."""
    return {named.id: item for item in items if (named := _NAMED.decode(item)).id}


def _reference(item: msgspec.Raw) -> str | None:
    try:
        named = _NAMED.decode(item)
    except msgspec.ValidationError:
        return None
    is_one = named.type == "item_reference" or (named.type is None and named.role is None)
    return named.id if is_one else None


def cut_loose(body: bytes) -> bytes:
    """A request that no longer names its predecessor, for somebody who does not know that one."""
    fields = _FIELDS.decode(body)
    fields.pop("previous_response_id", None)
    return _ENCODER.encode(fields)


class Outcome(msgspec.Struct, frozen=True):
    """What a response adds to its conversation."""

    id: str
    items: list[msgspec.Raw]
    """Its output: what the API gives out, it takes as input too."""
    complete: bool
    """Whether it can be continued: a failed one cannot."""


def outcome(response: bytes) -> Outcome | None:
    """Of a whole response object; None when it is none."""
    try:
        answered = _ANSWERED.decode(response)
    except (ValueError, RecursionError):
        return None
    return Outcome(answered.id, answered.output, answered.status in ("completed", "incomplete"))
