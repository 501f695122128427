"""All protocols, by name: the one place that knows every codec."""

from collections.abc import Mapping

from dataplane.llm.translate.chat import codec as chat
from dataplane.llm.translate.codec import Codec
from dataplane.llm.translate.converse import codec as converse
from dataplane.llm.translate.gemini import codec as gemini
from dataplane.llm.translate.messages import codec as messages
from dataplane.llm.translate.responses import codec as responses
from dataplane.runtime.protocols import Protocol

CODECS: Mapping[Protocol, Codec] = {
    Protocol.CHAT: chat.CODEC,
    Protocol.RESPONSES: responses.CODEC,
    Protocol.MESSAGES: messages.CODEC,
    Protocol.GEMINI: gemini.CODEC,
    Protocol.CONVERSE: converse.CODEC,
}
