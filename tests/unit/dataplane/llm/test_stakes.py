import json

import pytest

from dataplane.llm.stakes import (
    UNSAID_TOKENS,
    answer_limit,
    media_tokens,
    prompt_tokens,
    stakes,
    words_bytes,
)
from dataplane.llm.wire.peeked import surveyed

CHAT = {"model": "gpt", "messages": [{"role": "user", "content": "What is the weather in Oslo?"}]}


def of(**more: object) -> bytes:
    return json.dumps({**CHAT, **more}).encode()


@pytest.mark.parametrize(
    ("more", "answer"),
    [
        pytest.param({}, UNSAID_TOKENS, id="unsaid"),
        pytest.param({"max_tokens": 100}, 100, id="chat, messages"),
        pytest.param({"max_completion_tokens": 200, "max_tokens": None}, 200, id="newer chat"),
        pytest.param({"max_output_tokens": 300}, 300, id="responses"),
        pytest.param({"generationConfig": {"maxOutputTokens": 400}}, 400, id="gemini"),
        pytest.param({"inferenceConfig": {"maxTokens": 500}}, 500, id="converse"),
        pytest.param({"max_tokens": 100, "n": 3}, 300, id="several answers"),
        pytest.param({"n": 3}, 3 * UNSAID_TOKENS, id="several of which nobody says"),
    ],
)
def test_a_request_may_cost_its_prompt_and_its_longest_answer(
    more: dict[str, object], answer: int
) -> None:
    found = stakes(of(**more))
    assert found is not None
    assert found.tokens == prompt_tokens(of(**more)) + answer
    assert not found.has_tools


@pytest.mark.parametrize("name", ["tools", "functions"])
def test_tools_are_seen(name: str) -> None:
    found = stakes(of(**{name: [{"name": "pay"}]}))
    assert found is not None
    assert found.has_tools


def test_the_tools_of_converse_are_seen() -> None:
    found = stakes(of(toolConfig={"tools": []}))
    assert found is not None
    assert found.has_tools


def test_no_tools_are_none() -> None:
    found = stakes(of(tools=[]))
    assert found is not None
    assert not found.has_tools


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b'{"max_tokens":"many"}', b'{"n":"many"}', b'{"tools":7}', b"[" * 5000],
)
def test_nonsense_has_no_stakes(body: bytes) -> None:
    assert stakes(body) is None


def test_a_prompt_is_counted_about_right() -> None:
    assert 20 <= prompt_tokens(of()) <= 60


def test_a_long_prompt_is_counted_about_right() -> None:
    words = "What is the weather in Oslo and in Bergen, and is it any better in Rome? "
    short, long = (prompt_tokens(of(text=words * count)) for count in (100, 10_000))
    assert long == pytest.approx(short * 100, rel=0.1)


def test_pictures_are_not_taken_for_words() -> None:
    picture = "data:image/png;base64," + "iVBORw0KGgo" * 10_000
    assert prompt_tokens(of(picture=picture)) < 1_000


def test_the_longest_answer_is_known_where_somebody_limits_it() -> None:
    assert answer_limit(surveyed(of(max_tokens=100, n=2))) == 200
    assert answer_limit(surveyed(of())) is None


@pytest.mark.parametrize(
    ("more", "most"),
    [
        pytest.param({"max_tokens": None}, None, id="null is nobody's word"),
        pytest.param({"max_tokens": 256.0}, 0, id="a fraction, as it is written"),
        pytest.param({"max_tokens": -3}, 0, id="less than nothing"),
        pytest.param({"max_tokens": 7, "n": None}, 7, id="one answer"),
        pytest.param({"max_tokens": 7, "max_output_tokens": 9}, 9, id="the larger one counts"),
        pytest.param({"generationConfig": {"maxOutputTokens": 40}}, 40, id="gemini"),
        pytest.param({"generationConfig": None}, None, id="gemini, null"),
        pytest.param({"inferenceConfig": {"maxTokens": 50}}, 50, id="converse"),
        pytest.param({"max_tokens": "many"}, 0, id="words"),
        pytest.param({"max_tokens": 7, "n": [1]}, 0, id="a list"),
        pytest.param({"generationConfig": 7}, 0, id="no object"),
    ],
)
def test_what_is_said_of_an_answers_length_is_read_in_any_api(
    more: dict[str, object], most: int | None
) -> None:
    assert answer_limit(surveyed(of(**more))) == most


def test_what_is_no_request_is_its_providers_to_refuse() -> None:
    assert answer_limit(surveyed(b"[]")) == 0
    assert answer_limit(surveyed(b"")) == 0


@pytest.mark.parametrize("before", range(0, 900, 89))
def test_an_image_is_found_wherever_it_stands(before: int) -> None:
    words = ("word " * 180)[:before]
    picture = "data:image/png;base64," + "A" * 400
    assert media_tokens(of(text=words, url=picture, more="word " * 100)) == 1600


def test_words_about_images_are_none() -> None:
    assert media_tokens(of(text="What does base64 mean in data:image/png;base64? " * 100)) == 0


def test_an_image_is_counted_as_the_largest_may_and_not_by_its_bytes() -> None:
    assert media_tokens(of()) == 0
    body = of(url="data:image/png;base64," + "A" * 5000)
    assert media_tokens(body) == 1600
    assert words_bytes(body) < 200
