import msgspec
import pytest

from dataplane.llm.hub.parts import Citation
from dataplane.llm.translate.converse.citations import WireCitation, read_citation, write_citation

CITATIONS = [
    Citation(
        title="T",
        cited_text="words",
        document=1,
        document_start=5,
        document_end=9,
        unit=unit,
    )
    for unit in ("char", "page", "block")
] + [Citation(url="https://a.example/x", title="T", cited_text="words")]


@pytest.mark.parametrize("citation", CITATIONS, ids=["char", "page", "block", "web"])
def test_what_is_written_is_read_again(citation: Citation) -> None:
    wire = msgspec.convert(write_citation(citation), WireCitation)
    assert read_citation(wire) == citation


def test_a_source_with_an_address_is_the_address() -> None:
    wire = WireCitation(source="https://a.example", title="A")
    assert read_citation(wire) == Citation(url="https://a.example", title="A")


def test_a_source_without_an_address_is_a_title() -> None:
    assert read_citation(WireCitation(source="a.pdf")) == Citation(title="a.pdf")


def test_a_place_in_a_search_result_is_told_in_blocks() -> None:
    wire = msgspec.convert(
        {"location": {"searchResultLocation": {"searchResultIndex": 0, "start": 1, "end": 2}}},
        WireCitation,
    )
    assert read_citation(wire) == Citation(unit="block", document_start=1, document_end=2)
