"""What stands on the wire of OpenAI Responses, as far as requests and answers share it.

Rule: what the API adds of late is ignored, and null is the same as absent.
"""

import msgspec

from dataplane.llm.hub.answer import Usage
from dataplane.llm.hub.seal import opened, seal
from dataplane.runtime.protocols import Protocol

ABSENT = msgspec.Raw(b"")
"""A raw field that was not sent."""

WEB_SEARCH = "web_search"
"""How the hub calls all of the API's web search tools (they carry dates and "preview")."""


class Kind(msgspec.Struct, gc=False):
    """The type of an item, a part or a tool."""

    type: str | None = None


class Named(msgspec.Struct):
    """A definition that has a name."""

    name: str


class _InputDetails(msgspec.Struct, gc=False):
    cached_tokens: int | None = None
    cache_write_tokens: int | None = None


class _OutputDetails(msgspec.Struct, gc=False):
    reasoning_tokens: int | None = None


class WireUsage(msgspec.Struct):
    """Tokens; both totals count their parts."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    input_tokens_details: _InputDetails | None = None
    output_tokens_details: _OutputDetails | None = None

    def counted(self) -> Usage:
        """The hub's form."""
        sent = self.input_tokens_details or _InputDetails()
        made = self.output_tokens_details or _OutputDetails()
        return Usage(
            input=self.input_tokens or 0,
            output=self.output_tokens or 0,
            cache_read=sent.cached_tokens or 0,
            cache_write=sent.cache_write_tokens or 0,
            reasoning=made.reasoning_tokens or 0,
        )


NAMED = msgspec.json.Decoder(Named)


def usage_json(usage: Usage | None) -> bytes:
    """The `usage` of a response object, all details told."""
    if usage is None:
        return b"null"
    return (
        b'{"input_tokens":%d,"input_tokens_details":{"cached_tokens":%d,"cache_write_tokens":%d},'
        b'"output_tokens":%d,"output_tokens_details":{"reasoning_tokens":%d},"total_tokens":%d}'
        % (
            usage.input,
            usage.cache_read,
            usage.cache_write,
            usage.output,
            usage.reasoning,
            usage.input + usage.output,
        )
    )


def sealed_reasoning(item_id: str, encrypted: str) -> str:
    """The signature of a reasoning item. Its id goes with it, because other protocols have no place
    for one and the API may want it back.
    """
    return seal(Protocol.RESPONSES, f"{item_id}.{encrypted}") if encrypted else ""


def opened_reasoning(signature: str) -> tuple[str, str]:
    """(id, encrypted_content) of a sealed signature of ours; empty when it is another's."""
    item_id, _, encrypted = opened(signature, Protocol.RESPONSES).partition(".")
    return item_id, encrypted


def is_null(raw: msgspec.Raw) -> bool:
    """Whether a raw field says nothing."""
    return not raw or bytes(raw) == b"null"


def is_object(raw: msgspec.Raw) -> bool:
    """Whether a raw field is a JSON object."""
    return bytes(raw)[:1] == b"{"
