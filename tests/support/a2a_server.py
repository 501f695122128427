"""An A2A agent of the official SDK, as a process: its arguments are port, version and binding.

It says its port when it serves. "hello" is answered with a message, everything else is a task.
"""

import asyncio
import sys
import uuid

import uvicorn
from a2a.server.agent_execution import AgentExecutor, RequestContext
from a2a.server.events import EventQueue
from a2a.server.request_handlers import DefaultRequestHandler
from a2a.server.routes.agent_card_routes import create_agent_card_routes
from a2a.server.routes.jsonrpc_routes import create_jsonrpc_routes
from a2a.server.routes.rest_routes import create_rest_routes
from a2a.server.tasks import InMemoryTaskStore, TaskUpdater
from a2a.types import (
    AgentCapabilities,
    AgentCard,
    AgentInterface,
    AgentSkill,
    Message,
    Part,
    Role,
    Task,
    TaskState,
    TaskStatus,
)
from starlette.applications import Starlette


class Locksmith(AgentExecutor):
    """Knows where keys are."""

    async def execute(self, context: RequestContext, event_queue: EventQueue) -> None:
        """One message."""
        said = context.get_user_input()
        assert context.task_id is not None
        assert context.context_id is not None
        if said == "hello":
            parts = [Part(text="Hello to you.")]
            answer = Message(
                role=Role.ROLE_AGENT,
                message_id=uuid.uuid4().hex,
                parts=parts,
                context_id=context.context_id,
            )
            await event_queue.enqueue_event(answer)
            return
        if context.current_task is None:
            assert context.message is not None
            task = Task(
                id=context.task_id,
                context_id=context.context_id,
                status=TaskStatus(state=TaskState.TASK_STATE_SUBMITTED),
                history=[context.message],
            )
            await event_queue.enqueue_event(task)
        updater = TaskUpdater(event_queue, context.task_id, context.context_id)
        await updater.start_work()
        if said == "hang":
            await asyncio.sleep(3600)
        if said == "fail":
            await updater.failed(updater.new_agent_message([Part(text="No key fits.")]))
        elif said == "ask":
            question = updater.new_agent_message([Part(text="Which door?")])
            await updater.requires_input(question)
        else:
            answered = f"{said}: under the mat ({context.context_id[:3]})."
            await updater.add_artifact([Part(text=answered)], name="place")
            await updater.complete()

    async def cancel(self, context: RequestContext, event_queue: EventQueue) -> None:
        """The task is not wanted any more."""
        assert context.task_id is not None
        assert context.context_id is not None
        print("cancelled", flush=True)
        await TaskUpdater(event_queue, context.task_id, context.context_id).cancel()


def card(base: str, version: str, binding: str) -> AgentCard:
    """What the agent says of itself."""
    url = f"{base}/rpc" if binding == "JSONRPC" else f"{base}/rest"
    return AgentCard(
        name="Locksmith",
        description="Finds keys and opens doors.",
        version="3.2.1",
        supported_interfaces=[
            AgentInterface(url=url, protocol_binding=binding, protocol_version=version)
        ],
        capabilities=AgentCapabilities(streaming=True, push_notifications=True),
        default_input_modes=["text/plain"],
        default_output_modes=["text/plain"],
        skills=[
            AgentSkill(
                id="keys",
                name="Keys",
                description="Tells where a key is.",
                tags=["keys"],
                examples=["Where is the key of the cellar?"],
            )
        ],
    )


def main(port: int, version: str, binding: str) -> None:
    """Serve until killed."""
    told = card(f"http://127.0.0.1:{port}", version, binding)
    handler = DefaultRequestHandler(Locksmith(), InMemoryTaskStore(), told)
    old = version.startswith("0.")
    routes = [
        *create_agent_card_routes(told),
        *create_jsonrpc_routes(handler, "/rpc", enable_v0_3_compat=old),
        *create_rest_routes(handler, path_prefix="/rest", enable_v0_3_compat=old),
    ]

    class Server(uvicorn.Server):
        async def startup(self, sockets: object = None) -> None:
            await super().startup(sockets)  # type: ignore[arg-type]
            print("ready", flush=True)

    app = Starlette(routes=routes)
    Server(uvicorn.Config(app, "127.0.0.1", port, log_level="warning")).run()


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], sys.argv[3])
