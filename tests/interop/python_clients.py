"""The clients of `test_python_clients.py`: programs of `clients/`, versions, their own words."""

from dataclasses import dataclass, replace

LEGACY = ("openai==1.109.1", "anthropic==0.71.0", "google-genai==1.46.0", "boto3==1.40.0")
LANGCHAIN = (
    "langchain==1.4.7",
    "langchain-openai==1.7.3",
    "langchain-anthropic==1.7.7",
    "langchain-google-genai==4.4.2",
)
LITELLM = ("litellm==1.106.2", "boto3==1.44.5", "mcp==2.3.0")
PYDANTIC_AI = ("pydantic-ai-slim[openai,anthropic,google,bedrock]==2.68.0",)


@dataclass(frozen=True, slots=True)
class Client:
    """A program and what its client calls things; empty words are not told."""

    program: str
    stop: str
    tool_stop: str
    fails: str
    """The exception for a provider's 429."""
    refuses: str = ""
    """The exception for our 400."""
    arguments: tuple[str, ...] = ()
    environment: str = ""
    """Of its own, with `requirements`; ours when empty."""
    requirements: tuple[str, ...] = ()
    missing: str = "NotFoundError"
    """The exception for a model that nobody has."""
    lacks: frozenset[str] = frozenset()
    """Tasks it cannot do."""
    full: bool = False
    """Whether it runs in `make test-full` only."""


def legacy(client: Client) -> Client:
    """The same with a major version before."""
    return replace(client, environment="legacy", requirements=LEGACY)


OPENAI_CHAT = Client("openai_chat", "stop", "tool_calls", "RateLimitError", "BadRequestError")
OPENAI_RESPONSES = Client(
    "openai_responses", "completed", "completed", "RateLimitError", "BadRequestError"
)
ANTHROPIC = Client(
    "anthropic_messages", "end_turn", "tool_use", "RateLimitError", "BadRequestError"
)
GOOGLE = Client(
    "google_genai",
    "STOP",
    "STOP",
    "ClientError",
    "ClientError",
    ("v1beta",),
    missing="ClientError",
)
BOTO3 = Client(
    "bedrock",
    "end_turn",
    "tool_use",
    "ThrottlingException",
    "ValidationException",
    missing="ResourceNotFoundException",
)


def framework(
    program: str, requirements: tuple[str, ...], api: str, stop: str, tool_stop: str, fails: str
) -> Client:
    """A client with an environment of its own, which speaks one of several APIs."""
    return Client(
        program,
        stop,
        tool_stop,
        fails,
        arguments=(api,),
        environment=program,
        requirements=requirements,
        full=True,
    )


def _langchain(api: str, stop: str, tool_stop: str, fails: str) -> Client:
    return framework("langchain_models", LANGCHAIN, api, stop, tool_stop, fails)


def _litellm(api: str) -> Client:
    return framework("litellm_completion", LITELLM, api, "stop", "tool_calls", "RateLimitError")


def _pydantic_ai(api: str) -> Client:
    return framework("pydantic_ai_agents", PYDANTIC_AI, api, "stop", "", "ModelRateLimitError")


def _agents(api: str) -> Client:
    package = ("openai-agents==0.24.0",)
    return framework("openai_agents", package, api, "", "", "RateLimitError")


def _instructor(api: str) -> Client:
    package = ("instructor[anthropic]==1.17.0",)
    return framework("instructor_models", package, api, "", "", "")


BY = frozenset(["structured-by-call", "structured-by-schema"])
CLIENTS = {
    "openai-chat": OPENAI_CHAT,
    "openai-responses": OPENAI_RESPONSES,
    "anthropic": ANTHROPIC,
    "google-genai-v1beta": GOOGLE,
    "google-genai-v1": replace(GOOGLE, arguments=("v1",)),
    "boto3": BOTO3,
    "openai-chat-1": legacy(OPENAI_CHAT),
    "openai-responses-1": legacy(OPENAI_RESPONSES),
    # Before its helpers.
    "anthropic-0": replace(
        legacy(ANTHROPIC), lacks=frozenset(["tools-automatic", "structured-by-schema"])
    ),
    "google-genai-1": legacy(GOOGLE),
    "google-genai-2": replace(GOOGLE, environment="genai2", requirements=("google-genai==2.34.0",)),
    # Before structured output.
    "boto3-1.40": replace(legacy(BOTO3), lacks=frozenset(["structured"])),
    "langchain-chat": _langchain("chat", "stop", "tool_calls", "OpenAIRateLimitError"),
    "langchain-responses": _langchain(
        "responses", "completed", "completed", "OpenAIRateLimitError"
    ),
    "langchain-anthropic": _langchain(
        "anthropic", "end_turn", "tool_use", "AnthropicRateLimitError"
    ),
    "langchain-google": _langchain("google", "STOP", "STOP", "GoogleRateLimitError"),
    "litellm-chat": _litellm("chat"),
    "litellm-anthropic": _litellm("anthropic"),
    "litellm-google": _litellm("google"),
    "litellm-bedrock": _litellm("bedrock"),
    "agents-chat": _agents("chat"),
    "agents-responses": _agents("responses"),
    "pydantic-ai-chat": _pydantic_ai("chat"),
    "pydantic-ai-responses": _pydantic_ai("responses"),
    # It has a list of the Claude models whose answers can have a form.
    "pydantic-ai-anthropic": replace(_pydantic_ai("anthropic"), lacks=frozenset(["structured"])),
    "pydantic-ai-google": _pydantic_ai("google"),
    "pydantic-ai-bedrock": replace(_pydantic_ai("bedrock"), lacks=frozenset(["structured"])),
    "instructor-openai": _instructor("openai"),
    "instructor-responses": replace(_instructor("responses"), lacks=BY),
    "instructor-anthropic": replace(_instructor("anthropic"), lacks=BY),
}

_USUAL = frozenset(["chat", "stream", "tools", "tools-streamed", "structured", "image", "fail"])
_OFFICIAL = _USUAL | {
    *("fail-streamed", "cut", "nobody", "limited", "file", "thinking", "thinking-streamed")
}
TASKS = {
    "openai_chat": _OFFICIAL | {"models", "stream-helper", "json-mode", "image-link"},
    "openai_responses": _OFFICIAL | {"stream-helper", "tools-kept", "json-mode", "image-link"},
    "anthropic_messages": _OFFICIAL
    | {"models", "stream-helper", "tools-automatic", "structured-by-schema", "image-link", "count"},
    "google_genai": _OFFICIAL
    | {"models", "tools-automatic", "structured-by-schema", "json-mode", "image-link", "count"},
    "bedrock": _OFFICIAL,
    "langchain_models": _USUAL | BY,
    "litellm_completion": _USUAL,
    "openai_agents": _USUAL,
    "pydantic_ai_agents": _USUAL | {"structured-by-call"},
    "instructor_models": BY | {"structured", "structured-streamed", "image"},
}
"""What each program can be asked to do."""

NO_FORM = {
    "openai_chat": "`response_format`",
    "openai_responses": "`text.format`",
    "google_genai": "`generationConfig.responseMimeType`",
}
NO_LINK = {
    "openai_chat": "`messages[1]: image at a URL`",
    "openai_responses": "`input[0]: image at a URL`",
    "anthropic_messages": "`messages[0]: image at a URL`",
    "google_genai": "`contents[0]: image at a URL`",
}
NO_STOP = {
    "openai_chat": "`stop`",
    "anthropic_messages": "`stop_sequences`",
    "google_genai": "`generationConfig.stopSequences`",
    "bedrock": "`inferenceConfig.stopSequences`",
}
REFUSED = {
    ("limited", "responses"): NO_STOP,
    ("json-mode", "messages"): NO_FORM,
    ("json-mode", "converse"): NO_FORM,
    ("image-link", "converse"): NO_LINK,
}
"""What a provider's protocol has no word for: the 400 names the field in the client's words."""
