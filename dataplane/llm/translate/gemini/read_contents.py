"""`contents` and `systemInstruction` of a Gemini client -> messages.

Rule: a function's answer finds its call by id, else as the first of that name (or the first at all)
that is still unanswered.
"""

from typing import Any

import msgspec

from dataplane.llm.hub.parts import Media, Native, Part, Text, Thinking, ToolCall, ToolResult
from dataplane.llm.hub.request import Message
from dataplane.llm.translate.gemini.arguments import arguments_of
from dataplane.llm.translate.gemini.fields import Fields, Wrong
from dataplane.llm.translate.gemini.media import blob, file
from dataplane.llm.translate.gemini.signature import from_wire
from dataplane.runtime.protocols import Protocol

_ROLES = {
    "": "user",
    "user": "user",
    "function": "user",
    "tool": "user",
    "model": "assistant",
    "assistant": "assistant",
    "system": "system",
}
_NATIVE = ("executableCode", "codeExecutionResult", "toolCall", "toolResponse")
_ADVICE = ("videoMetadata", "mediaResolution", "partMetadata", "mediaProcessing")
_RESULTS = ("result", "output", "content")
_ENCODER = msgspec.json.Encoder()


class ContentsReader:
    """Reads the turns of one request in order."""

    def __init__(self) -> None:
        self.hints: list[str] = []
        self.unknown: list[str] = []
        self._open: list[ToolCall] = []

    def messages(self, contents: list[Fields]) -> list[Message]:
        """The turns. Raises Wrong."""
        read: list[Message] = []
        for content in contents:
            message = self._message(content)
            if message.role != "assistant":
                read.append(message)
            elif read and read[-1].role == "assistant":
                # Google's SDKs give a streamed answer back as a content for each of its chunks.
                _join(read[-1].parts, message.parts)
            else:
                parts: list[Part] = []
                _join(parts, message.parts)
                message.parts = parts
                read.append(message)
        return read

    def system(self, raw: msgspec.Raw | None, at: str) -> list[Part]:
        """The instructions: a content, or just a text. Raises Wrong."""
        if raw is None:
            return []
        if bytes(raw)[:1] == b'"':
            text = msgspec.json.decode(raw, type=str)
            return [Text(text)] if text else []
        content = Fields(raw, at)
        content.raw("role")
        parts: list[Part] = []
        for fields in content.objects("parts"):
            for part in self._parts(fields, 0):
                if isinstance(part, Text):
                    parts.append(part)
                else:
                    self.unknown.append(fields.at)
        self.unknown += content.rest()
        return parts

    def _message(self, content: Fields) -> Message:
        role = _ROLES.get(content.text("role").lower())
        if role is None:
            raise Wrong(f"Expected the role user or model - at `{content.place('role')}`")
        parts: list[Part] = []
        for number, fields in enumerate(content.objects("parts")):
            parts += self._parts(fields, number)
        self.unknown += content.rest()
        return Message(role, parts, at=content.at)

    def _parts(self, fields: Fields, number: int) -> list[Part]:
        signature, redacted = from_wire(fields.text("thoughtSignature"))
        thought = fields.boolean("thought") is True
        made: list[Part] = []
        if thought:
            text = fields.text("text")
            if text or signature:
                made.append(Thinking(text, signature, redacted=redacted))
        elif "text" in fields:
            text = fields.text("text")
            if text or signature:
                made.append(Text(text, signature=signature))
        for name, read in (("inlineData", blob), ("fileData", file)):
            found = fields.object(name)
            if found is not None:
                made.append(read(found))
                self.unknown += found.rest()
        call = fields.object("functionCall")
        if call is not None:
            made.append(self._call(call, signature, number))
        response = fields.object("functionResponse")
        if response is not None:
            made.append(self._response(response))
        for name in _NATIVE:
            raw = fields.raw(name)
            if raw is not None:
                whole = msgspec.Raw(_ENCODER.encode({name: raw}))
                made.append(Native(Protocol.GEMINI, name, whole))
        for name in _ADVICE:
            if fields.raw(name) is not None:
                self.hints.append(fields.place(name))
        self.unknown += fields.rest()
        return made

    def _call(self, fields: Fields, signature: str, number: int) -> ToolCall:
        arguments = fields.raw("args")
        if arguments is not None and bytes(arguments)[:1] != b"{":
            raise Wrong(f"Expected an object - at `{fields.place('args')}`")
        call_id = fields.text("id") or f"call_{len(self._open)}_{number}"
        call = ToolCall(
            call_id,
            fields.text("name"),
            arguments_of(arguments),
            signature=signature,
        )
        if not call.name:
            raise Wrong(f"Expected a string - at `{fields.place('name')}`")
        self._open.append(call)
        self.unknown += fields.rest()
        return call

    def _response(self, fields: Fields) -> ToolResult:
        name, call_id = fields.text("name"), fields.text("id")
        result = _result(fields, name)
        result.name = name
        call = next(
            (one for one in self._open if (one.id == call_id if call_id else one.name == name)),
            None,
        )
        if call is not None:
            # Its place in the list stays taken: ids that we make count it.
            self._open[self._open.index(call)] = ToolCall("", "", "")
            result.call_id = call.id
            result.name = name or call.name
        else:
            result.call_id = call_id or f"call_{name}"
        for one in fields.objects("parts"):
            made = [part for part in self._parts(one, 0) if isinstance(part, Text | Media)]
            result.parts += made
            if not made:
                self.unknown.append(one.at)
        for word in ("scheduling", "willContinue"):
            if fields.raw(word) is not None:
                self.hints.append(fields.place(word))
        self.unknown += fields.rest()
        return result


def _join(parts: list[Part], more: list[Part]) -> None:
    """Adds what may be pieces of one streamed answer: a thought is signed as a whole."""
    for part in more:
        last = parts[-1] if parts else None
        match part, last:
            case Text(), Text():
                last.text += part.text
                last.signature = part.signature or last.signature
            case Thinking(redacted=False), Thinking(redacted=False, signature=""):
                last.text += part.text
                last.signature = part.signature
            case _:
                parts.append(part)


def _result(fields: Fields, name: str) -> ToolResult:
    """What a function answered: {"result": "..."} and the like are just that text."""
    raw = fields.raw("response")
    if raw is None:
        return ToolResult("", [])
    value: Any = msgspec.json.decode(raw)
    if isinstance(value, dict) and value.get("name") == name and len(value) == 2:
        # Vercel's `ai` says the name in there once more: {"name": ..., "content": ...}.
        del value["name"]
    if isinstance(value, dict) and len(value) == 1:
        ((key, inner),) = value.items()
        if key == "error":
            return ToolResult("", [Text(_worded(inner))], is_error=True)
        if key in _RESULTS and isinstance(inner, str):
            return ToolResult("", [Text(inner)] if inner else [])
    return ToolResult("", [Text(arguments_of(raw))])


def _worded(value: Any) -> str:
    return value if isinstance(value, str) else _ENCODER.encode(value).decode()
