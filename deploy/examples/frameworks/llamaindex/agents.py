"""A researcher and a writer in LlamaIndex: `python -m ...llamaindex.agents ROLE --port PORT`."""

import os
import sys
from collections.abc import AsyncIterator

from llama_index.core.agent.workflow import AgentStream, FunctionAgent
from llama_index.core.llms import ChatMessage
from llama_index.llms.openai_like import OpenAILike

from deploy.examples.frameworks.cities import look_up
from deploy.running.chat import Asked, Usage, serve

ROLES = {
    "researcher": ("Find out what is asked for. Say what you found.", [look_up]),
    "writer": ("Write a letter to the reader, out of what the researcher has found.", []),
}


async def answer(asked: Asked) -> AsyncIterator[str | Usage]:
    """What the agent of this process says."""
    model = OpenAILike(
        model="scripted",
        api_base=os.environ["MODELS_URL"],
        api_key="none",
        is_chat_model=True,
        is_function_calling_model=True,
        default_headers=asked.run_headers,
        additional_kwargs={"stream_options": {"include_usage": True}},
    )
    instructions, tools = ROLES[sys.argv[1]]
    agent = FunctionAgent(llm=model, tools=tools, system_prompt=instructions)
    *history, question = [ChatMessage(role=one.role, content=one.text) for one in asked.messages]
    read = said = 0
    running = agent.run(user_msg=question, chat_history=history)
    async for event in running.stream_events():
        if isinstance(event, AgentStream):
            if event.delta:
                yield event.delta
            if event.raw and (usage := event.raw.get("usage")):
                read += usage["prompt_tokens"]
                said += usage["completion_tokens"]
    await running
    yield Usage(read, said)


if __name__ == "__main__":
    serve(sys.argv[1], answer, argv=sys.argv[2:])
