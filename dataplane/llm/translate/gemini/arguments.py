"""A call's arguments, which are an object in this protocol and a text in others."""

from typing import Any

import msgspec

_OBJECT = msgspec.json.Decoder(dict[str, Any])


def object_of(arguments: str) -> dict[str, Any]:
    """The object; what is none (a model that ran out of tokens) is kept as the text it is."""
    if not arguments.strip():
        return {}
    try:
        return _OBJECT.decode(arguments)
    except (ValueError, RecursionError):
        return {"arguments": arguments}


def arguments_of(args: msgspec.Raw | None) -> str:
    """The text of `args` on one line: outside of events Google writes JSON with line feeds."""
    told = bytes(args) if args is not None else b""
    if told in (b"", b"null"):
        return "{}"
    return (msgspec.json.format(told, indent=-1) if b"\n" in told else told).decode(
        "utf-8", "replace"
    )
