"""Who would act on a conversation, and why: decided as for a request, but no agent is called.

Rule: it tells what a request would do, by the same flow and the same config. It is asked on the
listener itself (`/routing/v1/...`, by whoever may call it) and by the control plane.
"""

from collections.abc import Callable

import msgspec

from dataplane.agents.explained import Explanation, explained
from dataplane.agents.plan import choose
from dataplane.clock import Clock
from dataplane.filters.builtin import Chains
from dataplane.llm.chat import parse_chat
from dataplane.llm.translate.codecs import CODECS
from dataplane.llm.turns import conversation
from dataplane.llm.wire.body import peek
from dataplane.observe.record import ExchangeRecord
from dataplane.runtime.config import Listener, ListenerKind, RuntimeConfig
from dataplane.runtime.decision import Turn
from dataplane.runtime.messages import LocalReply, Request, ResponseDetail
from dataplane.runtime.protocols import CHAT_PATH, Protocol
from dataplane.server.downstream import Call
from dataplane.server.perform import Performer

ASKER = "explain"
"""Request id of what the control plane asks."""
_JSON = (("content-type", "application/json"),)


class Explaining:
    """One per worker."""

    def __init__(
        self, performer: Performer, clock: Clock, getrandbits: Callable[[int], int]
    ) -> None:
        self._performer = performer
        self._clock = clock
        self._getrandbits = getrandbits
        self._config = RuntimeConfig()
        self._chains = Chains({})

    def configure(self, config: RuntimeConfig) -> None:
        """Explain by this from now on."""
        self._config = config
        self._chains = Chains(config.filters)

    async def tell(self, call: Call) -> LocalReply:
        """The answer of an agent listener's decision API."""
        protocol = call.ask.protocol
        assert protocol is not None, "surface.py offers it for generations only"
        turns = _turns(call.request.body, protocol)
        if isinstance(turns, LocalReply):
            return turns
        found = await self._explained(call, turns)
        if isinstance(found, LocalReply):
            return found
        call.record.agents = found.agents
        call.record.decision = found.reason
        told = msgspec.json.encode(found)
        return LocalReply(200, "", ResponseDetail.LOCAL, _JSON, told)

    async def explain(self, name: str, body: bytes) -> Explanation | LocalReply | None:
        """What the control plane asks; None: there is no such listener here.

        :param body: a chat request.
        """
        listener = self._config.listeners.get(name)
        if listener is None:
            return None
        if listener.kind is not ListenerKind.AGENT:
            message = f"Listener '{name}' has no agents: ask its /routing/v1/chat/completions."
            return LocalReply(400, message, ResponseDetail.ROUTE_NOT_FOUND)
        turns = _turns(body, Protocol.CHAT)
        if isinstance(turns, LocalReply):
            return turns
        return await self._explained(self._call(listener, body), turns)

    async def _explained(self, call: Call, turns: tuple[Turn, ...]) -> Explanation | LocalReply:
        started = self._clock.now()
        plan = await self._performer.run(choose(call.listener, turns), call)
        if isinstance(plan, LocalReply):
            return plan
        return explained(plan, call.listener, self._clock.now() - started)

    def _call(self, listener: Listener, body: bytes) -> Call:
        trace = f"00-{self._getrandbits(128) or 1:032x}-{self._getrandbits(64) or 1:016x}-00"
        deadline = self._clock.now() + listener.timeout_s
        request = Request("POST", CHAT_PATH, (), body)
        record = ExchangeRecord(listener=listener.name)
        return Call(
            self._config, listener, request, ASKER, trace, deadline, record, self._chains.of
        )


def _turns(body: bytes, protocol: Protocol) -> tuple[Turn, ...] | LocalReply:
    if protocol is Protocol.CHAT:
        chat = parse_chat(body)
        return chat if isinstance(chat, LocalReply) else chat.conversation()
    found = peek(body)
    if isinstance(found, LocalReply):
        return found
    asked = CODECS[protocol].read_request(body, found.model or "", False)
    return asked if isinstance(asked, LocalReply) else conversation(asked)
