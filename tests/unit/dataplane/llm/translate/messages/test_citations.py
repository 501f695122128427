"""Citations, both ways."""

from typing import Any

import msgspec
import pytest

from dataplane.llm.hub.parts import Citation
from dataplane.llm.translate.messages.citations import (
    read_citation,
    read_citations,
    write_citation,
)

CHAR = {
    "type": "char_location",
    "cited_text": "Grass.",
    "document_index": 0,
    "document_title": "Colours",
    "file_id": None,
    "start_char_index": 3,
    "end_char_index": 9,
}
PAGE = {
    "type": "page_location",
    "cited_text": "Grass.",
    "document_index": 1,
    "document_title": None,
    "file_id": "file_1",
    "start_page_number": 5,
    "end_page_number": 6,
}
BLOCK = {
    "type": "content_block_location",
    "cited_text": "Grass.",
    "document_index": 2,
    "document_title": None,
    "file_id": None,
    "start_block_index": 0,
    "end_block_index": 1,
}
SEARCH = {
    "type": "search_result_location",
    "cited_text": "Grass.",
    "search_result_index": 0,
    "source": "https://example.com/handbook",
    "start_block_index": 0,
    "end_block_index": 2,
    "title": "Handbook",
}


def raw(value: object) -> msgspec.Raw:
    return msgspec.Raw(msgspec.json.encode(value))


@pytest.mark.parametrize("wire", [CHAR, PAGE, BLOCK, SEARCH], ids=lambda wire: str(wire["type"]))
def test_place_survives_both_ways(wire: dict[str, Any]) -> None:
    assert write_citation(read_citation(raw(wire))) == wire


def test_web_page_is_cited_without_the_index_that_only_anthropic_makes() -> None:
    wire = {
        "type": "web_search_result_location",
        "url": "https://example.com",
        "title": "Example",
        "encrypted_index": "Eo8B",
        "cited_text": "This domain",
    }
    assert write_citation(read_citation(raw(wire))) == wire | {"encrypted_index": ""}


def test_file_of_another_provider_is_a_source() -> None:
    written = write_citation(Citation(file_id="file-7", title="report.pdf"))
    assert (written["type"], written["source"]) == ("search_result_location", "file-7")


@pytest.mark.parametrize("none", [b"", b"null", b"[]"])
def test_no_citations_are_none(none: bytes) -> None:
    assert read_citations(msgspec.Raw(none)) == []
