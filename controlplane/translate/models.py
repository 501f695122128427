"""Model providers -> clusters and provider resources."""

from collections.abc import Iterator

from outriderpb.v1 import model_pb2

from controlplane.config import schema, schema_models
from controlplane.config.rules import models as names
from controlplane.config.rules import provider_defaults
from controlplane.config.values import Url, read_url
from controlplane.snapshot.resource import Resource, ResourceType
from controlplane.translate.clusters import cluster
from controlplane.translate.secrets import secret


def models(config: schema.Config) -> Iterator[Resource]:
    """Every model provider, with the cluster it is reached at."""
    for provider in config.model_providers:
        name = names.name_of(provider)
        vendor, _, model = provider.model.partition("/")
        urls = _urls(provider, vendor)
        cluster_name = f"provider:{name}"
        yield from cluster(cluster_name, urls)
        message = model_pb2.ModelProvider(
            name=name,
            provider=vendor,
            model=model,
            cluster=cluster_name,
            # A path that the operator gives replaces the provider's own prefix.
            apis=[_chat(urls[0].path or provider_defaults.of(vendor).prefix)],
            passthrough_auth=provider.passthrough_auth,
            headers=[
                model_pb2.Header(name=header.lower(), value=secret(text))
                for header, text in provider.headers.items()
            ],
        )
        # The client's credential is sent instead, so ours need not exist.
        if provider.access_key is not None and not provider.passthrough_auth:
            message.access_keys.append(secret(provider.access_key))
        yield Resource.of(ResourceType.MODEL_PROVIDER, name, message)


def _chat(prefix: str) -> model_pb2.Api:
    return model_pb2.Api(operation=model_pb2.OPERATION_CHAT, path=f"{prefix}/chat/completions")


def _urls(provider: schema_models.ModelProvider, vendor: str) -> list[Url]:
    if provider.endpoints:
        return [read_url(url) for url in provider.endpoints]
    return [read_url(provider.base_url or provider_defaults.of(vendor).url)]
