"""Content blocks, as far as they are read."""

from typing import Generic, TypeVar

import msgspec
from msgspec import defstruct

from dataplane.llm.translate.messages.wire import ABSENT, CacheControl, Kind


class _Source(msgspec.Struct):
    type: str = ""
    media_type: str | None = None
    data: str | None = None
    url: str | None = None
    file_id: str | None = None
    content: msgspec.Raw = ABSENT


class _DocumentCitations(msgspec.Struct, gc=False):
    enabled: bool | None = None


class _Text(Kind, kw_only=True):
    text: str
    citations: msgspec.Raw = ABSENT
    cache_control: CacheControl | None = None


class _Media(Kind, kw_only=True):
    source: _Source
    title: str | None = None
    context: str | None = None
    citations: _DocumentCitations | None = None
    cache_control: CacheControl | None = None


class _ToolUse(Kind, kw_only=True):
    id: str
    name: str
    input: msgspec.Raw = ABSENT
    cache_control: CacheControl | None = None
    caller: msgspec.Raw = ABSENT
    """Who called it; clients repeat it with every call, and it says nothing to other models."""


class _ToolResult(Kind, kw_only=True):
    tool_use_id: str
    content: msgspec.Raw = ABSENT
    is_error: bool | None = None
    cache_control: CacheControl | None = None


class _Thinking(Kind, kw_only=True):
    thinking: str | None = None
    signature: str | None = None
    data: str | None = None


class _OnlyText(msgspec.Struct, tag_field="type", tag="text", forbid_unknown_fields=True, gc=False):
    text: str
    citations: None = None


ONLY_TEXTS = msgspec.json.Decoder(list[_OnlyText])
"""A content in one go. Raises msgspec.ValidationError where there is anything but texts."""
_FIELDS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_B = TypeVar("_B", bound=Kind)


class _Form(Generic[_B]):
    """One kind of block, and a second decoder that stops at fields of the future: those who know
    all fields, nearly always, pay nothing for looking.
    """

    def __init__(self, block: type[_B]) -> None:
        self._names = block.__struct_fields__
        self._decoder = msgspec.json.Decoder(block)
        strict = defstruct(
            f"Strict{block.__name__}", [], bases=(block,), forbid_unknown_fields=True
        )
        self._strict: msgspec.json.Decoder[_B] = msgspec.json.Decoder(strict)

    def decode(self, raw: msgspec.Raw, at: str, extra: list[str] | None) -> _B:
        """Raises msgspec.MsgspecError. Fields that are not known are put into `extra`."""
        if extra is None:
            return self._decoder.decode(raw)
        try:
            return self._strict.decode(raw)
        except msgspec.ValidationError:
            block = self._decoder.decode(raw)
        for name, value in _FIELDS.decode(raw).items():
            if name not in self._names and bytes(value) != b"null":
                extra.append(f"{at}.{name}")
        return block


TEXT = _Form(_Text)
MEDIA = _Form(_Media)
TOOL_USE = _Form(_ToolUse)
TOOL_RESULT = _Form(_ToolResult)
THINKING = _Form(_Thinking)
