"""A model that is asked over HTTP which preference fits; in the protocol its provider speaks."""

from collections.abc import Sequence

from dataplane.llm.hub.answer import Answer
from dataplane.llm.hub.loss import Losses
from dataplane.llm.hub.parts import Text
from dataplane.llm.hub.request import Message
from dataplane.llm.hub.request import Request as Asked
from dataplane.llm.translate.codecs import CODECS
from dataplane.routing.prompt import ask, read_answer
from dataplane.runtime.choosing import Preference
from dataplane.runtime.config import Api, AuthScheme, ModelProvider
from dataplane.runtime.decision import Turn
from dataplane.runtime.effects import CallFailed, CallHttp, Steps
from dataplane.runtime.messages import Headers, HttpReply, Request
from dataplane.runtime.protocols import Protocol
from dataplane.server.credentials import as_headers, credential_line

ANSWER_S = 15.0
"""Longer than a routing model takes, and short enough to still answer without it."""
TEMPERATURE = 0.01
FAILED = "the routing model failed"


def ask_routing_model(
    provider: ModelProvider,
    preferences: Sequence[Preference],
    turns: Sequence[Turn],
    context_tokens: int,
) -> Steps[tuple[Preference | None, str]]:
    """The preference that a model names, and why."""
    found = _api(provider)
    if found is None:
        return None, f"{FAILED}: its provider cannot be asked"
    api, protocol = found
    codec = CODECS[protocol]
    prompt = ask(preferences, turns, context_tokens)
    asked = Asked(
        provider.model,
        False,
        protocol,
        [Message("user", [Text(prompt)])],
        temperature=TEMPERATURE,
    )
    body = codec.write_request(asked, provider.dialect, Losses(asked))
    path, _, query = api.path.replace("{model}", provider.model).partition("?")
    request = Request("POST", path, _headers(provider, api), body, query)
    reply = yield CallHttp(provider.cluster, request, ANSWER_S)
    if isinstance(reply, CallFailed):
        return None, f"{FAILED}: {reply.message}"
    assert isinstance(reply, HttpReply)
    if not 200 <= reply.status < 300:
        return None, f"{FAILED}: it answered {reply.status}"
    answer = codec.read_answer(reply.body)
    if not isinstance(answer, Answer):
        return None, f"{FAILED}: its answer cannot be read"
    parts = answer.choices[0].parts if answer.choices else []
    text = "".join(part.text for part in parts if isinstance(part, Text))
    try:
        preference = read_answer(text, preferences)
    except ValueError as problem:
        return None, f"{FAILED}: {problem}"
    if preference is None:
        return None, f"{provider.name} says that no preference fits"
    return preference, f"{provider.name} chose {preference.name}"


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
    named = {name for name, _ in own}
    lines = [("content-type", "application/json"), *api.headers]
    if provider.access_keys:
        lines += as_headers(credential_line(api.auth, provider.access_keys[0].reveal()))
    return (*((name, value) for name, value in lines if name not in named), *own)
