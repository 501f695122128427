"""Shows a run: what each contestant cost, and our ratios beside their goals and the baseline."""

from collections.abc import Mapping, Sequence
from statistics import median

from rich.console import Console
from rich.table import Table

from tests.bench.figures import GOALS, Results, change, meets
from tests.bench.scenarios import Scenario

STYLES = {"worse": "red", "better": "green"}


def show(
    results: Results, scenarios: Sequence[Scenario], baseline: Mapping[str, float], console: Console
) -> None:
    """Prints the tables."""
    for scenario in scenarios:
        _show_scenario(results, scenario, console)
    _show_idle(results, console)
    _show_ratios(results, baseline, console)


def _show_scenario(results: Results, scenario: Scenario, console: Console) -> None:
    rows = {who: rounds for (name, who), rounds in results.samples.items() if name == scenario.name}
    unit = "event" if scenario.units_per_answer > 1 else "request"
    table = Table(title=scenario.title, title_justify="left")
    table.add_column("")
    for column in (
        f"CPU us / {unit}",
        "/ Envoy",
        "core",
        "answers/s",
        "p50 us",
        "p99 us",
        "failed",
    ):
        table.add_column(column, justify="right")
    ordered = sorted(rows, key=lambda who: median(sample.cpu_us for sample in rows[who]))
    for who in ordered:
        rounds = rows[who]
        ratio = results.cpu_ratio(scenario.name, who, "envoy")
        table.add_row(
            who,
            spread([sample.cpu_us for sample in rounds]),
            spread(ratio.rounds) if ratio else "-",
            f"{median(sample.core_share for sample in rounds):.2f}",
            f"{median(sample.per_second for sample in rounds):,.0f}",
            f"{median(sample.p50_us for sample in rounds):,.0f}",
            f"{median(sample.p99_us for sample in rounds):,.0f}",
            str(sum(sample.failed for sample in rounds)),
        )
    if rows:
        console.print(table)


def _show_idle(results: Results, console: Console) -> None:
    table = Table(title="Idle streams, one event a second on each", title_justify="left")
    table.add_column("")
    for column in ("base PSS MB", "kB / stream", "/ Envoy", "lost"):
        table.add_column(column, justify="right")
    for who, rounds in results.idle.items():
        ratio = results.idle_ratio(who, "envoy")
        table.add_row(
            who,
            f"{median(sample.base_kb for sample in rounds) / 1024:.1f}",
            spread([sample.kb_per_stream for sample in rounds]),
            spread(ratio.rounds) if ratio else "-",
            str(sum(sample.failed for sample in rounds)),
        )
    if results.idle:
        console.print(table)


def _show_ratios(results: Results, baseline: Mapping[str, float], console: Console) -> None:
    table = Table(title="Goals (ARCHITECTURE section 7)", title_justify="left")
    table.add_column("")
    for column in ("measured", "must", "reach for", "baseline", "since"):
        table.add_column(column, justify="right")
    ratios = results.ratios()
    for goal in GOALS:
        ratio = ratios[goal.figure]
        kept = baseline.get(goal.figure)
        if ratio is None:
            table.add_row(goal.title, "not run", *_limits(goal.must, goal.reach), _number(kept), "")
            continue
        word = change(goal, ratio.median, kept)
        colour = "green" if meets(goal, ratio.median) else "bold red"
        style = STYLES.get(word)
        table.add_row(
            goal.title,
            f"[{colour}]{spread(ratio.rounds)}[/]",
            *_limits(goal.must, goal.reach),
            _number(kept),
            f"[{style}]{word}[/]" if style else word,
        )
    console.print(table)
    if results.reload_stall_ms is not None:
        console.print(f"stall at a 1,000-route reload: {results.reload_stall_ms:.1f} ms (must 5)")
    colour = "bold red" if results.failed else "green"
    console.print(f"failed requests: [{colour}]{results.failed}[/]")


def spread(values: Sequence[float]) -> str:
    """Median, and in brackets the least and the greatest."""
    middle, least, greatest = median(values), min(values), max(values)
    return f"{_number(middle)} ({_number(least)}-{_number(greatest)})"


def _limits(must: float, reach: float) -> tuple[str, str]:
    return _number(must), _number(reach)


def _number(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:.2f}" if value < 10 else f"{value:,.1f}" if value < 1000 else f"{value:,.0f}"
