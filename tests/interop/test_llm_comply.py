"""llm-comply's live suites against the gateway, with providers of other protocols behind it.

What is translated has to satisfy every check; what passes untouched is the provider's business.
"""

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from dataplane.runtime.protocols import Protocol
from tests.support.interop import CONFIG, environ, environment, house, told

SUITE = ("llm-comply==0.5.0",)
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
PAIRS = [
    (form, target)
    for form in OWN
    for target in Protocol
    if OWN[form] is not target or form not in UNTOUCHED
]


async def results(form: str, target: Protocol) -> dict[str, dict[str, Any]]:
    """By the name of the check."""
    suite = Path(environment("llm-comply", SUITE)).with_name("llm-comply")
    with TemporaryDirectory() as directory:
        async with house(Path(directory), MODELS) as (url, _):
            base = url if form == "google-genai" else f"{url}/v1"
            model = f"gpt-5-claude-opus-{target.value}"
            command = (str(suite), "--format", form, "-u", base, "-k", "k", "-m", model, "--json")
            # It ends with 1 when a check has failed.
            out = await told((*command, *HEADERS[form]), environ(directory), codes=(0, 1))
    return {result["id"]: result for result in json.loads(out)["results"]}


@pytest.mark.interop
@pytest.mark.xdist_group("llm-comply")
@pytest.mark.parametrize(("form", "target"), PAIRS)
async def test_suite_passes_but_for_what_depends_on_the_provider(
    form: str, target: Protocol
) -> None:
    checks = await results(form, target)
    failed = {name: one["errors"] for name, one in checks.items() if one["status"] != "passed"}
    expected = {name for pair, to, name in DEPENDS if (pair, to) == (form, target)}
    assert len(checks) >= 9
    assert set(failed) == expected, failed
