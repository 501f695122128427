"""Citations, which the API tells in five forms and the hub in one."""

from typing import Any

import msgspec

from dataplane.llm.hub.parts import Citation

_UNITS = {"char_location": "char", "page_location": "page", "content_block_location": "block"}
_BOUNDS = {
    "char": ("start_char_index", "end_char_index"),
    "page": ("start_page_number", "end_page_number"),
    "block": ("start_block_index", "end_block_index"),
}


class WireCitation(msgspec.Struct):
    """The union of all forms."""

    type: str = ""
    cited_text: str | None = None
    document_index: int | None = None
    document_title: str | None = None
    title: str | None = None
    url: str | None = None
    source: str | None = None
    file_id: str | None = None
    start_char_index: int | None = None
    end_char_index: int | None = None
    start_page_number: int | None = None
    end_page_number: int | None = None
    start_block_index: int | None = None
    end_block_index: int | None = None


_CITATION = msgspec.json.Decoder(WireCitation)
_CITATIONS = msgspec.json.Decoder(list[WireCitation])


def read_citation(raw: msgspec.Raw) -> Citation:
    """One of a stream. Raises msgspec.MsgspecError."""
    return _citation(_CITATION.decode(raw))


def read_citations(raw: msgspec.Raw) -> list[Citation]:
    """Those of a text block; null is none. Raises msgspec.MsgspecError."""
    if not raw or bytes(raw) == b"null":
        return []
    return [_citation(wire) for wire in _CITATIONS.decode(raw)]


def _citation(wire: WireCitation) -> Citation:
    unit = _UNITS.get(wire.type, "block" if wire.start_block_index is not None else "")
    bounds = _BOUNDS.get(unit)
    return Citation(
        url=wire.url or wire.source or "",
        title=wire.document_title or wire.title or "",
        cited_text=wire.cited_text or "",
        document=wire.document_index,
        file_id=wire.file_id or "",
        document_start=getattr(wire, bounds[0]) if bounds else None,
        document_end=getattr(wire, bounds[1]) if bounds else None,
        unit=unit,
    )


def write_citation(citation: Citation) -> dict[str, Any]:
    """For a client: a place in one of its documents when that is known, else a source."""
    start, end = citation.document_start or 0, citation.document_end or 0
    if citation.document is not None:
        unit = citation.unit if citation.unit in _BOUNDS else "char"
        first, last = _BOUNDS[unit]
        return {
            "type": next(form for form, of in _UNITS.items() if of == unit),
            "cited_text": citation.cited_text,
            "document_index": citation.document,
            "document_title": citation.title or None,
            "file_id": citation.file_id or None,
            first: start,
            last: end,
        }
    if citation.url and citation.unit != "block":
        return {
            "type": "web_search_result_location",
            "cited_text": citation.cited_text,
            # Only Anthropic's own search makes one; it is needed to give the citation back to it.
            "encrypted_index": "",
            "title": citation.title or None,
            "url": citation.url,
        }
    return {
        "type": "search_result_location",
        "cited_text": citation.cited_text,
        "search_result_index": 0,
        "source": citation.url or citation.file_id,
        "start_block_index": start,
        "end_block_index": end,
        "title": citation.title or None,
    }
