"""Whom the coroutine path asks for one answer, and what the cluster is told of it."""

from typing import TYPE_CHECKING

from dataplane.runtime.cluster import Priority

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dataplane.upstream.cluster import ClusterState
    from dataplane.upstream.endpoint import UpstreamEndpoint
    from dataplane.upstream.permits import Permit


class Asked:
    """The attempts at one answer. The endpoint that is asked counts as active for that."""

    __slots__ = (
        "_first_at",
        "_has_failed",
        "_key",
        "_permit",
        "_sent_at",
        "_state",
        "attempts",
        "endpoint",
    )

    def __init__(self) -> None:
        self.attempts = 0
        self.endpoint: UpstreamEndpoint | None = None
        """The one that was asked last."""
        self._state: ClusterState | None = None
        """Of the endpoint, if it measures answers."""
        self._key: Sequence[int] = ()
        self._permit: Permit | None = None
        self._has_failed = False
        self._first_at = self._sent_at = 0.0

    def take(
        self, state: "ClusterState", endpoint: "UpstreamEndpoint", key: "Sequence[int]"
    ) -> bool:
        """Ask an endpoint; False: its circuit breakers do not allow it.

        :param key: what it was picked by, under a policy that hashes.
        """
        if state.guarded:
            self._permit = state.permits.take(endpoint, Priority.DEFAULT)
            if self._permit is None:
                return False
        self.attempts += 1
        self.endpoint = endpoint
        self._has_failed = False
        endpoint.active += 1
        if state.measures:
            self._state = state
            self._key = key
            self._first_at = self._sent_at = state.now()
        return True

    def began(self) -> None:
        """The first bytes of the body are there."""
        if self._state is not None:
            self._first_at = self._state.now()

    def ended(self, size: int, *, streamed: bool) -> None:
        """A good answer is whole; `size` is that of its body."""
        state, endpoint = self._state, self.endpoint
        if state is not None and endpoint is not None:
            first_s = self._first_at - self._sent_at
            whole_s = state.now() - self._sent_at
            state.timed(endpoint, self._key, first_s, whole_s, streamed=streamed, size=size)

    def answered(self, status: int) -> None:
        """Nothing more is wanted of an answer. It was good if `failed` was not told."""
        endpoint = self.endpoint
        if endpoint is not None and endpoint.watch is not None and not self._has_failed:
            endpoint.watch.answered(endpoint, status)

    def failed(self) -> None:
        """There was no answer, or no whole one."""
        endpoint = self.endpoint
        self._has_failed = True
        if endpoint is not None and endpoint.watch is not None:
            endpoint.watch.failed(endpoint)

    def part_with(self, endpoint: "UpstreamEndpoint") -> None:
        """It has nothing more to do."""
        endpoint.active -= 1
        permit, self._permit = self._permit, None
        if permit is not None:
            permit.close()
