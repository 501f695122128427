"""The wire formats of model APIs, and what a provider can be asked to do in them."""

from enum import Enum

CHAT_PATH = "/v1/chat/completions"


class Protocol(Enum):
    """A wire format of model APIs: between any two of them we translate."""

    __hash__ = object.__hash__  # Enum's own is written in Python, and every request asks for it

    CHAT = "chat"
    """OpenAI chat completions."""
    RESPONSES = "responses"
    """OpenAI Responses."""
    MESSAGES = "messages"
    """Anthropic Messages."""
    GEMINI = "gemini"
    """Google's generateContent."""
    CONVERSE = "converse"
    """Amazon Bedrock Converse."""


class Rpc(Enum):
    """What is no API of models, but reads errors of its own in place of theirs."""

    __hash__ = object.__hash__

    MCP = "mcp"
    """The Model Context Protocol: JSON-RPC."""


Reader = Protocol | Rpc
"""Whose errors a caller reads."""


class Operation(Enum):
    """What a provider can be asked to do, as one of its APIs. The values are the wire's names."""

    __hash__ = object.__hash__

    CHAT = "chat"
    COMPLETIONS = "completions"
    EMBEDDINGS = "embeddings"
    RESPONSES = "responses"
    MESSAGES = "messages"
    COUNT_TOKENS = "count_tokens"
    """Anthropic's /v1/messages/count_tokens."""
    GENERATE_CONTENT = "generate_content"
    """Gemini's generateContent and streamGenerateContent."""
    GEMINI_COUNT_TOKENS = "gemini_count_tokens"
    CONVERSE = "converse"
    """Bedrock's converse and converse-stream."""

    @property
    def protocol(self) -> Protocol | None:
        """The protocol whose requests this operation takes, when it is a generation that can be
        translated; None for the others, which are only relayed.
        """
        return _GENERATIONS.get(self)


_GENERATIONS = {
    Operation.CHAT: Protocol.CHAT,
    Operation.RESPONSES: Protocol.RESPONSES,
    Operation.MESSAGES: Protocol.MESSAGES,
    Operation.GENERATE_CONTENT: Protocol.GEMINI,
    Operation.CONVERSE: Protocol.CONVERSE,
}

GENERATION_OF = {protocol: operation for operation, protocol in _GENERATIONS.items()}
"""The operation that generates, by protocol."""
