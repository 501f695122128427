"""`groundingMetadata` and `citationMetadata` <-> citations.

The API counts bytes of UTF-8, the hub counts characters.
"""

from bisect import bisect_right
from typing import Any

import msgspec

from dataplane.llm.hub.parts import Citation


class _Source(msgspec.Struct):
    uri: str | None = None
    title: str | None = None
    text: str | None = None


class _Chunk(msgspec.Struct, rename="camel"):
    web: _Source | None = None
    retrieved_context: _Source | None = None
    maps: _Source | None = None

    def read(self) -> Citation:
        source = self.web or self.retrieved_context or self.maps or _Source()
        return Citation(source.uri or "", source.title or "", source.text or "")


class _Segment(msgspec.Struct, rename="camel"):
    start_index: int | None = None
    end_index: int | None = None
    part_index: int | None = None


class _Support(msgspec.Struct, rename="camel"):
    segment: _Segment | None = None
    grounding_chunk_indices: list[int] | None = None


class _Grounding(msgspec.Struct, rename="camel"):
    grounding_chunks: list[_Chunk] | None = None
    grounding_supports: list[_Support] | None = None


class _Cited(msgspec.Struct, rename="camel"):
    uri: str | None = None
    title: str | None = None
    start_index: int | None = None
    end_index: int | None = None


class _Citations(msgspec.Struct, rename="camel"):
    citations: list[_Cited] | None = None
    citation_sources: list[_Cited] | None = None
    """AI Studio's name."""


_GROUNDING = msgspec.json.Decoder(_Grounding)
_CITATIONS = msgspec.json.Decoder(_Citations)


def read_citations(
    grounding: msgspec.Raw, citations: msgspec.Raw, texts: dict[int, str]
) -> list[Citation]:
    """What an answer cites; `texts` are its text parts by index, whose join is the hub's text.
    Metadata in a form we do not know cites nothing.
    """
    found: list[Citation] = []
    try:
        if grounding and bytes(grounding) != b"null":
            found += _grounded(_GROUNDING.decode(grounding), texts)
        if citations and bytes(citations) != b"null":
            found += _cited(_CITATIONS.decode(citations), "".join(texts.values()))
    except (ValueError, RecursionError):
        return found
    return found


def _grounded(told: _Grounding, texts: dict[int, str]) -> list[Citation]:
    chunks = told.grounding_chunks or []
    before = 0
    starts = {}
    for index, text in texts.items():
        starts[index] = before
        before += len(text)
    found = []
    for support in told.grounding_supports or ():
        segment = support.segment or _Segment()
        part = segment.part_index or 0
        ends = _Bytes(texts.get(part, ""))
        for number in support.grounding_chunk_indices or ():
            if not 0 <= number < len(chunks):
                continue
            citation = chunks[number].read()
            if segment.end_index is not None and part in texts:
                citation.start = starts[part] + ends.characters(segment.start_index or 0)
                citation.end = starts[part] + ends.characters(segment.end_index)
            found.append(citation)
    return found or [chunk.read() for chunk in chunks]


def _cited(told: _Citations, text: str) -> list[Citation]:
    ends = _Bytes(text)
    found = []
    for one in told.citations or told.citation_sources or ():
        citation = Citation(one.uri or "", one.title or "")
        if one.end_index is not None:
            citation.start = ends.characters(one.start_index or 0)
            citation.end = ends.characters(one.end_index)
        found.append(citation)
    return found


class _Bytes:
    """Where each character of a text ends in its UTF-8."""

    def __init__(self, text: str) -> None:
        self._length = len(text)
        self._ends: list[int] | None = None
        if not text.isascii():
            at = 0
            self._ends = [at := at + len(one.encode("utf-8", "replace")) for one in text]

    def characters(self, offset: int) -> int:
        """How many characters end within so many bytes."""
        if self._ends is None:
            return max(0, min(offset, self._length))
        return bisect_right(self._ends, offset)


def write_grounding(cited: list[tuple[int, str, list[Citation]]]) -> dict[str, Any] | None:
    """`groundingMetadata`; None when nothing is cited.

    :param cited: index of the part, its text and what it cites.
    """
    chunks: list[dict[str, Any]] = []
    supports: list[dict[str, Any]] = []
    for index, text, citations in cited:
        for citation in citations:
            chunk = _chunk(citation)
            if chunk not in chunks:
                chunks.append(chunk)
            start = min(citation.start or 0, len(text))
            end = len(text) if citation.end is None else min(citation.end, len(text))
            segment: dict[str, Any] = {
                "startIndex": len(text[:start].encode()),
                "endIndex": len(text[:end].encode()),
                "text": text[start:end],
            }
            if index:
                segment["partIndex"] = index
            supports.append({"segment": segment, "groundingChunkIndices": [chunks.index(chunk)]})
    if not chunks:
        return None
    return {"groundingChunks": chunks, "groundingSupports": supports}


def _chunk(citation: Citation) -> dict[str, Any]:
    told = {"uri": citation.url or citation.file_id, "title": citation.title}
    if citation.url and not citation.cited_text:
        return {"web": {name: value for name, value in told.items() if value}}
    told["text"] = citation.cited_text
    return {"retrievedContext": {name: value for name, value in told.items() if value}}
