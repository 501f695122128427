"""Where the weights of the embedded router come from: `python -m tests.bench.fit_router [folder]`.

Fits the linear heads of dataplane/intent on labelled conversations and prints them as Python, with
what each would score on sources (or dialogues) it was not fitted on. Every head is a logistic or a
listwise-logistic regression over a handful of features that mean the same for any set of agents.

  rank     which agent is nearest          listwise, on single requests; folds: one source left out
  sure     whether near is near enough     per agent, on single, out-of-scope and small talk, with
                                           random subsets of the agents, as sets differ in size
  agent    the same within a conversation  per agent, on dialogues; folds by dialogue
  asks     whether anything is asked       per message, on dialogues; folds by dialogue
  said     who gave the last answer        listwise, on the dialogues' answers; folds by dialogue

Dialogues are also scored with every dialogue left out that a service has a part in, for services in
turn: that is how far the state heads carry to agents of other kinds.

Needs the `router` extra. Takes some minutes.
"""

import random
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from dataplane.intent import embed
from dataplane.intent.conversation import Asked, asked
from dataplane.intent.heads import Features, StateHeads, TextHeads, Weights
from dataplane.intent.score import LexicalScorer, Reading, read, sure_features
from dataplane.intent.semantic import BothScorer, QuickScorer, SemanticScorer
from dataplane.intent.state import (
    Belief,
    Outlook,
    agent_features,
    asks_features,
    believe,
    confidence,
    heard,
    look,
    said_features,
)
from dataplane.intent.units import AgentTexts, agent_texts
from tests.bench.routing_data import Example, RoutingData, load, named

ENCODER = embed.load_encoder()  # before numpy: it sets the number of BLAS threads

import numpy as np  # noqa: E402

from tests.bench.regression import Matrix, auroc, listwise, logistic  # noqa: E402

DEFAULT = Path("/work/shared/data/routing")
RANK_RIDGE = 1e-3
SURE_RIDGE = 1e-3
AGENT_RIDGE = 3e-3
"""Seventeen weights for some 800 messages. Dialogues left out, three shuffles, without the shared
words of the last answer: 0.862 right with 1e-3, 0.865 with 3e-3, 0.862 with 1e-2."""
ASKS_RIDGE = 1e-2
ROUNDS = 3
"""The replayed belief depends on the heads, and the heads on it: refitted this often."""
FOLDS = 5


@dataclass(frozen=True, slots=True)
class Row:
    """One text against all agents."""

    example: Example
    source: str
    features: Matrix
    similarities: Matrix
    nobody: Features | None
    gold: int
    """Index of the agent; -1 for none."""


Seen = tuple[Matrix, Matrix, Features | None]
"""Features and similarity per agent, and nobody's features."""
Extract = Callable[[str, str], Seen]


def main() -> None:
    """Fits everything and prints it."""
    data = load(Path(sys.argv[1]) if len(sys.argv) > 1 else DEFAULT)
    assert ENCODER is not None, "install the router extra"
    for name, extract in extractors(data).items():
        print(f"\n# {name}")
        rows = [row(data, extract, e) for e in data.examples if e.kind in SINGLE_KINDS]
        rank = fit_rank_with_report(rows, example_rows(data, name))
        sure = fit_sure_with_report(rows, rank)
        heads = TextHeads(rank, sure)
        print(f"{name} = TextHeads(\n    rank={shown(rank)},\n    sure={shown(sure)},\n)")
        if name not in ("QUICK", "BOTH"):  # which are asked about first messages only
            fit_state_with_report(data, name, heads, extract)


SINGLE_KINDS = ("single", "oos", "smalltalk")


def extractors(data: RoutingData) -> dict[str, Extract]:
    """How each router sees a text: features and similarities per agent."""
    texts = {s: [agent_texts(a) for a in agents] for s, agents in data.agents.items()}
    assert ENCODER is not None
    lexical = {s: LexicalScorer(t) for s, t in texts.items()}
    semantic = {s: SemanticScorer(t, ENCODER) for s, t in texts.items()}

    def by_words(scenario: str, text: str) -> Seen:
        shares = np.array(lexical[scenario].shares(text))
        return shares[:, None], shares, None

    def by_meaning(scenario: str, text: str) -> Seen:
        features, similarities, nobody = semantic[scenario].features(text)
        return np.array(features), np.array(similarities), nobody

    def by_use(scenario: str, text: str) -> Seen:
        features, similarities, nobody = _scorer(semantic[scenario], "QUICK").features(text)
        return np.array(features), np.array(similarities), nobody

    def by_both(scenario: str, text: str) -> Seen:
        features, similarities, nobody = _scorer(semantic[scenario], "BOTH").features(text)
        return np.array(features), np.array(similarities), nobody

    found = {"SEMANTIC": by_meaning, "QUICK": by_use, "BOTH": by_both, "LEXICAL": by_words}
    return {name: _remember(extract) for name, extract in found.items()}


def _scorer(scorer: SemanticScorer, name: str) -> SemanticScorer | QuickScorer | BothScorer:
    found = {"SEMANTIC": scorer, "QUICK": scorer.quick, "BOTH": scorer.both}[name]
    assert found is not None, "install the router extra"
    return found


def _remember(extract: Extract) -> Extract:
    known: dict[tuple[str, str], Seen] = {}

    def cached(scenario: str, text: str) -> Seen:
        if (scenario, text) not in known:
            known[scenario, text] = extract(scenario, text)
        return known[scenario, text]

    return cached


def row(data: RoutingData, extract: Extract, example: Example) -> Row:
    """One example with its features."""
    ids = [a.agent for a in data.agents[example.scenario]]
    gold = ids.index(example.expected[0]) if example.expected else -1
    source = data.source(example.scenario)
    return Row(example, source, *extract(example.scenario, example.text), gold)


def example_rows(data: RoutingData, name: str, each: int = 5) -> list[Row]:
    """The single requests again, where some of them are given to their agents as `examples`."""
    assert ENCODER is not None
    rows: list[Row] = []
    if name == "LEXICAL":
        return rows
    for scenario, agents in data.agents.items():
        singles = [e for e in data.examples if e.scenario == scenario and e.kind == "single"]
        given: dict[str, list[str]] = defaultdict(list)
        rest = []
        for example in random.Random(5).sample(singles, len(singles)):
            taken = given[example.expected[0]]
            if len(taken) < each:
                taken.append(example.text)
            else:
                rest.append(example)
        if len(rest) < 5 * len(agents):
            continue
        texts = [agent_texts(a) for a in agents]
        texts = [_with(t, given[t.agent]) for t in texts]
        scorer = _scorer(SemanticScorer(texts, ENCODER), name)
        for example in rest:
            features, similarities, nobody = scorer.features(example.text)
            gold = [t.agent for t in texts].index(example.expected[0])
            seen = np.array(features), np.array(similarities), nobody
            rows.append(Row(example, data.source(scenario), *seen, gold))
    return rows


def _with(texts: AgentTexts, examples: Sequence[str]) -> AgentTexts:

    return replace(texts, examples=tuple(examples))


# --- rank ---------------------------------------------------------------------------------------


def fit_rank_with_report(rows: Sequence[Row], examples: Sequence[Row]) -> Weights:
    """Listwise over single requests; every source weighs by the root of its size."""
    singles = [r for r in rows if r.gold >= 0]
    hits = total = 0
    by_source = []
    for source in sorted({r.source for r in singles}):
        w = fit_rank([r for r in [*singles, *examples] if r.source != source])
        test = [r for r in singles if r.source == source]
        right = sum(int(np.argmax(r.features @ w)) == r.gold for r in test)
        hits, total = hits + right, total + len(test)
        by_source.append(f"{source} {right / len(test):.3f}")
    weights = fit_rank([*singles, *examples])
    fitted = accuracy(singles, weights)
    print(f"#   rank: left-out sources {hits / total:.4f}, fitted {fitted:.4f}")
    print("#   " + ", ".join(by_source))
    if examples:
        print(f"#   with 5 examples an agent: {accuracy(examples, weights):.4f}")
    return Weights(tuple(weights.round(2).tolist()))


def accuracy(rows: Sequence[Row], weights: Matrix) -> float:
    """Share of rows whose best rank is the right agent."""
    return float(np.mean([int(np.argmax(r.features @ weights)) == r.gold for r in rows]))


def fit_rank(rows: Sequence[Row]) -> Matrix:
    """Every source weighs by the root of its size."""
    sizes = Counter(r.source for r in rows)
    lists = [(r.features, r.gold, sizes[r.source] ** -0.5) for r in rows]
    return listwise(lists, RANK_RIDGE)


# --- sure ---------------------------------------------------------------------------------------


def fit_sure_with_report(rows: Sequence[Row], rank: Weights) -> Weights:
    """Per agent, whether it should answer."""
    rows = [r for r in rows if not r.example.weak]
    weights = fit_sure(rows, rank)
    scored = [_confident(r, TextHeads(rank, weights)) for r in rows]
    wanted = [c for c, r in zip(scored, rows, strict=True) if r.gold >= 0]
    unwanted = [c for c, r in zip(scored, rows, strict=True) if r.gold < 0]
    print(f"#   none against some, area under the curve: {auroc(wanted, unwanted):.4f}")
    for left_out in sorted({r.source for r in rows if r.gold < 0}):
        other = fit_sure([r for r in rows if r.source != left_out], rank)
        test = [r for r in rows if r.source == left_out]
        scored = [_confident(r, TextHeads(rank, other)) for r in test]
        wanted = [c for c, r in zip(scored, test, strict=True) if r.gold >= 0]
        unwanted = [c for c, r in zip(scored, test, strict=True) if r.gold < 0]
        print(f"#     {left_out} left out: {auroc(wanted, unwanted):.4f}")
    return weights


def _confident(r: Row, heads: TextHeads) -> float:
    rows = [tuple(x) for x in r.features.tolist()]
    reading = read(rows, r.similarities.tolist(), heads, r.nobody)
    return confidence(reading.logits)


def fit_sure(rows: Sequence[Row], rank: Weights) -> Weights:
    """Logistic over all (text, agent) pairs, and over subsets of the agents."""
    chance = random.Random(7)
    sizes = Counter(r.source for r in rows)
    x: list[tuple[float, ...]] = []
    y: list[float] = []
    weight: list[float] = []
    for r in rows:
        ranks = [rank(tuple(f)) for f in r.features.tolist()]
        similarities = r.similarities.tolist()
        everyone = list(range(len(ranks)))
        for agents in (everyone, *(_subset(everyone, r.gold, chance) for _ in range(2))):
            some = [ranks[a] for a in agents], [similarities[a] for a in agents]
            x += sure_features(*some, None if r.nobody is None else rank(r.nobody))
            y += [float(a == r.gold) for a in agents]
            weight += [sizes[r.source] ** -0.5] * len(agents)
    return logistic(np.array(x), np.array(y), np.array(weight), SURE_RIDGE)


def _subset(agents: list[int], gold: int, chance: random.Random) -> list[int]:
    chosen = chance.sample(agents, chance.randint(2, len(agents)))
    if gold >= 0 and gold not in chosen:
        chosen[0] = gold
    return chosen


# --- state --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Dialogue:
    """An example that belongs to a dialogue, with its user messages read."""

    example: Example
    turns: list[tuple[Asked, Reading, Reading | None]]
    """Each with what was said before it."""
    gold: int
    """Index of the agent; -1 for none."""
    answered: int
    """Whose answer the last message follows; -1 where that is not known."""

    @property
    def services(self) -> set[str]:
        """What it is about: "sgd_dev_Banks_1_Media_1" -> Banks, Media."""
        return {part for part in self.example.scenario.split("_")[2:] if not part.isdigit()}


def fit_state_with_report(data: RoutingData, name: str, heads: TextHeads, extract: Extract) -> None:
    """The heads of a conversation, on every example that belongs to a dialogue."""

    def reading(scenario: str, text: str) -> Reading:
        features, similarities, nobody = extract(scenario, text)
        rows = [tuple(f) for f in features.tolist()]
        return read(rows, similarities.tolist(), heads, nobody)

    dialogues = []
    for e in (*named(data), *(e for e in data.examples if e.dialogue and e.kind == "single")):
        ids = [a.agent for a in data.agents[e.scenario]]
        turns = [
            (t, reading(e.scenario, t.text), reading(e.scenario, t.said) if t.said else None)
            for t in asked(e.conversation)
        ]
        said_by = turns[-1][0].said_by
        gold = ids.index(e.expected[0]) if e.expected else -1
        dialogues.append(Dialogue(e, turns, gold, ids.index(said_by) if said_by else -1))
    names = sorted({d.example.dialogue for d in dialogues})
    random.Random(0).shuffle(names)
    fold = {dialogue: i % FOLDS for i, dialogue in enumerate(names)}
    results: list[tuple[str, bool]] = []
    for k in range(FOLDS):
        fitted = fit_state([d for d in dialogues if fold[d.example.dialogue] != k])
        results += outcomes([d for d in dialogues if fold[d.example.dialogue] == k], fitted)
    elsewhere: list[tuple[str, bool]] = []
    for service in sorted(set().union(*(d.services for d in dialogues))):
        fitted = fit_state([d for d in dialogues if service not in d.services])
        elsewhere += outcomes([d for d in dialogues if service in d.services], fitted)
    state = fit_state(dialogues)
    print("#   dialogues, left-out folds: " + report(results))
    print("#   dialogues, left-out services: " + report(elsewhere))
    print("#   dialogues, fitted: " + report(outcomes(dialogues, state)))
    print(f"{name}_STATE = StateHeads(\n    agent={shown(state.agent)},")
    print(f"    asks={shown(state.asks)},\n    said={shown(state.said)},\n)")


def fit_state(dialogues: Sequence[Dialogue]) -> StateHeads:
    """All heads, refitted until the replayed belief is their own."""
    # The first round believes what the message alone says, or stays where nothing is said.
    heads = StateHeads(
        agent=Weights((1.0, 0.0, 0.0, 0.0, 0.0, 4.0, *(0.0,) * 11)),
        asks=Weights((0.0,) * 12, 4.0),
        said=Weights((1.0, 1.0)),
    )
    for _ in range(ROUNDS):
        heads = replace(heads, said=_fit_said(dialogues, heads))
        x: list[tuple[float, ...]] = []
        y: list[float] = []
        for gold, now, reading, said, belief in _later(dialogues, heads):
            x += agent_features(now, reading, said, belief)
            y += [float(i == gold) for i in range(len(reading.ranks))]
        agent = logistic(np.array(x), np.array(y), np.ones(len(y)), AGENT_RIDGE)
        heads = replace(heads, agent=agent)
        asks_x, asks_y = [], []
        for gold, now, reading, said, belief in _later(dialogues, heads):
            outlook = look(now, reading, said, belief, heads)
            asks_x.append(asks_features(now, reading, outlook.logits))
            asks_y.append(float(gold >= 0))
        asks = logistic(np.array(asks_x), np.array(asks_y), np.ones(len(asks_y)), ASKS_RIDGE)
        heads = replace(heads, asks=asks)
    return heads


def _fit_said(dialogues: Sequence[Dialogue], heads: StateHeads) -> Weights:
    lists = []
    for d in dialogues:
        said, belief = d.turns[-1][2], replay(d.turns[:-1], heads)
        if d.answered >= 0 and said is not None and belief.held:
            pairs = zip(belief.held, said.ranks, strict=True)
            lists.append((np.array([said_features(*pair) for pair in pairs]), d.answered, 1.0))
    return Weights(tuple(listwise(lists, RANK_RIDGE).round(3).tolist()))


def _later(
    dialogues: Sequence[Dialogue], heads: StateHeads
) -> Iterator[tuple[int, Asked, Reading, Reading | None, Belief]]:
    """The last messages that something came before, each with the right agent and the belief."""
    for d in dialogues:
        now, reading, said = d.turns[-1]
        belief = heard(replay(d.turns[:-1], heads), said, heads)
        if belief != Belief() or said is not None:
            yield d.gold, now, reading, said, belief


def replay(turns: Sequence[tuple[Asked, Reading, Reading | None]], heads: StateHeads) -> Belief:
    """The belief after these messages, the last not answered yet."""
    belief = Belief()
    for now, reading, said in turns:
        belief = heard(belief, said, heads)
        belief = believe(belief, reading, look(now, reading, said, belief, heads))
    return belief


def outcomes(dialogues: Iterable[Dialogue], heads: StateHeads) -> list[tuple[str, bool]]:
    """(kind, right or not) at the default threshold."""
    found = []
    for d in dialogues:
        now, reading, said = d.turns[-1]
        belief = heard(replay(d.turns[:-1], heads), said, heads)
        outlook: Outlook = look(now, reading, said, belief, heads)
        chosen = outlook.best if outlook.asks >= 0.5 else -1
        found.append((d.example.kind, chosen == d.gold))
    return found


def report(results: Sequence[tuple[str, bool]]) -> str:
    """Exact share over all later turns, and per kind."""
    later = [right for kind, right in results if kind != "single"]
    kinds: dict[str, list[bool]] = defaultdict(list)
    for kind, right in results:
        kinds[kind].append(right)
    each = ", ".join(f"{kind} {np.mean(right):.3f}" for kind, right in sorted(kinds.items()))
    return f"{np.mean(later):.4f} ({each})"


def shown(weights: Weights) -> str:
    """As Python."""
    return f"Weights({weights.weights}, {weights.bias})"


if __name__ == "__main__":
    main()
