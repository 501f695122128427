"""Messages -> `contents`.

Rule: neighbours of one role become one content, so that the answers to all calls of a step stand
together, which the API demands. A signature of Gemini's that has come back in thinking goes to the
call it came with, else to the last text.
"""

from typing import Any

import msgspec

from dataplane.llm.hub.custom import wrapped
from dataplane.llm.hub.loss import Losses
from dataplane.llm.hub.namespaces import FlatNames
from dataplane.llm.hub.parts import (
    Media,
    Native,
    Part,
    Refusal,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
)
from dataplane.llm.hub.request import Message, Request
from dataplane.llm.translate.gemini.arguments import object_of
from dataplane.llm.translate.gemini.media import write_media
from dataplane.llm.translate.gemini.models import SKIP_VALIDATION, generation
from dataplane.llm.translate.gemini.signature import mine
from dataplane.runtime.protocols import Protocol

_OBJECT = msgspec.json.Decoder(dict[str, msgspec.Raw])
_ENCODER = msgspec.json.Encoder()
_SIGNED_CALLS = 3
"""The first generation that demands signatures, and takes media as a part of a tool's answer."""


class ContentsWriter:
    """Writes the turns of one request in order."""

    def __init__(self, request: Request, losses: Losses, names: FlatNames) -> None:
        self._messages = request.messages
        self._modern = generation(request.model) >= _SIGNED_CALLS
        self._losses = losses
        self._names = names
        self._called: dict[str, str] = {}

    def write(self) -> list[dict[str, Any]]:
        """`contents`. What cannot be said goes to the losses."""
        contents: list[dict[str, Any]] = []
        for message in self._messages:
            role = "model" if message.role == "assistant" else "user"
            if message.role in ("system", "developer"):
                self._losses.hint(f"{message.at}: {message.role}")
            parts = self._model(message) if role == "model" else self._user(message)
            if message.name:
                self._losses.hint(f"{message.at}: name")
            if not parts:
                continue
            if contents and contents[-1]["role"] == role:
                contents[-1]["parts"] += parts
            else:
                contents.append({"role": role, "parts": parts})
        return contents

    def _user(self, message: Message) -> list[dict[str, Any]]:
        parts: list[dict[str, Any]] = []
        for part in message.parts:
            if isinstance(part, ToolResult):
                parts += self._result(part, message.at)
            else:
                parts += self._plain(part, message.at)
        return parts

    def _model(self, message: Message) -> list[dict[str, Any]]:
        parts: list[dict[str, Any]] = []
        due: list[str] = []
        for part in message.parts:
            if isinstance(part, Thinking):
                signature = mine(part.signature)
                if not signature:
                    self._losses.hint(f"{message.at}: thinking")
                    continue
                due.append(signature)
                if part.text:
                    parts.append({"thought": True, "text": part.text})
            elif isinstance(part, ToolCall):
                self._note_cache(part, message.at)
                signature = mine(part.signature) or (due.pop(0) if due else "")
                parts.append(self._call(part, signature))
            else:
                parts += self._plain(part, message.at)
        if due:
            _sign_last_text(parts, due[-1])
        if self._modern:
            _excuse_unsigned(parts)
        return parts

    def _call(self, call: ToolCall, signature: str) -> dict[str, Any]:
        name = self._names.of(call.namespace, call.name)
        self._called[call.id] = name
        arguments = wrapped(call.arguments) if call.custom else call.arguments
        written: dict[str, Any] = {"functionCall": {"name": name, "args": object_of(arguments)}}
        if call.id:
            written["functionCall"] = {"id": call.id, **written["functionCall"]}
        if signature:
            written["thoughtSignature"] = signature
        return written

    def _result(self, result: ToolResult, at: str) -> list[dict[str, Any]]:
        self._note_cache(result, at)
        texts: list[str] = []
        media: list[dict[str, Any]] = []
        for part in result.parts:
            if isinstance(part, Text):
                self._note_cache(part, at)
                texts.append(part.text)
            else:
                media += self._plain(part, at)
        name = self._called.get(result.call_id) or result.name
        if not name:
            self._losses.refuse(f"{at}: a tool's result without its call")
        answer: dict[str, Any] = {"id": result.call_id} if result.call_id else {}
        answer |= {"name": name, "response": _response("\n".join(texts), result.is_error)}
        if media and self._modern:
            answer["parts"] = media
            media = []
        return [{"functionResponse": answer}, *media]

    def _plain(self, part: Part, at: str) -> list[dict[str, Any]]:
        """A part that may stand anywhere."""
        match part:
            case Text():
                self._note_cache(part, at)
                signature = mine(part.signature)
                if not part.text and not signature:
                    return []
                signed = {"thoughtSignature": signature} if signature else {}
                return [{"text": part.text, **signed}]
            case Refusal(text):
                return [{"text": text}] if text else []
            case Media():
                return self._media(part, at)
            case Native(protocol, kind, raw):
                if protocol is Protocol.GEMINI:
                    return [_OBJECT.decode(raw)]
                self._losses.refuse(f"{at}: {kind}")
            case Thinking():
                self._losses.hint(f"{at}: thinking")
            case ToolCall():
                self._losses.refuse(f"{at}: a tool call of the user's")
            case ToolResult():
                self._losses.refuse(f"{at}: a tool's result of the model's")
        return []

    def _media(self, media: Media, at: str) -> list[dict[str, Any]]:
        self._note_cache(media, at)
        written = write_media(media)
        if written is None:
            what = f"{media.kind} file_id" if media.file_id else f"{media.kind} url"
            self._losses.refuse(f"{at}: {what}")
            return []
        for word, told in (
            ("detail", media.detail not in ("", "auto")),
            ("citations", media.citations),
        ):
            if told:
                self._losses.hint(f"{at}: {word}")
        about = "\n".join(
            text for text in (media.name and f"File: {media.name}", media.context) if text
        )
        return [{"text": about}, written] if about else [written]

    def _note_cache(self, part: Text | Media | ToolCall | ToolResult, at: str) -> None:
        if part.cache:
            self._losses.hint(f"{at}: cache_control")


def _sign_last_text(parts: list[dict[str, Any]], signature: str) -> None:
    for part in reversed(parts):
        if "text" in part and "thought" not in part and "thoughtSignature" not in part:
            part["thoughtSignature"] = signature
            return
    parts.append({"text": "", "thoughtSignature": signature})


def _excuse_unsigned(parts: list[dict[str, Any]]) -> None:
    """The first call of a step must be signed; the ones beside it need not be."""
    first = next((part for part in parts if "functionCall" in part), None)
    if first is not None and "thoughtSignature" not in first:
        first["thoughtSignature"] = SKIP_VALIDATION


def _response(text: str, failed: bool) -> dict[str, Any]:
    """What a function answered must be an object."""
    if failed:
        return {"error": text}
    if text[:1] == "{":
        try:
            return dict(_OBJECT.decode(text))
        except (ValueError, RecursionError):
            pass
    return {"result": text}
