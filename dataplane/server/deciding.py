"""The embedded routers of this worker's listeners, in threads of their own.

Rule: no router ever runs on the event loop, and none is waited for: a listener decides by words
(BM25) until the encoder has read its agents in the background, and by that one alone until the
second encoder has, which is loaded later and behind everything else.
"""

import asyncio
import logging
import os
import sys
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

from dataplane.agents.plan import sets_of
from dataplane.intent.embed import load_encoder
from dataplane.intent.encoder import Encoder
from dataplane.intent.router import make_bm25, make_minilm
from dataplane.routing.preference import as_agents
from dataplane.runtime.config import AgentTarget, RuntimeConfig
from dataplane.runtime.decision import Decision, Turn
from dataplane.tasks import Tasks

log = logging.getLogger(__name__)

SECOND_AFTER_S = 10.0
"""After the first encoder has read its agents: a start under load has better to do."""
NICENESS = 10
"""Of the thread that loads the second one, 0.6 s of CPU."""
MAX_SETS = 32
"""Sets that no configuration has, whose routers are kept: about 1 MB each."""

_Key = tuple[tuple[AgentTarget, ...], float]
"""Agents, and how sure a router must be of them."""


class Router(Protocol):
    """Decides among the agents of one listener; CPU only."""

    def decide(self, conversation: Sequence[Turn]) -> Decision:
        """Which of them fit."""
        ...


class Making:
    """How routers are made; all of it runs in threads."""

    def __init__(self, encoders: int = 2) -> None:
        """How many to use, 1 or 2."""
        self._encoders = encoders

    def load(self) -> Encoder | None:
        """The encoder, or None when this data plane has none."""
        return load_encoder(second=False)

    def add_second(self, encoder: Encoder) -> bool:
        """Load the second one; False when this data plane has none."""
        if self._encoders < 2:
            return False
        if sys.platform == "linux":  # where a thread has a priority of its own
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)
        return encoder.add_second()

    def words(self, agents: Sequence[AgentTarget], min_confidence: float) -> Router:
        """A router that is there at once."""
        return make_bm25(agents, min_confidence)

    def meaning(
        self, agents: Sequence[AgentTarget], min_confidence: float, encoder: Encoder
    ) -> Router:
        """The better one; takes some ms for each text of its agents."""
        return make_minilm(agents, min_confidence, encoder)


class _Post:
    """A router of one set of agents. Its methods run in threads."""

    def __init__(
        self, name: str, agents: tuple[AgentTarget, ...], min_confidence: float, making: Making
    ) -> None:
        self.name = name
        """For logs."""
        self.is_read = False
        """Whether the encoder has been told to read it, or has done so."""
        self._making = making
        self._agents = agents
        self._min_confidence = min_confidence
        self._words: Router | None = None
        self._meaning: Router | None = None

    def decide(self, conversation: tuple[Turn, ...]) -> Decision:
        """Only ever called in the one thread of decisions."""
        if self._meaning is not None:
            return self._meaning.decide(conversation)
        if self._words is None:
            self._words = self._making.words(self._agents, self._min_confidence)
        return self._words.decide(conversation)

    def read(self, encoder: Encoder) -> None:
        """Decide by meaning from now on."""
        self._meaning = self._making.meaning(self._agents, self._min_confidence, encoder)


class Deciding:
    """Gives every listener with several agents its router, and asks it."""

    def __init__(
        self, making: Making | None = None, second_after_s: float = SECOND_AFTER_S
    ) -> None:
        """The encoder is loaded once, when the first listener needs a router, and the second one
        so long after."""
        self._making = making or Making()
        self._second_after_s = second_after_s
        self._encoder: Encoder | None = None
        self._loaded = False
        self._posts: dict[_Key, _Post] = {}
        """Of the configuration's listeners and preferences."""
        self._others: dict[_Key, _Post] = {}
        """Of preferences that clients bring along, and of listeners that are gone; the one asked
        last is at the end."""
        self._decisions = ThreadPoolExecutor(1, "router")
        self._reading = ThreadPoolExecutor(1, "router-index")
        self._second: asyncio.Task[None] | None = None
        self._tasks = Tasks()
        self._unread: set[asyncio.Task[None]] = set()

    def configure(self, config: RuntimeConfig) -> None:
        """Whatever chooses among the very same agents as before keeps its router."""
        wanted: dict[_Key, str] = {}
        for name, listener in config.listeners.items():
            for agents in sets_of(listener):
                wanted.setdefault((agents, listener.min_confidence), f"listener {name}")
        routing = config.model_routing
        if routing.preferences and routing.routing_model is None:
            key = as_agents(routing.preferences), routing.min_confidence
            wanted.setdefault(key, "routing preferences")
        known = self._others | self._posts
        self._posts = {
            key: known.get(key) or _Post(name, *key, self._making) for key, name in wanted.items()
        }
        for key, post in self._posts.items():
            self._others.pop(key, None)
            self._read_once(post)

    async def decide_among(
        self,
        agents: tuple[AgentTarget, ...],
        min_confidence: float,
        conversation: tuple[Turn, ...],
    ) -> Decision:
        """Which of these fit. Cancel it freely: a decision not begun is dropped."""
        key = agents, min_confidence
        post = self._posts.get(key)
        if post is None:
            is_known = key in self._others
            post = self._other(key)
            if is_known:
                # Reading a set that never comes again would be work for nothing.
                self._read_once(post)
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._decisions, post.decide, conversation)

    async def embed(self, text: str) -> tuple[float, ...] | None:
        """What a text means; None where there is no encoder."""
        loop = asyncio.get_running_loop()
        if not self._loaded:
            await loop.run_in_executor(self._reading, self._load)
        if self._encoder is None:
            return None
        return await loop.run_in_executor(self._decisions, self._encoder.embed, text)

    def _read_once(self, post: _Post) -> None:
        if not post.is_read:
            post.is_read = True
            self._start_reading(post)

    def _other(self, key: _Key) -> _Post:
        post = self._others.pop(key, None)
        if post is None:
            post = _Post(f"a set of {len(key[0])}", *key, self._making)
        self._others[key] = post
        if len(self._others) > MAX_SETS:
            del self._others[next(iter(self._others))]
        return post

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
        task = self._tasks.start(self._read(post), name=f"router of {post.name}")
        self._unread.add(task)
        task.add_done_callback(self._unread.discard)

    async def _read(self, post: _Post) -> None:
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._reading, self._read_now, post)
        if self._second is None and self._encoder is not None:
            self._second = self._tasks.start(self._add_second(self._encoder), name="second encoder")

    async def _add_second(self, encoder: Encoder) -> None:
        """Later, as nobody misses it before; what was read by then is read again."""
        await asyncio.sleep(self._second_after_s)
        loop = asyncio.get_running_loop()
        thread = ThreadPoolExecutor(1, "router-second")
        try:
            has_second = await loop.run_in_executor(thread, self._making.add_second, encoder)
        finally:
            thread.shutdown(wait=False)
        if has_second:
            log.info("unclear requests are read with %s, too", encoder.second_name)
            for post in (*self._posts.values(), *self._others.values()):
                if post.is_read:
                    self._start_reading(post)

    def _read_now(self, post: _Post) -> None:
        """In the thread of reading."""
        self._load()
        if self._encoder is not None:
            post.read(self._encoder)
            log.info("%s: routed with %s", post.name, self._encoder.name)

    def _load(self) -> None:
        """In the thread of reading, once."""
        if not self._loaded:
            self._encoder = self._making.load()
            self._loaded = True
