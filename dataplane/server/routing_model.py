"""A model that is asked over HTTP who should act; in the protocol its provider speaks.

Rule: one that fails in any way costs its asker nothing but time: a Failure says why.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from dataplane.llm.hub.answer import Answer
from dataplane.llm.hub.loss import Losses
from dataplane.llm.hub.parts import Text
from dataplane.llm.hub.request import Message, OutputFormat
from dataplane.llm.hub.request import Request as Asked
from dataplane.llm.translate.codecs import CODECS
from dataplane.routing.named import named
from dataplane.routing.prompt import Prompt, ask
from dataplane.runtime.config import AgentTarget, Api, AuthScheme, ModelProvider, RuntimeConfig
from dataplane.runtime.decision import Turn
from dataplane.runtime.effects import CallFailed, CallHttp, Steps
from dataplane.runtime.messages import Headers, HttpReply, Request
from dataplane.runtime.orchestrator import RoutingModel
from dataplane.runtime.protocols import Protocol
from dataplane.server.credentials import as_headers, credential_line

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
    found = _api(provider) if provider is not None else None
    if provider is None or found is None:
        return Failure(f"{FAILED}: its provider cannot be asked")
    prompt = ask(model.form, agents, turns, model.context_tokens)
    reply = yield _call(provider, *found, _asked(provider, found[1], prompt), model.timeout_s)
    if isinstance(reply, HttpReply) and reply.status in UNWILLING and prompt.schema:
        plain = _asked(provider, found[1], Prompt(prompt.user, prompt.system))
        reply = yield _call(provider, *found, plain, model.timeout_s)
    text = _text(reply, found[1])
    if isinstance(text, Failure):
        return text
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


def _call(
    provider: ModelProvider, api: Api, protocol: Protocol, asked: Asked, timeout_s: float
) -> CallHttp:
    body = CODECS[protocol].write_request(asked, provider.dialect, Losses(asked))
    path, _, query = api.path.replace("{model}", provider.model).partition("?")
    request = Request("POST", path, _headers(provider, api), body, query)
    return CallHttp(provider.cluster, request, timeout_s)


def _text(reply: object, protocol: Protocol) -> str | Failure:
    if isinstance(reply, CallFailed):
        return Failure(f"{FAILED}: {reply.message}")
    assert isinstance(reply, HttpReply)
    if not 200 <= reply.status < 300:
        return Failure(f"{FAILED}: it answered {reply.status}")
    answer = CODECS[protocol].read_answer(reply.body)
    if not isinstance(answer, Answer):
        return Failure(f"{FAILED}: its answer cannot be read")
    parts = answer.choices[0].parts if answer.choices else []
    return "".join(part.text for part in parts if isinstance(part, Text))


def _api(provider: ModelProvider) -> tuple[Api, Protocol] | None:
    """An API that generates; chat where there is a choice."""
    able = [
        (api, protocol)
        for api in provider.apis
        if (protocol := api.operation.protocol) is not None
        and protocol in CODECS
        and api.auth is not AuthScheme.SIGV4  # that is made where bytes are sent
    ]
    able.sort(key=lambda one: one[1] is not Protocol.CHAT)
    return able[0] if able else None


def _headers(provider: ModelProvider, api: Api) -> Headers:
    own = tuple((name, value.reveal()) for name, value in provider.headers)
    own_names = {name for name, _ in own}
    lines = [("content-type", "application/json"), *api.headers]
    if provider.access_keys:
        lines += as_headers(credential_line(api.auth, provider.access_keys[0].reveal()))
    return (*((name, value) for name, value in lines if name not in own_names), *own)
