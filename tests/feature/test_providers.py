"""Model providers of the config: wildcards, shared models, credentials in each provider's form."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.support.planes import planes
from tests.support.raw_client import RawClient, connected, post
from tests.support.upstream import FakeUpstream, always, in_turn, json_answer, upstream

HEAD = """\
version: v0.4.0
listeners:
  - {type: model, name: models, address: 127.0.0.1, port: 0}
"""
KEYS = {"KEY": "sk-1", "OTHER_KEY": "sk-2"}


@asynccontextmanager
async def client_of(directory: Path, fake: FakeUpstream, config: str) -> AsyncIterator[RawClient]:
    text = HEAD + config.replace("URL", f"http://127.0.0.1:{fake.endpoint.port}")
    async with planes(text, directory, environ=KEYS) as made:
        port = int(made.url("models").rpartition(":")[2])
        async with connected(port) as client:
            yield client


async def ask(client: RawClient, model: str) -> int:
    client.send(post(b'{"model":"%b","messages":[]}' % model.encode()))
    return (await client.reply()).status


WILDCARD = """
model_providers:
  - {model: openai/*, base_url: URL/wild, access_key: $KEY}
  - {model: openai/gpt-4o, base_url: URL/own, access_key: $OTHER_KEY}
"""


async def test_a_wildcard_serves_any_model_of_its_prefix(tmp_path: Path) -> None:
    async with upstream() as fake, client_of(tmp_path, fake, WILDCARD) as client:
        assert await ask(client, "openai/ft:gpt-4o/mine") == 200
        assert fake.requests[0].line == b"POST /wild/chat/completions HTTP/1.1"
        assert b'"ft:gpt-4o/mine"' in fake.requests[0].body


async def test_an_entry_of_its_own_wins_over_the_wildcard(tmp_path: Path) -> None:
    async with upstream() as fake, client_of(tmp_path, fake, WILDCARD) as client:
        assert await ask(client, "openai/gpt-4o") == 200
        assert fake.requests[0].line == b"POST /own/chat/completions HTTP/1.1"
        assert fake.requests[0].header(b"authorization") == b"Bearer sk-2"


async def test_a_prefix_that_nobody_has_is_left_out(tmp_path: Path) -> None:
    async with upstream() as fake, client_of(tmp_path, fake, WILDCARD) as client:
        assert await ask(client, "anything/gpt-4o") == 200
        assert b'"gpt-4o"' in fake.requests[0].body
        assert await ask(client, "anything/else") == 404


async def test_a_wildcard_is_not_listed(tmp_path: Path) -> None:
    async with upstream() as fake, client_of(tmp_path, fake, WILDCARD) as client:
        client.send(b"GET /v1/models HTTP/1.1\r\nhost: h\r\n\r\n")
        listed = (await client.reply()).body
        assert b'"openai/gpt-4o"' in listed
        assert b"*" not in listed


AZURE = """
llm_providers:
  - model: azure_openai/gpt-4o
    base_url: URL
    api_version: "2024-10-21"
    http_host: mine.openai.azure.com
    access_key: $KEY
"""


async def test_azures_dated_api_is_asked_in_its_own_form(tmp_path: Path) -> None:
    async with upstream() as fake, client_of(tmp_path, fake, AZURE) as client:
        assert await ask(client, "gpt-4o") == 200
        (request,) = fake.requests
        path = b"/openai/deployments/gpt-4o/chat/completions?api-version=2024-10-21"
        assert request.line == b"POST %b HTTP/1.1" % path
        assert request.header(b"host") == b"mine.openai.azure.com"
        assert request.header(b"api-key") == b"sk-1"
        assert request.header(b"authorization") is None


SEVERAL = """
model_providers:
  - {model: openai/gpt-4o, base_url: URL, access_keys: [$KEY, $OTHER_KEY]}
"""


async def test_several_keys_are_used_in_turn(tmp_path: Path) -> None:
    async with upstream() as fake, client_of(tmp_path, fake, SEVERAL) as client:
        for _ in range(4):
            assert await ask(client, "gpt-4o") == 200
        shown = [request.header(b"authorization") for request in fake.requests]
        assert shown == [b"Bearer sk-1", b"Bearer sk-2"] * 2


async def test_a_limited_key_rests(tmp_path: Path) -> None:
    limited = always(json_answer(status="429 Too Many Requests", extra=b"retry-after: 60\r\n"))
    script = in_turn(limited, always(json_answer()))
    async with upstream(script) as fake, client_of(tmp_path, fake, SEVERAL) as client:
        for _ in range(3):
            assert await ask(client, "gpt-4o") == 200
        shown = [request.header(b"authorization") for request in fake.requests]
        assert shown == [b"Bearer sk-1", *[b"Bearer sk-2"] * 3]
