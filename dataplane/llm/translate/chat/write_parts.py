"""Parts -> contents of chat messages."""

from typing import Any, Final

from dataplane.llm.hub.loss import Losses
from dataplane.llm.hub.parts import Media, Native, Part, Refusal, Text, Thinking, ToolResult
from dataplane.llm.hub.request import Request
from dataplane.runtime.dialect import Dialect
from dataplane.runtime.protocols import Protocol

WirePart = dict[str, Any]
Content = str | list[WirePart] | None
_FORMATS: Final = {
    "audio/wav": "wav",
    "audio/x-wav": "wav",
    "audio/wave": "wav",
    "audio/mpeg": "mp3",
    "audio/mp3": "mp3",
}


class PartWriter:
    """Writes the parts of one request's messages."""

    def __init__(self, request: Request, dialect: Dialect, losses: Losses) -> None:
        self._client = request.protocol
        self._dialect = dialect
        self._losses = losses

    def content(self, parts: list[Part], at: str) -> Content:
        """A text where a text will do: not every server takes lists. None when nothing is said."""
        only = parts[0] if len(parts) == 1 else None
        if type(only) is Text and not only.citations and not only.cache:
            return only.text  # as nearly all are
        told = [part for one in parts if (part := self._part(one, at)) is not None]
        if not told:
            return None
        if all(part.keys() == {"type", "text"} for part in told):
            return _joined(parts, [part["text"] for part in told])
        return told

    def texts(self, parts: list[Part], at: str) -> Content:
        """The same for whom only texts are allowed."""
        told: list[Part] = []
        for part in parts:
            if type(part) is Media:
                self._losses.refuse(f"{at}: {part.kind}")
            else:
                told.append(part)
        return self.content(told, at)

    def _part(self, part: Part, at: str) -> WirePart | None:
        match part:
            case Text(text, citations):
                if citations:
                    self._losses.hint(f"{at}: citations")
                return self._cached({"type": "text", "text": text}, part.cache, at)
            case Refusal(text):
                return {"type": "text", "text": text}
            case Media():
                told = self._media(part, at)
                return self._cached(told, part.cache, at) if told else None
            case Native():
                self._losses.refuse(f"{at}: {part.kind}")
            case Thinking():
                self._losses.hint(f"{at}: thinking")
            case ToolResult():
                self._losses.refuse(f"{at}: tool result")
            case _:
                self._losses.refuse(f"{at}: tool call")
        return None

    def _cached(self, told: WirePart, cache: str, at: str) -> WirePart:
        if not cache:
            return told
        if self._dialect.cache_control:
            marker = {"type": "ephemeral"} if cache == "5m" else {"type": "ephemeral", "ttl": cache}
            return told | {"cache_control": marker}
        self._losses.hint("cache_control")
        return told

    def _media(self, part: Media, at: str) -> WirePart | None:
        if part.citations or part.context:
            self._losses.hint(f"{at}: citations of a document")
        if part.text:
            title = f"{part.name}:\n" if part.name else ""
            return {"type": "text", "text": title + part.text}
        if part.kind == "image" and not part.file_id:
            image = {"url": _address(part)}
            if part.detail:
                image["detail"] = part.detail
            return {"type": "image_url", "image_url": image}
        if part.kind == "audio" and part.data:
            form = _FORMATS.get(part.mime_type) or part.mime_type.rpartition("/")[2] or "wav"
            return {"type": "input_audio", "input_audio": {"data": part.data, "format": form}}
        if part.kind == "document" and part.data:
            file = {"filename": part.name or "document", "file_data": _address(part)}
            return {"type": "file", "file": file}
        # Ids of files are OpenAI's own: those of another vendor would mean nothing there.
        if part.kind == "document" and part.file_id and self._client is Protocol.RESPONSES:
            return {"type": "file", "file": {"file_id": part.file_id}}
        where = "file_id" if part.file_id else "url" if part.url else "data"
        self._losses.refuse(f"{at}: {part.kind} by {where}")
        return None


def _address(part: Media) -> str:
    return part.url or f"data:{part.mime_type or 'application/octet-stream'};base64,{part.data}"


def _joined(parts: list[Part], texts: list[str]) -> str:
    """Pieces of one text (cited ones come in pieces) stay together; others get a line between."""
    cited = any(isinstance(part, Text) and part.citations for part in parts)
    return ("" if cited else "\n\n").join(text for text in texts if text)
