"""What messages are made of, in the words of no protocol in particular.

Rule: a part says everything that any protocol can say about it; what only one protocol knows is
kept as it came (Native), so that a writer can name it when it cannot be expressed.
"""

import msgspec

from dataplane.runtime.protocols import Protocol


class Citation(msgspec.Struct, gc=False):
    """Where a text has its words from."""

    url: str = ""
    title: str = ""
    cited_text: str = ""
    start: int | None = None
    """Characters into the citing text where what is cited begins, when the source says so."""
    end: int | None = None
    document: int | None = None
    """Index of the request's document that is cited."""
    file_id: str = ""
    document_start: int | None = None
    """Place within the document: characters, pages or blocks, by `unit`."""
    document_end: int | None = None
    unit: str = ""
    """"char", "page" or "block"."""


class Text(msgspec.Struct):
    """Words."""

    text: str
    citations: list[Citation] = []
    cache: str = ""
    """A cache marker ends here: its time to live, "5m" or "1h" ("5m" when none was said)."""
    signature: str = ""
    """Gemini signs any part; sealed (hub/seal.py)."""


class Media(msgspec.Struct):
    """An image, a document, sound or a video: exactly one of data, url, file_id, text is set."""

    kind: str
    """"image", "document", "audio" or "video"."""
    mime_type: str = ""
    """"image/png"; empty when the source does not tell."""
    data: str = ""
    """Base64, as it came."""
    url: str = ""
    file_id: str = ""
    """Of a file that was uploaded to the provider."""
    text: str = ""
    """A document that is plain text."""
    name: str = ""
    """File name or title."""
    context: str = ""
    """What the model is told about a document (Anthropic)."""
    detail: str = ""
    """How closely to look at an image: "low", "high", "auto"; empty when not said."""
    citations: bool = False
    """The model should cite from this document."""
    cache: str = ""


class ToolCall(msgspec.Struct):
    """The model asks for a tool to be run."""

    id: str
    name: str
    arguments: str
    """JSON text, as it came; for a custom tool the plain text of its input."""
    custom: bool = False
    """A custom (free-text) tool of OpenAI's."""
    namespace: str = ""
    """The namespace tool (Responses) that `name` belongs to."""
    signature: str = ""
    """Gemini signs calls; sealed (hub/seal.py)."""
    cache: str = ""


class ToolResult(msgspec.Struct):
    """What a tool answered. `parts` are Text and Media."""

    call_id: str
    parts: list["Text | Media | Native"]
    name: str = ""
    """Of the tool, when the source tells; Gemini needs it (else found by call_id)."""
    is_error: bool = False
    custom: bool = False
    cache: str = ""


class Thinking(msgspec.Struct):
    """What the model thought. Providers sign it so that it can be given back to them."""

    text: str = ""
    signature: str = ""
    """Towards clients sealed, towards its own provider as it was (hub/seal.py)."""
    redacted: bool = False
    """`signature` is all there is: Anthropic's redacted_thinking, or encrypted reasoning only."""
    id: str = ""
    """Of the item, where it has one (Responses)."""


class Refusal(msgspec.Struct, gc=False):
    """The model declines, in words."""

    text: str


class Native(msgspec.Struct):
    """Something only `protocol` knows, as it came."""

    protocol: Protocol
    kind: str
    """Its type in the words of that protocol: "server_tool_use"."""
    raw: msgspec.Raw


Part = Text | Media | ToolCall | ToolResult | Thinking | Refusal | Native
