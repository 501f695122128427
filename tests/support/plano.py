"""Plano's black-box scenarios (reference/plano.md, Appendix C): which test plays which.

tests/arch/test_scenarios.py sees to it that each of the 40 is either played by a test of
tests/feature or named in ELSEWHERE with a reason.
"""

import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from aiohttp import ClientSession, web

from tests.support.agents import Answering, Received, Service, completion, service
from tests.support.planes import Planes, planes

T = TypeVar("T", bound=Callable[..., Any])

TITLES: Mapping[int, str] = {
    1: "a listener with one agent",
    2: "two agents in the router's order",
    3: "no agent fits",
    4: "the router of agents is down",
    5: "the last agent fails",
    6: "a filter of an agent refuses",
    7: "a filter of an agent fails",
    8: "a filter of models refuses",
    9: "a filter of models fails",
    10: "an output filter fails",
    11: "an MCP filter without SSE",
    12: "no model in the body",
    13: "`anything/gpt-4o`",
    14: "an alias",
    15: "Anthropic's SDK streams from OpenAI",
    16: "OpenAI's SDK asks Anthropic",
    17: "`/v1/messages` at Anthropic",
    18: "the provider answers 429",
    19: "retries on 503",
    20: "a limit of tokens",
    21: "the router names a route",
    22: "the router names none",
    23: "the router is down",
    24: "preferences in the request",
    25: "`/routing/v1` without a route",
    26: "`/routing/v1` twice in a session",
    27: "a switch over the budget",
    28: "a switch to a model without a price",
    29: "a tail of tool results with `route_on_user_only`",
    30: "an unknown `previous_response_id`",
    31: "a known `previous_response_id`",
    32: "`store: false`",
    33: "marks for the prompt cache",
    34: "`X-Plano-Cache: off`",
    35: "`passthrough_auth`",
    36: "`headers` of a provider without a key",
    37: "the list of models with a wildcard",
    38: "signals in what a user says",
    39: "a prompt guard",
    40: "health of what is dead",
}
SCENARIOS = TITLES.keys()
ELSEWHERE: Mapping[int, str] = {
    38: "not filed yet: signals (observability)",
}
"""Scenarios that no test plays yet, and where they belong."""


def scenario(number: int, verdict: str) -> Callable[[T], T]:
    """Say which scenario a test plays.

    :param verdict: "same" as Plano (and when), or "better: " and what a user gains.
    """
    assert number in SCENARIOS
    assert verdict == "same" or verdict.startswith(("same: ", "better: "))
    return lambda test: test


@dataclass(frozen=True, slots=True)
class Said:
    """One answer of the gateway."""

    status: int
    headers: Mapping[str, str]
    """Names in lower case."""
    body: Any
    """Of JSON."""


class Gateway:
    """Both planes with one model listener, and a client of it."""

    def __init__(self, made: Planes, http: ClientSession, config: dict[str, Any]) -> None:
        self.planes = made
        self._http = http
        self._config = config

    @property
    def url(self) -> str:
        """Base URL of the listener."""
        return self.planes.url("models")

    async def apply(self, **more: Any) -> None:
        """Serve another config: these top-level keys are changed."""
        self._config |= more
        await self.planes.apply(json.dumps(self._config))

    async def post(
        self, body: Mapping[str, Any], path: str = "/v1/chat/completions", **headers: str
    ) -> Said:
        """A request; `x_model_affinity` is the header x-model-affinity."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        async with self._http.post(self.url + path, json=body, headers=named) as answer:
            return await _said(answer)

    async def get(self, path: str, **headers: str) -> Said:
        """A GET."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        async with self._http.get(self.url + path, headers=named) as answer:
            return await _said(answer)

    def counted(self, family: str) -> Mapping[tuple[str, ...], Any]:
        """The samples of a metric by the values of its labels."""
        found = [one for one in self.planes.workers[0].families() if one.name == family]
        return found[0].samples if found else {}


async def _said(answer: Any) -> Said:
    headers = {name.lower(): value for name, value in answer.headers.items()}
    return Said(answer.status, headers, json.loads(await answer.read()))


@asynccontextmanager
async def gateway(
    directory: Path, providers: list[dict[str, Any]], **more: Any
) -> AsyncIterator[Gateway]:
    """A running gateway with these `model_providers`; $KEY is "sk-house"."""
    config = {
        "version": "v0.4.0",
        "listeners": [{"type": "model", "name": "models", "address": "127.0.0.1", "port": 0}],
        "model_providers": providers,
        **more,
    }
    async with AsyncExitStack() as stack:
        made = await stack.enter_async_context(
            planes(json.dumps(config), directory, environ={"KEY": "sk-house"})
        )
        http = await stack.enter_async_context(ClientSession())
        yield Gateway(made, http, config)


@asynccontextmanager
async def provider(answer: Answering | None = None) -> AsyncIterator[Service]:
    """A provider that says which model it was asked for, in chat or messages."""
    async with service(answer or echoes) as running:
        yield running


async def echoes(one: Received) -> web.StreamResponse:
    """The answer of `provider`: the text is the model's name."""
    return web.json_response(answer_of(one))


def answer_of(one: Received) -> dict[str, Any]:
    """A whole answer in the protocol of the path."""
    model = one.body["model"]
    if not one.path.endswith("/messages"):
        return completion(model) | {"model": model}
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": [{"type": "text", "text": model}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {"input_tokens": 3, "output_tokens": 5},
    }
