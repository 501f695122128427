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
