"""From a config's text to what is served: compile, keep as a revision, publish.

The rule: a config is served whole and only after its revision is on disk, or nothing changes. One
at a time.
"""

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import ParamSpec, Protocol, TypeVar

from controlplane.clock import Clock
from controlplane.config.problem import ConfigErrors
from controlplane.metrics import Metrics
from controlplane.revisions.store import Revision, Revisions
from controlplane.snapshot.cache import DEFAULT_GROUP, SnapshotCache
from controlplane.snapshot.snapshot import Snapshot

log = logging.getLogger(__name__)

P = ParamSpec("P")
R = TypeVar("R")


class Compile(Protocol):
    """A text, the name to show in problems, and the snapshot served now -> the snapshot it means.

    Raises ConfigErrors with every problem.
    """

    def __call__(self, text: str, file_name: str, previous: Snapshot | None) -> Snapshot: ...


@dataclass(frozen=True, slots=True)
class Applied:
    """What became of an apply; not `changed` when it compiles to what was served already."""

    revision: int
    snapshot_version: str
    changed: bool


class Pipeline:
    """The only way to change what this control plane serves."""

    def __init__(
        self,
        compile_text: Compile,
        revisions: Revisions,
        cache: SnapshotCache,
        clock: Clock,
        metrics: Metrics,
        on_serve: Callable[[str, str], None] | None = None,
    ) -> None:
        """:param on_serve: told the text and file name of each config that is served."""
        self._on_serve = on_serve
        self._compile = compile_text
        self._revisions = revisions
        self._cache = cache
        self._clock = clock
        self._metrics = metrics
        self._one_at_a_time = asyncio.Lock()
        # A thread of its own: compiling a large config takes a second, streams must not wait for
        # it, and SQLite is used from one thread only.
        self._thread = ThreadPoolExecutor(1, "pipeline")
        self._in_force: Revision | None = None

    @property
    def in_force(self) -> Revision | None:
        """The revision that is served; None before the first."""
        return self._in_force

    async def check(self, text: str, file_name: str) -> Snapshot:
        """What a text compiles to; nothing is kept or served. Raises ConfigErrors."""
        return await self._threaded(self._compile, text, file_name, self._cache.get(DEFAULT_GROUP))

    async def apply(self, text: str, file_name: str, author: str) -> Applied:
        """Serve a text from now on. Raises ConfigErrors and changes nothing then."""
        async with self._one_at_a_time:
            try:
                snapshot = await self.check(text, file_name)
            except ConfigErrors:
                self._metrics.applied.labels("refused").inc()
                raise
            served = self._in_force or await self._threaded(self._revisions.latest)
            if served is not None and served.snapshot_version == snapshot.version:
                self._metrics.applied.labels("unchanged").inc()
                if self._in_force is None:
                    self._serve(served, snapshot)
                return Applied(served.number, snapshot.version, changed=False)
            revision = await self._threaded(
                self._revisions.append,
                text,
                file_name,
                author,
                snapshot.version,
                self._clock.wall(),
            )
            self._serve(revision, snapshot)
            self._metrics.applied.labels("changed").inc()
            return Applied(revision.number, snapshot.version, changed=True)

    async def restore(self) -> Applied | None:
        """Serve the latest revision again, after a restart; None when there is none.

        Raises ConfigErrors when it does not compile any more, as after an upgrade.
        """
        async with self._one_at_a_time:
            revision = await self._threaded(self._revisions.latest)
            if revision is None:
                return None
            snapshot = await self.check(revision.config, revision.file_name)
            self._serve(revision, snapshot)
            return Applied(revision.number, snapshot.version, changed=False)

    async def revision(self, number: int) -> Revision | None:
        """A revision by number; 0 is the one in force."""
        return await self._threaded(self._revisions.get, number) if number else self._in_force

    def _serve(self, revision: Revision, snapshot: Snapshot) -> None:
        self._in_force = revision
        self._cache.set(DEFAULT_GROUP, snapshot)
        self._metrics.serves(snapshot.version, revision.number)
        if self._on_serve is not None:
            self._on_serve(revision.config, revision.file_name)
        log.info("serving revision %d, snapshot %s", revision.number, snapshot.version)

    async def _threaded(self, call: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, partial(call, *args, **kwargs))

    def close(self) -> None:
        """Let the thread end."""
        self._thread.shutdown()
