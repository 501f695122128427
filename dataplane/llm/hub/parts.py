"""What messages are made of, in the words of no protocol in particular.

Rule: a part says everything that any protocol can say about it; what only one protocol knows is
kept as it came (Native), so that a writer can name it when it cannot be expressed.
"""

from dataclasses import dataclass

import msgspec

from dataplane.runtime.protocols import Protocol


@dataclass(init=False)
class Citation:
    """Where a text has its words from."""

    url: str
    title: str
    cited_text: str
    start: int | None
    """Characters into the citing text where what is cited begins, when the source says so."""
    end: int | None
    document: int | None
    """Index of the request's document that is cited."""
    file_id: str
    document_start: int | None
    """Place within the document: characters, pages or blocks, by `unit`."""
    document_end: int | None
    unit: str
    """"char", "page" or "block"."""

    def __init__(
        self,
        url: str = "",
        title: str = "",
        cited_text: str = "",
        start: int | None = None,
        end: int | None = None,
        document: int | None = None,
        file_id: str = "",
        document_start: int | None = None,
        document_end: int | None = None,
        unit: str = "",
    ) -> None:
        self.url = url
        self.title = title
        self.cited_text = cited_text
        self.start = start
        self.end = end
        self.document = document
        self.file_id = file_id
        self.document_start = document_start
        self.document_end = document_end
        self.unit = unit


@dataclass(init=False)
class Text:
    """Words."""

    text: str
    citations: list[Citation]
    cache: str
    """A cache marker ends here: its time to live, "5m" or "1h" ("5m" when none was said)."""
    signature: str
    """Gemini signs any part; sealed (hub/seal.py)."""

    def __init__(
        self,
        text: str,
        citations: list[Citation] | None = None,
        cache: str = "",
        signature: str = "",
    ) -> None:
        self.text = text
        self.citations = [] if citations is None else citations
        self.cache = cache
        self.signature = signature


@dataclass(init=False)
class Media:
    """An image, a document, sound or a video: exactly one of data, url, file_id, text is set."""

    kind: str
    """"image", "document", "audio" or "video"."""
    mime_type: str
    """"image/png"; empty when the source does not tell."""
    data: str
    """Base64, as it came."""
    url: str
    file_id: str
    """Of a file that was uploaded to the provider."""
    text: str
    """A document that is plain text."""
    name: str
    """File name or title."""
    context: str
    """What the model is told about a document (Anthropic)."""
    detail: str
    """How closely to look at an image: "low", "high", "auto"; empty when not said."""
    citations: bool
    """The model should cite from this document."""
    cache: str

    def __init__(
        self,
        kind: str,
        mime_type: str = "",
        data: str = "",
        url: str = "",
        file_id: str = "",
        text: str = "",
        name: str = "",
        context: str = "",
        detail: str = "",
        citations: bool = False,
        cache: str = "",
    ) -> None:
        self.kind = kind
        self.mime_type = mime_type
        self.data = data
        self.url = url
        self.file_id = file_id
        self.text = text
        self.name = name
        self.context = context
        self.detail = detail
        self.citations = citations
        self.cache = cache


@dataclass(init=False)
class ToolCall:
    """The model asks for a tool to be run."""

    id: str
    name: str
    arguments: str
    """JSON text, as it came; for a custom tool the plain text of its input."""
    custom: bool
    """A custom (free-text) tool of OpenAI's."""
    namespace: str
    """The namespace tool (Responses) that `name` belongs to."""
    signature: str
    """Gemini signs calls; sealed (hub/seal.py)."""
    cache: str

    def __init__(
        self,
        id: str,
        name: str,
        arguments: str,
        custom: bool = False,
        namespace: str = "",
        signature: str = "",
        cache: str = "",
    ) -> None:
        self.id = id
        self.name = name
        self.arguments = arguments
        self.custom = custom
        self.namespace = namespace
        self.signature = signature
        self.cache = cache


@dataclass(init=False)
class ToolResult:
    """What a tool answered. `parts` are Text and Media."""

    call_id: str
    parts: list["Text | Media | Native"]
    name: str
    """Of the tool, when the source tells; Gemini needs it (else found by call_id)."""
    is_error: bool
    custom: bool
    cache: str

    def __init__(
        self,
        call_id: str,
        parts: list["Text | Media | Native"],
        name: str = "",
        is_error: bool = False,
        custom: bool = False,
        cache: str = "",
    ) -> None:
        self.call_id = call_id
        self.parts = parts
        self.name = name
        self.is_error = is_error
        self.custom = custom
        self.cache = cache


@dataclass(init=False)
class Thinking:
    """What the model thought. Providers sign it so that it can be given back to them."""

    text: str
    signature: str
    """Towards clients sealed, towards its own provider as it was (hub/seal.py)."""
    redacted: bool
    """`signature` is all there is: Anthropic's redacted_thinking, or encrypted reasoning only."""
    id: str
    """Of the item, where it has one (Responses)."""

    def __init__(
        self, text: str = "", signature: str = "", redacted: bool = False, id: str = ""
    ) -> None:
        self.text = text
        self.signature = signature
        self.redacted = redacted
        self.id = id


@dataclass(init=False)
class Refusal:
    """The model declines, in words."""

    text: str

    def __init__(self, text: str) -> None:
        self.text = text


@dataclass(init=False)
class Native:
    """Something only `protocol` knows, as it came."""

    protocol: Protocol
    kind: str
    """Its type in the words of that protocol: "server_tool_use"."""
    raw: msgspec.Raw

    def __init__(self, protocol: Protocol, kind: str, raw: msgspec.Raw) -> None:
        self.protocol = protocol
        self.kind = kind
        self.raw = raw


Part = Text | Media | ToolCall | ToolResult | Thinking | Refusal | Native
