"""`llmock` breaks a provider, and judges its client: here that is the gateway.

An app asks through the vendor's SDK and tries once more when it is told that an answer failed. The
verdict must have no finding: nothing that was asked to wait is hurried, nothing hopeless is tried
again, no stream that was cut is taken for whole.
"""

import json
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import anthropic
import openai
import pytest

from dataplane.runtime.protocols import Protocol
from tests.faults.scenarios import PROTOCOLS
from tests.support.interop import environment
from tests.support.planes import planes
from tests.support.ports import free_port

pytestmark = [pytest.mark.interop, pytest.mark.group("llmock")]
LLMOCK = "llmock==0.2.2"
"""Young, and kept by one person: what it judges may change with any version."""
BASES = {Protocol.CHAT: "/v1", Protocol.MESSAGES: "/anthropic/v1", Protocol.RESPONSES: "/v1"}
SAME = ("mock-1", "mock-1")
"""One model at two addresses: what one fails, the other is asked in the same words."""
OTHER = ("mock-1", "mock-2")
CONFIG = """\
version: v0.4.0
listeners: [{{type: model, name: models, address: 127.0.0.1, port: 0, timeout: 30s}}]
defaults:
  retry: {{idle_timeout: 1s, first_token_timeout: 1s, per_try_timeout: 2s, stream_recovery: resume}}
model_providers:
  - {{model: house/{first}, name: one, base_url: "{url}", access_key: $KEY, apis: [{api}]}}
  - {{model: house/{second}, name: two, base_url: "{url}", access_key: $KEY, apis: [{api}]}}
model_aliases: {{fast: {{targets: [one, two]}}}}
"""
Behaviour = Mapping[str, Any]
Case = tuple[str, tuple[str, str], list[Behaviour]]
STATUSES: list[Case] = [
    (f"{status}-{times}", SAME, [{"type": "fail", "status": status, "times": times}])
    for status in (408, 500, 502, 503, 504, 529)
    for times in (1, 2)
]
STREAMS: list[Case] = [
    (
        f"{kind}-{after}",
        SAME,
        [{"type": "stream_fault", "kind": kind, "after_chunks": after, "stall_seconds": 8}],
    )
    for kind in ("disconnect", "truncate", "stall")
    for after in (0, 1, 6)
]
WHOLE: list[Case] = [
    ("healthy", SAME, []),
    ("429-once", SAME, [{"type": "fail", "status": 429, "retry_after": 1}]),
    ("429-twice", SAME, [{"type": "fail", "status": 429, "retry_after": 1, "times": 2}]),
    ("429-without-a-time", SAME, [{"type": "fail", "status": 429, "times": 2}]),
    *STATUSES,
    ("503-always-there", OTHER, [{"type": "fail", "status": 503, "times": None}]),
    ("401-there", OTHER, [{"type": "fail", "status": 401, "times": None}]),
    ("404-there", OTHER, [{"type": "fail", "status": 404, "times": None}]),
    ("silence", SAME, [{"type": "delay", "seconds": 6}]),
    ("late", SAME, [{"type": "slow_first_token", "seconds": 6}]),
    *STREAMS,
]
REFUSED = [400, 422]
FULL_JITTER = "no_backoff"
"""A warning when the second wait is not longer than the first: by full jitter it need not be."""


class Mock:
    """A running llmock."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"

    def call(self, method: str, path: str, body: object = None) -> Any:
        """Its control API."""
        data = None if body is None else json.dumps(body).encode()
        asked = urllib.request.Request(f"{self.url}/_llmock/{path}", data, method=method)
        with urllib.request.urlopen(asked, timeout=20) as answer:
            return json.loads(answer.read())

    def script(self, *behaviours: Behaviour) -> None:
        """Forget all, and what comes next."""
        self.call("POST", "reset", {})
        if behaviours:
            self.call("POST", "scenario", {"behaviors": [dict(one) for one in behaviours]})

    def findings(self) -> list[str]:
        """What it thinks of its client, errors and warnings."""
        verdict = self.call("GET", "verdict")
        return [f"{one['code']}: {one['title']}" for one in verdict["findings"]]


@pytest.fixture(scope="module")
def mock() -> Iterator[Mock]:
    program = Path(environment("llmock", (LLMOCK,))).with_name("llmock")
    port = free_port()
    argv = (str(program), "serve", "-p", str(port), "--log-level", "warning")
    with subprocess.Popen(argv, stdin=subprocess.DEVNULL) as process:
        made = Mock(port)
        try:
            _wait(made, process)
            yield made
        finally:
            process.terminate()


def _wait(mock: Mock, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        try:
            mock.call("GET", "scenario")
            return
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.1)
    raise AssertionError(f"{sys.executable}: llmock does not serve")


async def ask(protocol: Protocol, url: str, name: str = "fast") -> str:
    """A streamed answer, by the vendor's SDK."""
    turns: Any = [{"role": "user", "content": "Tell me of a river."}]
    match protocol:
        case Protocol.MESSAGES:
            async with (
                anthropic.AsyncAnthropic(api_key="k", base_url=url, max_retries=0) as theirs,
                theirs.messages.stream(model=name, max_tokens=99, messages=turns) as answer,
            ):
                message = await answer.get_final_message()
            return "".join(block.text for block in message.content if block.type == "text")
        case Protocol.RESPONSES:
            async with (
                openai.AsyncOpenAI(api_key="k", base_url=f"{url}/v1", max_retries=0) as client,
                client.responses.stream(model=name, input="Tell me of a river.") as stream,
            ):
                return (await stream.get_final_response()).output_text
        case _:
            async with openai.AsyncOpenAI(
                api_key="k", base_url=f"{url}/v1", max_retries=0
            ) as client:
                text = ""
                chunks = await client.chat.completions.create(
                    model=name, messages=turns, stream=True
                )
                async for chunk in chunks:
                    text += "".join(choice.delta.content or "" for choice in chunk.choices)
                return text


FAILED = (openai.OpenAIError, anthropic.AnthropicError, RuntimeError)
"""RuntimeError is how openai's SDK says that a response was not completed."""


async def app(protocol: Protocol, url: str) -> str:
    """Tries once more when it is told that an answer failed."""
    try:
        return await ask(protocol, url)
    except FAILED:
        return await ask(protocol, url)


def config(mock: Mock, protocol: Protocol, models: tuple[str, str]) -> str:
    first, second = models
    url = mock.url + BASES[protocol]
    return CONFIG.format(first=first, second=second, url=url, api=protocol.value)


@pytest.mark.parametrize("protocol", PROTOCOLS, ids=lambda one: one.value)
@pytest.mark.parametrize(
    ("models", "behaviours"),
    [pytest.param(models, behaviours, id=name) for name, models, behaviours in WHOLE],
)
async def test_verdict_has_no_finding(
    protocol: Protocol,
    models: tuple[str, str],
    behaviours: list[Behaviour],
    mock: Mock,
    tmp_path: Path,
) -> None:
    text = config(mock, protocol, models)
    async with planes(text, tmp_path, environ={"KEY": "k"}) as made:
        url = made.url("models")
        mock.script()
        healthy = await ask(protocol, url, "two")
        mock.script(*({**one, "match": {"model": "mock-1"}} for one in behaviours))
        assert await app(protocol, url) == healthy
        twice = any(one.get("times") == 2 for one in behaviours)
        assert [one for one in mock.findings() if not (twice and one.startswith(FULL_JITTER))] == []


@pytest.mark.parametrize("protocol", PROTOCOLS, ids=lambda one: one.value)
@pytest.mark.parametrize("status", REFUSED)
async def test_what_is_refused_is_told_and_not_tried_again(
    protocol: Protocol, status: int, mock: Mock, tmp_path: Path
) -> None:
    async with planes(config(mock, protocol, SAME), tmp_path, environ={"KEY": "k"}) as made:
        mock.script({"type": "fail", "status": status, "times": None})
        with pytest.raises(FAILED) as told:
            await ask(protocol, made.url("models"))
        assert isinstance(told.value, openai.APIStatusError | anthropic.APIStatusError)
        assert told.value.status_code == status
        assert mock.findings() == []


@pytest.mark.parametrize("protocol", PROTOCOLS, ids=lambda one: one.value)
async def test_event_that_is_no_json_is_left_out(
    protocol: Protocol, mock: Mock, tmp_path: Path
) -> None:
    """llmock thinks that to go on is worth a warning; faults.md (S10) asks for it. It is told."""
    async with planes(config(mock, protocol, SAME), tmp_path, environ={"KEY": "k"}) as made:
        mock.script()
        healthy = await ask(protocol, made.url("models"))
        mock.script({"type": "stream_fault", "kind": "malformed", "after_chunks": 6})
        answer = await app(protocol, made.url("models"))
        assert answer.split()[0] == healthy.split()[0]
        assert answer.split()[-1] == healthy.split()[-1]
        assert {one.partition(":")[0] for one in mock.findings()} <= {"malformed_chunk_ignored"}
