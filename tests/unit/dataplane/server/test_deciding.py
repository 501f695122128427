import asyncio
import threading
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace

import pytest

from dataplane.agents.plan import choosable_of
from dataplane.intent.encoder import AgentIndex, Encoder, OpinionIndex
from dataplane.intent.units import AgentTexts
from dataplane.runtime.choosing import ModelRouting, Preference
from dataplane.runtime.config import AgentTarget, Listener, ListenerKind, Route, RuntimeConfig
from dataplane.runtime.decision import Decision, Turn
from dataplane.runtime.running import Part, Running
from dataplane.server.deciding import MAX_SETS, Deciding, Making

ASKED = (Turn("user", "Rain?"),)


class FakeRouter:
    def __init__(self, makers: "FakeMaking", name: str, agents: Sequence[AgentTarget]) -> None:
        self.makers = makers
        self.name = name
        self.agents = tuple(one.agent for one in agents)

    def decide(self, conversation: Sequence[Turn]) -> Decision:
        self.makers.threads.add(threading.get_ident())
        self.makers.asked.set()
        self.makers.may_decide.wait(5)
        return Decision(self.agents[:1], (), "", self.name)


class FakeEncoder:
    name = "fake"
    second_name = "other"

    def add_second(self) -> bool:
        raise AssertionError("see FakeMaking")

    def index(self, agents: Sequence[AgentTexts]) -> AgentIndex:
        raise AssertionError(agents)

    def opinion_index(self, agents: Sequence[AgentTexts]) -> OpinionIndex | None:
        raise AssertionError(agents)

    def embed(self, text: str) -> tuple[float, ...]:
        return (float(len(text)),)


class FakeMaking(Making):
    """Routers that tell who made them; the encoder comes when the test says so."""

    def __init__(self) -> None:
        super().__init__()
        self.loads = 0
        self.seconds = 0
        self.has_second = True
        self.made_both = threading.Event()
        self.made: list[str] = []
        self.threads: set[int] = set()
        self.may_load = threading.Event()
        self.may_decide = threading.Event()
        self.may_decide.set()
        self.asked = threading.Event()
        self.broken = False

    def load(self) -> Encoder | None:
        self.may_load.wait(5)
        self.loads += 1
        return None if self.broken else FakeEncoder()

    def add_second(self, encoder: Encoder) -> bool:
        self.threads.add(threading.get_ident())
        self.seconds += 1
        return self.has_second

    def words(self, agents: Sequence[AgentTarget], min_confidence: float) -> FakeRouter:
        self.threads.add(threading.get_ident())
        return FakeRouter(self, "words", agents)

    def meaning(
        self, agents: Sequence[AgentTarget], min_confidence: float, encoder: Encoder
    ) -> FakeRouter:
        self.threads.add(threading.get_ident())
        self.made.append("+".join(one.agent for one in agents))
        if len(self.made) == 2:
            self.made_both.set()
        return FakeRouter(self, "meaning", agents)


def listener(name: str, *agents: str) -> Listener:
    routes = tuple(Route(f"{name}/{one}", name, AgentTarget(one, "")) for one in agents)
    return Listener(name, ListenerKind.AGENT, "127.0.0.1", 0, routes=routes)


def config(*listeners: Listener) -> RuntimeConfig:
    return RuntimeConfig(listeners={one.name: one for one in listeners})


@pytest.fixture
def making() -> FakeMaking:
    return FakeMaking()


@pytest.fixture
async def deciding(making: FakeMaking) -> AsyncIterator[Deciding]:
    deciding = Deciding(making)
    yield deciding
    making.may_load.set()
    making.may_decide.set()
    await deciding.close()


TRAVEL = listener("travel", "weather", "flights")


async def ask(deciding: Deciding, of: Listener) -> Decision:
    return await deciding.decide_among(choosable_of(of), of.min_confidence, ASKED)


async def test_words_decide_until_meaning_is_ready(deciding: Deciding, making: FakeMaking) -> None:
    deciding.configure(config(TRAVEL))
    assert (await ask(deciding, TRAVEL)).method == "words"
    making.may_load.set()
    await deciding.ready()
    assert (await ask(deciding, TRAVEL)).method == "meaning"


async def test_nothing_runs_on_the_event_loop(deciding: Deciding, making: FakeMaking) -> None:
    making.may_load.set()
    deciding.configure(config(TRAVEL))
    await ask(deciding, TRAVEL)
    await deciding.ready()
    await ask(deciding, TRAVEL)
    assert threading.get_ident() not in making.threads


async def test_reload_reads_only_agents_that_changed(
    deciding: Deciding, making: FakeMaking
) -> None:
    making.may_load.set()
    other = listener("other", "a", "b")
    deciding.configure(config(TRAVEL, other))
    await deciding.ready()
    deciding.configure(config(replace(TRAVEL, timeout_s=1.0), listener("other", "a", "c")))
    await deciding.ready()
    assert making.made == ["weather+flights", "a+b", "a+c"]
    assert making.loads == 1


async def test_without_an_encoder_words_stay(deciding: Deciding, making: FakeMaking) -> None:
    making.broken = True
    making.may_load.set()
    deciding.configure(config(TRAVEL))
    await deciding.ready()
    assert (await ask(deciding, TRAVEL)).method == "words"


async def test_listener_with_one_agent_needs_no_router(
    deciding: Deciding, making: FakeMaking
) -> None:
    making.may_load.set()
    deciding.configure(config(listener("travel", "weather")))
    await deciding.ready()
    assert making.loads == 0


async def test_listener_with_fixed_steps_needs_no_router(
    deciding: Deciding, making: FakeMaking
) -> None:
    making.may_load.set()
    steps = Running(parts=(Part(("weather",)), Part(("flights",))))
    deciding.configure(config(replace(TRAVEL, running=steps)))
    await deciding.ready()
    assert making.loads == 0


async def test_request_of_an_older_config_is_decided_among_its_own_agents(
    deciding: Deciding, making: FakeMaking
) -> None:
    making.may_load.set()
    deciding.configure(config(TRAVEL))
    deciding.configure(config(listener("travel", "hotels", "cars")))
    assert (await ask(deciding, TRAVEL)).agents == ("weather",)
    deciding.configure(config())
    assert (await ask(deciding, TRAVEL)).agents == ("weather",)


async def test_decision_nobody_waits_for_is_not_begun(
    deciding: Deciding, making: FakeMaking
) -> None:
    deciding.configure(config(TRAVEL))
    making.may_decide.clear()
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(5), asyncio.TaskGroup() as group:
        first = group.create_task(ask(deciding, TRAVEL))
        await asyncio.to_thread(making.asked.wait, 5)
        making.asked.clear()
        left = group.create_task(ask(deciding, TRAVEL))
        loop.call_soon(left.cancel)
        with pytest.raises(asyncio.CancelledError):
            await left
        making.may_decide.set()
        await first
        assert not making.asked.is_set()


async def test_listeners_with_the_same_agents_share_a_router(
    deciding: Deciding, making: FakeMaking
) -> None:
    making.may_load.set()
    other = replace(TRAVEL, name="other")
    deciding.configure(config(TRAVEL, other))
    await deciding.ready()
    assert making.made == ["weather+flights"]


def targets(*names: str) -> tuple[AgentTarget, ...]:
    return tuple(AgentTarget(name, "") for name in names)


async def test_preferences_of_the_config_are_read_before_anybody_asks(
    making: FakeMaking, deciding: Deciding
) -> None:
    making.may_load.set()
    preferences = (Preference("code", "", ("a",)), Preference("talk", "", ("b",)))
    deciding.configure(RuntimeConfig(model_routing=ModelRouting(preferences)))
    await deciding.ready()
    assert making.made == ["code+talk"]


async def test_set_that_a_client_brings_is_read_when_it_comes_again(
    making: FakeMaking, deciding: Deciding
) -> None:
    making.may_load.set()
    first = await deciding.decide_among(targets("a", "b"), 0.5, ASKED)
    await deciding.ready()
    assert (first.method, making.made) == ("words", [])
    await deciding.decide_among(targets("a", "b"), 0.5, ASKED)
    await deciding.ready()
    third = await deciding.decide_among(targets("a", "b"), 0.5, ASKED)
    assert (third.method, making.made) == ("meaning", ["a+b"])


async def test_sets_that_were_asked_long_ago_are_forgotten(
    making: FakeMaking, deciding: Deciding
) -> None:
    making.may_load.set()
    for number in range(MAX_SETS + 1):
        await deciding.decide_among(targets(f"a{number}", "b"), 0.5, ASKED)
    await deciding.decide_among(targets("a0", "b"), 0.5, ASKED)
    await deciding.ready()
    assert making.made == []


async def test_a_text_is_embedded_once_the_encoder_is_there() -> None:
    making = FakeMaking()
    making.may_load.set()
    deciding = Deciding(making)
    assert await deciding.embed("four") == (4.0,)
    assert await deciding.embed("other") == (5.0,)
    assert making.loads == 1
    await deciding.close()


async def test_agents_are_read_again_with_the_second_encoder(making: FakeMaking) -> None:
    making.may_load.set()
    deciding = Deciding(making, second_after_s=0.0)
    deciding.configure(config(TRAVEL))
    await asyncio.to_thread(making.made_both.wait, 5)
    await deciding.ready()
    assert (making.made, making.seconds) == (["weather+flights"] * 2, 1)
    assert threading.get_ident() not in making.threads
    await deciding.close()


async def test_the_second_encoder_keeps_nobody_waiting(
    making: FakeMaking, deciding: Deciding
) -> None:
    making.may_load.set()
    deciding.configure(config(TRAVEL))
    await deciding.ready()
    assert (await ask(deciding, TRAVEL)).method == "meaning"
    assert making.seconds == 0


def test_a_data_plane_that_is_to_have_one_encoder_loads_no_second() -> None:
    assert not Making(encoders=1).add_second(FakeEncoder())
