"""The embedded routers of this worker's listeners, in threads of their own.

Rule: no router ever runs on the event loop, and none is waited for: a listener decides by words
(BM25) until the encoder has read its agents in the background.
"""

import asyncio
import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

from dataplane.intent.embed import load_encoder
from dataplane.intent.encoder import Encoder
from dataplane.intent.router import make_bm25, make_minilm
from dataplane.runtime.config import AgentTarget, Listener, RuntimeConfig
from dataplane.runtime.decision import Decision, Turn
from dataplane.tasks import Tasks

log = logging.getLogger(__name__)


class Router(Protocol):
    """Decides among the agents of one listener; CPU only."""

    def decide(self, conversation: Sequence[Turn]) -> Decision:
        """Which of them fit."""
        ...


class Making:
    """How routers are made; all of it runs in threads."""

    def load(self) -> Encoder | None:
        """The encoder, or None when this data plane has none."""
        return load_encoder()

    def words(self, agents: Sequence[AgentTarget], min_confidence: float) -> Router:
        """A router that is there at once."""
        return make_bm25(agents, min_confidence)

    def meaning(
        self, agents: Sequence[AgentTarget], min_confidence: float, encoder: Encoder
    ) -> Router:
        """The better one; takes some ms for each text of its agents."""
        return make_minilm(agents, min_confidence, encoder)


class _Post:
    """One listener's router. Its methods run in threads."""

    def __init__(self, listener: Listener, making: Making) -> None:
        self.listener = listener
        self._making = making
        self._agents = _agents(listener)
        self._words: Router | None = None
        self._meaning: Router | None = None

    def serves(self, listener: Listener) -> bool:
        """Whether it decides among the very same agents."""
        ours = self.listener
        return listener is ours or (
            listener.min_confidence == ours.min_confidence and _agents(listener) == self._agents
        )

    def decide(self, conversation: tuple[Turn, ...]) -> Decision:
        """Only ever called in the one thread of decisions."""
        if self._meaning is not None:
            return self._meaning.decide(conversation)
        if self._words is None:
            self._words = self._making.words(self._agents, self.listener.min_confidence)
        return self._words.decide(conversation)

    def read(self, encoder: Encoder) -> None:
        """Decide by meaning from now on."""
        confidence = self.listener.min_confidence
        self._meaning = self._making.meaning(self._agents, confidence, encoder)


class Deciding:
    """Gives every listener with several agents its router, and asks it."""

    def __init__(self, making: Making | None = None) -> None:
        """The encoder is loaded once, when the first listener needs a router."""
        self._making = making or Making()
        self._encoder: Encoder | None = None
        self._loaded = False
        self._posts: dict[str, _Post] = {}
        self._decisions = ThreadPoolExecutor(1, "router")
        self._reading = ThreadPoolExecutor(1, "router-index")
        self._tasks = Tasks()
        self._unread: set[asyncio.Task[None]] = set()

    def configure(self, config: RuntimeConfig) -> None:
        """Listeners whose agents did not change keep their routers."""
        posts: dict[str, _Post] = {}
        for name, listener in config.listeners.items():
            if len(_agents(listener)) < 2:
                continue
            post = self._posts.get(name)
            if post is None or not post.serves(listener):
                post = _Post(listener, self._making)
                self._start_reading(post)
            posts[name] = post
        self._posts = posts

    async def decide(self, listener: Listener, conversation: tuple[Turn, ...]) -> Decision:
        """Which agents of the listener fit. Cancel it freely: a decision not begun is dropped."""
        post = self._posts.get(listener.name)
        if post is None or not post.serves(listener):
            # A request that began before its listener changed, or was removed.
            post = _Post(listener, self._making)
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._decisions, post.decide, conversation)

    async def ready(self) -> None:
        """Wait until all routers are the best they will be."""
        while self._unread:
            await asyncio.wait(self._unread)

    async def close(self) -> None:
        """Stop the threads once they have done what they are at."""
        await self._tasks.close()
        for pool in (self._decisions, self._reading):
            await asyncio.to_thread(pool.shutdown, cancel_futures=True)

    def _start_reading(self, post: _Post) -> None:
        task = self._tasks.start(self._read(post), name=f"router of {post.listener.name}")
        self._unread.add(task)
        task.add_done_callback(self._unread.discard)

    async def _read(self, post: _Post) -> None:
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._reading, self._read_now, post)

    def _read_now(self, post: _Post) -> None:
        """In the thread of reading."""
        if not self._loaded:
            self._loaded = True
            self._encoder = self._making.load()
        if self._encoder is not None:
            post.read(self._encoder)
            log.info("listener %s routes with %s", post.listener.name, self._encoder.name)


def _agents(listener: Listener) -> tuple[AgentTarget, ...]:
    return tuple(route.target for route in listener.routes if isinstance(route.target, AgentTarget))
