"""Three agents behind one listener, whose plan a test says: both planes for real."""

import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import openai
from aiohttp import ClientError, ClientSession

from dataplane.llm.sse import DONE, SseDecoder
from tests.support.agents import Service, says, service
from tests.support.planes import Planes, planes
from tests.support.wait import until

CONFIG = """\
version: v0.4.0
agents:
  - {{id: weather, url: {weather}, outlier_detection: {{enabled: false}}}}
  - {{id: flights, url: {flights}, outlier_detection: {{enabled: false}}}}
  - {{id: writer, url: {writer}, outlier_detection: {{enabled: false}}}}
listeners:
  - type: agent
    name: team
    address: 127.0.0.1
    port: 0
    timeout: {limit}
    retry: {{num_retries: 0, per_try_timeout: {patience}, idle_timeout: {patience}}}
    agents:
      - id: weather
        description: >-
          Weather forecasts for cities: temperature, rain, wind and snow today and tomorrow.
        examples: [What is the weather in Oslo today?, Will it rain in Lisbon tomorrow?]
        on_failure: {weather_fails}
      - id: flights
        description: >-
          Finds flights between cities: departure times, airlines and ticket prices.
        examples: [Find me a flight from Zurich to Lisbon, What does a ticket to Oslo cost?]
        on_failure: {flights_fails}
      - id: writer
        description: Writes a letter.
        default: true
        choosable: {choosable}
    plan: {plan}
"""
BOTH = "What is the weather in Lisbon tomorrow, and find me a flight from Zurich to Lisbon."
"""A question for weather, then flights."""
SEQUENCE = "{steps: [weather, flights]}"
PARALLEL = "{steps: [{parallel: [weather, flights]}]}"
MERGED = "{steps: [{parallel: [weather, flights], merge: writer}]}"


@dataclass
class Heard:
    """What a client has of an answer."""

    status: int
    headers: dict[str, str]
    """Names in lower case."""
    body: bytes
    cut: bool
    """The connection was broken off before the body's end."""
    chunks: list[dict[str, Any]] = field(default_factory=list)
    """Of a stream."""
    done: bool = False
    """The stream has said its end."""

    @property
    def text(self) -> str:
        """All words of a stream, or of a whole answer."""
        if self.chunks:
            return "".join(
                choice["delta"].get("content") or ""
                for chunk in self.chunks
                for choice in chunk.get("choices", ())
            )
        text: str = msgspec.json.decode(self.body)["choices"][0]["message"]["content"]
        return text

    @property
    def error(self) -> dict[str, Any]:
        """What went wrong, told whole or within the stream; empty when nothing did."""
        told = [chunk["error"] for chunk in self.chunks if "error" in chunk]
        if not self.chunks and self.status >= 400:
            told = [msgspec.json.decode(self.body)["error"]]
        found: dict[str, Any] = told[0] if told else {}
        return found

    @property
    def progress(self) -> list[dict[str, Any]]:
        """What was told of the run."""
        return [chunk["outrider"] for chunk in self.chunks if "outrider" in chunk]


class Team:
    """What runs."""

    def __init__(self, made: Planes, agents: dict[str, Service], log: Path) -> None:
        self.planes = made
        self._log = log
        self.weather = agents["weather"]
        self.flights = agents["flights"]
        self.writer = agents["writer"]

    @property
    def url(self) -> str:
        """Where clients ask."""
        return self.planes.url("team") + "/v1/chat/completions"

    def client(self) -> openai.AsyncOpenAI:
        """The official SDK."""
        base = self.planes.url("team") + "/v1"
        return openai.AsyncOpenAI(base_url=base, api_key="sk-client", max_retries=0)

    async def ask(self, *, stream: bool = True, progress: str = "", **more: Any) -> Heard:
        """Ask, and read all there is."""
        wish = {"x-outrider-progress": progress} if progress else {}
        body = question(stream=stream, **more)
        async with ClientSession() as http, http.post(self.url, json=body, headers=wish) as answer:
            data = bytearray()
            cut = False
            try:
                async for piece in answer.content.iter_any():
                    data += piece
            except ClientError:
                cut = True
            headers = {name.lower(): value for name, value in answer.headers.items()}
            heard = Heard(answer.status, headers, bytes(data), cut)
        if headers.get("content-type", "").startswith("text/event-stream"):
            events = [one.data for one in SseDecoder().feed(heard.body)]
            heard.done = DONE in events
            heard.chunks = [msgspec.json.decode(one) for one in events if one != DONE]
        return heard

    async def logged(self, run_id: str) -> dict[str, Any]:
        """What the access log says of a run."""
        found: list[dict[str, Any]] = []

        def read() -> bool:
            lines = self._log.read_bytes().splitlines()
            found[:] = [one for one in map(msgspec.json.decode, lines) if one["run_id"] == run_id]
            return bool(found)

        await until(read)
        return found[0]

    async def nothing_runs(self) -> None:
        """Wait until no request is under way anywhere: neither here nor at an agent."""
        await until(lambda: not self._active())

    def _active(self) -> float:
        agents = (self.weather, self.flights, self.writer)
        counted = ("outrider_active_requests", "outrider_cluster_requests_active")
        here = 0.0
        for family in self.planes.workers[0].families():
            if family.name in counted:
                here += sum(one for one in family.samples.values() if isinstance(one, float))
        return here + sum(one.open for one in agents)


def question(text: str = BOTH, *, stream: bool = True, **more: Any) -> dict[str, Any]:
    """A request in chat completions."""
    messages = [{"role": "user", "content": text}]
    return {"model": "any", "messages": messages, "stream": stream, **more}


@asynccontextmanager
async def team(
    directory: Path,
    plan: str = "{}",
    *,
    limit: str = "30s",
    patience: str = "20s",
    weather_fails: str = "fail",
    flights_fails: str = "fail",
    choosable: str = "true",
) -> AsyncIterator[Team]:
    """Agents that say who they are.

    :param limit, patience: for a whole run, and for an agent to say something.
    """
    async with AsyncExitStack() as stack:
        agents = {
            name: await stack.enter_async_context(service(says("This is ", f"{name}.")))
            for name in ("weather", "flights", "writer")
        }
        urls = {name: one.url for name, one in agents.items()}
        config = CONFIG.format(
            **urls,
            plan=plan,
            limit=limit,
            patience=patience,
            weather_fails=weather_fails,
            flights_fails=flights_fails,
            choosable=choosable,
        )
        made = await stack.enter_async_context(planes(config, directory))
        yield Team(made, agents, directory / "access.log")


def now() -> float:
    """Seconds, for measuring."""
    return time.perf_counter()
