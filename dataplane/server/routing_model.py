"""A model that is asked over HTTP who should act; in the protocol its provider speaks.

Rule: one that fails in any way costs its asker nothing but time: a Failure says why.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from dataplane.llm.hub.parts import Text
from dataplane.llm.hub.request import Message, OutputFormat
from dataplane.llm.hub.request import Request as Asked
from dataplane.routing.named import named
from dataplane.routing.prompt import Prompt, ask
from dataplane.runtime.config import AgentTarget, ModelProvider, RuntimeConfig
from dataplane.runtime.decision import Turn
from dataplane.runtime.effects import Steps
from dataplane.runtime.orchestrator import RoutingModel
from dataplane.runtime.protocols import Protocol
from dataplane.server.model_call import NoAnswer, api_of, ask_model, words_of

PLANOS_TEMPERATURE = 0.01
UNWILLING = (400, 422)
"""A model that knows no schema says so with these."""
FAILED = "the routing model failed"


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a model has chosen nobody."""

    reason: str


def ask_routing_model(
    model: RoutingModel,
    agents: Sequence[AgentTarget],
    turns: Sequence[Turn],
    config: RuntimeConfig,
) -> Steps[tuple[str, ...] | Failure]:
    """The agents that a model names, in its order; none when it says that none fits."""
    provider = config.providers.get(model.provider)
    found = api_of(provider) if provider is not None else None
    if provider is None or found is None:
        return Failure(f"{FAILED}: its provider cannot be asked")
    api, protocol = found
    prompt = ask(model.form, agents, turns, model.context_tokens)
    asked = _asked(provider, protocol, prompt)
    answer = yield from ask_model(provider, api, asked, model.timeout_s)
    if isinstance(answer, NoAnswer) and answer.status in UNWILLING and prompt.schema:
        plain = _asked(provider, protocol, Prompt(prompt.user, prompt.system))
        answer = yield from ask_model(provider, api, plain, model.timeout_s)
    if isinstance(answer, NoAnswer):
        return Failure(f"{FAILED}: {answer.reason}")
    text = words_of(answer)
    try:
        return named(text, [agent.agent for agent in agents])
    except ValueError as problem:
        return Failure(f"{FAILED}: {problem}")


def _asked(provider: ModelProvider, protocol: Protocol, prompt: Prompt) -> Asked:
    """No temperature but Plano's: newer models refuse any of their clients' own."""
    return Asked(
        provider.model,
        False,
        protocol,
        [Message("user", [Text(prompt.user)])],
        system=[Text(prompt.system)] if prompt.system else [],
        temperature=None if prompt.system else PLANOS_TEMPERATURE,
        output=OutputFormat("json_schema", "route", "", msgspec.Raw(prompt.schema), True)
        if prompt.schema
        else None,
    )
