"""An agent's description -> the texts it is compared by."""

from dataplane.intent.units import MAX_UNITS, agent_texts, description_units, phrasings
from dataplane.runtime.config import AgentTarget

PLANO_STYLE = """Pays bills. Moves money between accounts.

Capabilities:
  * Pay utility bills
  * Minimum payment amounts
  * Handles questions like "pay my electric bill", "when is my rent due"
"""


def test_sentences_bullets_and_quoted_requests_are_units_and_headings_are_not() -> None:
    assert description_units(PLANO_STYLE) == (
        "Pays bills.",
        "Moves money between accounts.",
        "Pay utility bills",
        "Minimum payment amounts",
        "pay my electric bill",
        "when is my rent due",
    )


def test_the_head_is_the_name_with_the_first_sentence() -> None:
    assert agent_texts(AgentTarget("BillPayer", PLANO_STYLE)).head == "bill payer: Pays bills."


def test_an_agent_without_description_is_known_by_its_id() -> None:
    texts = agent_texts(AgentTarget("weather_agent", "  "))
    assert (texts.head, texts.whole, texts.units) == (
        "weather agent",
        "weather agent",
        ("weather agent",),
    )


def test_an_id_without_words_is_kept_as_it_is() -> None:
    assert agent_texts(AgentTarget("---", "")).units == ("---",)


def test_a_description_of_headings_only_still_has_a_unit() -> None:
    assert agent_texts(AgentTarget("a", "Capabilities:")).units == ("a",)


def test_a_very_long_list_is_read_up_to_a_limit() -> None:
    assert len(description_units("\n".join(f"* skill {i}" for i in range(500)))) == MAX_UNITS


def test_empty_examples_are_left_out() -> None:
    assert agent_texts(AgentTarget("a", "b", examples=("", " x "))).examples == ("x",)


def test_a_capability_is_asked_for_in_several_ways_and_a_quoted_request_in_its_own() -> None:
    agent = agent_texts(AgentTarget("weather", "Forecasts."))
    assert "Please forecasts." in phrasings(agent, "Forecasts.")
    assert phrasings(agent, "will it rain") == ("will it rain",)
