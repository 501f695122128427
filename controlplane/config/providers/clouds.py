"""Clouds that serve others' models to their own customers.

What the entries stand on, read on 2026-11-22: learn.microsoft.com, "API version lifecycle" (since
August 2025 `/openai/v1` needs no api-version); docs.aws.amazon.com, "APIs supported by Amazon
Bedrock" and "Responses API"; cloud.google.com, "Locations" of generative AI (the host of `global`
has no region).
"""

from collections.abc import Mapping
from dataclasses import replace

from controlplane.config.providers.entry import (
    CHAT,
    COMPLETIONS,
    CONVERSE,
    EMBEDDINGS,
    GEMINI_COUNT_TOKENS,
    GENERATE_CONTENT,
    OPENAI_LIKE,
    RESPONSES,
    Api,
    Auth,
    Form,
    Provider,
)
from controlplane.config.providers.vendors import OPENAI_DIALECT


def _azure(api: Api) -> Api:
    return replace(api, auth=Auth.API_KEY)


def _deployment(api: Api) -> Api:
    """A dated API: the model, which is a deployment, is in the path."""
    end = api.path.removeprefix("{prefix}")
    return replace(_azure(api), path=f"{{prefix}}/{{model}}{end}?api-version={{api_version}}")


DEPLOYMENTS = Form(
    "/openai/deployments", tuple(_deployment(api) for api in (CHAT, COMPLETIONS, EMBEDDINGS))
)

BEDROCK = Provider(
    "https://bedrock-runtime.{region}.amazonaws.com",
    "",
    (CONVERSE,),
    also=(
        replace(CHAT, path="/openai/v1/chat/completions"),
        replace(RESPONSES, path="/openai/v1/responses"),
    ),
    forms=(Form("/openai/v1", (CHAT, RESPONSES)),),
    signed=True,
)

CLOUDS: Mapping[str, Provider] = {
    "azure_openai": Provider(
        prefix="/openai/v1",
        apis=tuple(_azure(api) for api in (*OPENAI_LIKE, RESPONSES)),
        dialect=OPENAI_DIALECT,
        forms=(DEPLOYMENTS,),
    ),
    "amazon_bedrock": BEDROCK,
    "amazon": BEDROCK,
    # Access tokens of Google Cloud last an hour and a key is read when a config is accepted, so let
    # clients send their own (passthrough_auth), or apply the config again with each new token.
    "vertex": Provider(
        "https://{region}-aiplatform.googleapis.com",
        "/v1/projects/{project}/locations/{region}/publishers/google",
        tuple(replace(api, auth=Auth.BEARER) for api in (GENERATE_CONTENT, GEMINI_COUNT_TOKENS)),
        urls={"global": "https://aiplatform.googleapis.com"},
    ),
}
