"""Conversations of the Responses API that the gateway itself remembers.

Rule: items are joined as they came. A function call stays a function call and reasoning stays
reasoning, so that the next turn says to the model what the client said and got; instructions are
not carried over, as the API has it.
"""

import msgspec

_FIELDS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_ITEMS = msgspec.json.Decoder(list[msgspec.Raw])
_ENCODER = msgspec.json.Encoder()


class _Asked(msgspec.Struct):
    previous_response_id: str | None = None
    store: bool | None = None
    model: str | None = None


class _Answered(msgspec.Struct):
    id: str
    output: list[msgspec.Raw]
    status: str = ""


_ASKED = msgspec.json.Decoder(_Asked)
_ANSWERED = msgspec.json.Decoder(_Answered)


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
