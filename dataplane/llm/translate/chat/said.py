"""What an assistant says, in the words of chat, whole or as the delta of a stream -> parts.

Servers put thinking in four places (`reasoning_content`, `reasoning`, `reasoning_details`, parts of
the content); all are read, and none twice.
"""

from typing import Any

import msgspec

from dataplane.llm.hub.parts import Media, Part, Text, Thinking, ToolCall
from dataplane.llm.translate.chat.wire import (
    ABSENT,
    ReasoningDetail,
    seal_detail,
    seal_extra,
)

_ENCODER = msgspec.json.Encoder()


class Function(msgspec.Struct):
    """A call. Some servers send arguments as an object."""

    name: str | None = None
    arguments: msgspec.Raw = ABSENT
    input: msgspec.Raw = ABSENT
    """Of a custom tool."""


class WireCall(msgspec.Struct):
    """An entry of `tool_calls`."""

    index: int | None = None
    id: str | None = None
    type: str | None = None
    function: Function | None = None
    custom: Function | None = None
    extra_content: msgspec.Raw = ABSENT

    def called(self) -> Function:
        """What is called, whatever it is."""
        return self.custom or self.function or Function()

    def words(self) -> bytes:
        """The literal of the (next piece of the) arguments; empty when there are none."""
        called = self.called()
        raw = bytes(called.arguments) or bytes(called.input)
        if raw[:1] == b'"':
            return raw if raw != b'""' else b""
        return b"" if raw in (b"", b"null") else _ENCODER.encode(raw.decode())

    def signature(self) -> str:
        """What Gemini's compatible endpoint signed, sealed."""
        return seal_extra(self.extra_content)


class _Url(msgspec.Struct, gc=False):
    url: str = ""


class Image(msgspec.Struct):
    """An image that the model made (OpenRouter's `images`)."""

    image_url: _Url | None = None

    def read(self) -> Media | None:
        """None when there is no image."""
        return image(self.image_url.url) if self.image_url and self.image_url.url else None


class ContentPart(msgspec.Struct):
    """A part of a content that is a list."""

    type: str = ""
    text: str | None = None
    thinking: Any = None
    """Mistral: a list of text parts."""
    image_url: Any = None

    def read(self) -> Part | None:
        """None for what says nothing."""
        if self.type == "thinking":
            words = _words(self.thinking)
            return Thinking(words) if words else None
        if self.type == "image_url":
            url = self.image_url.get("url") if isinstance(self.image_url, dict) else self.image_url
            return image(url) if isinstance(url, str) and url else None
        return Text(self.text) if self.text else None


CONTENT = msgspec.json.Decoder(list[ContentPart])


def image(url: str) -> Media:
    """An image by its address; a data URL is taken apart."""
    return media("image", url)


def media(kind: str, url: str) -> Media:
    """A file by its address; a data URL is taken apart."""
    head, comma, data = url.partition(",")
    if head.startswith("data:") and comma:
        mime, _, coding = head[5:].partition(";")
        if coding.endswith("base64"):
            return Media(kind, mime, data)
    return Media(kind, url=url)


def thinking(plain: str, details: list[ReasoningDetail]) -> list[Thinking]:
    """The thoughts of a whole message, signed where the provider did."""
    found: list[Thinking] = []
    for detail in details:
        words = detail.text or detail.summary or ""
        signature = seal_detail(detail)
        if detail.type == "reasoning.encrypted":
            if signature:
                found.append(Thinking(signature=signature, redacted=True))
        elif words or signature:
            found.append(Thinking(words, signature))
    if plain and not any(one.text for one in found):
        found.insert(0, Thinking(plain))
    return found


def calls(wire: list[WireCall], answer_id: str) -> list[ToolCall]:
    """The calls of a whole message; servers that give them no id get one made of their place."""
    return [
        ToolCall(
            call.id or made_id(answer_id, number),
            call.called().name or "",
            _text(call.words()) or ("" if call.custom else "{}"),
            custom=call.custom is not None,
            signature=call.signature(),
        )
        for number, call in enumerate(wire)
    ]


def made_id(answer_id: str, number: int) -> str:
    """The id of a call that came without one."""
    return f"call_{answer_id}_{number}" if answer_id else f"call_{number}"


def _text(words: bytes) -> str:
    return msgspec.json.decode(words, type=str) if words else ""


def _words(thoughts: object) -> str:
    if isinstance(thoughts, str):
        return thoughts
    if not isinstance(thoughts, list):
        return ""
    texts = [one.get("text") for one in thoughts if isinstance(one, dict)]
    return "".join(text for text in texts if isinstance(text, str))
