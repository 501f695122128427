"""A conversation in, a decision out: what a user sees of the embedded router."""

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dataplane.intent.router import Router, make_bm25, make_minilm
from dataplane.routing.preference import as_competitors
from dataplane.runtime.config import AgentTarget
from dataplane.runtime.decision import Turn
from tests.bench.routing_data import Example, load
from tests.support.encoders import both_encoders
from tests.support.examples import share_of

WEATHER = AgentTarget(
    "weather",
    "Weather forecasts for cities: temperature, rain, wind and storms, today, tomorrow and later.",
)
FLIGHTS = AgentTarget(
    "flights", "Finds flights between cities: departure times, airlines and ticket prices."
)
SAMPLE = load(Path(__file__).parents[3] / "golden" / "routing")

MISSED = frozenset(
    {"do I need an umbrella in Oslo on Sunday", "the printer on floor two is jammed"}
)
"""Nobody is found for these, since USE and MiniLM decide by weights that no CPU saturates with: an
umbrella that names no rain (0.45), and a printer (0.46). They are to be mended, not wanted."""

pytestmark = pytest.mark.group("encoders")

Make = Callable[[list[AgentTarget], float], Router]


def by_meaning(agents: list[AgentTarget], min_confidence: float) -> Router:
    encoders = both_encoders()
    if encoders is None:
        pytest.skip("needs the router extra")
    return make_minilm(agents, min_confidence, encoders)


@pytest.fixture(params=[make_bm25, by_meaning], ids=["bm25", "minilm"], scope="module")
def make(request: pytest.FixtureRequest) -> Make:
    made: Make = request.param
    return made


@pytest.fixture(scope="module")
def travel(make: Make) -> Router:
    return make([WEATHER, FLIGHTS], 0.5)


def talk(*texts: str) -> list[Turn]:
    """User and assistant by turns, the user first."""
    return [Turn("assistant" if i % 2 else "user", text) for i, text in enumerate(texts)]


def test_a_question_goes_to_its_agent(travel: Router) -> None:
    assert travel.decide(talk("What's the weather in Lisbon tomorrow?")).agents == ("weather",)
    assert travel.decide(talk("Find me a flight to Lisbon")).agents == ("flights",)


def test_two_requests_go_to_both_agents_in_their_order(travel: Router) -> None:
    text = (
        "Find me a flight from Berlin to Lisbon on Friday"
        " and tell me what the weather will be there"
    )
    decision = travel.decide(talk(text))
    assert decision.agents == ("flights", "weather")
    assert "by part 1" in decision.reason
    assert "by part 2" in decision.reason


@pytest.mark.parametrize("text", ["hi, how are you?", "tell me a joke", "what is 2+2"])
def test_small_talk_goes_to_nobody(travel: Router, text: str) -> None:
    decision = travel.decide(talk(text))
    assert decision.agents == ()
    assert "no agent fits" in decision.reason


def test_a_follow_up_stays_with_its_agent(travel: Router) -> None:
    asked = talk("What's the weather in Lisbon today?", "In Lisbon: sunny.", "and tomorrow?")
    decision = travel.decide(asked)
    assert decision.agents == ("weather",)
    assert "stays with weather" in decision.reason


def test_a_change_of_topic_moves_on(travel: Router) -> None:
    asked = talk("What's the weather in Lisbon?", "Sunny.", "Book me a flight there on Friday")
    decision = travel.decide(asked)
    assert decision.agents == ("flights",)
    assert "moves on from weather" in decision.reason


@pytest.mark.parametrize(
    "turns",
    [
        ("Any flights to Rome?", "Two, at 9:10 and 17:45.", "thanks, bye!"),
        ("Any flights to Rome?", "Two. Is there anything else I can do?", "No, thanks."),
    ],
    ids=["goodbye", "no to more help"],
)
def test_an_ended_conversation_asks_for_nobody(travel: Router, turns: tuple[str, ...]) -> None:
    assert travel.decide(talk(*turns)).agents == ()


def test_the_name_on_an_answer_says_who_has_the_conversation(travel: Router) -> None:
    turns = [Turn("user", "hello"), Turn("assistant", "Which one?", "flights")]
    decision = travel.decide([*turns, Turn("user", "the second one")])
    assert decision.agents == ("flights",)


def test_the_name_of_somebody_unknown_says_nothing(travel: Router) -> None:
    turns = [Turn("user", "weather in Rome?"), Turn("assistant", "Sunny.", "gpt-9")]
    assert travel.decide([*turns, Turn("user", "and tomorrow?")]).agents == ("weather",)


def test_what_is_declined_is_not_asked_for(travel: Router) -> None:
    asked = "Find me a flight to Lisbon"
    offered = "There is one at 9:10. Shall I look for tickets?"
    answer = (
        "No flight tickets for now."
        " Tell me the weather forecast for Lisbon tomorrow: temperature, rain and wind?"
    )
    assert travel.decide(talk(asked, offered, answer)).agents == ("weather",)


@pytest.mark.parametrize(
    "conversation",
    [
        [],
        [Turn("user", "  ")],
        [Turn("assistant", "Hello, I am here.")],
        [Turn("system", "weather weather weather")],
    ],
    ids=["empty", "blank", "assistant only", "system only"],
)
def test_where_nobody_asked_nobody_answers(travel: Router, conversation: list[Turn]) -> None:
    decision = travel.decide(conversation)
    assert decision.agents == ()
    assert decision.reason == "no user message"


def test_one_agent_is_always_the_one(make: Make) -> None:
    decision = make([WEATHER], 0.5).decide(talk("anything"))
    assert (decision.agents, decision.method) == (("weather",), "only_agent")


def test_without_agents_nobody_answers(make: Make) -> None:
    assert make([], 0.5).decide(talk("anything")).agents == ()


def test_agents_described_alike_share_a_request_and_the_first_takes_it(make: Make) -> None:
    # "a" and "b" carry no meaning; the request is for one of the two, not for nobody.
    twins = [AgentTarget(i, WEATHER.description) for i in ("x1", "x2")]
    decision = make([*twins, FLIGHTS], 0.5).decide(talk("Weather and temperature in cities today?"))
    assert decision.agents == ("x1",)


def test_an_agent_without_description_is_found_by_its_id(make: Make) -> None:
    agents = [AgentTarget("weather_forecast", ""), AgentTarget("flight_booking", "")]
    decision = make(agents, 0.5).decide(talk("weather forecast"))
    assert decision.agents == ("weather_forecast",)


def test_examples_bring_in_requests_that_no_description_covers(make: Make) -> None:
    request = talk("my thingamajig is making that noise again")
    agents = [AgentTarget("one", "First line."), AgentTarget("two", "Second line.")]
    taught = [agents[0], AgentTarget("two", "Second line.", examples=("the thingamajig is noisy",))]
    assert make(taught, 0.5).decide(request).scores[0].agent == "two"
    before = {s.agent: s.score for s in make(agents, 0.5).decide(request).scores}
    after = {s.agent: s.score for s in make(taught, 0.5).decide(request).scores}
    assert after["two"] > before["two"]


def test_a_higher_bar_sends_more_to_nobody(make: Make) -> None:
    text = talk("Any storms coming to the cities?")
    assert make([WEATHER, FLIGHTS], 0.0).decide(text).agents == ("weather",)
    assert make([WEATHER, FLIGHTS], 1.0).decide(text).agents == ()


@pytest.mark.parametrize(
    "text",
    ["🙂🙂🙂", "Wie wird das Wetter morgen?", "明天天气怎么样", "\x00\ud800", "a" * 100_000],
    ids=["emoji", "german", "chinese", "not text", "no spaces"],
)
def test_any_text_is_decided(travel: Router, text: str) -> None:
    assert set(travel.decide(talk(text)).agents) <= {"weather", "flights"}


def test_a_huge_message_is_routed_by_its_ends(travel: Router) -> None:
    text = "What will the weather in these cities be tomorrow? " + "lorem ipsum " * 100_000
    assert travel.decide(talk(text)).scores[0].agent == "weather"


def test_equal_conversations_get_equal_decisions(make: Make) -> None:
    turns = talk("weather in Rome?", "Sunny.", "and flights there? Also will it rain on Sunday?")
    one, other = make([WEATHER, FLIGHTS], 0.5), make([WEATHER, FLIGHTS], 0.5)
    first = one.decide(turns)
    assert one.decide(turns) == first
    assert other.decide(turns) == first
    one.forget()
    assert one.decide(turns) == first


def test_reasons_do_not_repeat_what_the_user_wrote(travel: Router) -> None:
    decision = travel.decide(talk("Weather for 4111-1111? And flights for Zaphod tomorrow"))
    assert "4111" not in decision.reason
    assert "Zaphod" not in decision.reason


def test_confidence_is_that_of_the_decision(travel: Router) -> None:
    assert travel.confidence(talk("What's the weather in Lisbon tomorrow?")) > 0.5
    assert travel.confidence(talk("tell me a joke")) < 0.5
    assert travel.confidence([]) == 0.0


TEXTS = st.one_of(
    st.text(max_size=60),
    st.sampled_from(
        ["weather?", "and tomorrow?", "thanks", "no", "a flight and the weather, then a flight"]
    ),
)
CONVERSATIONS = st.lists(
    st.builds(
        Turn,
        st.sampled_from(["user", "assistant", "system", "tool"]),
        TEXTS,
        st.sampled_from(["", "weather", "flights", "who"]),
    ),
    max_size=6,
)


@settings(max_examples=share_of(60))
@given(CONVERSATIONS)
def test_decisions_are_always_well_formed(travel: Router, conversation: list[Turn]) -> None:
    decision = travel.decide(conversation)
    assert set(decision.agents) <= {"weather", "flights"}
    assert len(set(decision.agents)) == len(decision.agents)
    assert {s.agent for s in decision.scores} == {"weather", "flights"}
    assert all(0.0 <= s.score <= 1.0 for s in decision.scores)
    assert decision.reason


@cache
def of_scenario(name: str) -> Router:
    return by_meaning(list(SAMPLE.agents[name]), 0.5)


@pytest.mark.parametrize("example", SAMPLE.examples, ids=lambda e: e.text[:40])
def test_the_sample_is_decided_as_labelled(example: Example) -> None:
    router = of_scenario(example.scenario)
    agents = router.decide(example.conversation).agents
    if example.text in MISSED:
        assert agents == (), "it is not missed any more: take it out of MISSED"
    else:
        assert agents == example.expected


REVIEW = AgentTarget("code review", "Review code or a pull request, find bugs and mistakes in it.")


@pytest.mark.parametrize("text", ["My name is Ann.", "find me a hotel", "I find this boring"])
def test_one_shared_word_is_no_proof_for_a_candidate_without_rivals(text: str) -> None:
    router = make_bm25(as_competitors([REVIEW]), 0.5)
    assert REVIEW.agent not in router.decide([Turn("user", text)]).agents


@pytest.mark.parametrize("text", ["Review this pull request, please", "find the bugs", "bugs?"])
def test_several_shared_words_are_or_all_there_are(text: str) -> None:
    router = make_bm25(as_competitors([REVIEW]), 0.5)
    assert router.decide([Turn("user", text)]).agents == (REVIEW.agent,)
