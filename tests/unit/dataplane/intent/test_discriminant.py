"""What sets agents apart."""

import pytest

np = pytest.importorskip("numpy", reason="needs the router extra")

from dataplane.intent.discriminant import Discriminant, Floats  # noqa: E402


def vector(*numbers: float) -> Floats:
    found: Floats = np.array(numbers, np.float32) / np.linalg.norm(numbers)
    return found


# All agents' texts have the first axis in common; each has one of its own.
FIRST, SECOND = vector(3, 1, 0, 0), vector(3, 0, 1, 0)


def scores(model: Discriminant, request: Floats) -> list[float]:
    (row,) = model(request[None]).tolist()
    return list(row)


def test_a_request_goes_to_the_agent_whose_texts_it_is_like() -> None:
    model = Discriminant([[FIRST], [SECOND]], [[], []])
    first, second = scores(model, vector(0, 1, 0, 0))
    assert first > second


def test_what_all_agents_share_says_nothing() -> None:
    model = Discriminant([[FIRST], [SECOND]], [[], []])
    first, second = scores(model, vector(1, 0, 0, 0))
    assert first == pytest.approx(second, abs=1e-6)


def test_examples_bring_in_what_the_description_does_not_say() -> None:
    request = vector(0, 0, 0, 1)
    before = scores(Discriminant([[FIRST], [SECOND]], [[], []]), request)
    after = scores(Discriminant([[FIRST], [SECOND]], [[], [request]]), request)
    assert before[0] == pytest.approx(before[1], abs=1e-6)
    assert after[1] > after[0]


def test_many_texts_weigh_no_more_than_few() -> None:
    few = Discriminant([[FIRST], [SECOND]], [[], []])
    many = Discriminant([[FIRST] * 20, [SECOND]], [[], []])
    request = vector(0, 1, 1, 0)
    assert scores(many, request) == pytest.approx(scores(few, request), abs=1e-6)
