"""A researcher and a writer in the OpenAI Agents SDK: `python -m ...openai_agents.agents ROLE`."""

import os
import sys
from collections.abc import AsyncIterator

from agents import Agent, ModelSettings, OpenAIChatCompletionsModel, Runner, function_tool
from openai import AsyncOpenAI

from deploy.examples.frameworks.cities import look_up
from deploy.running.chat import Asked, Usage, serve

ROLES = {
    "researcher": ("Find out what is asked for. Say what you found.", [function_tool(look_up)]),
    "writer": ("Write a letter to the reader, out of what the researcher has found.", []),
}


async def answer(asked: Asked) -> AsyncIterator[str | Usage]:
    """What the agent of this process says."""
    instructions, tools = ROLES[sys.argv[1]]
    async with AsyncOpenAI(base_url=os.environ["MODELS_URL"], api_key="none") as client:
        agent = Agent(
            name=sys.argv[1],
            instructions=instructions,
            tools=tools,
            model=OpenAIChatCompletionsModel("scripted", client),
            model_settings=ModelSettings(include_usage=True, extra_headers=asked.run_headers),
        )
        conversation = [{"role": one.role, "content": one.text} for one in asked.messages]
        running = Runner.run_streamed(agent, conversation)
        async for event in running.stream_events():
            if event.type == "raw_response_event" and (
                event.data.type == "response.output_text.delta"
            ):
                yield event.data.delta
        used = running.context_wrapper.usage
        yield Usage(used.input_tokens, used.output_tokens)


if __name__ == "__main__":
    serve(sys.argv[1], answer, argv=sys.argv[2:])
