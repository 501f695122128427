"""What each agent is told: the client's conversation, with what the agents before it said."""

from dataplane.llm.chat import ChatRequest
from dataplane.runtime.config import Agent
from dataplane.runtime.headers import for_services
from dataplane.runtime.messages import Request
from dataplane.runtime.protocols import CHAT_PATH


def told_by(chat: ChatRequest, agent: str, text: str) -> ChatRequest:
    """The conversation after an agent had its say: the user's question stays the last word.

    An agent without words (it called a tool) leaves no trace: servers refuse empty messages.
    """
    return chat.with_answer_before_question(agent, text) if text else chat


def request_to(agent: Agent, chat: ChatRequest, request: Request) -> Request:
    """What is sent to an agent on behalf of the client's `request`."""
    headers = (*for_services(request.headers), ("content-type", "application/json"))
    path = agent.path_prefix + CHAT_PATH
    return Request("POST", path, headers, chat.body, request.query)
