"""The sixteen scenarios of the reference (faults.md), and the config an operator runs them with."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from dataplane.runtime.protocols import Protocol
from tests.faults.speech import reason_of
from tests.faults.verdict import (
    Check,
    at_least,
    at_most,
    at_most_in,
    exactly_one,
    gap,
    names_fallback,
    prefill_refusal_unseen,
    returns_within,
    second_attempt,
    served_in_outage,
    spares_primary,
    tells,
    usage_told,
    within,
)

PROTOCOLS = (Protocol.CHAT, Protocol.MESSAGES, Protocol.RESPONSES)


@dataclass(frozen=True, slots=True)
class Timing:
    """Full is the reference; short has an operator who is less patient. Faults are the same."""

    idle: str
    """`idle_timeout` of the config."""
    first_token: str
    """`first_token_timeout` of the config."""
    token_s: float
    """Of the wall, between two tokens."""
    outage_s: float
    """Of S15."""
    period_s: float
    """Between two requests of S15."""
    back_s: float
    """After the end of the outage, within which the primary is used again."""
    spared: int
    """Attempts on the primary during the outage, at most; without a circuit it would be 45 in
    full, 21 in short.
    """
    patience_s: float
    """How long a client waits before that is a hang."""


FULL = Timing("30s", "10s", 0.015, 60.0, 4.0, 30.0, 30, 115.0)
SHORT = Timing("2s", "1.5s", 0.0, 1.4, 0.2, 2.5, 10, 15.0)
"""The breaker opens for 2 s the first time, which no config changes: an outage of 1.4 s is over
before it lets a request through again, so it opens, serves from the fallback and comes back.
"""
REQUESTS_IN_OUTAGE = 20


@dataclass(frozen=True, slots=True)
class Scenario:
    """One fault, and what must be so after it."""

    name: str
    title: str
    checks: tuple[Check, ...]
    fallback: str = "healthy"
    wants_error: bool = False

    def checks_for(self, provider: Protocol, timing: Timing) -> Sequence[Check]:
        """All of them, those too that depend on who asks and how long things take."""
        match self.name:
            case "s13":
                return (*self.checks, tells(reason_of(provider, "filter")))
            case "s15":
                return (*self.checks, spares_primary(timing.spared), returns_within(timing.back_s))
            case _:
                return self.checks


SCENARIOS = (
    Scenario(
        "s01",
        "429 with `Retry-After: 2` once, then healthy",
        (second_attempt(), gap(1.8), at_most_in(2, 1.5)),
    ),
    Scenario("s02", "429 without Retry-After, always", (at_most_in(4, 3.0), at_most(6))),
    Scenario("s03", "500 once", (at_least(2),)),
    Scenario("s04", "503 always", (at_most(6),)),
    Scenario("s05", "TCP reset before any byte, once", ()),
    Scenario("s06", "accepts, then silence for 120 s", (within(100.0), exactly_one(advisory=True))),
    Scenario("s07", "head at once, first token after 20 s", (within(15.0, advisory=True),)),
    Scenario("s08", "stream dies after 40 of 60 tokens", ()),
    Scenario("s09", "stream stalls after 20 tokens, 30 s, then closes", (within(45.0),)),
    Scenario("s10", "tenth event is not JSON", ()),
    Scenario(
        "s11", "complete stream without its last sign, left open", (within(8.0), usage_told())
    ),
    Scenario("s12", "400, the prompt is too long", (exactly_one(),)),
    Scenario("s13", "400, content filter", (exactly_one(),), wants_error=True),
    Scenario(
        "s14",
        "as S08, and the fallback refuses prefill",
        (prefill_refusal_unseen(),),
        fallback="no-prefill",
    ),
    Scenario(
        "s15",
        "primary down for 60 s, 20 requests, then healthy",
        (served_in_outage(),),
    ),
    Scenario("s16", "503 always, the fallback is named", (at_most(6), names_fallback())),
)


@dataclass(frozen=True, slots=True)
class Cell:
    """A scenario for a client of one protocol, with providers of one."""

    scenario: Scenario
    client: Protocol
    provider: Protocol

    @property
    def alias(self) -> str:
        """What the client asks for."""
        return f"{self.scenario.name}-{self.client.value}-{self.provider.value}"

    @property
    def primary(self) -> str:
        """The model that fails."""
        return f"{self.scenario.name}.{self.client.value}.{self.provider.value}"

    @property
    def fallback(self) -> str:
        """The model that does not."""
        return f"{self.scenario.fallback}.{self.primary}"


CELLS = tuple(Cell(one, protocol, protocol) for one in SCENARIOS for protocol in PROTOCOLS)
ACROSS = tuple(
    Cell(one, client, provider)
    for one in SCENARIOS
    if one.name in ("s01", "s04", "s05", "s07", "s08", "s10", "s11", "s12", "s13", "s16")
    for client, provider in zip(PROTOCOLS, (*PROTOCOLS[1:], PROTOCOLS[0]), strict=True)
)
"""Client and providers speak different protocols, each client once: not counted."""


def healthy(client: Protocol) -> str:
    """The model that is asked after every scenario, by clients of a protocol."""
    return f"healthy.{client.value}"


def config(cells: Iterable[Cell], port: int, timing: Timing) -> str:
    """What the operator writes: an alias with a fallback for each cell, one `retry` for all."""
    providers = [
        _provider(model, cell.provider, port, prefill=not model.startswith("no-prefill"))
        for cell in cells
        for model in (cell.primary, cell.fallback)
    ]
    providers += [_provider(healthy(one), one, port, prefill=True) for one in PROTOCOLS]
    aliases = [
        f"  {cell.alias}: {{targets: [wall/{cell.primary}, wall/{cell.fallback}]}}\n"
        for cell in cells
    ]
    return f"""\
version: v0.4.0
listeners:
  - {{type: model, name: models, address: 127.0.0.1, port: 0, timeout: 120s}}
defaults:
  retry:
    num_retries: 2
    idle_timeout: {timing.idle}
    first_token_timeout: {timing.first_token}
model_providers:
{"".join(providers)}model_aliases:
{"".join(aliases)}"""


def _provider(model: str, provider: Protocol, port: int, *, prefill: bool) -> str:
    return f"""\
  - model: wall/{model}
    base_url: http://127.0.0.1:{port}/v1
    access_key: $WALL_KEY
    apis: [{provider.value}]
    prefill: {str(prefill).lower()}
"""
