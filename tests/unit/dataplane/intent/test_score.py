"""Similarities -> how surely each agent fits."""

from dataplane.intent.encoder import Views
from dataplane.intent.heads import BOTH, LEXICAL, QUICK, SEMANTIC
from dataplane.intent.score import LexicalScorer, probability, read, sure_features
from dataplane.intent.units import agent_texts
from dataplane.runtime.config import AgentTarget

NEAR, FAR = (0.6, 0.6, 0.7, 0.6, 0.7, 0.5), (0.1, 0.1, 0.1, 0.2, 0.1, 0.0)


def test_near_is_surer_than_far() -> None:
    reading = read([NEAR, FAR], [0.6, 0.1], SEMANTIC, FAR)
    assert reading.ranks[0] > reading.ranks[1]
    assert probability(reading.logits[0]) > 0.9
    assert probability(reading.logits[1]) < 0.1


def test_an_agent_as_near_as_another_is_less_sure() -> None:
    alone = read([NEAR, FAR], [0.6, 0.1], SEMANTIC, FAR)
    contested = read([NEAR, NEAR], [0.6, 0.6], SEMANTIC, FAR)
    assert contested.logits[0] < alone.logits[0]
    assert contested.logits[0] == contested.logits[1]


def test_an_agent_no_nearer_than_nobody_is_less_sure() -> None:
    rival = read([NEAR, FAR], [0.6, 0.1], SEMANTIC, NEAR)
    assert rival.logits[0] < read([NEAR, FAR], [0.6, 0.1], SEMANTIC, FAR).logits[0]


def test_a_lead_is_bounded_for_one_agent_alone() -> None:
    assert sure_features([1.0], [0.5], None) == [(1.0, 6.0, 1.0, 0.5)]


def test_heads_weigh_what_they_are_given() -> None:
    assert len(SEMANTIC.rank.weights) == len(Views._fields) + 1
    assert len(QUICK.rank.weights) == len(("opinion", "share"))
    assert len(BOTH.rank.weights) == len(("opinion", "unit", "words", "share"))
    assert len(LEXICAL.rank.weights) == 1


def test_words_find_their_agent() -> None:
    agents = [
        agent_texts(AgentTarget("weather", "Weather forecasts for cities.")),
        agent_texts(AgentTarget("flights", "Finds flights.", examples=("a ticket to Rome",))),
    ]
    scorer = LexicalScorer(agents)
    assert scorer.read("the weather in Oslo").ranks[0] > 0
    assert scorer.read("cheap ticket").ranks == (0.0, scorer.read("cheap ticket").ranks[1])
    assert scorer.read("cheap ticket").ranks[1] > 0


def test_parts_are_read_after_the_whole() -> None:
    agents = [agent_texts(AgentTarget("weather", "Forecasts.")), agent_texts(AgentTarget("b", "c"))]
    scorer = LexicalScorer(agents)
    whole, part = scorer.read_parts("weather now", [(0, 7)])
    assert (whole, part) == (scorer.read("weather now"), scorer.read("weather"))


def test_probabilities_do_not_overflow() -> None:
    assert 0 <= probability(-1e9) < probability(0.0) < probability(1e9) <= 1
