"""The five requests of the demo: what is asked, what must come of it, asked by the OpenAI SDK."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from openai import AsyncOpenAI
from openai.types.chat import ChatCompletionMessageParam

AGENTS_URL = "http://127.0.0.1:12001/v1"
MODELS_URL = "http://127.0.0.1:12000/v1"


@dataclass(frozen=True, slots=True)
class Question:
    """One request, and what an honest demo must see come back."""

    title: str
    messages: tuple[ChatCompletionMessageParam, ...]
    expected_agents: tuple[str, ...] = ()
    """Empty for requests to the model listener."""
    expected_words: tuple[str, ...] = ()
    model: str = "travel"
    stream: bool = False
    max_tokens: int = 60

    @property
    def to_agents(self) -> bool:
        """Whether it goes to the agent listener."""
        return bool(self.expected_agents)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, and how fast."""

    text: str
    headers: Mapping[str, str]
    first_byte_s: float
    whole_s: float
    input_tokens: int
    output_tokens: int
    problems: tuple[str, ...] = field(default=())

    @property
    def agents(self) -> tuple[str, ...]:
        """Who answered, as the data plane says."""
        return tuple(self.headers.get("x-outrider-agents", "").split(","))


def user(text: str) -> ChatCompletionMessageParam:
    """A turn of the user."""
    return {"role": "user", "content": text}


WEATHER = Question(
    "a question for one agent",
    (user("What is the weather like in Lisbon today?"),),
    expected_agents=("weather",),
    expected_words=("Lisbon today",),
)
BOTH = Question(
    "a question that needs both agents, streamed",
    (
        user(
            "Will there be a storm in Lisbon the day after tomorrow? "
            "And which flights go there from Zurich?"
        ),
    ),
    expected_agents=("weather", "flights"),
    expected_words=("Zurich to Lisbon", "Mind the storm"),
    stream=True,
)
SMALL_TALK = Question(
    "small talk: no agent fits, the default one answers",
    (user("Hi there! How are you doing?"),),
    expected_agents=("weather",),
    expected_words=("Hello",),
)
COMPLETION = Question(
    "a streamed completion by alias, from the model on this machine",
    (user("Name three things to pack for a week at the sea."),),
    model="fast",
    stream=True,
)


def follow_up(answered: str) -> Question:
    """The turn after WEATHER: it names no city and no subject."""
    before = (*WEATHER.messages, {"role": "assistant", "content": answered})
    return Question(
        "a follow-up turn: the conversation decides",
        (*before, user("And tomorrow?")),  # type: ignore[arg-type]  # a literal dict is not inferred
        expected_agents=("weather",),
        expected_words=("Lisbon tomorrow",),
    )


async def ask(client: AsyncOpenAI, question: Question) -> Answer:
    """Send it as any program that uses the SDK would; times are of this client."""
    began = time.perf_counter()
    calls = client.chat.completions.with_streaming_response
    if question.stream:
        return await _streamed(client, question, began)
    async with calls.create(
        model=question.model,
        messages=question.messages,
        max_tokens=question.max_tokens,
        temperature=0,
    ) as response:
        first = time.perf_counter() - began
        completion = await response.parse()
    whole = time.perf_counter() - began
    usage = completion.usage
    text = completion.choices[0].message.content or ""
    tokens = (usage.prompt_tokens, usage.completion_tokens) if usage else (0, 0)
    headers = {name.lower(): value for name, value in response.headers.items()}
    return _judged(question, text, headers, first, whole, *tokens)


async def _streamed(client: AsyncOpenAI, question: Question, began: float) -> Answer:
    raw = await client.chat.completions.with_raw_response.create(
        model=question.model,
        messages=question.messages,
        max_tokens=question.max_tokens,
        temperature=0,
        stream=True,
        stream_options={"include_usage": True},
    )
    first = 0.0
    pieces: list[str] = []
    tokens = (0, 0)
    async for chunk in raw.parse():
        first = first or time.perf_counter() - began
        pieces += [choice.delta.content or "" for choice in chunk.choices]
        if chunk.usage is not None:
            tokens = (chunk.usage.prompt_tokens, chunk.usage.completion_tokens)
    whole = time.perf_counter() - began
    headers = {name.lower(): value for name, value in raw.headers.items()}
    return _judged(question, "".join(pieces), headers, first, whole, *tokens)


def _judged(
    question: Question,
    text: str,
    headers: Mapping[str, str],
    first: float,
    whole: float,
    input_tokens: int,
    output_tokens: int,
) -> Answer:
    answer = Answer(text, headers, first, whole, input_tokens, output_tokens)
    problems = []
    if question.to_agents and answer.agents != question.expected_agents:
        problems.append(f"expected the agents {question.expected_agents}, got {answer.agents}")
    problems += [
        f"{word!r} is not in the answer" for word in question.expected_words if word not in text
    ]
    if not text.strip():
        problems.append("the answer is empty")
    if not headers.get("x-request-id"):
        problems.append("no x-request-id")
    if output_tokens == 0:
        problems.append("no token was counted")
    return Answer(text, headers, first, whole, input_tokens, output_tokens, tuple(problems))
