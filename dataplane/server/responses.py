"""Responses that are kept for clients of providers that keep none themselves.

Rule: a response is found by whose it is and its id, never by its id alone. A provider that keeps
its own state (OpenAI; not every one that has the Responses API) is asked untouched.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import msgspec

from dataplane.llm import kept
from dataplane.llm.translate.responses import history
from dataplane.routing.match import match_model
from dataplane.runtime.config import ModelTarget, RuntimeConfig
from dataplane.runtime.messages import LocalReply, Request, ResponseDetail
from dataplane.runtime.protocols import Operation
from dataplane.runtime.state_storage import StateStorage
from dataplane.server.surface import Stored
from dataplane.sessions.store import Store, StoreError, key_of
from dataplane.tasks import Tasks

if TYPE_CHECKING:
    from dataplane.server.downstream import Call

log = logging.getLogger(__name__)

_KIND = "response"
SECOND_LOOK_S = 0.1
"""Another worker may still be putting it there when the client is back; a store takes a few ms."""
MakeStore = Callable[[StateStorage], Store | None]
Keep = Callable[[bytes], None]


@dataclass(frozen=True, slots=True)
class Continued:
    """A request, and whether all that came before it is in it now."""

    request: Request
    found: bool = False
    said: bytes = b""
    """The body before filters, which is what the next turn continues: they see that as well."""

    def as_left(self, request: Request | LocalReply) -> "Continued | LocalReply":
        """The same as filters have left it."""
        if isinstance(request, LocalReply):
            return request
        return Continued(request, self.found, self.said or self.request.body)


@dataclass(frozen=True, slots=True)
class Settled:
    """A request that is ready, and what is to be called with its answer."""

    request: Request
    keep: Keep | None = None


class ResponsesState:
    """What is remembered of Responses. One per worker."""

    def __init__(self, make_store: MakeStore) -> None:
        self._make_store = make_store
        self._tasks = Tasks()
        self._rules: StateStorage | None = None
        self._coming: dict[str, bytes] = {}
        """What is on its way to the store: a client may be back before it has arrived."""
        self._store: Store | None = None

    async def configure(self, config: RuntimeConfig) -> None:
        """Use the store that a configuration asks for; the old one stays while nothing differs."""
        rules = config.state_storage
        if rules == self._rules:
            return
        before, self._store = self._store, self._make_store(rules)
        self._rules = rules
        if before is not None:
            await before.close()

    async def close(self) -> None:
        """Nothing is asked any more; what is on its way to the store gets there."""
        await self._tasks.drained()
        if self._store is not None:
            await self._store.close()
            self._store = None

    async def continued(self, call: "Call", request: Request) -> "Continued | LocalReply":
        """The request with everything that was said before it, where we are who remembers."""
        named = await self._named(call, request)
        if isinstance(named, LocalReply):
            return named
        request = named
        turn = history.turn(request.body)
        if turn is None or not turn.previous:
            return Continued(request)
        found = await self._find(call, turn.previous)
        if isinstance(found, LocalReply):
            return found
        if found is None:
            return Continued(request)
        try:
            merged = history.continued(request.body, found.items)
        except (ValueError, RecursionError) as problem:
            return _no_request(problem)
        return Continued(replace(request, body=merged), found=True)

    async def _named(self, call: "Call", request: Request) -> Request | LocalReply:
        """The request with items of ours in place of their ids; others stay what they are."""
        try:
            wanted = history.references(request.body)
        except (ValueError, RecursionError):
            # Who reads it next says what is wrong.
            return request
        items: dict[str, msgspec.Raw] = {}
        for response_id in dict.fromkeys(wanted.values()):
            found = await self._find(call, response_id)
            if isinstance(found, LocalReply):
                return found
            if found is not None:
                items |= history.by_id(found.items)
        if items.keys().isdisjoint(wanted):
            return request
        return replace(request, body=history.resolved(request.body, items))

    def settled(
        self, call: "Call", turn: "Continued", models: Sequence[str]
    ) -> "Settled | LocalReply":
        """How a request goes on to `models`, or to the one that it names; a 400 when nobody
        remembers what it continues.
        """
        request = turn.request
        said = history.turn(request.body)
        if said is None:
            return Settled(request)
        if _remembers_itself(call, models[0] if models else said.model):
            if turn.found:
                request = replace(request, body=history.cut_loose(request.body))
            return Settled(request)
        if said.previous and not turn.found:
            return kept.unknown_previous(said.previous)
        if self._store is None or not said.stored:
            return Settled(request)
        return Settled(request, partial(self._keep, call, turn.said or request.body))

    async def answer(self, call: "Call", stored: Stored) -> LocalReply | None:
        """The answer to a request about a response that was kept; None when it was not, by us."""
        found = await self._find(call, stored.response_id)
        if isinstance(found, LocalReply) or found is None:
            return found
        match stored.action:
            case "get":
                return kept.retrieved(found)
            case "input_items":
                return kept.input_items(found, stored.response_id, call.ask.query)
            case "delete":
                return await self._delete(call, stored.response_id)
            case _:
                return kept.not_cancelled()

    async def _find(self, call: "Call", response_id: str) -> kept.Kept | LocalReply | None:
        if self._store is None:
            return None
        key = _key(call, response_id)
        try:
            value = self._coming.get(key) or await self._store.get(key)
            if value is None:
                await asyncio.sleep(SECOND_LOOK_S)
                value = await self._store.get(key)
        except StoreError as problem:
            return _unreachable(call, problem)
        return kept.decode(value) if value is not None else None

    async def _delete(self, call: "Call", response_id: str) -> LocalReply:
        assert self._store is not None, "it was found there"
        try:
            await self._store.delete(_key(call, response_id))
        except StoreError as problem:
            return _unreachable(call, problem)
        return kept.deleted(response_id)

    def _keep(self, call: "Call", whole: bytes, response: bytes) -> None:
        made = history.outcome(response)
        if made is None or not made.complete:
            return
        own = history.own_items(call.request.body)
        items = [*history.own_items(whole), *made.items]
        value = kept.encode(kept.Kept(msgspec.Raw(response), items, own))
        if len(value) > call.config.state_storage.max_entry_bytes:
            log.warning("response of %s is too large to be kept", call.request_id)
            return
        key = _key(call, made.id)
        self._coming[key] = value
        self._tasks.start(self._put(call, key, value), name="keep response")

    async def _put(self, call: "Call", key: str, value: bytes) -> None:
        try:
            if self._store is not None:
                await self._store.put(key, value, call.config.state_storage.ttl_s)
        except StoreError as problem:
            log.error("response of %s was not kept: %s", call.request_id, problem)
        finally:
            self._coming.pop(key, None)


def _key(call: "Call", response_id: str) -> str:
    tenant = call.tenant(call.config.state_storage.tenant_header)
    return key_of(_KIND, tenant, response_id)


def _remembers_itself(call: "Call", model: str) -> bool:
    """Whether the first provider that a request for this model goes to keeps what it answers."""
    route = match_model(call.listener, model or None)
    if isinstance(route, LocalReply) or not isinstance(route.target, ModelTarget):
        return False
    provider = call.config.providers.get(route.target.providers[0])
    if provider is None or not provider.dialect.keeps_responses:
        return False
    return any(api.operation is Operation.RESPONSES for api in provider.apis)


def _no_request(problem: Exception) -> LocalReply:
    message = f"The request is not one of the Responses API: {problem}."
    return LocalReply(400, message, ResponseDetail.INVALID_BODY)


def _unreachable(call: "Call", problem: StoreError) -> LocalReply:
    log.error("request %s: %s", call.request_id, problem)
    return LocalReply(
        503, "The store of responses cannot be reached.", ResponseDetail.STATE_UNAVAILABLE
    )
