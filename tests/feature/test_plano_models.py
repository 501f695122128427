"""Plano's scenarios of models: names, aliases, credentials, errors, the list of models."""

import json
from pathlib import Path
from typing import Any

import anthropic
import openai
import pytest
from aiohttp import web

from deploy.running.collector import attributes, collector
from tests.support.agents import Received, replies
from tests.support.plano import echoes, gateway, provider, scenario

HELLO: list[Any] = [{"role": "user", "content": "Hello"}]
LIMITED: dict[str, Any] = {
    "error": {"message": "Slow down.", "type": "rate_limit_error", "code": "too_fast"},
    "trace": "unknown to us",
}


@scenario(12, "better: an error of the API's own shape with a code; or the default model answers")
async def test_request_without_a_model(tmp_path: Path) -> None:
    async with provider() as fake:
        model: dict[str, Any] = {"model": "openai/gpt-4o", "base_url": f"{fake.url}/v1"}
        async with gateway(tmp_path, [model]) as made:
            said = await made.post({"messages": HELLO})
            assert said.status == 400
            assert said.body["error"]["code"] == "model_required"
            said = await made.post({"messages": HELLO, "max_tokens": 9}, "/v1/messages")
            assert (said.status, said.body["type"]) == (400, "error")
            assert said.body["error"]["type"] == "invalid_request_error"
            await made.apply(model_providers=[model | {"default": True}])
            said = await made.post({"messages": HELLO})
            assert (said.status, said.body["model"]) == (200, "gpt-4o")


@scenario(13, "better: two providers may have one model, and an unknown name is a 404 of the API")
async def test_prefix_that_nobody_has(tmp_path: Path) -> None:
    async with provider() as one, provider() as other:
        models = [
            {"model": "openai/gpt-4o", "base_url": f"{one.url}/v1"},
            {"model": "azure_openai/gpt-4o", "base_url": other.url},
        ]
        async with gateway(tmp_path, models) as made:
            assert (await made.post({"model": "anything/gpt-4o", "messages": HELLO})).status == 200
            assert [seen.body["model"] for seen in one.received] == ["gpt-4o"]
            said = await made.post({"model": "azure_openai/gpt-4o", "messages": HELLO})
            assert said.status == 200
            assert len(other.received) == 1
            said = await made.post({"model": "anything/else", "messages": HELLO})
            assert (said.status, said.body["error"]["code"]) == (404, "model_not_found")


@scenario(14, "better: spans have both names as attributes, and an alias has several targets")
async def test_alias(tmp_path: Path) -> None:
    with collector() as collected:
        async with provider() as fake:
            models = [{"model": "openai/gpt-4o", "base_url": f"{fake.url}/v1"}]
            tracing = {
                "random_sampling": 100,
                "opentracing_grpc_endpoint": f"http://{collected.address}",
            }
            aliases = {"fast": {"target": "gpt-4o"}, "safe": {"targets": ["openai/gpt-4o"]}}
            async with gateway(tmp_path, models, model_aliases=aliases, tracing=tracing) as made:
                assert (await made.post({"model": "fast", "messages": HELLO})).status == 200
                assert (await made.post({"model": "safe", "messages": HELLO})).status == 200
            assert [seen.body["model"] for seen in fake.received] == ["gpt-4o", "gpt-4o"]
        span = collected.spans.get(timeout=10)
    told = attributes(span)
    assert told["gen_ai.request.model"] in ("fast", "safe")
    assert told["gen_ai.response.model"] == "gpt-4o"


ONCE = {"retry": {"num_retries": 0}}
"""Otherwise a Retry-After of ten seconds or less is waited for."""


@scenario(18, "same")
async def test_limit_of_the_provider_in_the_same_protocol(tmp_path: Path) -> None:
    async with provider(replies(429, LIMITED, retry_after="7")) as fake:
        models = [{"model": "openai/gpt-4o", "base_url": f"{fake.url}/v1"}]
        async with gateway(tmp_path, models, defaults=ONCE) as made:
            said = await made.post({"model": "gpt-4o", "messages": HELLO})
            assert (said.status, said.body) == (429, LIMITED)
            assert said.headers["retry-after"] == "7"
            assert len(fake.received) == 1


@scenario(18, "better: the error is translated, so every SDK raises its own class")
async def test_limit_of_the_provider_in_another_protocol(tmp_path: Path) -> None:
    async with provider(replies(429, LIMITED, retry_after="7")) as fake:
        models = [{"model": "openai/gpt-4o", "base_url": f"{fake.url}/v1"}]
        async with (
            gateway(tmp_path, models, defaults=ONCE) as made,
            anthropic.AsyncAnthropic(base_url=made.url, api_key="k", max_retries=0) as client,
        ):
            with pytest.raises(anthropic.RateLimitError) as caught:
                await client.messages.create(model="gpt-4o", max_tokens=9, messages=HELLO)
            error: Any = caught.value.body
            assert error["error"]["type"] == "rate_limit_error"
            assert error["error"]["message"] == "Slow down."
            assert caught.value.response.headers["retry-after"] == "7"
            assert len(fake.received) == 1


@scenario(19, "same: and the answer says so in x-outrider-attempts, and spans name what failed")
async def test_retries_of_a_listener(tmp_path: Path) -> None:
    came: list[int] = []

    async def recovers(one: Received) -> web.StreamResponse:
        came.append(1)
        return await (replies(503, {}) if len(came) < 3 else echoes)(one)

    async with provider(recovers) as fake:
        models = [{"model": "openai/gpt-4o", "base_url": f"{fake.url}/v1"}]
        listener = {"type": "model", "name": "models", "address": "127.0.0.1", "port": 0}
        again = [listener | {"max_retries": 2}]
        async with gateway(tmp_path, models, listeners=again) as made:
            said = await made.post({"model": "gpt-4o", "messages": HELLO})
            assert (said.status, said.headers["x-outrider-attempts"]) == (200, "3")
            assert len(fake.received) == 3
    (line,) = (tmp_path / "access.log").read_text().splitlines()
    assert json.loads(line)["attempts"] == 3


@scenario(35, "better: any form becomes the provider's own, and no other credential goes with it")
@pytest.mark.parametrize(
    ("model", "shown"),
    [("openai/m", {"authorization": "Bearer sk-mine"}), ("anthropic/m", {"x-api-key": "sk-mine"})],
)
@pytest.mark.parametrize(
    "sent", [{"x-api-key": "sk-mine"}, {"authorization": "Bearer sk-mine"}], ids=lambda s: min(s)
)
async def test_clients_own_credential(
    model: str, shown: dict[str, str], sent: dict[str, str], tmp_path: Path
) -> None:
    async with provider() as fake:
        base = f"{fake.url}/v1"
        models = [{"model": model, "base_url": base, "passthrough_auth": True}]
        async with gateway(tmp_path, models) as made:
            said = await made.post({"model": "m", "messages": HELLO}, cookie="a=1", **sent)
            assert said.status == 200, said
    assert credentials(fake.received[0]) == shown


@scenario(
    36, "better: the headers are sent, and the client's own key does not leak to the provider"
)
async def test_headers_of_a_provider_without_a_key(tmp_path: Path) -> None:
    async with provider() as fake:
        more = {"headers": {"X-Team": "travel"}}
        models = [{"model": "vllm/m", "base_url": f"{fake.url}/v1", **more}]
        async with gateway(tmp_path, models) as made:
            body = {"model": "m", "messages": HELLO}
            said = await made.post(body, authorization="Bearer sk-mine", x_api_key="sk-mine")
            assert said.status == 200
    (seen,) = fake.received
    assert seen.headers["x-team"] == "travel"
    assert credentials(seen) == {}


@scenario(
    37,
    "better: with aliases, in the caller's own shape; what a wildcard has is served without being"
    " guessed from a list that ages",
)
async def test_list_of_models(tmp_path: Path) -> None:
    async with provider() as fake:
        base = f"{fake.url}/v1"
        models = [
            {"model": "openai/*", "base_url": base},
            {"model": "openai/gpt-4o", "base_url": base},
            {"model": "anthropic/claude", "base_url": base},
        ]
        aliases = {"fast": {"target": "openai/gpt-4o"}}
        async with gateway(tmp_path, models, model_aliases=aliases) as made:
            openais = openai.AsyncOpenAI(base_url=f"{made.url}/v1", api_key="k")
            anthropics = anthropic.AsyncAnthropic(base_url=made.url, api_key="k")
            async with openais, anthropics:
                listed = [one.id async for one in openais.models.list()]
                assert listed == [one.id async for one in anthropics.models.list()]
            assert sorted(listed) == ["anthropic/claude", "fast", "openai/gpt-4o"]
            said = await made.post({"model": "openai/not-listed", "messages": HELLO})
            assert (said.status, said.body["model"]) == (200, "not-listed")


def credentials(seen: Received) -> dict[str, str]:
    """What a provider was shown."""
    names = ("authorization", "x-api-key", "api-key", "x-goog-api-key", "cookie")
    return {name: value for name, value in seen.headers.items() if name in names}
