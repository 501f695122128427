"""The table of providers is well formed, and holds everybody it should."""

import re
from dataclasses import fields

import pytest
from outriderpb.v1 import model_pb2

from controlplane.config.providers.entry import (
    GENERATIONS,
    STANDARD,
    Auth,
    Dialect,
    Operation,
    Provider,
)
from controlplane.config.providers.resolve import HOLES
from controlplane.config.providers.table import KNOWN, OTHER, of
from controlplane.config.values import read_url
from controlplane.translate.models import OPERATIONS, SCHEMES

ALL = pytest.mark.parametrize("entry", KNOWN.values(), ids=KNOWN)

PROMISED = [
    "openai",
    "anthropic",
    "gemini",
    "vertex",
    "amazon_bedrock",
    "azure_openai",
    "mistral",
    "groq",
    "deepseek",
    "xai",
    "together_ai",
    "fireworks",
    "cohere",
    "openrouter",
    "vercel",
    "digitalocean",
    "moonshotai",
    "zhipu",
    "qwen",
    "xiaomi",
    "edenai",
    "chatgpt",
    "ollama",
    "vllm",
    "lmstudio",
    "perplexity",
]
OF_PLANO = ["google", "amazon", "together", "do", "do_ai", "plano"]


@pytest.mark.parametrize("name", [*PROMISED, *OF_PLANO])
def test_provider_is_known_by_name(name: str) -> None:
    assert of(name) is not OTHER


@ALL
def test_an_address_can_be_called(entry: Provider) -> None:
    for url in (entry.url, *entry.urls.values()):
        if url:
            assert read_url(url.replace("{region}", "eu-west-1")).path == ""


@ALL
def test_paths_are_whole_and_have_known_holes_only(entry: Provider) -> None:
    apis = [*entry.apis, *entry.also, *(api for form in entry.forms for api in form.apis)]
    assert entry.prefix == "" or entry.prefix.startswith("/")
    for api in apis:
        for path in filter(None, (api.path, api.stream_path)):
            assert path.startswith(("/", "{prefix}/"))
            assert set(re.findall(r"\{(\w+)\}", path)) <= {"prefix", "model", *HOLES}


@ALL
def test_an_operation_is_there_once(entry: Provider) -> None:
    operations = [api.operation for api in (*entry.apis, *entry.also)]
    assert len(operations) == len(set(operations))


@ALL
def test_everybody_can_be_asked_to_generate(entry: Provider) -> None:
    assert {api.operation for api in entry.apis} & GENERATIONS
    for form in entry.forms:
        assert {api.operation for api in form.apis} & GENERATIONS


@ALL
def test_anthropics_apis_are_told_their_version(entry: Provider) -> None:
    for api in (*entry.apis, *entry.also):
        if api.operation in (Operation.MESSAGES, Operation.COUNT_TOKENS):
            assert dict(api.headers)["anthropic-version"] == "2023-06-01"


def test_every_switch_of_a_dialect_is_on_the_wire() -> None:
    switches = {field.name for field in fields(Dialect)} | {"default_max_tokens"}
    switches.remove("prefill_form")  # what a key of the config means here
    named = {name.removeprefix("no_") for name in model_pb2.Dialect.DESCRIPTOR.fields_by_name}
    assert named == switches


def test_every_operation_has_its_usual_path() -> None:
    assert set(STANDARD) == set(Operation)


def test_everything_can_be_said_on_the_wire() -> None:
    assert set(OPERATIONS) == set(Operation)
    assert set(SCHEMES) == set(Auth)
    assert len(set(OPERATIONS.values())) == len(model_pb2.Operation.keys()) - 1
