"""From samples to figures: medians, ratios within a round, the comparison with the baseline.

A ratio is taken inside each round, where both contestants met the same machine, and the median of
the rounds is reported: that holds still on a machine whose speed does not.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from tests.bench.measure import IdleSample, Sample
from tests.bench.scenarios import TRANSLATED, Scenario

BASELINE = Path(__file__).parent / "baseline.json"
NOISE = 0.10
"""Run-to-run spread of a ratio on a shared machine; less is no difference."""
OURS = "outrider"
INTERPRETED = "interpreted"
"""Ours, without the hot path as machine code that images have."""

Figures = dict[str, float | int | None]


@dataclass(frozen=True, slots=True)
class Ratio:
    """A quotient of two contestants, as it came out in every round."""

    rounds: tuple[float, ...]

    @property
    def median(self) -> float:
        return median(self.rounds)


@dataclass(frozen=True, slots=True)
class Goal:
    """What ARCHITECTURE section 7 asks of a ratio."""

    figure: str
    title: str
    must: float
    reach: float
    at_least: bool = False


GOALS = (
    Goal("relay_json_over_envoy", "JSON, 64 connections / Envoy", 0.90, 0.65),
    Goal("relay_json_c8_over_envoy", "JSON, 8 connections / Envoy", 0.95, 0.80),
    Goal("relay_json_c8_p50_over_envoy", "p50 at 8 connections / Envoy", 1.0, 0.75),
    Goal("sse_burst_over_envoy", "SSE burst / Envoy", 0.95, 0.65),
    Goal("paced_chunk_over_envoy", "paced SSE event / Envoy (noisy)", 1.1, 0.85),
    Goal("idle_stream_pss_over_envoy", "memory per idle stream / Envoy", 0.40, 0.20),
    Goal("relay_json_over_llhttp", "JSON, 64 connections / llhttp ceiling", 2.2, 1.8),
    Goal("naive_aiohttp_over_relay", "naive aiohttp / ours", 4.0, 6.0, at_least=True),
    *(
        Goal(f"{pair}{suffix}_over_relay", f"{title}{streamed} / our relay", 3.0, 2.0)
        for suffix, streamed in (("", ""), ("_stream", ", streamed"))
        for pair, title in (
            ("chat_to_messages", "chat -> Messages"),
            ("messages_to_chat", "Messages -> chat"),
            ("responses_to_chat", "Responses -> chat"),
        )
    ),
    Goal("litellm_over_relay", "LiteLLM / ours, 4 connections", 150.0, 300.0, at_least=True),
)


class Results:
    """All samples of a run, by scenario and contestant, in the order of the rounds."""

    def __init__(self) -> None:
        self.samples: dict[tuple[str, str], list[Sample]] = {}
        self.idle: dict[str, list[IdleSample]] = {}

        self.reload_stall_ms: float | None = None

    def add(self, scenario: str, contestant: str, sample: Sample) -> None:
        self.samples.setdefault((scenario, contestant), []).append(sample)

    def add_idle(self, contestant: str, sample: IdleSample) -> None:
        self.idle.setdefault(contestant, []).append(sample)

    @property
    def failed(self) -> int:
        """Failed requests and streams of every contestant."""
        counted = sum(s.failed for rounds in self.samples.values() for s in rounds)
        return counted + sum(s.failed for rounds in self.idle.values() for s in rounds)

    def cpu_ratio(self, scenario: str, over: str, under: str) -> Ratio | None:
        """CPU per unit of one contestant over another's."""
        return _ratio(self._of(scenario, over, "cpu_us"), self._of(scenario, under, "cpu_us"))

    def p50_ratio(self, scenario: str, over: str, under: str) -> Ratio | None:
        """Median latency of one contestant over another's."""
        return _ratio(self._of(scenario, over, "p50_us"), self._of(scenario, under, "p50_us"))

    def idle_ratio(self, over: str, under: str) -> Ratio | None:
        """Memory per idle stream of one contestant over another's."""
        return _ratio(
            [sample.kb_per_stream for sample in self.idle.get(over, [])],
            [sample.kb_per_stream for sample in self.idle.get(under, [])],
        )

    def ratios(self) -> dict[str, Ratio | None]:
        """Every ratio that has a goal; None when one of its sides was not measured."""
        return {
            "relay_json_over_envoy": self.cpu_ratio("json", OURS, "envoy"),
            "relay_json_c8_over_envoy": self.cpu_ratio("json_c8", OURS, "envoy"),
            "relay_json_c8_p50_over_envoy": self.p50_ratio("json_c8", OURS, "envoy"),
            "sse_burst_over_envoy": self.cpu_ratio("sse_burst", OURS, "envoy"),
            "paced_chunk_over_envoy": self.cpu_ratio("paced_chunk", OURS, "envoy"),
            "idle_stream_pss_over_envoy": self.idle_ratio(OURS, "envoy"),
            "relay_json_over_llhttp": self.cpu_ratio("json", OURS, "llhttp"),
            "naive_aiohttp_over_relay": self.cpu_ratio("json", "aiohttp", OURS),
            "litellm_over_relay": self.cpu_ratio("json_c4", "litellm", OURS),
            **{f"{one.name}_over_relay": self._translated(one) for one in TRANSLATED},
        }

    def figures(self) -> Figures:
        """The flat object of build/figures/bench.json."""
        figures: Figures = {
            name: None if ratio is None else round(ratio.median, 4)
            for name, ratio in self.ratios().items()
        }
        for scenario, under in ((s, w) for s in ("json", "sse_burst") for w in ("envoy", OURS)):
            ratio = self.cpu_ratio(scenario, INTERPRETED, under)
            if ratio is not None:
                figures[f"{INTERPRETED}_{scenario}_over_{under}"] = round(ratio.median, 4)
        figures["failed_requests"] = self.failed
        figures["reload_stall_ms"] = (
            None if self.reload_stall_ms is None else round(self.reload_stall_ms, 2)
        )
        for (scenario, contestant), rounds in self.samples.items():
            for field in ("cpu_us", "p50_us", "p99_us", "max_us", "per_second", "core_share"):
                value = median(getattr(sample, field) for sample in rounds)
                figures[f"{contestant}_{scenario}_{field}"] = round(value, 3)
        for contestant, idle in self.idle.items():
            per_stream = median(sample.kb_per_stream for sample in idle)
            figures[f"{contestant}_idle_kb_per_stream"] = round(per_stream, 3)
            figures[f"{contestant}_base_pss_mb"] = round(idle[0].base_kb / 1024, 1)
        figures["rounds"] = max((len(rounds) for rounds in self.samples.values()), default=0)
        return figures

    def _translated(self, scenario: Scenario) -> Ratio | None:
        """CPU of a translated request over that of a relayed one, both ours."""
        relayed = "sse_burst" if scenario.name.endswith("_stream") else "json"
        return _ratio(self._of(scenario.name, OURS, "cpu_us"), self._of(relayed, OURS, "cpu_us"))

    def _of(self, scenario: str, contestant: str, field: str) -> list[float]:
        rounds = self.samples.get((scenario, contestant), [])
        return [getattr(sample, field) for sample in rounds]


def _ratio(over: Sequence[float], under: Sequence[float]) -> Ratio | None:
    if not over or not under:
        return None
    return Ratio(tuple(a / b for a, b in zip(over, under, strict=True)))


def read_baseline() -> dict[str, float]:
    """The committed ratios; empty when there are none yet."""
    if not BASELINE.exists():
        return {}
    kept: dict[str, float] = json.loads(BASELINE.read_text())
    return kept


def write_baseline(ratios: Mapping[str, Ratio | None]) -> None:
    """Keeps what was measured now and, for what was not, what was kept before."""
    measured = {name: round(ratio.median, 3) for name, ratio in ratios.items() if ratio}
    BASELINE.write_text(json.dumps(read_baseline() | measured, indent=2, sort_keys=True) + "\n")


def write_figures(path: Path, figures: Figures) -> None:
    """One flat JSON object."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(figures, indent=2) + "\n")


def meets(goal: Goal, value: float) -> bool:
    """Whether a ratio is what must be."""
    return value >= goal.must if goal.at_least else value <= goal.must


def change(goal: Goal, value: float, baseline: float | None) -> str:
    """How a ratio compares with the baseline, in a word."""
    if baseline is None:
        return "new"
    grown = value / baseline - 1
    if abs(grown) <= NOISE:
        return "same"
    return "better" if (grown > 0) == goal.at_least else "worse"
