"""Where the weights of the embedded router come from: `python -m tests.bench.fit_router [folder]`.

Fits the linear heads of dataplane/intent on labelled conversations and prints them as Python, with
what each would score on sources (or dialogues) it was not fitted on. Every head is a logistic or a
listwise-logistic regression over a handful of features that mean the same for any set of agents.

  rank     which agent is nearest          listwise, on single requests; folds: one source left out
  sure     whether near is near enough     per agent, on single, out-of-scope and small talk, with
                                           random subsets of the agents, as sets differ in size
  agent    the same within a conversation  per agent, on dialogues; folds by dialogue
  asks     whether anything is asked       per message, on dialogues; folds by dialogue

Needs the `router` extra. Takes some minutes.
"""

import random
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from dataplane.intent import embed
from dataplane.intent.conversation import Asked, asked
from dataplane.intent.heads import Features, StateHeads, TextHeads, Weights
from dataplane.intent.score import (
    LexicalScorer,
    Reading,
    SemanticScorer,
    read,
    sure_features,
)
from dataplane.intent.state import (
    Belief,
    Outlook,
    agent_features,
    asks_features,
    believe,
    confidence,
    look,
)
from dataplane.intent.units import AgentTexts, agent_texts
from tests.bench.routing_data import Example, RoutingData, load

ENCODER = embed.load_encoder()  # before numpy: it sets the number of BLAS threads

import numpy as np  # noqa: E402

from tests.bench.regression import Matrix, auroc, listwise, logistic  # noqa: E402

DEFAULT = Path("/work/shared/data/routing")
RANK_RIDGE = 1e-3
SURE_RIDGE = 1e-3
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
        with_examples = name == "SEMANTIC"
        rows = [row(data, extract, e) for e in data.examples if e.kind in SINGLE_KINDS]
        rank = fit_rank_with_report(rows, example_rows(data) if with_examples else [])
        sure = fit_sure_with_report(rows, rank)
        heads = TextHeads(rank, sure)
        print(f"{name} = TextHeads(\n    rank={shown(rank)},\n    sure={shown(sure)},\n)")
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

    return {"SEMANTIC": _remember(by_meaning), "LEXICAL": _remember(by_words)}


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


def example_rows(data: RoutingData, each: int = 5) -> list[Row]:
    """The single requests again, where some of them are given to their agents as `examples`."""
    assert ENCODER is not None
    rows = []
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
        scorer = SemanticScorer(texts, ENCODER)
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

Readings = list[tuple[Asked, Reading, Reading | None]]


def fit_state_with_report(data: RoutingData, name: str, heads: TextHeads, extract: Extract) -> None:
    """The heads of a conversation, on every example that belongs to a dialogue."""

    def reading(scenario: str, text: str) -> Reading:
        features, similarities, nobody = extract(scenario, text)
        rows = [tuple(f) for f in features.tolist()]
        return read(rows, similarities.tolist(), heads, nobody)

    dialogues: list[tuple[Example, Readings, int]] = []
    for e in data.examples:
        if e.dialogue:
            ids = [a.agent for a in data.agents[e.scenario]]
            turns: Readings = [
                (t, reading(e.scenario, t.text), reading(e.scenario, t.said) if t.said else None)
                for t in asked(e.conversation)
            ]
            dialogues.append((e, turns, ids.index(e.expected[0]) if e.expected else -1))
    names = sorted({e.dialogue for e, _, _ in dialogues})
    random.Random(0).shuffle(names)
    fold = {dialogue: i % FOLDS for i, dialogue in enumerate(names)}
    results: list[tuple[str, bool]] = []
    for k in range(FOLDS):
        fitted = fit_state([d for d in dialogues if fold[d[0].dialogue] != k])
        results += outcomes([d for d in dialogues if fold[d[0].dialogue] == k], fitted)
    state = fit_state(dialogues)
    print("#   dialogues, left-out folds: " + report(results))
    print("#   dialogues, fitted: " + report(outcomes(dialogues, state)))
    print(f"{name}_STATE = StateHeads(\n    agent={shown(state.agent)},")
    print(f"    asks={shown(state.asks)},\n)")


def fit_state(dialogues: Sequence[tuple[Example, Readings, int]]) -> StateHeads:
    """Both heads, refitted until the replayed belief is their own."""
    # The first round believes what the message alone says, or stays where nothing is said.
    heads = StateHeads(
        Weights((1.0, 0.0, 0.0, 0.0, 0.0, 4.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)),
        Weights((0.0,) * 12, 4.0),
    )
    for _ in range(ROUNDS):
        x: list[tuple[float, ...]] = []
        y: list[float] = []
        for _, turns, gold in dialogues:
            belief = replay(turns, heads)
            now, reading, said = turns[-1]
            if belief == Belief() and said is None:
                continue
            x += agent_features(now, reading, said, belief)
            y += [float(i == gold) for i in range(len(reading.ranks))]
        agent = logistic(np.array(x), np.array(y), np.ones(len(y)), SURE_RIDGE)
        heads = StateHeads(agent, heads.asks)
        asks_x, asks_y = [], []
        for _, turns, gold in dialogues:
            belief = replay(turns, heads)
            now, reading, said = turns[-1]
            if belief == Belief() and said is None:
                continue
            outlook = look(now, reading, said, belief, heads)
            asks_x.append(asks_features(now, reading, outlook.logits))
            asks_y.append(float(gold >= 0))
        asks = logistic(np.array(asks_x), np.array(asks_y), np.ones(len(asks_y)), ASKS_RIDGE)
        heads = StateHeads(agent, asks)
    return heads


def replay(turns: Readings, heads: StateHeads) -> Belief:
    """The belief before the last message."""
    belief = Belief()
    for now, reading, said in turns[:-1]:
        belief = believe(belief, reading, look(now, reading, said, belief, heads))
    return belief


def outcomes(
    dialogues: Iterable[tuple[Example, Readings, int]], heads: StateHeads
) -> list[tuple[str, bool]]:
    """(kind, right or not) at the default threshold."""
    found = []
    for example, turns, gold in dialogues:
        now, reading, said = turns[-1]
        outlook: Outlook = look(now, reading, said, replay(turns, heads), heads)
        chosen = outlook.best if outlook.asks >= 0.5 else -1
        found.append((example.kind, chosen == gold))
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
