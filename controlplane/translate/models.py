"""Model providers -> clusters and provider resources."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from outriderpb.v1 import model_pb2

from controlplane.config import schema, schema_models
from controlplane.config.providers import resolve
from controlplane.config.providers.entry import PLAIN, Api, Auth, Dialect, Operation, Prefill
from controlplane.config.rules import models as names
from controlplane.snapshot.resource import Named, ResourceType
from controlplane.translate.clusters import Address, addresses, cluster
from controlplane.translate.retry import own_retry
from controlplane.translate.secrets import literal, secret

OPERATIONS: Mapping[Operation, model_pb2.Operation] = {
    Operation.CHAT: model_pb2.OPERATION_CHAT,
    Operation.COMPLETIONS: model_pb2.OPERATION_COMPLETIONS,
    Operation.EMBEDDINGS: model_pb2.OPERATION_EMBEDDINGS,
    Operation.RESPONSES: model_pb2.OPERATION_RESPONSES,
    Operation.MESSAGES: model_pb2.OPERATION_MESSAGES,
    Operation.COUNT_TOKENS: model_pb2.OPERATION_COUNT_TOKENS,
    Operation.GENERATE_CONTENT: model_pb2.OPERATION_GENERATE_CONTENT,
    Operation.GEMINI_COUNT_TOKENS: model_pb2.OPERATION_GEMINI_COUNT_TOKENS,
    Operation.CONVERSE: model_pb2.OPERATION_CONVERSE,
}
SCHEMES: Mapping[Auth, model_pb2.AuthScheme] = {
    Auth.BEARER: model_pb2.AUTH_SCHEME_UNSPECIFIED,
    Auth.X_API_KEY: model_pb2.AUTH_SCHEME_X_API_KEY,
    Auth.API_KEY: model_pb2.AUTH_SCHEME_API_KEY,
    Auth.X_GOOG_API_KEY: model_pb2.AUTH_SCHEME_X_GOOG_API_KEY,
}
PREFILLS: Mapping[Prefill, model_pb2.Prefill] = {
    Prefill.BY_NAME: model_pb2.PREFILL_BY_NAME,
    Prefill.NONE: model_pb2.PREFILL_NONE,
    Prefill.PLAIN: model_pb2.PREFILL_PLAIN,
    Prefill.PREFIX: model_pb2.PREFILL_PREFIX,
    Prefill.REPEATED: model_pb2.PREFILL_REPEATED,
    Prefill.TEMPLATE: model_pb2.PREFILL_TEMPLATE,
}
VERDICTS: Mapping[schema_models.OnUntranslatable, model_pb2.OnUntranslatable] = {
    "refuse": model_pb2.ON_UNTRANSLATABLE_REFUSE,
    "drop": model_pb2.ON_UNTRANSLATABLE_DROP,
}


def models(config: schema.Config) -> Iterator[Named]:
    """Every model provider, with the cluster it is reached at."""
    for provider in config.model_providers:
        resolved = resolve.resolve(provider)
        name = names.name_of(provider)
        cluster_name = f"provider:{name}"
        yield from cluster(
            config,
            cluster_name,
            provider,
            _places(provider, resolved),
            provider.http_host or "",
            at_vendor=resolve.at_vendor(provider),
        )
        vendor, _, model = provider.model.partition("/")
        passes_through = resolve.passes_through(provider)
        # The client's credential is sent instead, so ours need not exist.
        keys = () if passes_through else resolve.keys(provider)
        aws = None if passes_through else provider.aws
        message = model_pb2.ModelProvider(
            name=name,
            provider=vendor,
            model="" if resolve.is_wildcard(provider) else model,
            cluster=cluster_name,
            access_keys=[secret(key) for key in keys],
            passthrough_auth=passes_through,
            headers=[
                model_pb2.Header(name=header, value=secret(text))
                for header, text in resolve.headers(provider).items()
            ],
            apis=[_api(api, aws is not None) for api in resolve.apis(provider, resolved)],
            dialect=_dialect(resolved.entry.dialect, provider),
            aws=_aws(aws, provider.region or "") if aws is not None else None,
            on_untranslatable=VERDICTS[provider.on_untranslatable or config.on_untranslatable],
            retry=own_retry(provider.retry),
        )
        yield Named(ResourceType.MODEL_PROVIDER, name, message)


def _places(provider: schema_models.ModelProvider, resolved: resolve.Resolved) -> Sequence[Address]:
    if provider.endpoints is not None:
        return addresses(None, provider.endpoints)
    return [Address(url) for url in resolve.addresses(provider, resolved)]


def _api(api: Api, is_signed: bool) -> model_pb2.Api:
    return model_pb2.Api(
        operation=OPERATIONS[api.operation],
        path=api.path,
        stream_path=api.stream_path,
        auth=model_pb2.AUTH_SCHEME_SIGV4 if is_signed else SCHEMES[api.auth],
        headers=[model_pb2.Header(name=name, value=literal(text)) for name, text in api.headers],
    )


def _dialect(dialect: Dialect, provider: schema_models.ModelProvider) -> model_pb2.Dialect | None:
    prefill = dialect.prefill
    if provider.prefill is not None:
        prefill = dialect.prefill_form if provider.prefill else Prefill.NONE
    told = replace(dialect, prefill=prefill, prefill_form=PLAIN.prefill_form)
    if told == PLAIN and provider.default_max_tokens is None:
        return None
    return model_pb2.Dialect(
        max_completion_tokens=dialect.max_completion_tokens,
        developer_role=dialect.developer_role,
        no_stream_usage=not dialect.stream_usage,
        no_json_schema=not dialect.json_schema,
        reasoning_content=dialect.reasoning_content,
        default_max_tokens=provider.default_max_tokens or 0,
        keeps_responses=dialect.keeps_responses,
        openai_fields=dialect.openai_fields,
        cache_control=dialect.cache_control,
        top_k=dialect.top_k,
        prefill=PREFILLS[prefill],
    )


def _aws(aws: schema_models.Aws, region: str) -> model_pb2.Aws:
    return model_pb2.Aws(
        region=region,
        service="bedrock",
        access_key_id=secret(aws.access_key_id),
        secret_access_key=secret(aws.secret_access_key),
        session_token=secret(aws.session_token) if aws.session_token is not None else None,
    )
