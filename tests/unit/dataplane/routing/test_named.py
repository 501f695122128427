"""How the answers of routing models are read."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataplane.routing.named import named

NAMES = ("code", "it's talk", "code_review", "Case", "case")


@pytest.mark.parametrize(
    ("said", "names"),
    [
        pytest.param('{"route": ["code"]}', ("code",), id="as asked"),
        pytest.param('{"route": ["case", "code"]}', ("case", "code"), id="in its order"),
        pytest.param('{"route": ["code", "code"]}', ("code",), id="each once"),
        pytest.param('{"route": "code"}', ("code",), id="a name in place of a list"),
        pytest.param('```json\n{"route": ["code"]}\n```', ("code",), id="fenced"),
        pytest.param('I would say {"route": ["code"]}.', ("code",), id="within prose"),
        pytest.param("{'route': ['code', 'Case']}", ("code", "Case"), id="quotes of Python"),
        pytest.param('{"route": ["it\'s talk"]}', ("it's talk",), id="an apostrophe"),
        pytest.param("{'route': ['it's talk']}", ("it's talk",), id="both kinds of quotes"),
        pytest.param('{"route": ["unknown", "code"]}', ("code",), id="unknown ones are skipped"),
        pytest.param('{"route": ["CODE"]}', ("code",), id="other case"),
        pytest.param('{"agents": ["code"]}', ("code",), id="another key"),
        pytest.param('{{"route": ["code"]}}', ("code",), id="doubled braces"),
        pytest.param('["code", "Case"]', ("code", "Case"), id="a bare list"),
        pytest.param("code", ("code",), id="a bare name"),
        pytest.param("`code`, code_review", ("code", "code_review"), id="bare names"),
        pytest.param('<think>["Case"]?</think>["code"]', ("code",), id="it thinks"),
        pytest.param('\\n{"route": ["code"]}\\n', ("code",), id="line breaks in letters"),
        pytest.param('{"route": ["other"]}', (), id="no known one"),
        pytest.param('{"route": []}', (), id="none fits"),
        pytest.param('{"route": null}', (), id="null"),
        pytest.param('{"route": "none"}', (), id="none in words"),
        pytest.param("", (), id="nothing"),
    ],
)
def test_answer_is_read(said: str, names: tuple[str, ...]) -> None:
    assert named(said, NAMES) == names


@pytest.mark.parametrize(
    "said", ["I do not know.", '{"answer": 1}', '{"route": 3}', "code is what I would take"]
)
def test_answer_that_says_nothing_of_routes_is_a_failure(said: str) -> None:
    with pytest.raises(ValueError, match="JSON"):
        named(said, NAMES)


@given(st.text(max_size=200))
def test_any_answer_is_read_or_refused(said: str) -> None:
    with suppress(ValueError):
        assert set(named(said, NAMES)) <= set(NAMES)


def test_long_nonsense_costs_little() -> None:
    with pytest.raises(ValueError, match="JSON"):
        named("{[" * 100_000, NAMES)
