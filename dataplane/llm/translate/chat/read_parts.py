"""Contents of chat messages -> parts."""

from typing import Any, Final

import msgspec

from dataplane.llm.hub.parts import Media, Native, Part, Refusal, Text
from dataplane.llm.translate.chat.said import media
from dataplane.runtime.protocols import Protocol

_ENCODER: Final = msgspec.json.Encoder()
_AUDIO: Final = {"mp3": "audio/mpeg", "wav": "audio/wav", "m4a": "audio/mp4"}


class BodyError(Exception):
    """What cannot be understood in a request, and where."""


def text_at(wire: dict[str, Any], key: str, at: str) -> str:
    """A text that may be absent. Raises BodyError when it is something else."""
    value = wire.get(key)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise BodyError(f"`{at}.{key}` must be a string")
    return value


def cache_of(marker: object) -> str:
    """The time to live of a cache marker (Anthropic's, as OpenRouter and others take it)."""
    if not isinstance(marker, dict):
        return ""
    ttl = marker.get("ttl")
    return ttl if isinstance(ttl, str) and ttl else "5m"


def read_parts(content: object, at: str) -> list[Part]:
    """A content: null, a text, or a list of parts (some clients send a single one bare)."""
    if content is None or content == "":
        return []
    if isinstance(content, str):
        return [Text(content)]
    parts = content if isinstance(content, list) else [content]
    return [_part(part, f"{at}[{number}]") for number, part in enumerate(parts)]


def _part(wire: object, at: str) -> Part:
    if isinstance(wire, str):
        return Text(wire)
    if not isinstance(wire, dict):
        raise BodyError(f"`{at}` must be an object")
    kind = text_at(wire, "type", at) or ("text" if "text" in wire else "")
    match kind:
        case "text" | "input_text" | "output_text":
            return Text(_needed(wire, "text", at), cache=cache_of(wire.get("cache_control")))
        case "image_url" | "video_url":
            part = _by_url(wire, kind, at)
        case "input_audio":
            part = _audio(_object(wire, kind, at), f"{at}.input_audio")
        case "file":
            part = _file(_object(wire, kind, at), f"{at}.file")
        case "refusal":
            return Refusal(_needed(wire, "refusal", at))
        case "":
            raise BodyError(f"`{at}.type` is missing")
        case _:
            return Native(Protocol.CHAT, kind, msgspec.Raw(_ENCODER.encode(wire)))
    part.cache = cache_of(wire.get("cache_control"))
    return part


def _by_url(wire: dict[str, Any], kind: str, at: str) -> Media:
    told = wire.get(kind)
    told = {"url": told} if isinstance(told, str) else _object(wire, kind, at)
    part = media(kind.removesuffix("_url"), _needed(told, "url", f"{at}.{kind}"))
    part.detail = text_at(told, "detail", f"{at}.{kind}")
    return part


def _audio(told: dict[str, Any], at: str) -> Media:
    form = text_at(told, "format", at) or "wav"
    return Media("audio", _AUDIO.get(form, f"audio/{form}"), _needed(told, "data", at))


def _file(told: dict[str, Any], at: str) -> Media:
    name = text_at(told, "filename", at)
    file_id = text_at(told, "file_id", at)
    if file_id:
        return Media("document", file_id=file_id, name=name)
    data = _needed(told, "file_data", at)
    if data.startswith(("data:", "https://", "http://")):
        part = media("document", data)
    else:
        part = Media("document", "application/pdf", data)
    part.name = name
    for kind in ("image", "audio", "video"):
        if part.mime_type.startswith(f"{kind}/"):
            part.kind = kind
    return part


def _object(wire: dict[str, Any], key: str, at: str) -> dict[str, Any]:
    value = wire.get(key)
    if not isinstance(value, dict):
        raise BodyError(f"`{at}.{key}` must be an object")
    return value


def _needed(wire: dict[str, Any], key: str, at: str) -> str:
    if not isinstance(wire.get(key), str):
        raise BodyError(f"`{at}.{key}` must be a string")
    return text_at(wire, key, at)
