"""Callers of a listener show who they are: API keys of ours, in every form that SDKs send them."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

import anthropic
import msgspec
import openai
import pytest
import trustme
from aiohttp import ClientSession

from tests.support.agents import says, service
from tests.support.planes import Planes, planes
from tests.support.raw_client import RawClient, connected, post
from tests.support.upstream import FakeUpstream, upstream

ALICE, BOB, EVE = "sk-outrider-of-alice-1", "sk-outrider-of-bob-22", "sk-outrider-of-eve-33"


def hashed(key: str) -> str:
    return f"sha256:{sha256(key.encode()).hexdigest()}"


CONFIG = f"""\
version: v0.4.0
listeners:
  - {{type: model, name: models, address: 127.0.0.1, port: 0, auth: {{api_keys: true}}}}
api_keys:
  - {{name: alice, tenant: acme, hash: {hashed(ALICE)}}}
  - {{name: bob, key: $BOBS_KEY, models: [fast, house/m-2]}}
  - {{name: eve, hash: {hashed(EVE)}, expires: 2026-01-01}}
model_providers:
  - {{model: house/m-1, base_url: "http://127.0.0.1:PORT/v1", access_key: $HOUSE_KEY, default: true,
      apis: [chat, messages, generate_content, converse]}}
  - {{model: house/m-2, base_url: "http://127.0.0.1:PORT/v1", access_key: $HOUSE_KEY}}
model_aliases:
  fast: {{target: house/m-1}}
"""
ENVIRON = {"HOUSE_KEY": "sk-house", "BOBS_KEY": BOB}
CHAT = b'{"model":"house/m-1","messages":[{"role":"user","content":"hi"}]}'
FORMS = [
    "authorization: Bearer {}",
    "x-api-key: {}",
    "api-key: {}",
    "x-goog-api-key: {}",
    "x-outrider-key: {}",
]


@asynccontextmanager
async def house(folder: Path, config: str = CONFIG) -> AsyncIterator[tuple[Planes, FakeUpstream]]:
    async with upstream() as fake:
        text = config.replace("PORT", str(fake.endpoint.port))
        async with planes(text, folder, environ=ENVIRON) as made:
            yield made, fake


@asynccontextmanager
async def talking(made: Planes, listener: str = "models") -> AsyncIterator[RawClient]:
    async with connected(int(made.url(listener).rpartition(":")[2])) as client:
        yield client


def shown(key: str, form: str = FORMS[0]) -> bytes:
    return form.format(key).encode() + b"\r\n"


async def test_a_good_key_opens_in_every_form_and_goes_to_nobody(tmp_path: Path) -> None:
    async with house(tmp_path) as (made, fake), talking(made) as client:
        for form in FORMS:
            client.send(post(CHAT, headers=shown(ALICE, form)))
            assert (await client.reply()).status == 200
        client.send(post(CHAT, path=f"/v1/chat/completions?key={ALICE}"))
        assert (await client.reply()).status == 200
        for received in fake.requests:
            assert received.header(b"authorization") == b"Bearer sk-house"
            everything = received.line + received.body + repr(received.headers).encode()
            assert ALICE.encode() not in everything


@pytest.mark.parametrize(
    ("path", "body", "said"),
    [
        ("/v1/chat/completions", CHAT, ("error", "code", "invalid_api_key")),
        ("/v1/responses", CHAT, ("error", "code", "invalid_api_key")),
        ("/v1/messages", CHAT, ("error", "type", "authentication_error")),
        ("/v1beta/models/m:generateContent", CHAT, ("error", "status", "UNAUTHENTICATED")),
        ("/model/m/converse", CHAT, ("__type", "", "UnrecognizedClientException")),
        ("/v1/nothing", b"", ("error", "code", "invalid_api_key")),
    ],
)
async def test_refusal_is_in_the_words_of_the_api_that_is_spoken(
    tmp_path: Path, path: str, body: bytes, said: tuple[str, str, str]
) -> None:
    async with house(tmp_path) as (made, fake), talking(made) as client:
        for headers in (b"", shown("sk-of-nobody-at-all")):
            client.send(post(body, path=path, headers=headers))
            reply = await client.reply()
            assert (reply.status, reply.detail) == (401, "unauthenticated")
            assert reply.headers["www-authenticate"].startswith('Bearer realm="outrider"')
            place = json.loads(reply.body)[said[0]]
            assert (place[said[1]] if said[1] else place) == said[2]
        assert fake.requests == []


async def test_probe_needs_no_key_and_the_list_of_models_does(tmp_path: Path) -> None:
    async with house(tmp_path) as (made, _), talking(made) as client:
        client.send(b"GET /healthz HTTP/1.1\r\nhost: h\r\n\r\n")
        assert (await client.reply()).status == 200
        client.send(b"GET /v1/models HTTP/1.1\r\nhost: localhost\r\n\r\n")
        assert (await client.reply()).status == 401


async def test_body_of_a_stranger_is_not_waited_for(tmp_path: Path) -> None:
    async with house(tmp_path) as (made, _), talking(made) as client:
        client.send(
            b"POST /v1/chat/completions HTTP/1.1\r\nhost: h\r\nauthorization: Bearer no\r\n"
            b"expect: 100-continue\r\ncontent-length: 5000000\r\n\r\n"
        )
        reply = await client.reply()
        assert (reply.status, reply.headers["connection"]) == (401, "close")
    async with house(tmp_path) as (made, _), talking(made) as client:
        head = post(CHAT, headers=shown(ALICE)).partition(b"\r\n\r\n")[0] + b"\r\n\r\n"
        client.send(head)
        client.send(CHAT)
        assert (await client.reply()).status == 200


async def test_who_has_a_scope_sees_and_gets_what_is_in_it(tmp_path: Path) -> None:
    async with (
        house(tmp_path) as (made, fake),
        openai.AsyncOpenAI(base_url=f"{made.url('models')}/v1", api_key=BOB, max_retries=0) as bob,
    ):
        assert [one.id async for one in await bob.models.list()] == ["fast", "house/m-2"]
        messages: Any = [{"role": "user", "content": "hi"}]
        for model in ("fast", "m-2", "house/m-2"):
            await bob.chat.completions.create(model=model, messages=messages)
        count = len(fake.requests)
        for model in ("house/m-1", "m-1", "nothing/at-all", "other/fast-m-1"):
            with pytest.raises(openai.PermissionDeniedError) as refused:
                await bob.chat.completions.create(model=model, messages=messages)
            assert refused.value.code == "forbidden"
        with pytest.raises(openai.NotFoundError):
            await bob.models.retrieve("house/m-1")
        assert len(fake.requests) == count


@pytest.mark.parametrize("models", [("fast", "house/m-2"), ("house/m-2", "house/m-1")])
async def test_no_second_model_key_gets_past_a_scope(
    tmp_path: Path, models: tuple[str, str]
) -> None:
    body = b'{"model":"%b","messages":[],"model":"%b"}' % tuple(name.encode() for name in models)
    async with house(tmp_path) as (made, fake), talking(made) as client:
        client.send(post(body, headers=shown(BOB)))
        reply = await client.reply()
        if models[1] == "house/m-1":
            assert reply.status == 403, "the last one is what providers read"
            assert fake.requests == []
        else:
            assert reply.status == 200
            told = json.loads(fake.requests[-1].body, object_pairs_hook=list)
            assert [value for name, value in told if name == "model"][-1] == "m-2"


async def test_sdk_of_anthropic_is_told_in_its_own_errors(tmp_path: Path) -> None:
    async with house(tmp_path) as (made, _):
        for key, kind in (
            (EVE, anthropic.AuthenticationError),
            (BOB, anthropic.PermissionDeniedError),
        ):
            async with anthropic.AsyncAnthropic(
                base_url=made.url("models"), api_key=key, max_retries=0
            ) as client:
                with pytest.raises(kind):
                    await client.messages.create(
                        model="house/m-1",
                        max_tokens=5,
                        messages=[{"role": "user", "content": "hi"}],
                    )


async def test_key_that_is_taken_back_is_refused_on_an_open_connection(tmp_path: Path) -> None:
    async with house(tmp_path) as (made, fake), talking(made) as client:
        for revoked in (False, True):
            if revoked:
                without = "\n".join(line for line in CONFIG.splitlines() if "alice" not in line)
                await made.apply(without.replace("PORT", str(fake.endpoint.port)))
            client.send(post(CHAT, headers=shown(ALICE)))
            assert (await client.reply()).status == (401 if revoked else 200)


async def test_log_says_who_called_and_never_with_what(tmp_path: Path) -> None:
    async with house(tmp_path) as (made, _), talking(made) as client:
        for key in (ALICE, BOB, EVE):
            client.send(post(CHAT, headers=shown(key)))
            await client.reply()
    text = (tmp_path / "access.log").read_text()
    lines = [json.loads(line) for line in text.splitlines()]
    assert [(line.get("principal"), line.get("tenant"), line["status"]) for line in lines] == [
        ("alice", "acme", 200),
        ("bob", None, 403),
        (None, None, 401),
    ]
    assert not any(key in text for key in (ALICE, BOB, EVE))


async def test_dump_of_the_config_has_no_key(tmp_path: Path) -> None:
    async with house(tmp_path) as (made, _):
        dumped = msgspec.json.encode(await made.workers[0].config_dump()).decode()
        assert "BOBS_KEY" in dumped
        assert BOB not in dumped
        assert BOB not in repr(made.workers[0].client.state.config)


async def test_pass_through_needs_a_header_of_its_own_for_our_key(tmp_path: Path) -> None:
    config = CONFIG.replace("api_keys: true", "api_keys: true, credential_in: x-outrider-key")
    config = config.replace("access_key: $HOUSE_KEY", "passthrough_auth: true")
    async with house(tmp_path, config) as (made, fake), talking(made) as client:
        theirs = shown("sk-of-the-provider")
        client.send(post(CHAT, headers=theirs))
        assert (await client.reply()).status == 401
        client.send(post(CHAT, headers=theirs + shown(ALICE, FORMS[-1])))
        assert (await client.reply()).status == 200
        (received,) = fake.requests
        assert received.header(b"authorization") == b"Bearer sk-of-the-provider"
        assert received.header(b"x-outrider-key") is None


AGENTS = f"""\
version: v0.4.0
listeners:
  - type: agent
    name: front
    address: 127.0.0.1
    port: 0
    auth: {{api_keys: true}}
    agents: [{{id: helper, description: Helps.}}]
api_keys:
  - {{name: alice, hash: {hashed(ALICE)}}}
agents:
  - {{id: helper, url: URL}}
"""


async def test_agents_are_called_for_callers_with_a_key(tmp_path: Path) -> None:
    async with service(says("Hello.")) as helper:
        config = AGENTS.replace("URL", helper.url)
        async with planes(config, tmp_path) as made, ClientSession(made.url("front")) as http:
            for key, status in (("no", 401), (ALICE, 200)):
                headers = {"authorization": f"Bearer {key}"}
                async with http.post("/v1/chat/completions", data=CHAT, headers=headers) as answer:
                    assert answer.status == status


async def test_kept_response_is_the_tenants_whatever_key_it_shows(tmp_path: Path) -> None:
    again = "sk-outrider-of-alice-2"
    config = CONFIG.replace(
        "api_keys:\n",
        f"api_keys:\n  - {{name: alice2, tenant: acme, hash: {hashed(again)}}}\n"
        "  - {name: mallory, key: $HOUSE_KEY_OF_ANOTHER}\n",
    ).replace("[chat, messages, generate_content, converse]", "[chat]")
    environ = ENVIRON | {"HOUSE_KEY_OF_ANOTHER": "sk-outrider-mallory"}
    async with upstream() as fake:
        text = config.replace("PORT", str(fake.endpoint.port))
        async with planes(text, tmp_path, environ=environ) as made:
            base = f"{made.url('models')}/v1"
            async with openai.AsyncOpenAI(base_url=base, api_key=ALICE, max_retries=0) as alice:
                kept = await alice.responses.create(model="house/m-1", input="hi")
                same = alice.with_options(api_key=again)
                assert (await same.responses.retrieve(kept.id)).id == kept.id
                with pytest.raises(openai.NotFoundError):
                    await alice.with_options(api_key="sk-outrider-mallory").responses.retrieve(
                        kept.id
                    )


async def test_budget_of_a_key_is_its_own_and_the_tenants_is_shared(tmp_path: Path) -> None:
    second = "sk-outrider-of-alice-2"
    config = CONFIG.replace(
        f"hash: {hashed(ALICE)}",
        f"hash: {hashed(ALICE)}, limits: {{requests: {{limit: 2, window: 1h}}}}",
    ).replace(
        "model_providers:",
        f"  - {{name: alice2, tenant: acme, hash: {hashed(second)}}}\n"
        "limits:\n"
        "  - {name: of acme, scope: {tenants: [acme]}, requests: {limit: 3, window: 1h}}\n"
        "model_providers:",
    )
    async with house(tmp_path, config) as (made, _), talking(made) as client:

        async def ask(key: str) -> int:
            client.send(post(CHAT.replace(b"house/m-1", b"fast"), headers=shown(key)))
            return (await client.reply()).status

        assert [await ask(ALICE) for _ in range(3)] == [200, 200, 429]
        assert [await ask(second) for _ in range(2)] == [200, 429], "one is left of the tenant's"
        assert await ask(BOB) == 200


@pytest.mark.slow
async def test_sdks_of_google_and_amazon_are_let_in_and_told_in_their_own_errors(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import boto3
    from botocore.config import Config
    from botocore.exceptions import ClientError
    from google import genai
    from google.genai import errors

    def ask_google(url: str, key: str) -> str:
        client = genai.Client(api_key=key, http_options={"base_url": url})
        try:
            client.models.generate_content(model="house/m-1", contents="hi")
        except errors.ClientError as problem:
            return f"{problem.code} {problem.status}"
        return "let in"

    def ask_amazon(url: str, key: str) -> str:
        monkeypatch.setenv("AWS_BEARER_TOKEN_BEDROCK", key)
        client = boto3.client(
            "bedrock-runtime",
            "eu-west-1",
            endpoint_url=url.replace("http://127.0.0.1", "https://localhost"),
            config=Config(retries={"max_attempts": 1}),
            verify=str(tmp_path / "ca.pem"),
        )
        message = {"role": "user", "content": [{"text": "hi"}]}
        try:
            client.converse(modelId="house/m-1", messages=[message])
        except ClientError as problem:
            return str(problem.response["Error"]["Code"])
        return "let in"

    ca = trustme.CA()  # it sends keys over TLS only
    ca.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    ca.issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(
        str(tmp_path / "server.pem")
    )
    file = f'"file:{tmp_path}/server.pem"'
    chat = CONFIG.replace("[chat, messages, generate_content, converse]", "[chat]").replace(
        "api_keys:\n",
        "  - {type: model, name: tls, address: 127.0.0.1, port: 0, auth: {api_keys: true},\n"
        f"     tls: {{certificate: {file}, key: {file}}}}}\napi_keys:\n",
        1,
    )
    async with house(tmp_path, chat) as (made, _):
        url, secured = made.url("models"), made.url("tls")
        assert await asyncio.to_thread(ask_google, url, ALICE) == "let in"
        assert await asyncio.to_thread(ask_google, url, EVE) == "401 UNAUTHENTICATED"
        assert await asyncio.to_thread(ask_google, url, BOB) == "403 PERMISSION_DENIED"
        assert await asyncio.to_thread(ask_amazon, secured, ALICE) == "let in"
        assert await asyncio.to_thread(ask_amazon, secured, EVE) == "UnrecognizedClientException"
        assert await asyncio.to_thread(ask_amazon, secured, BOB) == "AccessDeniedException"
