"""Plano's scenarios of agents that fail and of filters on both sides of agents and models."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from tests.support.agents import Answering, Received, Service, replies, says, service
from tests.support.plano import Gateway, gateway, scenario

HELLO: list[Any] = [{"role": "user", "content": "Hello"}]
NEVER_AGAIN = {"retry": {"num_retries": 0}}


@asynccontextmanager
async def house(
    directory: Path,
    behind: Answering,
    guard: Answering,
    more: dict[str, Any] | None = None,
    /,
    **listener: Any,
) -> AsyncIterator[tuple[Gateway, Service, Service]]:
    """A gateway whose one listener is called "models", who answers behind it, and a filter."""
    async with AsyncExitStack() as stack:
        last = await stack.enter_async_context(service(behind))
        filters = await stack.enter_async_context(service(guard))
        made = await stack.enter_async_context(
            gateway(
                directory,
                [{"model": "openai/gpt-4o", "base_url": f"{last.url}/v1", "default": True}],
                agents=[{"id": "helper", "url": last.url}],
                filters=[{"id": "guard", "type": "http", "url": filters.url, **(more or {})}],
                listeners=[{"name": "models", "address": "127.0.0.1", "port": 0, **listener}],
                defaults=NEVER_AGAIN,
            )
        )
        yield made, last, filters


def agent(**more: Any) -> dict[str, Any]:
    """A listener with one agent, which has these keys."""
    return {"type": "agent", "agents": [{"id": "helper", "description": "Helps.", **more}]}


async def ask(made: Gateway, **more: Any) -> Any:
    return await made.post({"model": "gpt-4o", "messages": HELLO, **more})


@scenario(5, "better: its own status and body, so that no SDK takes an error for an answer")
async def test_last_agent_fails(tmp_path: Path) -> None:
    told = {"error": {"message": "out of order", "type": "server_error"}}
    async with house(tmp_path, replies(500, told), says(), **agent()) as (made, last, _):
        for stream in (False, True):
            said = await ask(made, stream=stream)
            assert (said.status, said.body) == (500, told)
        assert len(last.received) == 2


async def refuses(one: Received) -> web.StreamResponse:
    return web.Response(status=403, text="no")


@scenario(6, "better: an error of the client's API, with the filter's words and body in it")
async def test_filter_of_an_agent_refuses(tmp_path: Path) -> None:
    listener = agent(input_filters=["guard"])
    async with house(tmp_path, says("no"), refuses, **listener) as (made, last, _):
        said = await ask(made)
        assert (said.status, said.body["error"]["code"]) == (403, "filter_refused")
        assert said.body["error"]["message"] == "Filter 'guard' refused the request: no"
        assert said.body["error"]["filter"] == "guard"
        assert last.received == []


@scenario(7, "better: a 502, as a broken filter is not the client's fault")
async def test_filter_of_an_agent_fails(tmp_path: Path) -> None:
    listener = agent(input_filters=["guard"])
    async with house(tmp_path, says("no"), replies(502), **listener) as (made, last, _):
        said = await ask(made)
        assert (said.status, said.body["error"]["code"]) == (502, "filter_failed")
        assert last.received == []


@scenario(8, "better: an error of the client's API, with the filter's words and body in it")
@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/messages", "/v1/responses"])
async def test_filter_of_models_refuses(path: str, tmp_path: Path) -> None:
    listener = {"type": "model", "input_filters": ["guard"]}
    told = {"error": {"message": "a card number"}}
    async with house(tmp_path, says("no"), replies(400, told), **listener) as (made, last, _):
        body = {"model": "gpt-4o", "max_tokens": 9, "messages": HELLO, "input": "Hello"}
        said = await made.post(body, path)
        assert said.status == 400
        assert "Filter 'guard' refused the request: a card number" in said.body["error"]["message"]
        assert said.headers["x-outrider-detail"] == "filter_refused"
        assert last.received == []


@scenario(9, "better: a 502 in the client's API, not a 500 in plain text")
async def test_filter_of_models_fails(tmp_path: Path) -> None:
    listener = {"type": "model", "input_filters": ["guard"]}
    async with house(tmp_path, says("no"), replies(500), **listener) as (made, last, _):
        said = await ask(made)
        assert (said.status, said.body["error"]["code"]) == (502, "filter_failed")
        assert last.received == []


@scenario(10, "better: a refusal refuses, a failure is a 502; `failure_mode: open` is as in Plano")
@pytest.mark.parametrize("status", [400, 500])
@pytest.mark.parametrize("mode", ["closed", "open"])
async def test_output_filter_fails(status: int, mode: str, tmp_path: Path) -> None:
    listener = {"type": "model", "output_filters": ["guard"]}
    async with house(
        tmp_path, says("yes"), replies(status), {"failure_mode": mode}, **listener
    ) as (made, _, _):
        said = await ask(made)
        passes = status == 500 and mode == "open"
        assert said.status == (200 if passes else 400 if status == 400 else 502)
        if passes:
            assert said.body["choices"][0]["message"]["content"] == "yes"
        else:
            assert said.body["error"]["code"] in ("filter_refused", "filter_failed")
