"""The scorers by meaning: what each asks of the encoders."""

from collections.abc import Sequence

from dataplane.intent.encoder import (
    AgentIndex,
    BriefViews,
    Glance,
    OpinionIndex,
    Span,
    Views,
)
from dataplane.intent.semantic import SemanticScorer
from dataplane.intent.units import AgentTexts, agent_texts
from dataplane.runtime.config import AgentTarget

TEXT, PART = "will it pour? and a seat", (0, 13)
NEAR, FAR = Views(0.6, 0.6, 0.7, 0.6, 0.7), Views(0.1, 0.1, 0.1, 0.2, 0.1)


class Seeing:
    """Encoders for which rain, the first of two agents, is near, and in a part plane, the second;
    it tells what it was asked for. The last one is nobody."""

    name, second_name = "one", "other"

    def __init__(self, *, has_second: bool = True) -> None:
        self.has_second = has_second
        self.asked: list[str] = []

    def index(self, agents: Sequence[AgentTexts]) -> AgentIndex:
        return self

    def opinion_index(self, agents: Sequence[AgentTexts]) -> OpinionIndex | None:
        return self if self.has_second else None

    def add_second(self) -> bool:
        return self.has_second

    def embed(self, text: str) -> tuple[float, ...]:
        raise NotImplementedError(text)

    def views(self, text: str) -> list[Views]:
        return self.part_views(text, ())[0]

    def part_views(self, text: str, parts: Sequence[Span]) -> list[list[Views]]:
        self.asked.append("views")
        return [[NEAR, FAR, FAR], *([FAR, NEAR, FAR] for _ in parts)]

    def brief_views(self, text: str, parts: Sequence[Span]) -> list[list[BriefViews]]:
        self.asked.append("brief views")
        near, far = (BriefViews(v.whole, v.unit, v.words) for v in (NEAR, FAR))
        return [[near, far, far], *([far, near, far] for _ in parts)]

    def glances(self, text: str, parts: Sequence[Span]) -> list[list[Glance]]:
        self.asked.append("glances")
        near, far = Glance(0.9, 0.6), Glance(0.0, 0.1)
        return [[near, far, far], *([far, near, far] for _ in parts)]

    def opinions(self, text: str, parts: Sequence[Span]) -> list[list[float]]:
        self.asked.append("opinions")
        return [[0.9, 0.0, 0.0], *([0.0, 0.9, 0.0] for _ in parts)]


def scorer(seeing: Seeing) -> SemanticScorer:
    agents = AgentTarget("rain", "Rain."), AgentTarget("plane", "Planes.")
    return SemanticScorer([agent_texts(agent) for agent in agents], seeing)


def test_every_scorer_has_the_near_agent_first_and_reads_parts_apart() -> None:
    first = scorer(Seeing())
    assert first.quick is not None
    assert first.both is not None
    for each in (first, first.quick, first.both):
        whole, part = each.read_parts(TEXT, [PART])
        assert whole.ranks[0] > whole.ranks[1]
        assert part.ranks[0] < part.ranks[1]
        assert whole.logits[0] > 0 > whole.logits[1]
        assert each.read(TEXT) == whole


def test_the_quick_one_asks_the_second_encoder_alone() -> None:
    seeing = Seeing()
    quick = scorer(seeing).quick
    assert quick is not None
    quick.read(TEXT)
    assert (quick.method, seeing.asked) == ("other", ["glances"])


def test_who_looks_again_asks_both_and_the_first_briefly() -> None:
    seeing = Seeing()
    first = scorer(seeing)
    assert first.both is not None
    first.both.read_parts(TEXT, [PART])
    assert (first.both.method, seeing.asked) == ("one+other", ["brief views", "opinions"])


def test_without_a_second_encoder_there_is_one_scorer() -> None:
    first = scorer(Seeing(has_second=False))
    assert (first.method, first.quick, first.both) == ("one", None, None)
