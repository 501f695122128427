"""What protocols can express, in dataplane/llm/README.md: `python -m tests.arch.losses_reference`.

The writers of requests are asked themselves, so the table cannot become untrue.
"""

from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec

from dataplane.llm.hub.loss import Losses
from dataplane.llm.hub.parts import Media, Text
from dataplane.llm.hub.request import (
    Message,
    OutputFormat,
    Reasoning,
    Request,
    Tool,
    ToolChoice,
)
from dataplane.llm.translate.codecs import CODECS
from dataplane.runtime.dialect import PLAIN, Dialect
from dataplane.runtime.protocols import Protocol

README = Path(__file__).parents[2] / "dataplane" / "llm" / "README.md"
BEGIN = "<!-- losses: made by `python -m tests.arch.losses_reference` -->\n"
END = "<!-- end of losses -->\n"

OPENAI = Dialect(max_completion_tokens=True, developer_role=True, openai_fields=True)
TARGETS = {
    "chat, OpenAI's": (Protocol.CHAT, OPENAI),
    "chat, others'": (Protocol.CHAT, PLAIN),
    "Responses": (Protocol.RESPONSES, PLAIN),
    "Messages": (Protocol.MESSAGES, PLAIN),
    "Gemini": (Protocol.GEMINI, PLAIN),
    "Converse": (Protocol.CONVERSE, PLAIN),
}
SCHEMA = msgspec.Raw(
    b'{"type":"object","properties":{"a":{"type":"string"}},"required":["a"],'
    b'"additionalProperties":false}'
)
TOOLS = [Tool("f", parameters=SCHEMA), Tool("g", parameters=SCHEMA)]
ONE_OF_THEM = ToolChoice("tools", ["f"], may=True)


def media(
    kind: str, mime_type: str, data: str = "", url: str = "", name: str = ""
) -> dict[str, Any]:
    """A request with something that is no text."""
    shown = Media(kind, mime_type, data=data, url=url, name=name)
    return {"messages": [Message("user", [Text("What is it?"), shown], at="messages[0]")]}


CASES: dict[str, dict[str, Any]] = {
    "temperature, top_p, the limit of tokens": {
        "temperature": 0.5,
        "top_p": 0.5,
        "max_output_tokens": 99,
    },
    "top_k": {"top_k": 5},
    "stop sequences": {"stop": ["x"]},
    "seed": {"seed": 7},
    "frequency and presence penalties": {"frequency_penalty": 0.5, "presence_penalty": 0.5},
    "log probabilities": {"logprobs": True, "top_logprobs": 2},
    "logit_bias": {"logit_bias": msgspec.Raw(b'{"1":2}')},
    "several answers (n)": {"n": 2},
    "JSON without a schema": {"output": OutputFormat("json")},
    "JSON of a schema": {"output": OutputFormat("json_schema", "a", schema=SCHEMA, strict=True)},
    "tools; one of them must be called": {
        "tools": TOOLS,
        "tool_choice": ToolChoice("tools", ["f"]),
    },
    "one call at a time": {"tools": TOOLS, "parallel_tool_calls": False},
    "only some tools may be called": {"tools": TOOLS, "tool_choice": ONE_OF_THEM},
    "images as data": media("image", "image/png", data="iVBORw0KGgo="),
    "images by URL": media("image", "image/png", url="https://example.com/a.png"),
    "PDF as data": media("document", "application/pdf", data="JVBERi0=", name="a.pdf"),
    "PDF by URL": media("document", "application/pdf", url="https://example.com/a.pdf"),
    "sound": media("audio", "audio/wav", data="UklGRg=="),
    "effort or budget of thinking": {
        "reasoning": Reasoning(True, "high"),
        "max_output_tokens": 9999,
    },
    "verbosity": {"verbosity": "low"},
    "user": {"user": "u1"},
    "metadata": {"metadata": msgspec.Raw(b'{"a":"b"}')},
    "service_tier": {"service_tier": "flex"},
    "prompt_cache_key": {"prompt_cache_key": "k"},
}


def said(target: Protocol, dialect: Dialect, more: dict[str, Any]) -> str:
    """Whether a target has words for what is asked."""
    client = Protocol.CHAT if target is Protocol.RESPONSES else Protocol.RESPONSES
    asked = Request("m", False, client, [Message("user", [Text("Hi")], at="messages[0]")])
    losses = Losses(replace(asked, **more))
    CODECS[target].write_request(losses.request, dialect, losses)
    if losses.refused:
        return "**no**"
    return "left out" if losses.hints else "yes"


def table() -> str:
    """The table as Markdown."""
    head = "".join(f" {name} |" for name in TARGETS)
    lines = [f"| to |{head}", "|---|" + "---|" * len(TARGETS)]
    for name, more in CASES.items():
        cells = "".join(f" {said(*target, more)} |" for target in TARGETS.values())
        lines.append(f"| {name} |{cells}")
    return f"{BEGIN}\n" + "\n".join(lines) + f"\n\n{END}"


def current() -> str:
    """What the README holds now, markers included."""
    text = README.read_text(encoding="utf-8")
    return text[text.index(BEGIN) : text.index(END) + len(END)]


if __name__ == "__main__":
    README.write_text(README.read_text(encoding="utf-8").replace(current(), table()))
