"""Scores the embedded router on labelled conversations: `make eval-router DATA=dir`.

Any folder in the format of tests/bench/routing_data.py; without one, the development data beside
the checkout if it is there, else the small sample in tests/golden/routing. Prints a table per
source and writes build/figures/router.json, one flat object. With MiniLM unless it says bm25:

  single_top1         single requests whose best-scored agent is the expected one, whatever the
                      threshold; bm25_top1 is the same without the encoder
  single_exact        single requests decided as exactly that one agent
  none_auroc          chance that a request for some agent is trusted more than one for none (oos,
                      smalltalk; weak labels left out); trust is the decision's confidence
  oos_f1, oos_recall  of deciding "none", over the same rows
  multi_exact         requests for several agents decided as exactly that set; multi_composed_exact
                      without, multi_written_exact only those of scenarios named *_multi_* (requests
                      written as one, not joined from several); multi_f1 over all (agent, request)
                      pairs; multi_ordered_exact where the order is labelled
  multi_turn_exact    later turns of conversations (mt_*) decided exactly; followup_exact,
                      switch_exact, close_exact per kind; followup_top1 and switch_top1 by the best
                      score alone; bm25_multi_turn_exact without the encoder
  named_turn_exact    multi_turn_exact where each earlier answer names the agent it came from (only
                      where the folder has the earlier turns as rows of the same dialogue)
  ten_examples_top1   single_top1 of the sources that have enough rows when ten requests of each
                      agent are its `examples`, on the other rows
  cascade_asked       share of decisions that a cascade hands to the model at its default ask_below
                      (weak labels left out); cascade_kept_right how many of the others are exact,
                      cascade_one_right, cascade_several_right and cascade_none_right by how many
                      agents were chosen
  cpu_p50_ms, cpu_p99_ms
                      process CPU time of one decision on a conversation of one message, nothing
                      cached
  index_ms_per_agent  CPU time to read an agent's texts, once per configuration

Exits with 1 when a figure that the release promises is missed and DATA is the development data.
"""

import argparse
import gc
import json
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean, quantiles

from rich.console import Console
from rich.table import Table

from dataplane.intent.embed import Encoders, load_encoder
from dataplane.intent.router import Router, make_bm25, make_minilm
from dataplane.runtime.config import AgentTarget
from dataplane.runtime.decision import Decision
from tests.bench.routing_data import Example, RoutingData, load, named

ROOT = Path(__file__).parents[2]
DEVELOPMENT = ROOT.parent / "shared" / "data" / "routing"
SAMPLE = ROOT / "tests" / "golden" / "routing"
FIGURES = ROOT / "build" / "figures" / "router.json"
MIN_CONFIDENCE = 0.5
ASK_BELOW = 0.8
"""The default of `orchestrator.ask_below`."""
EXAMPLES = 10

MUST = {
    "single_top1": 0.87,
    "bm25_top1": 0.70,
    "none_auroc": 0.92,
    "multi_composed_exact": 0.76,
    "multi_turn_exact": 0.87,
    "ten_examples_top1": 0.93,
}
MUST_BELOW = {"cpu_p50_ms": 4.0}

Figures = dict[str, float | None]


@dataclass(frozen=True, slots=True)
class Scored:
    """One example with what was decided."""

    example: Example
    source: str
    decision: Decision
    confidence: float

    @property
    def best(self) -> str:
        """The agent with the best score, chosen or not."""
        return self.decision.scores[0].agent

    @property
    def top1(self) -> bool:
        """The best-scored agent is one of the expected."""
        return self.best in self.example.expected

    @property
    def exact(self) -> bool:
        """Exactly the expected agents, in any order."""
        return set(self.decision.agents) == set(self.example.expected)

    @property
    def ordered(self) -> bool:
        """Exactly the expected agents in the expected order."""
        return self.decision.agents == self.example.expected


def main() -> None:
    """Scores, prints, writes the figures."""
    parser = argparse.ArgumentParser(prog="make eval-router")
    parser.add_argument("data", nargs="?", type=Path, default=DEVELOPMENT)
    folder = parser.parse_args().data.resolve()
    if folder == DEVELOPMENT and not folder.exists():
        folder = SAMPLE
    data = load(folder)
    console = Console()
    console.print(f"{len(data.examples)} conversations, {len(data.agents)} agent sets: {folder}")
    figures = evaluate(data, load_encoder(), console)
    FIGURES.parent.mkdir(parents=True, exist_ok=True)
    FIGURES.write_text(json.dumps(figures, indent=2) + "\n")
    console.print(f"figures: {FIGURES}")
    missed = shortfalls(figures)
    if folder == DEVELOPMENT and missed:
        console.print(f"[red]missed: {', '.join(missed)}")
        sys.exit(1)


def evaluate(data: RoutingData, encoder: Encoders | None, console: Console) -> Figures:
    """All figures; those of MiniLM are None without the `router` extra."""
    by_words = {s: make_bm25(agents, MIN_CONFIDENCE) for s, agents in data.agents.items()}
    lexical = decide_all(data, by_words)
    console.print(table("BM25", lexical))
    bm25 = accuracy(lexical)
    figures: Figures = {f"bm25_{name}": value for name, value in bm25.items() if value is not None}
    figures["bm25_top1"] = figures.pop("bm25_single_top1", None)
    if encoder is None:
        console.print("[yellow]the router extra is not installed: BM25 only")
        return figures
    started = time.process_time()
    by_meaning = {
        s: make_minilm(agents, MIN_CONFIDENCE, encoder) for s, agents in data.agents.items()
    }
    agents = {(a.agent, a.description) for set_ in data.agents.values() for a in set_}
    indexing = (time.process_time() - started) * 1e3 / max(1, len(agents))
    semantic = decide_all(data, by_meaning)
    console.print(table("MiniLM", semantic))
    console.print(calibration(semantic))
    figures = accuracy(semantic) | cascade(semantic) | figures
    figures["named_turn_exact"] = named_turns(data, by_meaning)
    figures["ten_examples_top1"] = ten_examples(data, encoder, console)
    figures |= cpu_time(data, by_meaning)
    figures["index_ms_per_agent"] = round(indexing, 1)
    summary = Table(title="figures", show_header=False)
    for name, value in figures.items():
        summary.add_row(name, "-" if value is None else f"{value:g}")
    console.print(summary)
    return figures


def decide_all(data: RoutingData, routers: dict[str, Router]) -> list[Scored]:
    """Every example decided once."""
    scored = []
    for example in data.examples:
        router = routers[example.scenario]
        decision = router.decide(example.conversation)
        source = data.source(example.scenario)
        trust = router.confidence(example.conversation)
        scored.append(Scored(example, source, decision, trust))
    return scored


def accuracy(scored: Sequence[Scored]) -> Figures:
    """Shares of right decisions, per kind."""
    kinds: dict[str, list[Scored]] = defaultdict(list)
    for s in scored:
        kinds[s.example.kind].append(s)
    none = [s for s in kinds["oos"] + kinds["smalltalk"] if not s.example.weak]
    some = kinds["single"]
    multi = kinds["multi"]
    written = [s for s in multi if "_multi_" in s.example.scenario]
    composed = [s for s in multi if "_multi_" not in s.example.scenario]
    later = kinds["mt_followup"] + kinds["mt_switch"] + kinds["mt_close"]
    refused = [s for s in some + none if not s.decision.agents]
    return {
        "single_top1": share(some, lambda s: s.top1),
        "single_exact": share(some, lambda s: s.exact),
        "none_auroc": auroc([s.confidence for s in some], [s.confidence for s in none]),
        "oos_f1": f1(sum(s in none for s in refused), len(refused), len(none)),
        "oos_recall": share(none, lambda s: s.exact),
        "multi_exact": share(multi, lambda s: s.exact),
        "multi_composed_exact": share(composed, lambda s: s.exact),
        "multi_written_exact": share(written, lambda s: s.exact),
        "multi_ordered_exact": share(
            [s for s in multi if not s.example.unordered], lambda s: s.ordered
        ),
        "multi_f1": f1(
            sum(len(set(s.decision.agents) & set(s.example.expected)) for s in multi),
            sum(len(s.decision.agents) for s in multi),
            sum(len(s.example.expected) for s in multi),
        ),
        "multi_turn_exact": share(later, lambda s: s.exact),
        "followup_exact": share(kinds["mt_followup"], lambda s: s.exact),
        "followup_top1": share(kinds["mt_followup"], lambda s: s.top1),
        "switch_exact": share(kinds["mt_switch"], lambda s: s.exact),
        "switch_top1": share(kinds["mt_switch"], lambda s: s.top1),
        "close_exact": share(kinds["mt_close"], lambda s: s.exact),
    }


def cascade(scored: Sequence[Scored]) -> Figures:
    """What a cascade would keep of these decisions, and how much of that is right."""
    sound = [s for s in scored if not s.example.weak]
    kept = [s for s in sound if s.decision.confidence >= ASK_BELOW]

    def right(low: int, high: int) -> float | None:
        return share([s for s in kept if low <= len(s.decision.agents) <= high], lambda s: s.exact)

    return {
        "cascade_asked": share(sound, lambda s: s.decision.confidence < ASK_BELOW),
        "cascade_kept_right": share(kept, lambda s: s.exact),
        "cascade_one_right": right(1, 1),
        "cascade_several_right": right(2, 99),
        "cascade_none_right": right(0, 0),
    }


def named_turns(data: RoutingData, routers: dict[str, Router]) -> float | None:
    """Later turns, when the proxy wrote the answering agent's name on each earlier answer."""
    right = [
        set(routers[e.scenario].decide(e.conversation).agents) == set(e.expected)
        for e in named(data)
    ]
    return round(fmean(right), 4) if right else None


def ten_examples(data: RoutingData, encoder: Encoders, console: Console) -> float | None:
    """Top-1 where each agent is configured with ten requests of its own, on the other requests."""
    right: dict[str, list[bool]] = defaultdict(list)
    for scenario, agents in data.agents.items():
        singles = [e for e in data.examples if e.scenario == scenario and e.kind == "single"]
        mine = {a.agent: [e for e in singles if e.expected == (a.agent,)] for a in agents}
        if min(map(len, mine.values())) < 2 * EXAMPLES:
            continue
        given = {
            agent: rows[:: max(1, len(rows) // EXAMPLES)][:EXAMPLES] for agent, rows in mine.items()
        }
        targets = [_with(a, given[a.agent]) for a in agents]
        router = make_minilm(targets, MIN_CONFIDENCE, encoder)
        for e in singles:
            if e not in given[e.expected[0]]:
                best = router.decide(e.conversation).scores[0].agent
                right[data.source(scenario)].append(best == e.expected[0])
    for source, outcomes in right.items():
        console.print(f"ten examples an agent, {source}: top-1 {fmean(outcomes):.3f}")
    every = [outcome for outcomes in right.values() for outcome in outcomes]
    return round(fmean(every), 4) if every else None


def _with(agent: AgentTarget, examples: Sequence[Example]) -> AgentTarget:
    return replace(agent, examples=tuple(e.text for e in examples))


def cpu_time(data: RoutingData, routers: dict[str, Router]) -> Figures:
    """CPU of one decision, of conversations of one message that no router has seen."""
    first = [e for e in data.examples if len(e.conversation) == 1]
    for router in routers.values():
        router.forget()
    spent = []
    gc.disable()
    for e in first:
        started = time.process_time()
        routers[e.scenario].decide(e.conversation)
        spent.append((time.process_time() - started) * 1e3)
    gc.enable()
    if len(spent) < 2:
        return {"cpu_p50_ms": None, "cpu_p99_ms": None}
    cuts = quantiles(spent, n=100)
    return {"cpu_p50_ms": round(cuts[49], 2), "cpu_p99_ms": round(cuts[98], 2)}


def table(title: str, scored: Sequence[Scored]) -> Table:
    """Rows per source and kind."""
    groups: dict[tuple[str, str], list[Scored]] = defaultdict(list)
    for s in scored:
        groups[s.source, s.example.kind + (" (weak)" if s.example.weak else "")].append(s)
    result = Table(title=title)
    for column in ("source", "kind", "n", "top-1", "exact", "none", "several"):
        result.add_column(column, justify="left" if column in ("source", "kind") else "right")
    for (source, kind), members in sorted(groups.items()):
        wanted = [s for s in members if s.example.expected]
        result.add_row(
            source,
            kind,
            str(len(members)),
            shown(share(wanted, lambda s: s.top1)),
            shown(share(members, lambda s: s.exact)),
            shown(share(members, lambda s: not s.decision.agents)),
            shown(share(members, lambda s: len(s.decision.agents) > 1)),
        )
    return result


def calibration(scored: Sequence[Scored]) -> Table:
    """Best score -> how often it is right, over single requests and requests for nobody."""
    bins: dict[int, list[bool]] = defaultdict(list)
    for s in scored:
        if s.example.kind in ("single", "oos", "smalltalk") and not s.example.weak:
            bins[min(9, int(s.decision.scores[0].score * 10))].append(s.top1)
    result = Table(title="is a score what it says?")
    for column in ("best score", "n", "right"):
        result.add_column(column, justify="right")
    for lower, outcomes in sorted(bins.items()):
        result.add_row(f"{lower / 10:.1f}", str(len(outcomes)), f"{fmean(outcomes):.2f}")
    return result


def share(scored: Sequence[Scored], test: Callable[[Scored], bool]) -> float | None:
    """The part of `scored` that passes, None of nothing."""
    return round(fmean(map(test, scored)), 4) if scored else None


def f1(right: int, said: int, true: int) -> float | None:
    """Harmonic mean of precision and recall."""
    return round(2 * right / (said + true), 4) if said + true else None


def auroc(positive: Sequence[float], negative: Sequence[float]) -> float | None:
    """Chance that a random positive scores above a random negative; ties count half."""
    if not positive or not negative:
        return None
    ranked = sorted([(v, 1) for v in positive] + [(v, 0) for v in negative])
    total, at = 0.0, 0
    while at < len(ranked):
        end = at
        while end < len(ranked) and ranked[end][0] == ranked[at][0]:
            end += 1
        total += sum(is_positive for _, is_positive in ranked[at:end]) * (at + end + 1) / 2
        at = end
    n, m = len(positive), len(negative)
    return round((total - n * (n + 1) / 2) / (n * m), 4)


def shown(value: float | None) -> str:
    """Three digits, or nothing."""
    return "" if value is None else f"{value:.3f}"


def shortfalls(figures: Figures) -> list[str]:
    """Promises that were not kept."""
    low = [f"{n} {figures[n]} < {m}" for n, m in MUST.items() if (figures.get(n) or 0) < m]
    high = [f"{n} {figures[n]} > {m}" for n, m in MUST_BELOW.items() if (figures.get(n) or 0) > m]
    return low + high


if __name__ == "__main__":
    main()
