"""Paths of every API."""

import pytest

from dataplane.runtime.config import ListenerKind
from dataplane.runtime.messages import LocalReply
from dataplane.runtime.protocols import Operation, Protocol, Reader, Rpc
from dataplane.server.surface import PLACES, Ask, look, meant, reader_of, shape_of

PATHS = [
    ("/v1/chat/completions", Operation.CHAT, None, False),
    ("/v1/completions", Operation.COMPLETIONS, None, False),
    ("/v1/embeddings", Operation.EMBEDDINGS, None, False),
    ("/v1/responses", Operation.RESPONSES, None, False),
    ("/v1/messages", Operation.MESSAGES, None, False),
    ("/v1/messages/count_tokens", Operation.COUNT_TOKENS, None, False),
    ("/v1beta/models/m:generateContent", Operation.GENERATE_CONTENT, "m", False),
    ("/v1/models/m:streamGenerateContent", Operation.GENERATE_CONTENT, "m", True),
    ("/v1alpha/models/a/b:countTokens", Operation.GEMINI_COUNT_TOKENS, "a/b", False),
    ("/v1beta/models/a%2Fb:generateContent", Operation.GENERATE_CONTENT, "a/b", False),
    (
        "/v1beta1/projects/p/locations/l/publishers/google/models/m:generateContent",
        Operation.GENERATE_CONTENT,
        "m",
        False,
    ),
    ("/v1/publishers/google/models/m:generateContent", Operation.GENERATE_CONTENT, "m", False),
    ("/model/a.b-v2%3A0/converse", Operation.CONVERSE, "a.b-v2:0", False),
    ("/model/arn:aws:x/y/converse-stream", Operation.CONVERSE, "arn:aws:x/y", True),
]


@pytest.mark.parametrize(("path", "operation", "model", "stream"), PATHS)
def test_path_says_what_is_asked(
    path: str, operation: Operation, model: str | None, stream: bool
) -> None:
    found = look("POST", path, "a=1")
    assert isinstance(found, Ask)
    assert (found.operation, found.model, found.stream) == (operation, model, stream)
    assert (found.path, found.query, found.place) == (path, "a=1", PLACES[operation])


@pytest.mark.parametrize(("path", "operation", "model", "stream"), PATHS)
def test_nothing_but_post_is_possible(
    path: str, operation: Operation, model: str | None, stream: bool
) -> None:
    found = look("GET", path)
    assert isinstance(found, LocalReply)
    assert found.status == 405
    assert ("allow", "POST") in found.headers


@pytest.mark.parametrize(
    "path",
    [
        *("/", "/v1/models", "/v1/models/a", "/v1beta/models", "/v2/x", "*"),
        # OpenAI's own, which are no ids of responses.
        *("/v1/responses/compact", "/v1/responses/input_tokens"),
    ],
)
def test_other_paths_are_no_apis(path: str) -> None:
    assert look("GET", path) is None
    assert look("POST", path) is None


@pytest.mark.parametrize(
    ("path", "names", "speaks"),
    [
        ("/v1/models", (), Protocol.CHAT),
        ("/v1/models", (b"Anthropic-Version",), Protocol.MESSAGES),
        ("/v1/models", (b"X-Goog-Api-Key",), Protocol.GEMINI),
        ("/v1/messages/batches", (), Protocol.MESSAGES),
        ("/v1beta/files", (b"anthropic-version",), Protocol.GEMINI),
        ("/v1/models/m:embedContent", (), Protocol.GEMINI),
        ("/model/m/invoke", (), Protocol.CONVERSE),
        ("/v1/responses/x/y", (), Protocol.RESPONSES),
    ],
)
def test_callers_are_known_by_path_then_by_headers(
    path: str, names: tuple[bytes, ...], speaks: Protocol
) -> None:
    assert shape_of(path, names) is speaks


@pytest.mark.parametrize(
    ("kind", "path", "speaks"),
    [
        (ListenerKind.MCP, "/mcp", Rpc.MCP),
        (ListenerKind.MCP, "/other", Rpc.MCP),
        (ListenerKind.AGENT, "/mcp", Rpc.MCP),
        (ListenerKind.AGENT, "/v1/messages", Protocol.MESSAGES),
        (ListenerKind.MODEL, "/mcp", Protocol.CHAT),
    ],
)
def test_where_mcp_is_spoken_errors_are_json_rpcs(
    kind: ListenerKind, path: str, speaks: Reader
) -> None:
    assert reader_of(kind, path) is speaks


AGENT, MODEL, MCP = ListenerKind.AGENT, ListenerKind.MODEL, ListenerKind.MCP


@pytest.mark.parametrize(
    ("kind", "path", "instead"),
    [
        pytest.param(MODEL, "/chat/completions", "/v1/chat/completions", id="no /v1"),
        pytest.param(AGENT, "/chat/completions", "/v1/chat/completions", id="no /v1, an agent's"),
        pytest.param(MODEL, "/v1/v1/messages", "/v1/messages", id="/v1 twice"),
        pytest.param(MODEL, "/v1/embeddings/", "/v1/embeddings", id="a slash too many"),
        pytest.param(MCP, "/", "/mcp", id="the address of an MCP listener"),
        pytest.param(MCP, "/v1/chat/completions", "/mcp", id="another kind of listener"),
        pytest.param(AGENT, "/embeddings", "", id="agents have none"),
        pytest.param(MODEL, "/v1/images", "", id="nobody has it"),
    ],
)
def test_a_mistaken_base_url_is_told_what_was_meant(
    kind: ListenerKind, path: str, instead: str
) -> None:
    assert meant(path, kind) == (f"; perhaps {instead} is meant" if instead else "")
