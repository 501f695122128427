"""Citations, both ways."""

from typing import Any

import msgspec

from dataplane.llm.hub.parts import Citation
from dataplane.llm.translate.converse.wire import TextBlock


class _Web(msgspec.Struct, gc=False):
    url: str | None = None


class _Place(msgspec.Struct, gc=False):
    documentIndex: int | None = None
    start: int | None = None
    end: int | None = None


class _Location(msgspec.Struct):
    web: _Web | None = None
    documentChar: _Place | None = None
    documentPage: _Place | None = None
    documentChunk: _Place | None = None
    searchResultLocation: _Place | None = None


class WireCitation(msgspec.Struct):
    """One citation, in an answer or in a stream."""

    title: str | None = None
    source: str | None = None
    sourceContent: list[TextBlock] | None = None
    location: _Location | None = None


class CitedText(msgspec.Struct):
    """A text and what it cites."""

    content: list[TextBlock] | None = None
    citations: list[WireCitation] | None = None


_KEYS = {"char": "documentChar", "page": "documentPage", "block": "documentChunk"}


def read_citation(wire: WireCitation) -> Citation:
    """The hub's form; `source` is an address where it looks like one."""
    location = wire.location or _Location()
    source = wire.source or ""
    found = Citation(
        url=(location.web.url or "") if location.web is not None else "",
        title=wire.title or "",
        cited_text="".join(block.text or "" for block in wire.sourceContent or ()),
    )
    if not found.url and "://" in source:
        found.url = source
    found.title = found.title or source
    for unit, key in _KEYS.items():
        place = getattr(location, key)
        if place is not None:
            found.unit = unit
            found.document = place.documentIndex
            found.document_start, found.document_end = place.start, place.end
    if location.searchResultLocation is not None:
        found.unit = "block"
        found.document_start = location.searchResultLocation.start
        found.document_end = location.searchResultLocation.end
    return found


def write_citation(citation: Citation) -> dict[str, Any]:
    """What is known of it; a place in a document, else an address."""
    wire: dict[str, Any] = {}
    if citation.title:
        wire["title"] = citation.title
    if citation.url or citation.file_id:
        wire["source"] = citation.url or citation.file_id
    if citation.cited_text:
        wire["sourceContent"] = [{"text": citation.cited_text}]
    if citation.document is not None:
        wire["location"] = {
            _KEYS.get(citation.unit, "documentChar"): {
                "documentIndex": citation.document,
                "start": citation.document_start or 0,
                "end": citation.document_end or 0,
            }
        }
    elif citation.url:
        wire["location"] = {"web": {"url": citation.url}}
    return wire
