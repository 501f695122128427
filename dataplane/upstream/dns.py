"""Names that are looked up again and again, so each machine sees what its own DNS says (shell).

The rule: what is known stays until something else is known. A look-up that fails changes nothing,
and none is awaited by a request.
"""

import asyncio
import logging
import socket
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence

from dataplane.balancing.addresses import Addresses, usable
from dataplane.tasks import Tasks

log = logging.getLogger(__name__)

AT_ONCE = 4
"""Look-ups that run at the same time: each takes a thread of uvloop's four while it waits."""
PATIENCE_S = 30.0
"""resolv.conf allows 5 s, two attempts and three servers by default."""
JITTER = 0.1
"""Of an interval, so that workers and nodes do not ask together."""

Lookup = Callable[[str], Awaitable[Sequence[str]]]


async def system_lookup(name: str) -> list[str]:
    """The addresses of a name by the system's resolver, those to try first first.

    Raises OSError.
    """
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(name, None, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in found]


class Dns:
    """Looks up the names it is told to follow."""

    def __init__(
        self,
        on_change: Callable[[str], None],
        random: Callable[[], float],
        tasks: Tasks,
        lookup: Lookup = system_lookup,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """
        :param on_change: told a name whose addresses have changed; they are in `known` by then.
        :param random: returns floats in [0, 1). :param tasks: hold the look-ups; whoever has them
            closes them.
        """
        self.known: dict[str, Addresses] = {}
        """What each name was found to be the last time that it was found; never empty."""
        self.failures: dict[str, int] = {}
        """Look-ups of each name that failed since it was found."""
        self._on_change = on_change
        self._random = random
        self._lookup = lookup
        self._sleep = sleep
        self._every_s: dict[str, float] = {}
        self._tasks = tasks
        self._following: dict[str, asyncio.Task[None]] = {}
        self._free = asyncio.Semaphore(AT_ONCE)

    def follow(self, names: Mapping[str, float], kept: Collection[str] = ()) -> None:
        """Look up these names from now on, each so often (seconds), and no others.

        :param kept: names that may be followed again: what is known of them stays.
        """
        for name in self._following.keys() - names.keys():
            self._following.pop(name).cancel()
            self.failures.pop(name, None)
        for name in self.known.keys() - names.keys():
            if name not in kept:
                del self.known[name]
        self._every_s.clear()
        self.also(names)

    def also(self, names: Mapping[str, float]) -> None:
        """Look up these names as well; one that is followed already as often as both want."""
        for name, every_s in names.items():
            self._every_s[name] = min(self._every_s.get(name, every_s), every_s)
            if name not in self._following:
                self._following[name] = self._tasks.start(self._follow(name), f"dns {name}")

    async def _follow(self, name: str) -> None:
        while True:
            async with self._free:
                found = await self._ask(name)
            if found and found != self.known.get(name):
                self.known[name] = found
                self._tell(name)
            # Half of the jitter on either side of what was asked for.
            await self._sleep(self._every_s[name] * (1.0 + JITTER * (self._random() - 0.5)))

    def _tell(self, name: str) -> None:
        try:
            self._on_change(name)
        except Exception:
            # Whatever is wrong with these addresses, the next ones must be looked at.
            log.exception("the addresses of %s cannot be used", name)

    async def _ask(self, name: str) -> Addresses:
        """Its addresses; none: it could not be found, which is told once."""
        try:
            async with asyncio.timeout(PATIENCE_S):
                found = usable(await self._lookup(name))
        except (OSError, UnicodeError, TimeoutError, ValueError) as problem:
            failed = self.failures[name] = self.failures.get(name, 0) + 1
            if failed == 1:
                kept = ", ".join(self.known.get(name, ())) or "nothing is known of it"
                log.warning("%s cannot be looked up (%s); kept: %s", name, _why(problem), kept)
            return ()
        if self.failures.pop(name, 0):
            log.info("%s is found again", name)
        return found


def _why(problem: Exception) -> str:
    if isinstance(problem, TimeoutError):
        return f"no answer in {PATIENCE_S:g} s"
    if isinstance(problem, OSError) and problem.strerror:
        return problem.strerror
    return str(problem) or type(problem).__name__
