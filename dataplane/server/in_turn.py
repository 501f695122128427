"""The steps of one answer's filters, one after another, while one of them waits for somebody.

The rule: order is kept, and what waits is bounded: then the upstream is not read.
"""

from collections import deque
from typing import TYPE_CHECKING, Any, NamedTuple

from dataplane.filters.api import asks

if TYPE_CHECKING:
    from asyncio import Task
    from collections.abc import Awaitable, Callable

    from dataplane.filters.api import Maybe
    from dataplane.filters.out import Out
    from dataplane.runtime.effects import Effect, Steps
    from dataplane.tasks import Tasks

    Step = Callable[[Any], Maybe[Out]]
    Then = Callable[[Out], None]

MAX_WAITING_BYTES = 256 * 1024
"""Behind a filter that is being asked; then the upstream is not read."""


class Waits(NamedTuple):
    """Steps that cannot go on before this was carried out."""

    steps: "Steps[Out]"
    effect: "Effect"


def begun(step: "Step", what: Any) -> "Out | Waits":
    """What a step of the flow comes to, as far as it comes by itself."""
    made = step(what)
    if not asks(made):
        return made
    try:
        return Waits(made, next(made))
    except StopIteration as end:
        out: Out = end.value
        return out


class InTurn:
    """What waits, from the first time that a filter waits."""

    __slots__ = ("_bytes", "_choke", "_failed", "_perform", "_task", "_waiting", "is_choked")

    def __init__(
        self,
        perform: "Callable[[Steps[Out], Effect], Awaitable[Out]]",
        choke: "Callable[[bool], None]",
        failed: "Callable[[], None]",
    ) -> None:
        """:param choke: is told when too much waits, and when that is over. :param failed: called
        while an exception is handled.
        """
        self._perform = perform
        self._choke = choke
        self._failed = failed
        self._task: Task[None] | None = None
        self._waiting: deque[tuple[Step, Any, Then, int]] = deque()
        self._bytes = 0
        self.is_choked = False

    @property
    def is_busy(self) -> bool:
        """Whether a filter waits."""
        return self._task is not None

    def begin(self, waits: Waits, then: "Then", tasks: "Tasks") -> None:
        """Carry out what was asked for; what is added from now on comes behind it."""
        self._task = tasks.start(self._run(waits, then), name="output filters")

    def add(self, step: "Step", what: Any, then: "Then", size: int) -> None:
        """One more step, over so many bytes."""
        self._waiting.append((step, what, then, size))
        self._bytes += size
        if self._bytes > MAX_WAITING_BYTES and not self.is_choked:
            self.is_choked = True
            self._choke(True)

    def clear(self) -> None:
        """Nothing more is to be done behind what is being done."""
        self._waiting.clear()

    def cancel(self) -> None:
        """Nor that."""
        self._waiting.clear()
        if self._task is not None:
            self._task.cancel()

    async def _run(self, waits: Waits, then: "Then") -> None:
        try:
            then(await self._perform(*waits))
            while self._waiting:
                step, what, then, size = self._waiting.popleft()
                self._bytes -= size
                made = begun(step, what)
                then(await self._perform(*made) if isinstance(made, Waits) else made)
        except Exception:
            self._failed()
        finally:
            self._task = None
        if self.is_choked:
            self.is_choked = False
            self._choke(False)
