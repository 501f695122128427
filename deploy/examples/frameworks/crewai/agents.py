"""A researcher and a writer in CrewAI: `python -m ...crewai.agents ROLE --port PORT`.

Each is a crew of one: which of them acts, and in what order, is the gateway's affair.
"""

import os
import sys
from collections.abc import AsyncIterator

from crewai import LLM, Agent, Crew, Task
from crewai.tools import tool
from crewai.types.streaming import StreamChunkType

from deploy.examples.frameworks.cities import look_up
from deploy.running.chat import Asked, Usage, serve

ROLES = {
    "researcher": ("Find out what is asked for", "What was found", [tool(look_up)]),
    "writer": ("Write to the reader, out of what the researcher has found", "A letter", []),
}


async def answer(asked: Asked) -> AsyncIterator[str | Usage]:
    """What the agent of this process says."""
    model = LLM(
        model="scripted",
        provider="openai",
        base_url=os.environ["MODELS_URL"],
        api_key="none",
        default_headers=asked.run_headers,
        stream=True,
    )
    goal, expected, tools = ROLES[sys.argv[1]]
    agent = Agent(role=sys.argv[1], goal=goal, backstory="Works at a desk.", llm=model, tools=tools)
    conversation = "\n".join(f"{one.agent or one.role}: {one.text}" for one in asked.messages)
    task = Task(description=conversation, expected_output=expected, agent=agent)
    crew = Crew(agents=[agent], tasks=[task], stream=True)
    running = await crew.akickoff()
    async for chunk in running:
        if chunk.chunk_type is StreamChunkType.TEXT and chunk.content:
            yield chunk.content
    used = crew.usage_metrics
    yield Usage(used.prompt_tokens, used.completion_tokens)


if __name__ == "__main__":
    serve(sys.argv[1], answer, argv=sys.argv[2:])
