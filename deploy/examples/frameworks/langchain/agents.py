"""A researcher and a writer in LangChain: `python -m ...langchain.agents ROLE --port PORT`."""

import os
import sys
from collections.abc import AsyncIterator

from langchain.agents import create_agent
from langchain_core.messages import AIMessageChunk
from langchain_openai import ChatOpenAI

from deploy.examples.frameworks.cities import look_up
from deploy.running.chat import Asked, Usage, serve

ROLES = {
    "researcher": ("Find out what is asked for. Say what you found.", [look_up]),
    "writer": ("Write a letter to the reader, out of what the researcher has found.", []),
}


async def answer(asked: Asked) -> AsyncIterator[str | Usage]:
    """What the agent of this process says."""
    model = ChatOpenAI(
        model="scripted",
        base_url=os.environ["MODELS_URL"],
        api_key="none",
        stream_usage=True,
        default_headers=asked.run_headers,
    )
    instructions, tools = ROLES[sys.argv[1]]
    agent = create_agent(model, tools=tools, system_prompt=instructions)
    conversation = [
        {"role": one.role, "content": one.text, **({"name": one.agent} if one.agent else {})}
        for one in asked.messages
    ]
    used = [0, 0]
    async for piece, _ in agent.astream({"messages": conversation}, stream_mode="messages"):
        if isinstance(piece, AIMessageChunk):
            if piece.text:
                yield piece.text
            if piece.usage_metadata:
                used[0] += piece.usage_metadata["input_tokens"]
                used[1] += piece.usage_metadata["output_tokens"]
    yield Usage(*used)


if __name__ == "__main__":
    serve(sys.argv[1], answer, argv=sys.argv[2:])
