"""Every pure module has a unit test file where one looks for it."""

import ast
import tomllib
from fnmatch import fnmatch

from tests.arch.tree import ROOT, files, read

# Tested elsewhere, for a reason.
ELSEWHERE = {
    # One whole config in, all resources out: the parts of a translation mean nothing alone.
    **dict.fromkeys(
        [
            f"controlplane/translate/{part}.py"
            for part in (
                "agents",
                "auth",
                "clusters",
                "filters",
                "guards",
                "limits",
                "listeners",
                "mcp",
                "models",
                "prompts",
                "plans",
                "orchestrator",
                "retry",
                "routing",
                "secrets",
                "state_storage",
                "tracing",
            )
        ],
        "tests/unit/controlplane/translate/test_compiler.py",
    ),
    # Each protocol is held to what its codec hears, by the same cases.
    **dict.fromkeys(
        [
            f"dataplane/llm/texts/{part}.py"
            for part in ("converse", "gemini", "messages", "openai", "responses", "slot")
        ],
        "tests/unit/dataplane/llm/texts/test_answers.py",
    ),
    "dataplane/filters/screening/signs.py": "tests/unit/dataplane/filters/screening/test_score.py",
    # Each kind of personal data is held to what all of them together find.
    **dict.fromkeys(
        [
            f"dataplane/llm/personal/{part}.py"
            for part in ("emails", "identities", "numbers", "phones", "secrets")
        ],
        "tests/unit/dataplane/llm/personal/test_recognise.py",
    ),
    # Values without behaviour; every flow speaks in them.
    "dataplane/resilience/outcome.py": "tests/unit/dataplane/resilience/test_retry.py",
    "dataplane/runtime/state_storage.py": "tests/unit/dataplane/xds/test_state_storage.py",
    "dataplane/server/limits/plan.py": "tests/unit/dataplane/server/limits/test_limiter.py",
    "dataplane/runtime/agents.py": "tests/unit/dataplane/agents/test_wire.py",
    "dataplane/runtime/mcp.py": "tests/unit/dataplane/mcp/test_names.py",
    "dataplane/runtime/auth.py": "tests/unit/dataplane/server/auth/test_authenticator.py",
    "dataplane/runtime/orchestrator.py": "tests/unit/dataplane/xds/test_orchestrator.py",
    "dataplane/runtime/limits.py": "tests/unit/dataplane/xds/test_limits.py",
    "controlplane/limits/session.py": "tests/unit/controlplane/limits/test_ledger.py",
    "dataplane/runtime/decision.py": "tests/unit/dataplane/agents/test_plan.py",
    "dataplane/runtime/choosing.py": "tests/unit/dataplane/server/test_choosing.py",
    "dataplane/runtime/cluster.py": "tests/unit/dataplane/runtime/test_config.py",
    "dataplane/runtime/prompts.py": "tests/unit/dataplane/prompts/test_tools.py",
    "dataplane/runtime/precedence.py": "tests/unit/dataplane/resilience/test_admission.py",
    "dataplane/runtime/principal.py": "tests/unit/dataplane/runtime/test_config.py",
    "dataplane/runtime/secret.py": "tests/unit/dataplane/runtime/test_config.py",
    "dataplane/runtime/ticket.py": "tests/unit/dataplane/server/test_tickets.py",
    "dataplane/runtime/running.py": "tests/unit/dataplane/agents/test_run.py",
    # Plans with agents that fail: one generator, two files.
    "dataplane/agents/team.py": "tests/unit/dataplane/agents/test_orchestrate.py",
    "dataplane/runtime/effects.py": "tests/unit/dataplane/agents/test_orchestrate.py",
    "dataplane/filters/form.py": "tests/unit/dataplane/filters/test_event.py",
    "dataplane/filters/out.py": "tests/unit/dataplane/filters/test_answers.py",
    "dataplane/filters/api.py": "tests/unit/dataplane/filters/test_chain.py",
    "dataplane/filters/mcp/wire.py": "tests/unit/dataplane/filters/mcp/test_filter.py",
    "dataplane/filters/python/author.py": "tests/unit/dataplane/filters/python/test_filter.py",
    "dataplane/llm/event.py": "tests/unit/dataplane/llm/test_sse.py",
    "dataplane/llm/wire/peek.py": "tests/unit/dataplane/llm/wire/test_body.py",
    "dataplane/llm/wire/peeked.py": "tests/unit/dataplane/llm/wire/test_body.py",
    "dataplane/llm/wire/bounds.py": "tests/unit/dataplane/llm/test_stakes.py",
    "dataplane/balancing/ejection.py": "tests/unit/dataplane/balancing/test_outlier.py",
    "dataplane/llm/wire/beginning.py": "tests/unit/dataplane/llm/test_prefix_key.py",
    "dataplane/llm/hub/usage.py": "tests/unit/dataplane/llm/test_usage.py",
    "dataplane/llm/hub/parts.py": "tests/unit/dataplane/llm/translate/test_golden.py",
    "dataplane/llm/hub/request.py": "tests/unit/dataplane/llm/translate/test_golden.py",
    # The two halves of one machine.
    "dataplane/resilience/startup_events.py": "tests/unit/dataplane/resilience/test_commit.py",
    # Protocols only.
    "dataplane/llm/translate/codec.py": "tests/unit/dataplane/llm/translate/test_golden.py",
    "dataplane/llm/translate/codecs.py": "tests/unit/dataplane/llm/translate/test_golden.py",
    "dataplane/intent/encoder.py": "tests/unit/dataplane/intent/test_views.py",
    "dataplane/runtime/messages.py": "tests/unit/dataplane/agents/test_orchestrate.py",
}


# Every module of a codec has its cases in the golden matrix; bad input and cut streams do not show
# there, so whoever reads requests and streams has tests of its own, too.
CODECS = "dataplane/llm/translate/*/*.py"
NOT_IN_THE_MATRIX = ("read_request.py", "read_stream.py")


def in_the_matrix(path: str) -> bool:
    """Whether the golden matrix is test enough."""
    return fnmatch(path, CODECS) and not path.endswith(NOT_IN_THE_MATRIX)


def pure_modules() -> list[str]:
    """The modules that the contract "pure" of pyproject.toml names and does not except."""
    linter = tomllib.loads(read("pyproject.toml"))["tool"]["importlinter"]
    (pure,) = [c for c in linter["contracts"] if c["id"] == "pure"]
    folders = [source.replace(".", "/") for source in pure["source_modules"]]
    found = files(*[f"{f}/*.py" for f in folders], *[f"{f}.py" for f in folders])
    shells = {line.partition(" ")[0].replace(".", "/") + ".py" for line in pure["ignore_imports"]}
    return [p for p in found if p not in shells and len(ast.parse(read(p)).body) > 1]


def mirror(path: str) -> str:
    """Where the tests of a module are."""
    folder, _, name = path.rpartition("/")
    return f"tests/unit/{folder}/test_{name}"


def test_every_pure_module_has_its_tests() -> None:
    tested = set(files("tests/unit/*.py"))
    missing = [
        p
        for p in pure_modules()
        if mirror(p) not in tested and p not in ELSEWHERE and not in_the_matrix(p)
    ]
    assert missing == []


def test_the_list_of_exceptions_is_not_stale() -> None:
    stale = [
        module
        for module, tests in ELSEWHERE.items()
        if not ((ROOT / module).exists() and (ROOT / tests).exists())
        or (ROOT / mirror(module)).exists()
    ]
    assert stale == []
