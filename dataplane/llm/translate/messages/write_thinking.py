"""How much the model should think -> `thinking` and `output_config.effort`.

Rule: how much to think is advice. What the model at hand cannot be told, and what contradicts the
rest of the request (a forced tool, too few tokens), is left out and named.
"""

from typing import Any, Final

from dataplane.llm.hub.loss import Losses
from dataplane.llm.hub.request import Reasoning, Request
from dataplane.llm.translate.messages.abilities import Abilities

MIN_BUDGET: Final = 1024
"""The API's own."""
BUDGETS: Final = {
    "minimal": 1024,
    "low": 1024,
    "medium": 8192,
    "high": 24576,
    "xhigh": 32768,
    "max": 32768,
}
"""Tokens by effort: Google's documented scale for the same words; above 32k Anthropic advises
batches."""
_ORDER: Final = ("minimal", "low", "medium", "high", "xhigh", "max")


class Thought:
    """What goes into the body."""

    # (no dataclass: one is made for each request, and their __init__ is never compiled)
    def __init__(self, max_tokens: int) -> None:
        self.max_tokens = max_tokens
        self.thinking: dict[str, Any] | None = None
        self.output_config: dict[str, Any] = {}

    @property
    def on(self) -> bool:
        """Whether thinking was asked for in so many words."""
        return self.thinking is not None and self.thinking["type"] in ("enabled", "adaptive")


def write_thinking(
    request: Request, can: Abilities, default_max_tokens: int, losses: Losses
) -> Thought:
    """Decide by what was asked and what the model knows."""
    asked = request.reasoning
    said = request.max_output_tokens
    plain = Thought(said if said is not None else default_max_tokens)
    if asked is None:
        return plain
    if _off(asked):
        return _without(asked, can, plain, losses)
    effort = asked.effort or _effort_of(asked.budget_tokens)
    if effort and can.efforts:
        plain.output_config["effort"] = _nearest(effort, can.efforts)
    if not _on(asked):
        return plain
    if _forces_tool(request):
        losses.hint("reasoning")
        return plain
    if can.adaptive:
        plain.thinking = {"type": "adaptive"}
    elif can.budget:
        _budgeted(asked, effort, said, plain, losses)
    if plain.thinking is not None and (shown := _display(asked)) is not None:
        plain.thinking["display"] = shown
    return plain


def _off(asked: Reasoning) -> bool:
    if asked.enabled is None:
        return asked.effort == "none" or asked.budget_tokens == 0
    return not asked.enabled


def _on(asked: Reasoning) -> bool:
    return bool(asked.enabled or asked.effort or asked.budget_tokens)


def _without(asked: Reasoning, can: Abilities, plain: Thought, losses: Losses) -> Thought:
    effort = asked.effort if asked.effort != "none" else ""
    if can.without_thinking == "always":
        losses.hint("reasoning")
        effort = effort or "low"
    elif can.without_thinking:
        plain.thinking = {"type": can.without_thinking}
    if effort and can.efforts:
        plain.output_config["effort"] = _nearest(effort, can.efforts)
    return plain


def _budgeted(
    asked: Reasoning, effort: str, said: int | None, plain: Thought, losses: Losses
) -> None:
    wanted = asked.budget_tokens or 0
    budget = max(MIN_BUDGET, wanted) if wanted > 0 else BUDGETS.get(effort, BUDGETS["medium"])
    if said is None:
        plain.max_tokens += budget
    elif budget >= said:
        # Thinking counts towards max_tokens: some of them must be left for the answer.
        budget = said * 4 // 5
        if budget < MIN_BUDGET:
            losses.hint("reasoning")
            return
    plain.thinking = {"type": "enabled", "budget_tokens": budget}


def _effort_of(budget: int | None) -> str:
    if budget is None or budget < 0:
        return ""
    return next((word for word in ("low", "medium", "high") if budget <= BUDGETS[word]), "max")


def _nearest(effort: str, known: tuple[str, ...]) -> str:
    """The word itself, else the strongest that is weaker, else the weakest."""
    if effort not in _ORDER:
        return known[-1]
    at = _ORDER.index(effort)
    weaker = [word for word in known if _ORDER.index(word) <= at]
    return weaker[-1] if weaker else known[0]


def _forces_tool(request: Request) -> bool:
    choice = request.tool_choice
    return choice is not None and (
        choice.mode == "required" or (choice.mode == "tools" and not choice.may)
    )


def _display(asked: Reasoning) -> str | None:
    if asked.show is None:
        return "summarized" if asked.summary else None
    return "summarized" if asked.show else "omitted"
