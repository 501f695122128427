"""How much to think, in words that the model at hand knows."""

import pytest

from dataplane.llm.hub.loss import Losses
from dataplane.llm.hub.request import Reasoning, Request, ToolChoice
from dataplane.llm.translate.messages.abilities import abilities
from dataplane.llm.translate.messages.write_thinking import Thought, write_thinking
from dataplane.runtime.protocols import Protocol

CLASSIC = "claude-sonnet-4-5"
BOTH = "claude-sonnet-4-6"
MODERN = "claude-opus-4-8"
ALWAYS = "claude-opus-5-5"


def think(
    model: str, reasoning: Reasoning | None, max_tokens: int | None = 50_000, **more: ToolChoice
) -> tuple[Thought, list[str]]:
    request = Request(
        model,
        False,
        Protocol.CHAT,
        [],
        reasoning=reasoning,
        max_output_tokens=max_tokens,
        said={"reasoning": "reasoning_effort"},
    )
    request.tool_choice = more.get("tool_choice")
    losses = Losses(request)
    return write_thinking(request, abilities(model), 8192, losses), losses.hints


@pytest.mark.parametrize(
    ("model", "reasoning", "thinking", "effort"),
    [
        pytest.param(CLASSIC, None, None, None, id="nothing-said"),
        pytest.param(
            CLASSIC,
            Reasoning(effort="medium"),
            {"type": "enabled", "budget_tokens": 8192},
            None,
            id="effort-is-a-budget",
        ),
        pytest.param(
            CLASSIC,
            Reasoning(True, budget_tokens=3000),
            {"type": "enabled", "budget_tokens": 3000},
            None,
            id="budget-as-said",
        ),
        pytest.param(
            CLASSIC,
            Reasoning(budget_tokens=100),
            {"type": "enabled", "budget_tokens": 1024},
            None,
            id="budget-too-small",
        ),
        pytest.param(
            CLASSIC,
            Reasoning(budget_tokens=-1),
            {"type": "enabled", "budget_tokens": 8192},
            None,
            id="as-many-as-it-likes",
        ),
        pytest.param(CLASSIC, Reasoning(effort="none"), {"type": "disabled"}, None, id="none"),
        pytest.param(CLASSIC, Reasoning(budget_tokens=0), {"type": "disabled"}, None, id="zero"),
        pytest.param(
            CLASSIC,
            Reasoning(effort="low", summary="auto"),
            {"type": "enabled", "budget_tokens": 1024, "display": "summarized"},
            None,
            id="summary",
        ),
        pytest.param(
            MODERN,
            Reasoning(True, show=False),
            {"type": "adaptive", "display": "omitted"},
            None,
            id="not-shown",
        ),
        pytest.param(
            BOTH, Reasoning(effort="xhigh"), {"type": "adaptive"}, "high", id="nearest-effort"
        ),
        pytest.param(
            MODERN, Reasoning(effort="minimal"), {"type": "adaptive"}, "low", id="weakest-effort"
        ),
        pytest.param(
            MODERN,
            Reasoning(budget_tokens=20_000),
            {"type": "adaptive"},
            "high",
            id="budget-is-an-effort",
        ),
        pytest.param(MODERN, Reasoning(effort="none"), None, None, id="off-unless-asked-for"),
        pytest.param(
            "claude-sonnet-5-5",
            Reasoning(effort="none"),
            {"type": "between_tools"},
            None,
            id="between-tools",
        ),
        pytest.param(
            MODERN, Reasoning(False, effort="high"), None, "high", id="effort-without-thinking"
        ),
    ],
)
def test_thinking_is_said(
    model: str, reasoning: Reasoning | None, thinking: object, effort: str | None
) -> None:
    thought, hints = think(model, reasoning)
    assert thought.thinking == thinking
    assert thought.output_config.get("effort") == effort
    assert hints == []


def test_model_that_always_thinks_is_asked_for_little() -> None:
    thought, hints = think(ALWAYS, Reasoning(effort="none"))
    assert (thought.thinking, thought.output_config) == (None, {"effort": "low"})
    assert hints == ["reasoning_effort"]


def test_budget_is_added_to_tokens_of_our_own_choice() -> None:
    thought, _ = think(CLASSIC, Reasoning(effort="high"), max_tokens=None)
    assert thought.max_tokens == 8192 + 24576


def test_budget_leaves_a_fifth_of_the_clients_tokens() -> None:
    thought, _ = think(CLASSIC, Reasoning(effort="high"), max_tokens=10_000)
    assert thought.thinking == {"type": "enabled", "budget_tokens": 8000}
    assert thought.max_tokens == 10_000


@pytest.mark.parametrize(
    ("max_tokens", "choice"), [(500, None), (50_000, ToolChoice("required"))], ids=["few", "forced"]
)
def test_what_rules_out_thinking_leaves_it_out(max_tokens: int, choice: ToolChoice | None) -> None:
    more = {"tool_choice": choice} if choice is not None else {}
    thought, hints = think(CLASSIC, Reasoning(effort="high"), max_tokens, **more)
    assert thought.thinking is None
    assert hints == ["reasoning_effort"]
