"""What one encoder, and what both, make of requests."""

from collections.abc import Sequence

import pytest

np = pytest.importorskip("numpy", reason="needs the router extra")

from dataplane.intent.discriminant import Floats  # noqa: E402
from dataplane.intent.encoder import Span  # noqa: E402
from dataplane.intent.opinions import Opinions, Readers  # noqa: E402
from dataplane.intent.units import agent_texts  # noqa: E402
from dataplane.intent.views import Parts, Tokens, in_parts, mean  # noqa: E402
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


def in_words(text: str, parts: Sequence[Span]) -> Parts:
    return in_parts(tokens(text), parts)


def vector(text: str) -> Floats:
    return mean(tokens(text).states)


def rows(text: str, parts: Sequence[Span]) -> Floats:
    texts = [text, *(text[a:b] or text for a, b in parts)]
    found: Floats = np.stack([vector(each) for each in texts])
    return found


def opinions_of(*agents: AgentTarget) -> Opinions:
    readers = Readers(lambda text: (vector(text), vector(text)), in_words, rows)
    return Opinions([agent_texts(a) for a in agents], readers)


RAIN, PLANE = AgentTarget("a", "book rain"), AgentTarget("b", "book plane")


def test_both_encoders_say_which_agent_a_request_is_like() -> None:
    ((rain, plane),) = opinions_of(RAIN, PLANE).opinions("book plane", ())
    assert plane > rain


def test_one_encoder_is_enough_to_set_agents_apart() -> None:
    def both(text: str) -> tuple[Floats, Floats]:
        return vector("room"), vector(text)

    readers = Readers(both, lambda text, parts: in_words("room", parts), rows)
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


def test_a_glance_asks_the_second_encoder_alone() -> None:
    def unread(text: str, parts: Sequence[Span]) -> Parts:
        raise AssertionError(text)

    agents = [agent_texts(a) for a in (RAIN, PLANE)]
    index = Opinions(agents, Readers(lambda text: (vector("room"), vector(text)), unread, rows))
    whole, part = index.glances("rain plane plane", [(0, 4)])
    assert whole[1].opinion > whole[0].opinion
    assert part[0].opinion > part[1].opinion
    assert part[0].near > part[1].near


def test_who_looks_twice_at_a_message_has_it_read_once() -> None:
    runs = []

    def use(text: str, parts: Sequence[Span]) -> Floats:
        runs.append((text, *parts))
        return rows(text, parts)

    agents = [agent_texts(a) for a in (RAIN, PLANE)]
    opinions = Opinions(agents, Readers(lambda text: (vector(text), vector(text)), in_words, use))
    opinions.glances("rain plane", [(0, 4), (5, 10)])
    opinions.opinions("rain plane", [(0, 4), (5, 10)])
    assert runs == [("rain plane", (0, 4), (5, 10))]


def test_examples_count_where_an_agent_has_them() -> None:
    taught = AgentTarget("b", "book plane", examples=("room", "book room"))
    without, with_ = (opinions_of(RAIN, b).opinions("room", ())[0][1] for b in (PLANE, taught))
    assert with_ > without
