"""A response that is kept for its client: what of it is stored, and how it is shown again.

Rule: items are kept as they came. Only the list of input items, which clients read with their SDK,
is brought into the one form that the API gives them.
"""

from urllib.parse import parse_qs

import msgspec

from dataplane.runtime.messages import LocalReply, ResponseDetail

DEFAULT_LIMIT = 20
MAX_LIMIT = 100

JSON = (("content-type", "application/json"),)


class Kept(msgspec.Struct):
    """What a later request may ask for."""

    response: msgspec.Raw
    """The whole response object, as the client got it."""
    items: list[msgspec.Raw]
    """The conversation up to and with this response, as input items."""
    input: list[msgspec.Raw]
    """The input items of this very request."""


_KEPT = msgspec.json.Decoder(Kept)
_ITEM = msgspec.json.Decoder(dict[str, msgspec.Raw])
_ENCODER = msgspec.json.Encoder()


def encode(kept: Kept) -> bytes:
    """For a store."""
    return _ENCODER.encode(kept)


def decode(stored: bytes) -> Kept | None:
    """From a store; None when it is not what we put there (another version, another program)."""
    try:
        return _KEPT.decode(stored)
    except (ValueError, RecursionError):
        return None


def retrieved(kept: Kept) -> LocalReply:
    """GET /v1/responses/{id}."""
    return LocalReply(200, "", ResponseDetail.LOCAL, JSON, bytes(kept.response))


def deleted(response_id: str) -> LocalReply:
    """DELETE /v1/responses/{id}."""
    body = {"id": response_id, "object": "response", "deleted": True}
    return LocalReply(200, "", ResponseDetail.LOCAL, JSON, _ENCODER.encode(body))


def not_cancelled() -> LocalReply:
    """POST /v1/responses/{id}/cancel: a response that is kept is complete."""
    return LocalReply(
        400,
        "Only responses that were created with `background: true` can be cancelled.",
        ResponseDetail.INVALID_BODY,
    )


def unknown(response_id: str) -> LocalReply:
    """For any of them, when there is no such response (for this client)."""
    message = f"Response with id '{_shown(response_id)}' not found."
    return LocalReply(404, message, ResponseDetail.RESPONSE_NOT_FOUND)


def unknown_previous(response_id: str) -> LocalReply:
    """For a request that continues what nobody remembers; OpenAI says 400 here."""
    message = f"Previous response with id '{_shown(response_id)}' not found."
    return LocalReply(400, message, ResponseDetail.RESPONSE_NOT_FOUND)


def _shown(response_id: str) -> str:
    return response_id if len(response_id) <= 100 else response_id[:100] + "..."


def input_items(kept: Kept, response_id: str, query: str) -> LocalReply:
    """GET /v1/responses/{id}/input_items with `limit`, `order` and `after`."""
    asked = {name: values[-1] for name, values in parse_qs(query).items()}
    limit = asked.get("limit", str(DEFAULT_LIMIT))
    order = asked.get("order", "desc")
    if not limit.isdecimal() or not 1 <= int(limit) <= MAX_LIMIT:
        return _refused(f"`limit` must be a number from 1 to {MAX_LIMIT}.")
    if order not in ("asc", "desc"):
        return _refused("`order` must be `asc` or `desc`.")
    bare = response_id.removeprefix("resp_")
    items = [_listed(item, f"{bare}_{at}") for at, item in enumerate(kept.input)]
    if order == "desc":
        items.reverse()
    ids = [item["id"] for item in items]
    start = 0
    if "after" in asked:
        after = _raw(asked["after"])
        if after not in ids:
            return _refused("`after` is no id of an input item of this response.")
        start = ids.index(after) + 1
    page = items[start : start + int(limit)]
    body = {
        "object": "list",
        "data": page,
        "first_id": page[0]["id"] if page else None,
        "last_id": page[-1]["id"] if page else None,
        "has_more": start + len(page) < len(items),
    }
    return LocalReply(200, "", ResponseDetail.LOCAL, JSON, _ENCODER.encode(body))


def _refused(message: str) -> LocalReply:
    return LocalReply(400, message, ResponseDetail.INVALID_BODY)


def _listed(item: msgspec.Raw, suffix: str) -> dict[str, msgspec.Raw]:
    """An item with its id, status and typed content, as the API lists it."""
    fields = _ITEM.decode(item)
    fields.setdefault("type", _raw("message"))
    kind = bytes(fields["type"]).strip(b'"')
    prefix = _PREFIXES.get(kind, b"item").decode()
    if bytes(fields.get("id", _NULL)) == b"null":
        fields["id"] = _raw(f"{prefix}_{suffix}")
    if kind in (b"message", b"function_call", b"function_call_output"):
        fields.setdefault("status", _raw("completed"))
    content = fields.get("content")
    if kind == b"message" and content is not None and bytes(content).startswith(b'"'):
        spoken = bytes(fields.get("role", _NULL)) == b'"assistant"'
        part = b'{"type":"output_text","text":%b,"annotations":[]}' if spoken else _INPUT_TEXT
        fields["content"] = msgspec.Raw(b"[%b]" % (part % bytes(content)))
    return fields


_NULL = msgspec.Raw(b"null")
_INPUT_TEXT = b'{"type":"input_text","text":%b}'
_PREFIXES = {
    b"message": b"msg",
    b"function_call": b"fc",
    b"function_call_output": b"fco",
    b"custom_tool_call": b"ctc",
    b"custom_tool_call_output": b"ctco",
    b"reasoning": b"rs",
}


def _raw(text: str) -> msgspec.Raw:
    return msgspec.Raw(_ENCODER.encode(text))
