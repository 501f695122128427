"""What a Claude model takes."""

import pytest

from dataplane.llm.translate.messages.abilities import abilities

CLASSIC = "sampling budget"


@pytest.mark.parametrize(
    ("model", "words"),
    [
        pytest.param("claude-3-5-sonnet-20241022", CLASSIC, id="3.5"),
        pytest.param("claude-sonnet-4-20250514", CLASSIC, id="4"),
        pytest.param("claude-haiku-4-5-20251001", CLASSIC, id="4.5"),
        pytest.param("claude-sonnet-4-6", "sampling budget adaptive", id="4.6"),
        pytest.param("anthropic/claude-sonnet-4.6", "sampling budget adaptive", id="with-prefix"),
        pytest.param("claude-opus-4-7", "adaptive", id="4.7"),
        pytest.param("us.anthropic.claude-opus-4-8-v1:0", "adaptive late_system", id="4.8"),
        pytest.param("claude-sonnet-5", "adaptive", id="sonnet-5"),
        pytest.param("claude-haiku-5-5", "adaptive late_system", id="haiku-5.5"),
        pytest.param("claude-mythos-preview", "adaptive", id="mythos-preview"),
        pytest.param("deepseek-chat", CLASSIC, id="no-claude"),
    ],
)
def test_words_go_by_version(model: str, words: str) -> None:
    can = abilities(model)
    names = ("sampling", "budget", "adaptive", "late_system")
    assert " ".join(name for name in names if getattr(can, name)) == words


@pytest.mark.parametrize(
    ("model", "off"),
    [
        ("claude-sonnet-4-5", "disabled"),
        ("claude-opus-4-7", ""),
        ("claude-opus-5", "disabled"),
        ("claude-sonnet-5-5", "between_tools"),
        ("claude-opus-5-5", "always"),
        ("claude-fable-5", "always"),
        ("claude-mythos-preview", "always"),
    ],
)
def test_thinking_is_turned_off_in_the_models_own_way(model: str, off: str) -> None:
    assert abilities(model).without_thinking == off


@pytest.mark.parametrize(
    ("model", "efforts"),
    [
        ("claude-sonnet-4-5", 0),
        ("claude-opus-4-5-20251101", 3),
        ("claude-sonnet-4-6", 4),
        ("claude-opus-4-7", 5),
    ],
)
def test_efforts_grow_with_the_versions(model: str, efforts: int) -> None:
    assert len(abilities(model).efforts) == efforts
