"""Instructor: answers as models. First argument after the URL: whose API to speak."""

import sys
from collections.abc import Mapping
from typing import Any

import instructor
from pydantic import BaseModel

from tests.interop.clients import session
from tests.interop.clients.session import Task, Told, play


class City(BaseModel):
    """A city and its weather."""

    city: str
    celsius: int


def client_of(api: str, url: str, mode: str) -> Any:
    """A client that asks for models in one way."""
    how = instructor.Mode[mode]
    if api == "anthropic":
        import anthropic

        return instructor.from_anthropic(
            anthropic.Anthropic(base_url=url, api_key="sk-client", max_retries=0), mode=how
        )
    import openai

    return instructor.from_openai(
        openai.OpenAI(base_url=f"{url}/v1", api_key="sk-client", max_retries=0), mode=how
    )


MODES = {
    "openai": {
        "structured": "TOOLS",
        "structured-by-call": "TOOLS_STRICT",
        "structured-by-schema": "JSON_SCHEMA",
    },
    "responses": {"structured": "RESPONSES_TOOLS"},
    "anthropic": {"structured": "ANTHROPIC_TOOLS"},
}


def tasks(url: str, api: str) -> Mapping[str, Task]:
    """Against one gateway."""
    more = {"max_tokens": 300} if api == "anthropic" else {}

    def ask(model: str, mode: str, content: Any = session.STRUCTURED) -> Any:
        return client_of(api, url, mode).chat.completions.create(
            model=model,
            response_model=City,
            messages=[{"role": "user", "content": content}],
            max_retries=0,
            **more,
        )

    def partial(model: str) -> Told:
        *_, last = client_of(api, url, MODES[api]["structured"]).chat.completions.create_partial(
            model=model,
            response_model=City,
            messages=[{"role": "user", "content": session.STRUCTURED}],
            max_retries=0,
            **more,
        )
        return {"parsed": last.model_dump()}

    def image(model: str) -> Told:
        picture = instructor.Image.from_base64(f"data:image/png;base64,{session.DOT}")
        return {
            "parsed": ask(model, MODES[api]["structured"], [session.IMAGE, picture]).model_dump()
        }

    def of(mode: str) -> Task:
        return lambda model: {"parsed": ask(model, mode).model_dump()}

    made = {name: of(mode) for name, mode in MODES[api].items()}
    return made | {"structured-streamed": partial, "image": image}


if __name__ == "__main__":
    spoken = sys.argv.pop(2)
    play(lambda url: tasks(url, spoken))
