"""Model providers of the wire -> ModelProvider.

What a newer control plane may say and this data plane does not know is refused, because a guess
would send a request with the wrong credential or to the wrong place; only an operation nobody here
asks for is left out.
"""

from collections.abc import Iterator, Mapping

from outriderpb.v1 import model_pb2

from dataplane.runtime.config import (
    Api,
    AuthScheme,
    Aws,
    ModelProvider,
    OnUntranslatable,
)
from dataplane.runtime.dialect import PLAIN, Dialect, Prefill
from dataplane.runtime.protocols import Operation
from dataplane.xds.fields import BadFieldError, given, header_name, same, secret
from dataplane.xds.retry import changes
from dataplane.xds.secrets import SecretReader

OPERATIONS: Mapping[int, Operation] = {
    model_pb2.OPERATION_CHAT: Operation.CHAT,
    model_pb2.OPERATION_COMPLETIONS: Operation.COMPLETIONS,
    model_pb2.OPERATION_EMBEDDINGS: Operation.EMBEDDINGS,
    model_pb2.OPERATION_RESPONSES: Operation.RESPONSES,
    model_pb2.OPERATION_MESSAGES: Operation.MESSAGES,
    model_pb2.OPERATION_COUNT_TOKENS: Operation.COUNT_TOKENS,
    model_pb2.OPERATION_GENERATE_CONTENT: Operation.GENERATE_CONTENT,
    model_pb2.OPERATION_GEMINI_COUNT_TOKENS: Operation.GEMINI_COUNT_TOKENS,
    model_pb2.OPERATION_CONVERSE: Operation.CONVERSE,
}
AUTH_SCHEMES: Mapping[int, AuthScheme] = {
    model_pb2.AUTH_SCHEME_UNSPECIFIED: AuthScheme.BEARER,
    model_pb2.AUTH_SCHEME_X_API_KEY: AuthScheme.X_API_KEY,
    model_pb2.AUTH_SCHEME_API_KEY: AuthScheme.API_KEY,
    model_pb2.AUTH_SCHEME_X_GOOG_API_KEY: AuthScheme.X_GOOG_API_KEY,
    model_pb2.AUTH_SCHEME_SIGV4: AuthScheme.SIGV4,
    model_pb2.AUTH_SCHEME_NONE: AuthScheme.NONE,
}
PREFILLS: Mapping[int, Prefill] = {
    model_pb2.PREFILL_BY_NAME: Prefill.BY_NAME,
    model_pb2.PREFILL_PLAIN: Prefill.PLAIN,
    model_pb2.PREFILL_PREFIX: Prefill.PREFIX,
    model_pb2.PREFILL_REPEATED: Prefill.REPEATED,
    model_pb2.PREFILL_TEMPLATE: Prefill.TEMPLATE,
}
"""A way that is new to us is none: an answer is asked for afresh then."""
ON_UNTRANSLATABLE: Mapping[int, OnUntranslatable] = {
    model_pb2.ON_UNTRANSLATABLE_REFUSE: OnUntranslatable.REFUSE,
    model_pb2.ON_UNTRANSLATABLE_DROP: OnUntranslatable.DROP,
}


def provider(name: str, m: model_pb2.ModelProvider, secrets: SecretReader) -> ModelProvider:
    """A model provider. Raises BadFieldError and SecretUnavailableError."""
    same(name, m.name, "name")
    apis = tuple(_apis(m, secrets))
    if not apis:
        raise BadFieldError("has no API that this data plane knows")
    aws = _aws(m.aws, secrets) if m.HasField("aws") else None
    if aws is None and any(api.auth is AuthScheme.SIGV4 for api in apis):
        raise BadFieldError("is to be signed for AWS, and has no AWS credentials")
    verdict = ON_UNTRANSLATABLE.get(m.on_untranslatable)
    if verdict is None:
        raise BadFieldError(f"on_untranslatable {m.on_untranslatable} is not known here")
    return ModelProvider(
        name=name,
        provider=m.provider,
        model=m.model,
        cluster=given(m.cluster, "cluster"),
        apis=apis,
        access_keys=tuple(secret(key, secrets) for key in m.access_keys),
        passthrough_auth=m.passthrough_auth,
        headers=tuple((header_name(h.name), secret(h.value, secrets)) for h in m.headers),
        dialect=_dialect(m.dialect) if m.HasField("dialect") else PLAIN,
        aws=aws,
        on_untranslatable=verdict,
        retry=changes(m),
    )


def _apis(m: model_pb2.ModelProvider, secrets: SecretReader) -> Iterator[Api]:
    for api in m.apis:
        operation = OPERATIONS.get(api.operation)
        if operation is None:
            continue
        auth = AUTH_SCHEMES.get(api.auth)
        if auth is None:
            raise BadFieldError(f"a way to show credentials ({api.auth}) that is not known here")
        headers = [(header_name(h.name), secret(h.value, secrets).reveal()) for h in api.headers]
        yield Api(operation, _path(api.path), _path(api.stream_path, True), auth, tuple(headers))


def _path(path: str, may_be_empty: bool = False) -> str:
    if not path and may_be_empty:
        return path
    if not path.startswith("/") or not path.isascii() or not path.isprintable() or " " in path:
        raise BadFieldError(f"{path!r} is not the path of an API")
    return path


def _dialect(m: model_pb2.Dialect) -> Dialect:
    return Dialect(
        max_completion_tokens=m.max_completion_tokens,
        developer_role=m.developer_role,
        stream_usage=not m.no_stream_usage,
        json_schema=not m.no_json_schema,
        reasoning_content=m.reasoning_content,
        keeps_responses=m.keeps_responses,
        openai_fields=m.openai_fields,
        cache_control=m.cache_control,
        top_k=m.top_k,
        prefill=PREFILLS.get(m.prefill, Prefill.NONE),
        default_max_tokens=m.default_max_tokens or PLAIN.default_max_tokens,
    )


def _aws(m: model_pb2.Aws, secrets: SecretReader) -> Aws:
    return Aws(
        region=given(m.region, "AWS region"),
        access_key_id=secret(m.access_key_id, secrets),
        secret_access_key=secret(m.secret_access_key, secrets),
        session_token=secret(m.session_token, secrets) if m.HasField("session_token") else None,
        service=m.service or "bedrock",
    )
