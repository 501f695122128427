"""A second opinion on requests."""

from collections.abc import Sequence

import pytest

np = pytest.importorskip("numpy", reason="needs the router extra")

from dataplane.intent.discriminant import Floats  # noqa: E402
from dataplane.intent.opinions import Opinions, Readers  # noqa: E402
from dataplane.intent.units import agent_texts  # noqa: E402
from dataplane.intent.views import Tokens, mean  # noqa: E402
from dataplane.runtime.config import AgentTarget  # noqa: E402

VOCABULARY = ["rain", "plane", "book", "room"]


def tokens(text: str) -> Tokens:
    """One axis per known word; unknown words have one of their own."""
    ids, rows, offsets = list[int](), list[Floats](), list[tuple[int, int]]()
    at = 0
    for word in text.split():
        at = text.index(word, at)
        known = VOCABULARY.index(word) if word in VOCABULARY else len(VOCABULARY)
        ids.append(20_000 + known)
        rows.append(np.eye(len(VOCABULARY) + 1, dtype=np.float32)[known])
        offsets.append((at, at + len(word)))
    return Tokens(np.array(ids), np.array(rows), tuple(offsets))


def vector(text: str) -> Floats:
    return mean(tokens(text).states)


def rows(texts: Sequence[str]) -> Floats:
    found: Floats = np.stack([vector(text) for text in texts])
    return found


def opinions_of(*agents: AgentTarget) -> Opinions:
    readers = Readers(lambda text: (vector(text), vector(text)), tokens, rows)
    return Opinions([agent_texts(a) for a in agents], readers)


RAIN, PLANE = AgentTarget("a", "book rain"), AgentTarget("b", "book plane")


def test_both_encoders_say_which_agent_a_request_is_like() -> None:
    ((rain, plane),) = opinions_of(RAIN, PLANE).opinions("book plane", ())
    assert plane > rain


def test_one_encoder_is_enough_to_set_agents_apart() -> None:
    def both(text: str) -> tuple[Floats, Floats]:
        return vector("room"), vector(text)

    readers = Readers(both, lambda text: tokens("room"), rows)
    opinions = Opinions([agent_texts(a) for a in (RAIN, PLANE)], readers)
    ((rain, plane),) = opinions.opinions("book plane", ())
    assert plane > rain


def test_a_part_is_seen_apart_from_the_rest() -> None:
    _, first, second = opinions_of(RAIN, PLANE).opinions("rain plane", [(0, 4), (5, 10)])
    assert first[0] > first[1]
    assert second[1] > second[0]


def test_a_part_that_was_not_read_counts_as_the_whole() -> None:
    whole, part = opinions_of(RAIN, PLANE).opinions("rain", [(100, 110)])
    assert whole == part


def test_a_message_and_its_parts_are_one_run_of_the_second_encoder() -> None:
    runs = []

    def use(texts: Sequence[str]) -> Floats:
        runs.append(list(texts))
        return rows(texts)

    agents = [agent_texts(a) for a in (RAIN, PLANE)]
    opinions = Opinions(agents, Readers(lambda text: (vector(text), vector(text)), tokens, use))
    opinions.opinions("rain plane", [(0, 4), (5, 10), (100, 110)])
    assert runs == [["rain plane", "rain", "plane"]]


def test_examples_count_where_an_agent_has_them() -> None:
    taught = AgentTarget("b", "book plane", examples=("room", "book room"))
    without, with_ = (opinions_of(RAIN, b).opinions("room", ())[0][1] for b in (PLANE, taught))
    assert with_ > without
