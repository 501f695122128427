"""llm-comply's live suites against the gateway, with providers of other protocols behind it.

What is translated has to satisfy every check; what passes untouched is the provider's business.
"""

import json
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from dataplane.runtime.protocols import Protocol
from tests.support.interop import CONFIG, environ, environment, house, told
from tests.support.specifications import SUITE
from tests.support.vendors.conversation import THOUGHT, Asked, Turn
from tests.support.vendors.conversation import answer as vendors_answer

MODELS = (
    CONFIG
    + "model_aliases:\n"
    + "".join(
        f"  gpt-5-claude-opus-{protocol.value}: {{{{target: {protocol.value}}}}}\n"
        for protocol in Protocol
    )
)
"""Names by which the suite takes every model for one that reasons."""
HEADERS = {
    "openai-chat": (),
    "open-responses": (),
    "anthropic": (
        "--auth-header",
        "x-api-key",
        "--no-bearer",
        "-H",
        "anthropic-version:2023-06-01",
    ),
    "google-genai": ("--auth-header", "x-goog-api-key", "--no-bearer"),
}
OWN = {
    "openai-chat": Protocol.CHAT,
    "open-responses": Protocol.RESPONSES,
    "anthropic": Protocol.MESSAGES,
    "google-genai": Protocol.GEMINI,
}
DEPENDS: dict[tuple[str, Protocol, str], str] = {
    ("openai-chat", Protocol.CHAT, "chat-reasoning-summary"): (
        "passes untouched: `reasoning` is no field of OpenAI's chat completions, which refuse it"
    ),
}
"""What fails for a reason that is not the gateway's, and the reason."""
UNTOUCHED = {
    "open-responses": "OpenAI's real answers have no `completed_at` and no penalties",
    "anthropic": "Anthropic's real answers leave out keys that its specification requires",
}
"""Suites that no provider of their own protocol passes, ours (made after recordings) neither."""
WARNINGS = {
    "missing 'chatcmpl-' prefix": "ids are the provider's own, whose log they lead to",
    "missing 'annotations' field": "it may be missing, and does where there are none",
    "reasoning_tokens is 0": "our vendors think but count no tokens for it",
    "thoughtsTokenCount is missing or 0": "our vendors think but count no tokens for it",
    "server may add default max_tokens": "only Anthropic needs it: others get none from us",
    "compact": "POST /v1/responses/compact is not served, which the suite allows",
    "response.output is missing or empty": "of the same",
    "functionCall part has no id field": "untouched from a Gemini that gives calls no ids",
}
"""What it only warns of, and why."""
PAIRS = [
    (form, target)
    for form in OWN
    for target in Protocol
    if OWN[form] is not target or form not in UNTOUCHED
]


def answer(asked: Asked) -> Turn | None:
    """As a model that reasons does, when the suite looks for that."""
    turn = vendors_answer(asked)
    thinks = turn is not None and "15 * 37" in asked.text
    return replace(turn, thought=THOUGHT) if turn is not None and thinks else turn


async def results(form: str, target: Protocol) -> dict[str, dict[str, Any]]:
    """By the name of the check."""
    suite = Path(environment("llm-comply", SUITE)).with_name("llm-comply")
    with TemporaryDirectory() as directory:
        async with house(Path(directory), MODELS, answer) as (url, _):
            base = url if form == "google-genai" else f"{url}/v1"
            model = f"gpt-5-claude-opus-{target.value}"
            command = (str(suite), "--format", form, "-u", base, "-k", "k", "-m", model, "--json")
            # It ends with 1 when a check has failed.
            out = await told((*command, *HEADERS[form]), environ(directory), codes=(0, 1))
    return {result["id"]: result for result in json.loads(out)["results"]}


@pytest.mark.interop
@pytest.mark.group("llm-comply")
@pytest.mark.parametrize(("form", "target"), PAIRS)
async def test_suite_passes_but_for_what_depends_on_the_provider(
    form: str, target: Protocol
) -> None:
    checks = await results(form, target)
    failed = {name: one["errors"] for name, one in checks.items() if one["status"] != "passed"}
    expected = {name for pair, to, name in DEPENDS if (pair, to) == (form, target)}
    assert len(checks) >= 9
    assert set(failed) == expected, failed
    warned = {words for one in checks.values() for words in one.get("warnings", ())}
    assert [words for words in warned if not any(known in words for known in WARNINGS)] == []
