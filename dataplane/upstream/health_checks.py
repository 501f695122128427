"""Asking endpoints whether they are well: for clusters of the current configuration that say so,
beside the requests and never on their way.

The rule: each check has a connection of its own, so that it also tells whether the endpoint still
accepts any; no credential goes with it. Workers ask by themselves, spread by chance. What answers
mean is decided in balancing/health.py.
"""

import asyncio
import ssl
from collections.abc import Callable, Iterable

import aiohttp
from yarl import URL

from dataplane.balancing.health import is_good
from dataplane.runtime.cluster import HealthCheck
from dataplane.tasks import Tasks
from dataplane.upstream.cluster import ClusterState
from dataplane.upstream.endpoint import UpstreamEndpoint
from dataplane.upstream.pool import authority_of

MAX_AT_ONCE = 64
"""Checks at the same time, of one worker."""
_HEADERS = {"User-Agent": "outrider-health-check", "Accept": "*/*"}


class HealthChecks:
    """One per worker; use it within the running loop and close it there."""

    def __init__(
        self, random: Callable[[], float], ssl_context: Callable[[], ssl.SSLContext]
    ) -> None:
        """`random` returns floats in [0, 1)."""
        self._random = random
        self._ssl_context = ssl_context
        self._session: aiohttp.ClientSession | None = None
        self._tasks = Tasks()
        self._watched: dict[ClusterState, _Watched] = {}

    def watch(self, states: Iterable[ClusterState]) -> None:
        """Ask the endpoints of these clusters from now on, and of no others. Those that are watched
        already are asked at once, as their endpoints may be others.
        """
        watched, self._watched = self._watched, {}
        for state in states:
            one = watched.pop(state, None)
            if one is None:
                one = _Watched(state)
                one.task = self._tasks.start(self._run(one), f"health checks of {state.name}")
            elif one.seen is not state.cluster:
                one.changed.set()
            self._watched[state] = one
        for one in watched.values():
            if one.task is not None:
                one.task.cancel()

    async def close(self) -> None:
        """Ask nobody any more."""
        await self._tasks.close()
        if self._session is not None:
            await self._session.close()

    async def _run(self, watched: "_Watched") -> None:
        state = watched.state
        while (rules := state.cluster.health_check) is not None:
            watched.changed.clear()
            watched.seen = state.cluster
            await asyncio.gather(*(self._check(state, one, rules) for one in state.endpoints))
            jitter = rules.jitter_percent / 100.0 * self._random()
            try:
                async with asyncio.timeout(rules.interval_s * (1.0 + jitter)):
                    await watched.changed.wait()
            except TimeoutError:
                pass

    async def _check(
        self, state: ClusterState, endpoint: UpstreamEndpoint, rules: HealthCheck
    ) -> None:
        why = ""
        try:
            async with asyncio.timeout(rules.timeout_s):
                status = await self._ask(state, endpoint, rules)
            if not is_good(status, rules):
                why = f"it answered {status}"
        except TimeoutError:
            why = f"it gave no answer within {rules.timeout_s:g} s"
        except (aiohttp.ClientError, OSError, ValueError) as problem:
            why = f"it cannot be asked ({problem or type(problem).__name__})"
        state.checked(endpoint, good=not why, why=why)

    async def _ask(
        self, state: ClusterState, endpoint: UpstreamEndpoint, rules: HealthCheck
    ) -> int:
        cluster, place = state.cluster, endpoint.endpoint
        path, _, query = rules.path.partition("?")
        url = URL.build(
            scheme="https" if cluster.tls else "http",
            host=place.host,
            port=place.port,
            path=path,
            query_string=query,
            encoded=True,
        )
        host = rules.host or cluster.authority or authority_of(place, cluster.tls)
        async with self._open_session().get(
            url,
            headers={**_HEADERS, "Host": host},
            allow_redirects=False,
            ssl=self._ssl_context() if cluster.tls else True,
            server_hostname=(cluster.sni or place.hostname or None) if cluster.tls else None,
        ) as response:
            return response.status

    def _open_session(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=MAX_AT_ONCE, force_close=True),
                timeout=aiohttp.ClientTimeout(total=None),
                cookie_jar=aiohttp.DummyCookieJar(),
                trust_env=False,
            )
        return self._session


class _Watched:
    """A cluster whose endpoints are asked."""

    def __init__(self, state: ClusterState) -> None:
        self.state = state
        self.seen = state.cluster
        self.changed = asyncio.Event()
        self.task: asyncio.Task[None] | None = None
