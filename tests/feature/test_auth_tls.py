"""A listener that speaks TLS: clients with certificates, renewed files, other configs."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import httpx2
import openai
import pytest
import trustme

from tests.support.planes import Planes, planes, processes
from tests.support.ports import free_port
from tests.support.raw_client import RawClient, post
from tests.support.upstream import DONE, FakeUpstream, always, chunk, chunked_head, event, upstream
from tests.support.wait import until

CHAT = b'{"model":"house/m-1","messages":[{"role":"user","content":"hi"}]}'
MESSAGES: Any = [{"role": "user", "content": "hi"}]


@dataclass
class Files:
    """What a CA has issued."""

    folder: Path
    ca: trustme.CA

    def issue(self, name: str, host: str) -> None:
        issued = self.ca.issue_cert(host, common_name=name)
        issued.private_key_pem.write_to_path(str(self.folder / f"{name}.key"))
        issued.cert_chain_pems[0].write_to_path(str(self.folder / f"{name}.pem"))

    def config(self, tls: str = "", auth: str = "") -> str:
        folder = self.folder
        return f"""\
version: v0.4.0
listeners:
  - type: model
    name: models
    address: 127.0.0.1
    port: 0
    tls: {{certificate: "file:{folder}/server.pem", key: "file:{folder}/server.key"{tls}}}
    {auth}
model_providers:
  - {{model: house/m-1, base_url: "http://127.0.0.1:PORT/v1", access_key: $HOUSE_KEY}}
"""

    def client(self, name: str = "", ca: trustme.CA | None = None) -> ssl.SSLContext:
        context = ssl.create_default_context()
        (ca or self.ca).configure_trust(context)
        if name:
            context.load_cert_chain(self.folder / f"{name}.pem", self.folder / f"{name}.key")
        return context


@pytest.fixture
def files(tmp_path: Path) -> Files:
    made = Files(tmp_path, trustme.CA())
    made.ca.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    made.issue("server", "localhost")
    made.issue("planner", "planner.test")
    return made


@asynccontextmanager
async def house(files: Files, config: str) -> AsyncIterator[tuple[Planes, FakeUpstream]]:
    async with upstream() as fake:
        text = config.replace("PORT", str(fake.endpoint.port))
        async with planes(text, files.folder, environ={"HOUSE_KEY": "sk-house"}) as made:
            yield made, fake


def port(made: Planes) -> int:
    return int(made.url("models").rpartition(":")[2])


@asynccontextmanager
async def sdk(made: Planes, context: ssl.SSLContext) -> AsyncIterator[openai.AsyncOpenAI]:
    async with (
        httpx2.AsyncClient(verify=context) as http,
        openai.AsyncOpenAI(
            base_url=f"https://localhost:{port(made)}/v1",
            api_key="sk-any",
            http_client=http,
            max_retries=0,
        ) as client,
    ):
        yield client


@asynccontextmanager
async def raw(made: Planes, context: ssl.SSLContext) -> AsyncIterator[RawClient]:
    reader, writer = await asyncio.open_connection("localhost", port(made), ssl=context)
    client = RawClient(reader, writer)
    try:
        yield client
    finally:
        client.close()


async def test_sdk_speaks_tls_and_clear_text_does_not_get_in(files: Files) -> None:
    async with house(files, files.config()) as (made, fake):
        async with sdk(made, files.client()) as client:
            answer = await client.chat.completions.create(model="house/m-1", messages=MESSAGES)
            assert answer.choices[0].message.content == "Rain in Oslo."
            fake.script = always(chunked_head(), chunk(event("Rain") + DONE), b"0\r\n\r\n")
            stream: Any = await client.chat.completions.create(
                model="house/m-1", messages=MESSAGES, stream=True
            )
            assert [c.choices[0].delta.content async for c in stream] == ["Rain"]
        reader, writer = await asyncio.open_connection("127.0.0.1", port(made))
        writer.write(post(CHAT))
        assert b"HTTP" not in await reader.read()
        writer.close()
        async with raw(made, files.client()) as plain:
            plain.send(b"GET /nothing HTTP/1.0\r\n\r\n")
            assert (await plain.reply()).status == 404
            assert await plain.closed(1.0)


CA = ', client_ca: "file:FOLDER/ca.pem"'
BY_CERTIFICATE = "auth: {client_certificate: {}}"


async def test_certificate_says_who_calls(files: Files) -> None:
    config = files.config(CA, BY_CERTIFICATE).replace("FOLDER", str(files.folder))
    async with house(files, config) as (made, _):
        async with sdk(made, files.client("planner")) as client:
            await client.chat.completions.create(model="house/m-1", messages=MESSAGES)
        async with sdk(made, files.client()) as client:
            with pytest.raises(openai.APIConnectionError):
                await client.models.list()
    assert '"principal":"planner.test"' in (files.folder / "access.log").read_text()


async def test_client_of_another_ca_is_turned_away(files: Files) -> None:
    config = files.config(CA, BY_CERTIFICATE).replace("FOLDER", str(files.folder))
    stranger = Files(files.folder, trustme.CA())
    stranger.issue("stranger", "planner.test")
    async with (
        house(files, config) as (made, fake),
        sdk(made, files.client("stranger")) as client,
    ):
        with pytest.raises(openai.APIConnectionError):
            await client.models.list()
        assert fake.requests == []


async def test_where_one_may_show_none_who_does_not_is_told(files: Files) -> None:
    config = files.config(f"{CA}, client_certificate: request", BY_CERTIFICATE)
    config = config.replace("FOLDER", str(files.folder))
    async with house(files, config) as (made, _):
        async with sdk(made, files.client()) as client:
            with pytest.raises(openai.AuthenticationError, match="client certificate"):
                await client.models.list()
        async with sdk(made, files.client("planner")) as client:
            assert [one.id async for one in await client.models.list()] == ["house/m-1"]


async def test_other_config_holds_for_open_connections(files: Files) -> None:
    config = files.config(CA, BY_CERTIFICATE).replace("FOLDER", str(files.folder))
    async with house(files, config) as (made, fake), raw(made, files.client("planner")) as client:
        client.send(post(CHAT))
        assert (await client.reply()).status == 200
        only = config.replace("{client_certificate: {}}", "{client_certificate: {names: [other]}}")
        await made.apply(only.replace("PORT", str(fake.endpoint.port)))
        client.send(post(CHAT))
        assert (await client.reply()).status == 401


async def test_renewed_certificate_is_served_without_a_restart(files: Files) -> None:
    async with house(files, files.config()) as (made, _), raw(made, files.client()) as old:
        files.ca = trustme.CA()
        files.issue("server", "localhost")
        ((_, sock),) = made.workers[0].listeners._open.values()
        assert sock.host.certificates is not None
        assert sock.host.certificates.refresh()
        async with sdk(made, files.client()) as client:
            assert [one.id async for one in await client.models.list()] == ["house/m-1"]
        old.send(b"GET /healthz HTTP/1.1\r\nhost: h\r\n\r\n")
        assert (await old.reply()).status == 200, "connections stay"


async def test_files_that_are_not_there_are_a_refusal_with_the_reason(files: Files) -> None:
    async with house(files, files.config()) as (made, fake):
        broken = files.config().replace("server.pem", "absent.pem")
        text = broken.replace("PORT", str(fake.endpoint.port))
        await made.control.pipeline.apply(text, "outrider.yaml", "test")
        await until(lambda: bool(made.workers[0].client.status.refusals))
        assert "absent.pem cannot be read" in repr(made.workers[0].client.status.refusals)
        async with sdk(made, files.client()) as client:
            assert [one.id async for one in await client.models.list()] == ["house/m-1"]


@pytest.mark.slow
async def test_worker_as_it_is_deployed_speaks_tls_and_takes_renewed_files(files: Files) -> None:
    config = files.config(CA, BY_CERTIFICATE).replace("FOLDER", str(files.folder))
    async with upstream() as fake:
        at = free_port()
        text = config.replace("PORT", str(fake.endpoint.port)).replace("port: 0", f"port: {at}")
        environ = {"HOUSE_KEY": "sk-house"}
        async with processes(text, files.folder, environ=environ, workers=1):
            url = f"https://localhost:{at}/v1/chat/completions"

            async def status(context: ssl.SSLContext) -> int:
                connector = aiohttp.TCPConnector(ssl=context)
                async with (
                    aiohttp.ClientSession(connector=connector) as http,
                    http.post(url, data=CHAT) as answer,
                ):
                    await answer.read()
                    return answer.status

            assert await status(files.client("planner")) == 200
            with pytest.raises(aiohttp.ClientError):
                await status(files.client())
            old = files.client("planner")
            renewed = Files(files.folder, trustme.CA())
            renewed.issue("server", "localhost")
            trusting = renewed.client()
            trusting.load_cert_chain(files.folder / "planner.pem", files.folder / "planner.key")
            async with asyncio.timeout(20):
                while True:
                    try:
                        assert await status(trusting) == 200
                        break
                    except aiohttp.ClientConnectorCertificateError:
                        await asyncio.sleep(0.2)
            with pytest.raises(aiohttp.ClientConnectorCertificateError):
                await status(old)
