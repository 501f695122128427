"""A researcher and a writer of a framework behind our listener: what three runs of them were like.

The example's own config, agents and model; the agents are processes, everything else is here.
"""

import asyncio
import secrets
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import openai
import yaml
from aiohttp import web
from openai import AsyncOpenAI
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from deploy.examples.frameworks.model import Entry, Model
from deploy.examples.frameworks.programs import AGENTS, HERE, agent
from deploy.examples.frameworks.used import budget_used
from deploy.running.collector import collector
from deploy.running.processes import running
from tests.support.planes import Planes, planes
from tests.support.ports import free_port

AMPLE = 20_000
QUESTION = "Write to me about Genoa, please."
HEARD_WITHIN_S = 10
HALF = 6
"""Events of the writer's answer, about the middle of it."""


@dataclass(slots=True)
class Run:
    """One request to the listener, and all that came of it."""

    trace_id: str
    headers: Mapping[str, str] = field(default_factory=dict)
    text: str = ""
    usage: tuple[int, int] = (0, 0)
    """That the client was told."""
    error: openai.APIError | None = None
    calls: list[Entry] = field(default_factory=list)
    """As the model has booked them."""
    received: list[dict[str, str]] = field(default_factory=list)
    """The headers of these."""
    spent: int = 0
    """Of the run's budget, as the control plane has it."""

    @property
    def tokens(self) -> int:
        """Of all calls, as the model has booked them."""
        return sum(call.input_tokens + call.output_tokens for call in self.calls)


@dataclass(frozen=True, slots=True)
class Played:
    """Three runs of the agents of one framework."""

    whole: Run
    """With an ample budget."""
    used_up: Run
    """The researcher's second call uses up the budget."""
    refused: Run
    """The researcher's first call has."""
    spans: Sequence[Span]


def played(framework: str) -> Played:
    """Start everything, run three times, stop everything."""
    return asyncio.run(_played(framework))


async def _played(framework: str) -> Played:
    with TemporaryDirectory() as name, collector() as of:
        async with _house(framework, Path(name), of.address) as house:
            whole = await house.ask(AMPLE)
            first = whole.calls[0].input_tokens + whole.calls[0].output_tokens
            used_up = await house.ask(first + 2)
            refused = await house.ask(first)
        return Played(whole, used_up, refused, of.all())


@dataclass(slots=True)
class _House:
    planes: Planes
    model: Model
    config: dict[str, Any]
    heard: asyncio.Event
    """Whether the client has words of the writer, which says no more before that."""

    async def ask(self, budget: int) -> Run:
        """As a program with the SDK does, which traces what it does."""
        self.config["listeners"][0]["plan"]["budget"]["tokens"] = budget
        await self.planes.apply(yaml.safe_dump(self.config))
        self.heard.clear()
        self.model.ledger.clear()
        self.model.received.clear()
        run = Run(secrets.token_hex(16))
        traced = {"traceparent": f"00-{run.trace_id}-{secrets.token_hex(8)}-01"}
        async with AsyncOpenAI(
            base_url=f"{self.planes.url('desk')}/v1",
            api_key="none",
            max_retries=0,
            default_headers=traced,
        ) as client:
            try:
                await self._read(client, run)
            except openai.APIError as error:
                run.error = error
                if isinstance(error, openai.APIStatusError):
                    run.headers = error.response.headers
        run.calls, run.received = [*self.model.ledger], [*self.model.received]
        admin = self.planes.control.admin_address
        run.spent = await budget_used(run.headers["x-outrider-run-id"], run.tokens, admin)
        return run

    async def _read(self, client: AsyncOpenAI, run: Run) -> None:
        raw = await client.chat.completions.with_raw_response.create(
            model="desk",
            messages=[{"role": "user", "content": QUESTION}],
            stream=True,
            stream_options={"include_usage": True},
        )
        run.headers = raw.headers
        async for chunk in raw.parse():
            for choice in chunk.choices:
                if choice.delta.content:
                    run.text += choice.delta.content
                    self.heard.set()
            if chunk.usage is not None:
                run.usage = chunk.usage.prompt_tokens, chunk.usage.completion_tokens


@asynccontextmanager
async def _house(framework: str, folder: Path, spans: str) -> AsyncIterator[_House]:
    async with AsyncExitStack() as stack:
        heard = asyncio.Event()
        model = Model()

        async def pause() -> None:
            # A writer whom the client hears only at the end would wait for ever.
            if model.ledger[-1].text.startswith("Dear"):
                said.append(None)
                if len(said) == HALF:
                    await asyncio.wait_for(heard.wait(), HEARD_WITHIN_S)
            else:
                said.clear()

        said: list[None] = []
        model.pause = pause
        runner = web.AppRunner(model.application(), access_log=None)
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        ports = {role: free_port() for role in AGENTS}
        config = yaml.safe_load((HERE / "outrider.yaml").read_text())
        for one in config["agents"]:
            one["url"] = f"http://127.0.0.1:{ports[one['id']]}"
        for listener in config["listeners"]:
            listener["port"] = 0
        config["model_providers"][0]["base_url"] = f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
        config["tracing"]["opentracing_grpc_endpoint"] = f"http://{spans}"
        made = await stack.enter_async_context(planes(yaml.safe_dump(config), folder))
        models = f"{made.url('models')}/v1"
        agents = [
            await asyncio.to_thread(agent, framework, role, port, models)
            for role, port in ports.items()
        ]
        await stack.enter_async_context(running(agents, {}, folder / "agents.log"))
        yield _House(made, model, config, heard)
