"""boto3's bedrock-runtime, requests signed."""

import base64
import json
from collections.abc import Callable, Mapping
from typing import Any

import boto3
from botocore.config import Config

from tests.interop.clients import session
from tests.interop.clients.session import Task, Told, play

TOOLS: Any = {
    "tools": [
        {
            "toolSpec": {
                "name": "get_weather",
                "description": "The weather.",
                "inputSchema": {"json": session.PARAMETERS},
            }
        }
    ]
}


def told(answer: Any) -> Told:
    """An answer."""
    content = answer["output"]["message"]["content"]
    text = "".join(block.get("text", "") for block in content)
    return {"text": text, "stop": answer["stopReason"], "usage": used(answer["usage"])}


def used(usage: Any) -> list[int]:
    """Input, cached input and output tokens; input is told without what was cached."""
    cached = usage.get("cacheReadInputTokens", 0)
    return [usage["inputTokens"] + cached, cached, usage["outputTokens"]]


def collect(stream: Any) -> Any:
    """The events of a stream as the answer they make, and how many deltas had text."""
    blocks: dict[int, Any] = {}
    answer: dict[str, Any] = {"pieces": 0}
    for event in stream:
        ((kind, said),) = event.items()
        block = blocks.setdefault(said.get("contentBlockIndex", -1), {})
        if kind == "contentBlockStart":
            block["toolUse"] = said["start"]["toolUse"] | {"input": ""}
        elif kind == "contentBlockDelta" and "text" in said["delta"]:
            block["text"] = block.get("text", "") + said["delta"]["text"]
            answer["pieces"] += 1
        elif kind == "contentBlockDelta" and "reasoningContent" in said["delta"]:
            thought = said["delta"]["reasoningContent"]
            if "redactedContent" in thought:
                block["reasoningContent"] = thought
            else:
                whole = block.setdefault("reasoningContent", {"reasoningText": {"text": ""}})
                words = whole["reasoningText"]["text"] + thought.get("text", "")
                whole["reasoningText"] |= thought | {"text": words}
        elif kind == "contentBlockDelta":
            block["toolUse"]["input"] += said["delta"]["toolUse"]["input"]
        else:
            answer |= said
    content = [blocks[at] for at in sorted(blocks) if at >= 0]
    for block in content:
        if "toolUse" in block:
            block["toolUse"]["input"] = json.loads(block["toolUse"]["input"])
    return answer | {"output": {"message": {"role": "assistant", "content": content}}}


def tasks(url: str) -> Mapping[str, Task]:
    """Against one gateway."""
    client: Any = boto3.client(
        "bedrock-runtime",
        region_name="us-east-1",
        endpoint_url=url,
        aws_access_key_id="AKIACLIENT",
        aws_secret_access_key="secret",
        config=Config(retries={"total_max_attempts": 1}),
    )

    def ask(model: str, *content: Any, **more: Any) -> Any:
        messages = [{"role": "user", "content": list(content)}]
        return {"modelId": model, "messages": messages} | more

    system = [{"text": session.SYSTEM}]

    def chat(model: str) -> Told:
        return told(client.converse(**ask(model, {"text": session.HELLO}, system=system)))

    def stream(model: str) -> Told:
        asked = ask(model, {"text": session.STREAM}, system=system)
        whole = collect(client.converse_stream(**asked)["stream"])
        return told(whole) | {"pieces": whole["pieces"]}

    def think(model: str, streamed: bool) -> Told:
        extra = {"thinking": {"type": "enabled", "budget_tokens": 1024}}
        more = {"additionalModelRequestFields": extra, "inferenceConfig": {"maxTokens": 3000}}
        return loop(model, streamed, session.THINK, **more)

    def loop(model: str, streamed: bool, words: str = session.TOOLS, **more: Any) -> Told:
        asked = ask(model, {"text": words}, toolConfig=TOOLS, **more)
        if streamed:
            first = collect(client.converse_stream(**asked)["stream"])
        else:
            first = client.converse(**asked)
        message = first["output"]["message"]
        read, results = [], []
        for block in message["content"]:
            if "toolUse" in block:
                call = block["toolUse"]
                read.append([call["name"], call["input"]])
                said = [{"text": session.weather(**call["input"])}]
                results.append({"toolResult": {"toolUseId": call["toolUseId"], "content": said}})
        asked["messages"] += [message, {"role": "user", "content": results}]
        return told(client.converse(**asked)) | {
            "first": told(first)["text"],
            "thought": "".join(
                block["reasoningContent"].get("reasoningText", {}).get("text", "")
                for block in message["content"]
                if "reasoningContent" in block
            ),
            "calls": read,
            "tool_stop": first["stopReason"],
        }

    def structured(model: str) -> Told:
        schema = {"name": "city", "schema": json.dumps(session.CITY)}
        form = {"type": "json_schema", "structure": {"jsonSchema": schema}}
        asked = ask(model, {"text": session.STRUCTURED}, outputConfig={"textFormat": form})
        return {"parsed": json.loads(told(client.converse(**asked))["text"])}

    def image(model: str) -> Told:
        picture = {"format": "png", "source": {"bytes": base64.b64decode(session.DOT)}}
        return told(client.converse(**ask(model, {"text": session.IMAGE}, {"image": picture})))

    def file(model: str) -> Told:
        source = {"bytes": base64.b64decode(session.PDF)}
        document = {"format": "pdf", "name": "a paper", "source": source}
        asked = ask(model, {"text": session.FILE}, {"document": document})
        return told(client.converse(**asked))

    def fail(model: str) -> Told:
        return named(lambda: told(client.converse(**ask(model, {"text": session.FAIL}))))

    def fail_streamed(model: str) -> Told:
        asked = ask(model, {"text": session.FAIL})
        return named(lambda: told(collect(client.converse_stream(**asked)["stream"])))

    def named(act: Callable[[], Told]) -> Told:
        try:
            return act()
        except client.exceptions.ClientError as problem:
            status = problem.response["ResponseMetadata"]["HTTPStatusCode"]
            return {
                "error": type(problem).__name__,
                "status": status,
                "message": problem.response["Error"]["Message"],
            }

    def limited(model: str) -> Told:
        limits = {"maxTokens": session.LIMIT, "stopSequences": [session.STOP]}
        asked = ask(model, {"text": session.LONG}, inferenceConfig=limits)
        return named(lambda: told(client.converse(**asked)))

    def cut(model: str) -> Told:
        asked = ask(model, {"text": session.CUT})
        return told(collect(client.converse_stream(**asked)["stream"]))

    def nobody(model: str) -> Told:
        return named(lambda: chat(session.NOBODY))

    return {
        "chat": chat,
        "limited": limited,
        "cut": cut,
        "nobody": nobody,
        "stream": stream,
        "tools": lambda model: loop(model, False),
        "tools-streamed": lambda model: loop(model, True),
        "thinking": lambda model: think(model, False),
        "thinking-streamed": lambda model: think(model, True),
        "structured": structured,
        "file": file,
        "image": image,
        "fail": fail,
        "fail-streamed": fail_streamed,
    }


if __name__ == "__main__":
    play(tasks)
