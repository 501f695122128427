"""How orchestrators decide, counted: who had the last word, who failed, and how often the two of a
cascade agree.
"""

from collections import Counter

from dataplane.observe.metrics import Metrics
from dataplane.runtime.config import Listener
from dataplane.runtime.decision import Decision
from dataplane.runtime.orchestrator import OrchestratorKind


class Decisions:
    """Counts of one worker; labels come from configuration and from enums only."""

    def __init__(self) -> None:
        self._made: Counter[tuple[str, ...]] = Counter()
        self._failed: Counter[tuple[str, ...]] = Counter()
        self._agreed: Counter[tuple[str, ...]] = Counter()

    def count(self, listener: Listener, decision: Decision) -> None:
        """One more decision."""
        kind = listener.orchestrator.kind
        self._made[listener.name, kind.value, decision.method] += 1
        for step in decision.steps:
            if step.failed:
                self._failed[listener.name, step.method] += 1
            elif kind is OrchestratorKind.CASCADE:
                agree = set(step.agents) == set(decision.agents)
                self._agreed[listener.name, "true" if agree else "false"] += 1

    def measure(self, metrics: Metrics) -> None:
        """Lend the counters."""
        metrics.counter(
            "outrider_decisions_total",
            "Decisions among agents, by who had the last word; of a cascade that is its share.",
            ("listener", "orchestrator", "method"),
            lambda: {key: float(count) for key, count in self._made.items()},
        )
        metrics.counter(
            "outrider_decision_failures_total",
            "Times that a model or a router could not decide, so somebody else did.",
            ("listener", "method"),
            lambda: {key: float(count) for key, count in self._failed.items()},
        )
        metrics.counter(
            "outrider_decision_agreements_total",
            "Where a cascade asked its model: whether the embedded router would have chosen the"
            " same agents.",
            ("listener", "agree"),
            lambda: {key: float(count) for key, count in self._agreed.items()},
        )
