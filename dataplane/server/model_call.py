"""A model that is asked on our own account, whole, in the protocol its provider speaks.

Rule: nothing of the client's goes along but what is asked: its credentials are not for this.
"""

from dataclasses import dataclass

from dataplane.llm.hub.answer import Answer
from dataplane.llm.hub.loss import Losses
from dataplane.llm.hub.parts import Text
from dataplane.llm.hub.request import Request as Asked
from dataplane.llm.translate.codecs import CODECS
from dataplane.runtime.config import Api, AuthScheme, ModelProvider
from dataplane.runtime.effects import CallFailed, CallModel, Steps
from dataplane.runtime.messages import Headers, HttpReply, Request
from dataplane.runtime.protocols import Protocol
from dataplane.server.credentials import as_headers, credential_line


@dataclass(frozen=True, slots=True)
class NoAnswer:
    """Why there is none: "it answered 503"."""

    reason: str
    timed_out: bool = False
    status: int = 0
    """That it has answered with, if that is why."""


def api_of(provider: ModelProvider) -> tuple[Api, Protocol] | None:
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


def words_of(answer: Answer) -> str:
    """What it says to the reader, in the first choice."""
    parts = answer.choices[0].parts if answer.choices else []
    return "".join(part.text for part in parts if isinstance(part, Text))


def ask_model(
    provider: ModelProvider, api: Api, asked: Asked, timeout_s: float
) -> Steps[Answer | NoAnswer]:
    """The model's answer. What its protocol cannot express is left out."""
    protocol = api.operation.protocol
    assert protocol is not None
    codec = CODECS[protocol]
    body = codec.write_request(asked, provider.dialect, Losses(asked))
    path, _, query = api.path.replace("{model}", provider.model).partition("?")
    request = Request("POST", path, _headers(provider, api), body, query)
    reply = yield CallModel(provider, request, timeout_s)
    if isinstance(reply, CallFailed):
        return NoAnswer(reply.message, reply.timed_out)
    assert isinstance(reply, HttpReply)
    if not 200 <= reply.status < 300:
        return NoAnswer(f"it answered {reply.status}", status=reply.status)
    answer = codec.read_answer(reply.body)
    if not isinstance(answer, Answer):
        return NoAnswer(f"its answer cannot be read: {answer.reason}")
    return answer


def _headers(provider: ModelProvider, api: Api) -> Headers:
    own = tuple((name, value.reveal()) for name, value in provider.headers)
    named = {name for name, _ in own}
    lines = [("content-type", "application/json"), *api.headers]
    if provider.access_keys:
        lines += as_headers(credential_line(api.auth, provider.access_keys[0].reveal()))
    return (*((name, value) for name, value in lines if name not in named), *own)
