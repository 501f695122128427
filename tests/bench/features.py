"""What each feature of failing, limiting and balancing costs a relayed request when it is on.

Ours without any of them and with one at a time, interleaved like contestants; then with all of them
at once, because what matters is the sum. A cost is a difference within a round.
"""

from contextlib import ExitStack
from dataclasses import dataclass, replace
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table

from tests.bench.contestants.contestant import Contestant, Place, Running
from tests.bench.contestants.envoy import Envoy
from tests.bench.contestants.outrider import Change, Outrider
from tests.bench.figures import Figures
from tests.bench.measure import Sample, freeze, measure, thaw
from tests.bench.report import spread
from tests.bench.scenarios import SCENARIOS

PLAIN, ALL_ON, ENVOY = "plain", "all_on", "envoy"
SECONDS = 0.8
MEASURED = tuple(replace(s, seconds=SECONDS) for s in SCENARIOS if s.name in ("json", "sse_burst"))


@dataclass(frozen=True, slots=True)
class Feature:
    """Something that may be on."""

    name: str
    title: str
    change: Change
    """Makes it so that it works in every request and never gets in the way of one."""


def _retry(**keys: Any) -> Change:
    def change(config: dict[str, Any]) -> None:
        config.setdefault("defaults", {}).setdefault("retry", {}).update(keys)

    return change


def _limits(config: dict[str, Any]) -> None:
    plenty = 1_000_000_000
    config["limits"] = [
        {
            "name": "all",
            "per": ["model"],
            "requests": {"limit": plenty},
            "tokens": {"limit": plenty},
            "concurrent": 1000,
        }
    ]


def _api_keys(config: dict[str, Any]) -> None:
    config["listeners"][0]["auth"] = {"api_keys": True}
    config["api_keys"] = [{"name": "bench", "tenant": "t", "key": "$BENCH_CLIENT_KEY"}]


def _spread(policy: str) -> Change:
    """Over two endpoints: the fake provider by its address and by its name."""

    def change(config: dict[str, Any]) -> None:
        for provider in config["model_providers"]:
            url = provider.pop("base_url", None) or provider["endpoints"][0]
            provider["endpoints"] = [url, url.replace("127.0.0.1", "localhost")]
            provider["load_balancing"] = {"policy": policy}

    return change


def _filters(kind: str, count: int) -> Change:
    """Python filters (filters.py) that do nothing, before the models or behind them."""

    def change(config: dict[str, Any]) -> None:
        names = [f"{kind.lower()}{at}" for at in range(count)]
        config.setdefault("filters", []).extend(
            {"id": name, "type": "python", "config": {"class": f"tests.bench.filters:{kind}"}}
            for name in names
        )
        chain = "input_filters" if kind == "Looks" else "output_filters"
        config["listeners"][0][chain] = names

    return change


FEATURES = (
    Feature(
        "timeouts",
        "per-try, idle and first-token timeouts",
        _retry(per_try_timeout="60s", idle_timeout="30s", first_token_timeout="20s"),
    ),
    Feature("throughput", "throughput guard", _retry(min_throughput={"bytes_per_second": 1.0})),
    Feature("hedge", "hedging, armed", _retry(hedge={"after": "10s"})),
    Feature("api_keys", "API keys of our own", _api_keys),
    Feature("limits", "limits of requests, tokens, concurrency", _limits),
    Feature("least_request", "two endpoints, least request", _spread("least_request")),
    Feature("peak_ewma", "two endpoints, peak EWMA", _spread("peak_ewma")),
    Feature("prefix_affinity", "two endpoints, prefix affinity", _spread("prefix_affinity")),
    Feature("filters_in", "ten Python filters of requests", _filters("Looks", 10)),
    Feature("filters_idle", "a Python filter of heads only", _filters("Greets", 1)),
    Feature("filters_out", "a Python filter of every event", _filters("Hears", 1)),
)
"""Retries, breaker, retry budgets, the commit point, outlier detection and admission control are
always on: the plain relay pays them.
"""


def _everything(config: dict[str, Any]) -> None:
    """But filters, whose cost is what they do."""
    for feature in FEATURES:
        if not feature.name.startswith("filters"):
            feature.change(config)


Samples = dict[tuple[str, str], list[Sample]]
"""By scenario and who."""


def measure_features(rounds: int, place: Place, console: Console) -> Samples:
    """All variants are up; one runs at a time."""
    field: list[Contestant] = [Outrider(PLAIN), Envoy(), Outrider(ALL_ON, _everything)]
    field += [Outrider(feature.name, feature.change) for feature in FEATURES]
    samples: Samples = {}
    with ExitStack() as stack:
        up: list[tuple[Contestant, Running]] = []
        for contestant in field:
            running = stack.enter_context(contestant.running(place))
            freeze(running)
            up.append((contestant, running))
        for number in range(rounds):
            console.print(f"features {number + 1}/{rounds}")
            for scenario in MEASURED:
                for contestant, running in up if number % 2 == 0 else reversed(up):
                    thaw(running)
                    sample = measure(contestant, running, scenario, place)
                    freeze(running)
                    samples.setdefault((scenario.name, contestant.name), []).append(sample)
    return samples


def added_us(samples: Samples, scenario: str, who: str) -> list[float]:
    """What a variant costs beyond the plain relay, in each round."""
    plain = samples[scenario, PLAIN]
    return [a.cpu_us - b.cpu_us for a, b in zip(samples[scenario, who], plain, strict=True)]


def over_envoy(samples: Samples, scenario: str, who: str) -> list[float]:
    """CPU over that of Envoy's plain route, in each round."""
    envoy = samples[scenario, ENVOY]
    return [a.cpu_us / b.cpu_us for a, b in zip(samples[scenario, who], envoy, strict=True)]


def feature_figures(samples: Samples) -> Figures:
    """For build/figures/bench.json."""
    figures: Figures = {}
    for scenario in MEASURED:
        for who in (*(feature.name for feature in FEATURES), ALL_ON):
            cost = median(added_us(samples, scenario.name, who))
            figures[f"feature_{who}_{scenario.name}_us"] = round(cost, 2)
        ratio = median(over_envoy(samples, scenario.name, ALL_ON))
        figures[f"all_features_{scenario.name}_over_envoy"] = round(ratio, 4)
    return figures


def failed(samples: Samples) -> int:
    """Failed requests of all."""
    return sum(sample.failed for rounds in samples.values() for sample in rounds)


def show_features(samples: Samples, console: Console) -> None:
    """Prints the table."""
    table = Table(title="What a feature adds when it is on, us of CPU", title_justify="left")
    table.add_column("")
    for scenario in MEASURED:
        table.add_column(scenario.title, justify="right")
    rows = [(one.name, one.title) for one in FEATURES]
    for name, title in (*rows, (ALL_ON, "all of them")):
        costs = [spread(added_us(samples, one.name, name)) for one in MEASURED]
        table.add_row(title, *costs)
    ratios = [spread(over_envoy(samples, one.name, ALL_ON)) for one in MEASURED]
    table.add_row("all of them / Envoy", *ratios)
    console.print(table)
