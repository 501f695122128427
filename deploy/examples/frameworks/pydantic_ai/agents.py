"""A researcher and a writer in Pydantic AI: `python -m ...pydantic_ai.agents ROLE --port PORT`."""

import os
import sys
from collections.abc import AsyncIterator

from openai import AsyncOpenAI
from pydantic_ai import Agent, ModelRequest, ModelResponse, TextPart, UserPromptPart
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider

from deploy.examples.frameworks.cities import look_up
from deploy.running.chat import Asked, Message, Usage, serve

ROLES = {
    "researcher": ("Find out what is asked for. Say what you found.", [look_up]),
    "writer": ("Write a letter to the reader, out of what the researcher has found.", []),
}


async def answer(asked: Asked) -> AsyncIterator[str | Usage]:
    """What the agent of this process says."""
    instructions, tools = ROLES[sys.argv[1]]
    async with AsyncOpenAI(
        base_url=os.environ["MODELS_URL"], api_key="none", default_headers=asked.run_headers
    ) as client:
        model = OpenAIChatModel("scripted", provider=OpenAIProvider(openai_client=client))
        agent = Agent(model, instructions=instructions, tools=tools)
        *history, question = asked.messages
        async with agent.run_stream(question.text, message_history=_turns(history)) as running:
            async for words in running.stream_text(delta=True, debounce_by=None):
                yield words
            used = running.usage
            yield Usage(used.input_tokens, used.output_tokens)


def _turns(messages: list[Message]) -> list[ModelRequest | ModelResponse]:
    """A conversation in Pydantic AI's words."""
    return [
        ModelResponse(parts=[TextPart(one.text)])
        if one.role == "assistant"
        else ModelRequest(parts=[UserPromptPart(one.text)])
        for one in messages
    ]


if __name__ == "__main__":
    serve(sys.argv[1], answer, argv=sys.argv[2:])
