"""Background tasks that cannot get lost: whoever starts one holds the set and closes it."""

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

log = logging.getLogger(__name__)


class Tasks:
    """A bag of running tasks; a task that fails is logged, not swallowed."""

    def __init__(self) -> None:
        self._running: set[asyncio.Task[Any]] = set()

    def start(self, coroutine: Coroutine[Any, Any, Any], name: str) -> asyncio.Task[Any]:
        """Run a coroutine until it ends or `close` cancels it."""
        task = asyncio.get_running_loop().create_task(coroutine, name=name)
        self._running.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._running.discard(task)
        if not task.cancelled() and (failure := task.exception()) is not None:
            log.error("task %s failed", task.get_name(), exc_info=failure)

    async def drained(self) -> None:
        """Wait until all that runs has ended by itself."""
        await asyncio.gather(*self._running, return_exceptions=True)

    def cancel(self) -> None:
        """Have what runs stop; `close` waits for it."""
        for task in list(self._running):
            task.cancel()

    async def close(self) -> None:
        """Cancel what runs and wait until it has stopped."""
        running = list(self._running)
        self.cancel()
        await asyncio.gather(*running, return_exceptions=True)
