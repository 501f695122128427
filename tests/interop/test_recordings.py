"""Recorded traffic of real providers through the gateway: untouched, and in every other client's
protocol.
"""

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from dataplane.llm.error_faults import fault_of_error
from dataplane.runtime.fault import Fault
from dataplane.runtime.protocols import Protocol
from tests.support.oracle import problems_of_answer, problems_of_stream
from tests.support.planes import planes
from tests.support.raw_client import connected, post
from tests.support.recordings import Recording, recordings
from tests.support.said import Said, client
from tests.support.specifications import OWN_WAYS, SPECIFIED, unlike_specified
from tests.support.spoken import SPOKEN
from tests.support.upstream import Received, Step, in_chunks, upstream

pytestmark = [
    pytest.mark.interop,
    # google-genai makes its own class of aiohttp's session
    pytest.mark.filterwarnings("ignore:Inheritance class AiohttpClientSession"),
]

PAIRS = [
    pytest.param(provider, reader, id=f"{provider.value}-for-{reader.value}")
    for provider in Protocol
    for reader in Protocol
    if provider is not reader
]
UNTOLD = frozenset(('usage: null is not of type "object"',))
"""Of Responses whose provider tells no usage: Open Responses wants the key all the same."""
# Answers that their vendor's own SDK does not take for whole ones.
NO_ANSWER = frozenset(("test_prompt_content_filtering-0",))


@cache
def of(protocol: Protocol) -> tuple[Recording, ...]:
    return tuple(one for one in recordings() if one.protocol is protocol)


@asynccontextmanager
async def house(
    directory: Path, played: Sequence[Recording], size: int = 1 << 20
) -> AsyncIterator[str]:
    """A gateway whose model `<protocol>/<n>` answers as the n-th of `played` did."""

    async def script(received: Received) -> AsyncIterator[Step]:
        one = played[_number(received)]
        kind = one.headers.get("content-type", "application/json").encode()
        head = b"HTTP/1.1 %d Recorded\r\ncontent-type: %b\r\ntransfer-encoding: chunked\r\n\r\n"
        yield head % (one.status, kind) + in_chunks(one.body, size)

    async with upstream(script) as fake:
        config = ["version: v0.4.0", "listeners:"]
        config += ["  - {type: model, name: models, address: 127.0.0.1, port: 0}"]
        config += ["model_providers:"]
        for protocol, spoken in SPOKEN.items():
            config += [
                f"  - {{model: {protocol.value}/*, apis: [{spoken.api}], access_key: $KEY,",
                f"     base_url: 'http://127.0.0.1:{fake.endpoint.port}/v1'}}",
            ]
        text = "\n".join(config) + "\n"
        async with planes(text, directory, environ={"KEY": "sk-house"}) as made:
            yield made.url("models")


def of_our_key(one: Recording) -> bool:
    """Whether an error is about the gateway's credential: its client cannot mend that, and the
    provider's words may have a part of the key in them.
    """
    return (
        one.status >= 400 and fault_of_error(one.protocol, one.status, one.body) is Fault.CREDENTIAL
    )


def _number(received: Received) -> int:
    """The model that was asked for: in the path of Gemini and Bedrock, else in the body."""
    path = received.line.split(b" ")[1].decode()
    for mark in ("/model/", "models/"):
        if mark in path:
            return int(path.partition(mark)[2].partition(":")[0].partition("/")[0])
    return int(json.loads(received.body)["model"])


@pytest.mark.parametrize("size", [1, 7, 4096])
@pytest.mark.parametrize("protocol", list(Protocol), ids=lambda p: p.value)
async def test_a_recording_passes_through_untouched(
    protocol: Protocol, size: int, tmp_path: Path
) -> None:
    played = of(protocol)
    assert played
    spoken, different = SPOKEN[protocol], []
    async with (
        house(tmp_path, played, size) as url,
        connected(int(url.rpartition(":")[2]), 1 << 26) as gateway,
    ):
        for number, one in enumerate(played):
            path = spoken.stream_path if one.stream else spoken.path
            model = f"{protocol.value}/{number}"
            asked = dict(spoken.request)
            if "nick" in path:
                path = path.replace("nick", model.replace("/", "%2F"))
            else:
                asked |= {"model": model, "stream": one.stream}
            gateway.send(post(json.dumps(asked).encode(), path=path))
            reply = await gateway.reply()
            if of_our_key(one):
                assert reply.status == 502
                assert reply.detail == "upstream_credentials_exhausted"
            elif (reply.status, reply.body) != (one.status, one.body):
                different.append(one.name)
    assert different == []


@pytest.mark.parametrize(("provider", "reader"), PAIRS)
async def test_a_recording_says_the_same_in_another_protocol(
    provider: Protocol, reader: Protocol, tmp_path: Path
) -> None:
    played = [one for one in of(provider) if one.status == 200 and one.name not in NO_ANSWER]
    different = []
    async with (
        house(tmp_path, played) as url,
        client(provider, url) as own,
        client(reader, url) as other,
    ):
        for number, one in enumerate(played):
            model = f"{provider.value}/{number}"
            expected = await own.ask(model, one.stream)
            got = await other.ask(model, one.stream)
            different += [f"{one.name}: {what}" for what in _differences(expected, got)]
    assert different == [], "\n".join(different)


def _differences(expected: Said, got: Said) -> list[str]:
    return [
        f"{name} {wanted!r} became {found!r}"
        for name in ("text", "calls", "stop", "input", "output")
        if (wanted := getattr(expected, name)) != (found := getattr(got, name))
    ]


@pytest.mark.parametrize(("provider", "reader"), PAIRS)
async def test_a_translated_recording_is_what_the_vendor_specifies(
    provider: Protocol, reader: Protocol, tmp_path: Path
) -> None:
    played = [one for one in of(provider) if one.status == 200 and one.name not in NO_ANSWER]
    spoken, wrong = SPOKEN[reader], []
    async with (
        house(tmp_path, played) as url,
        connected(int(url.rpartition(":")[2]), 1 << 26) as gateway,
    ):
        for number, one in enumerate(played):
            path = spoken.stream_path if one.stream else spoken.path
            model = f"{provider.value}/{number}"
            asked: dict[str, Any] = dict(spoken.request)
            if "nick" in path:
                path = path.replace("nick", model.replace("/", "%2F"))
            else:
                asked |= {"model": model, "stream": one.stream}
            gateway.send(post(json.dumps(asked).encode(), path=path))
            reply = await gateway.reply()
            check = problems_of_stream if one.stream else problems_of_answer
            problems = check(reader, reply.body) if reply.status == 200 else [str(reply.body)]
            wrong += [f"{one.name}: {problem}" for problem in problems]
            if reply.status == 200:
                unlike = set(unlike_specified(reader, reply.body, stream=one.stream))
                wrong += [f"{one.name}: {problem}" for problem in unlike - OWN_WAYS - UNTOLD]
    assert wrong == [], "\n".join(wrong)


def test_what_a_specification_does_not_say_its_vendor_does() -> None:
    """The exceptions that the test above makes."""
    told = {
        problem
        for protocol in SPECIFIED
        for one in of(protocol)
        if one.status == 200
        for problem in unlike_specified(protocol, one.body, stream=one.stream)
    }
    assert told >= OWN_WAYS


@pytest.mark.parametrize(("provider", "reader"), PAIRS)
async def test_a_recorded_error_is_told_in_the_callers_words(
    provider: Protocol, reader: Protocol, tmp_path: Path
) -> None:
    played = [one for one in of(provider) if one.status >= 400]
    if not played:
        pytest.skip("no error of this provider was recorded")
    async with house(tmp_path, played) as url, client(reader, url) as other:
        for number, one in enumerate(played):
            with pytest.raises(Exception) as caught:  # noqa: PT011 - each SDK has its own
                await other.ask(f"{provider.value}/{number}", stream=False)
            ours = of_our_key(one)
            said = "none of the gateway's credentials" if ours else _sentence(one.body)[:40]
            assert _status(caught.value) == (502 if ours else one.status), one.name
            assert said in str(caught.value), one.name


def _status(error: Any) -> int:
    if hasattr(error, "response") and isinstance(error.response, dict):
        return int(error.response["ResponseMetadata"]["HTTPStatusCode"])
    return int(getattr(error, "status_code", None) or error.code)


def _sentence(body: bytes) -> str:
    said = json.loads(body)
    error = said.get("error", said)
    return str(error["message"])
