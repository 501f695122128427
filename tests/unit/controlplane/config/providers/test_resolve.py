"""Where a provider of the config is, and what it is asked: the rules about base_url and apis."""

from typing import Any

import pytest

from controlplane.config.providers import resolve
from controlplane.config.providers.entry import Auth, Operation
from controlplane.config.schema_models import ModelProvider


def provider(model: str, **keys: Any) -> ModelProvider:
    return ModelProvider(model=model, **keys)


def paths(one: ModelProvider) -> dict[str, str]:
    apis = resolve.apis(one, resolve.resolve(one))
    return {api.operation.value: api.path for api in apis}


def first(one: ModelProvider) -> Operation:
    return resolve.resolve(one).apis[0].operation


def test_a_path_of_base_url_replaces_the_providers_prefix() -> None:
    assert paths(provider("groq/llama", base_url="https://h/api/v2"))["chat"] == (
        "/api/v2/chat/completions"
    )


def test_a_base_url_that_says_what_is_known_changes_nothing() -> None:
    one = provider("deepseek/v4", base_url="https://api.deepseek.com/v1", apis=["messages"])
    assert paths(one) == {"messages": "/anthropic/v1/messages"}


@pytest.mark.parametrize("base_url", ["https://h", "https://h/"])
def test_a_base_url_without_a_path_keeps_the_prefix(base_url: str) -> None:
    assert paths(provider("groq/llama", base_url=base_url))["chat"] == (
        "/openai/v1/chat/completions"
    )


def test_nothing_is_known_of_other_paths_behind_an_own_path() -> None:
    one = provider("bedrock/m", provider_interface="amazon_bedrock", base_url="https://h/p")
    assert paths(one) == {"converse": "/p/model/{model}/converse"}


@pytest.mark.parametrize(
    ("model", "operation"),
    [
        ("anthropic/claude-opus-4", Operation.MESSAGES),
        ("gemini/gemini-2.5-pro", Operation.GENERATE_CONTENT),
        ("amazon_bedrock/nova", Operation.CONVERSE),
        ("chatgpt/gpt-5", Operation.RESPONSES),
        ("openai/gpt-4o", Operation.CHAT),
        ("unheard/of", Operation.CHAT),
    ],
)
def test_others_are_translated_to_a_providers_own_protocol(
    model: str, operation: Operation
) -> None:
    assert first(provider(model)) is operation


CHAT_ONLY = ["chat", "completions", "embeddings"]


@pytest.mark.parametrize(
    ("one", "apis"),
    [
        pytest.param(provider("openai/m"), [*CHAT_ONLY, "responses"], id="OpenAI itself"),
        pytest.param(
            provider("openai/m", base_url="https://eu.api.openai.com/v1"),
            [*CHAT_ONLY, "responses"],
            id="another of its hosts",
        ),
        pytest.param(
            provider("openai/m", base_url="https://litellm.example.com"), CHAT_ONLY, id="another's"
        ),
        pytest.param(
            provider("mine/m", provider_interface="openai", base_url="http://localhost:11434"),
            CHAT_ONLY,
            id="what speaks like it",
        ),
    ],
)
def test_openai_at_anothers_address_is_any_server_that_speaks_chat(
    one: ModelProvider, apis: list[str]
) -> None:
    assert list(paths(one)) == apis
    assert resolve.resolve(one).entry.dialect.keeps_responses is (apis != CHAT_ONLY)


def test_the_address_of_googles_compatibility_layer_means_that_layer() -> None:
    one = provider("gemini/g", base_url="https://h/v1beta/openai")
    assert paths(one) == {
        "chat": "/v1beta/openai/chat/completions",
        "embeddings": "/v1beta/openai/embeddings",
    }


def test_apis_are_taken_in_the_operators_order() -> None:
    one = provider("openai/gpt-4o", apis=["responses", "chat"])
    assert list(paths(one)) == ["responses", "chat"]


def test_a_server_of_ones_own_can_have_any_api_at_its_usual_path() -> None:
    one = provider("mine/m", base_url="http://h/v1", apis=["messages", "chat"])
    assert paths(one) == {"messages": "/v1/messages", "chat": "/v1/chat/completions"}


def test_an_api_that_a_vendor_is_not_known_to_have_is_told() -> None:
    one = provider("anthropic/claude", apis=["messages", "embeddings"])
    assert resolve.resolve(one).unknown_apis == (Operation.EMBEDDINGS,)


def test_a_dated_version_means_azures_deployments() -> None:
    one = provider("azure_openai/gpt", base_url="https://h", api_version="2024-10-21")
    assert paths(one)["chat"] == (
        "/openai/deployments/{model}/chat/completions?api-version=2024-10-21"
    )


def test_azure_is_shown_its_key_in_its_own_header() -> None:
    one = provider("azure_openai/gpt", base_url="https://h")
    assert {api.auth for api in resolve.resolve(one).apis} == {Auth.API_KEY}


def test_a_region_makes_the_address() -> None:
    one = provider("vertex/gemini", region="europe-west4", project="p")
    (url,) = resolve.addresses(one, resolve.resolve(one))
    assert url.host == "europe-west4-aiplatform.googleapis.com"


def test_the_global_region_has_an_address_of_its_own() -> None:
    one = provider("vertex/gemini", region="global", project="p")
    (url,) = resolve.addresses(one, resolve.resolve(one))
    assert url.host == "aiplatform.googleapis.com"


def test_a_key_is_only_needed_where_there_is_a_hole_for_it() -> None:
    whole = provider("vertex/gemini", base_url="https://h/v1/projects/p/locations/l")
    assert resolve.resolve(whole).holes() == set()
    assert resolve.resolve(provider("vertex/gemini")).holes() == {"region", "project"}


def test_chatgpt_without_a_key_gets_the_clients_credential_and_no_headers_of_ours() -> None:
    one = provider("chatgpt/gpt-5")
    assert resolve.passes_through(one)
    assert resolve.headers(one) == {}


def test_the_operators_headers_win_over_the_providers() -> None:
    one = provider("chatgpt/gpt-5", access_key="$K", headers={"Originator": "me"})
    assert resolve.headers(one)["originator"] == "me"
    assert resolve.headers(one)["chatgpt-account-id"] == "$CHATGPT_ACCOUNT_ID"


def test_one_key_and_several_are_the_same_thing() -> None:
    assert resolve.keys(provider("openai/m", access_key="$K")) == ("$K",)
    assert resolve.keys(provider("openai/m", access_keys=["$K", "$L"])) == ("$K", "$L")
    assert resolve.keys(provider("openai/m")) == ()
