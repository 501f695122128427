"""Items and the parts of their content, as far as they are read."""

import msgspec

from dataplane.llm.translate.responses.wire import ABSENT


class Item(msgspec.Struct):
    """What tells an item's kind, and the fields that messages have."""

    type: str | None = None
    role: str | None = None
    content: msgspec.Raw = ABSENT
    phase: str | None = None
    id: str | None = None


class Words(msgspec.Struct, gc=False):
    type: str | None = None
    text: str | None = None
    annotations: msgspec.Raw = ABSENT
    prompt_cache_breakpoint: msgspec.Raw = ABSENT


class _Plain(msgspec.Struct, gc=False):
    """The items that nearly all conversations are made of, in one go."""

    type: str | None = None
    role: str | None = None
    content: str | list[Words] | None = None
    phase: str | None = None
    name: str | None = None
    call_id: str | None = None
    arguments: str | None = None
    output: str | None = None
    namespace: str | None = None


class _Call(msgspec.Struct):
    name: str
    call_id: str | None = None
    id: str | None = None
    arguments: str | None = None
    input: str | None = None
    namespace: str | None = None


class _Output(msgspec.Struct):
    output: msgspec.Raw = ABSENT
    call_id: str | None = None
    name: str | None = None


class _Reasoning(msgspec.Struct):
    id: str | None = None
    summary: list[Words] | None = None
    content: list[Words] | None = None
    encrypted_content: str | None = None


PLAIN = msgspec.json.Decoder(_Plain)
ITEM = msgspec.json.Decoder(Item)
CALL = msgspec.json.Decoder(_Call)
OUTPUT = msgspec.json.Decoder(_Output)
REASONING = msgspec.json.Decoder(_Reasoning)
