"""Clients that ask all the time, and remember every request that did not go well."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import ClientError, ClientSession, ClientTimeout, TCPConnector

ASK = {"messages": [{"role": "user", "content": "What is the weather in Oslo?"}]}


@dataclass(slots=True)
class Load:
    """What clients saw."""

    done: int = 0
    streamed: int = 0
    failures: list[str] = field(default_factory=list)

    async def ask(self, http: ClientSession, url: str, model: str, stream: bool) -> None:
        """One request, checked to its last byte."""
        body = {**ASK, "model": model, "stream": stream}
        try:
            async with http.post(f"{url}/v1/chat/completions", json=body) as response:
                answer = await response.read()
        except (ClientError, OSError, TimeoutError) as e:
            self.failures.append(f"{model} {stream=}: {type(e).__name__}: {e}")
            return
        whole = answer.endswith(b"data: [DONE]\n\n") if stream else answer.endswith(b"}")
        if response.status != 200 or not whole:
            self.failures.append(f"{model} {stream=}: {response.status} {answer[-300:]!r}")
        self.done += 1
        self.streamed += stream


@asynccontextmanager
async def load(targets: list[tuple[str, str]], clients: int = 2) -> AsyncIterator[Load]:
    """Ask (url, model) pairs until left; half the clients open a connection for each request."""
    made = Load()
    stopping = asyncio.Event()

    async def client(url: str, model: str, number: int) -> None:
        connector = TCPConnector(force_close=number % 2 == 1)
        async with ClientSession(connector=connector, timeout=ClientTimeout(total=30)) as http:
            for turn in itertools.count(number):
                if stopping.is_set():
                    return
                await made.ask(http, url, model, stream=turn % 3 == 0)

    async with asyncio.TaskGroup() as group:
        for url, model in targets:
            for number in range(clients):
                group.create_task(client(url, model, number))
        try:
            yield made
        finally:
            stopping.set()
