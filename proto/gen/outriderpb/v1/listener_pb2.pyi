from outriderpb.v1 import prompt_pb2 as _prompt_pb2
from outriderpb.v1 import plan_pb2 as _plan_pb2
from outriderpb.v1 import orchestrator_pb2 as _orchestrator_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ListenerKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    LISTENER_KIND_UNSPECIFIED: _ClassVar[ListenerKind]
    LISTENER_KIND_AGENT: _ClassVar[ListenerKind]
    LISTENER_KIND_MODEL: _ClassVar[ListenerKind]
    LISTENER_KIND_GUARDED: _ClassVar[ListenerKind]
    LISTENER_KIND_MCP: _ClassVar[ListenerKind]
    LISTENER_KIND_PROMPT: _ClassVar[ListenerKind]

class Precedence(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PRECEDENCE_DEFAULT: _ClassVar[Precedence]
    PRECEDENCE_LOW: _ClassVar[Precedence]
    PRECEDENCE_HIGH: _ClassVar[Precedence]
LISTENER_KIND_UNSPECIFIED: ListenerKind
LISTENER_KIND_AGENT: ListenerKind
LISTENER_KIND_MODEL: ListenerKind
LISTENER_KIND_GUARDED: ListenerKind
LISTENER_KIND_MCP: ListenerKind
LISTENER_KIND_PROMPT: ListenerKind
PRECEDENCE_DEFAULT: Precedence
PRECEDENCE_LOW: Precedence
PRECEDENCE_HIGH: Precedence

class Limits(_message.Message):
    __slots__ = ("max_header_bytes", "max_body_bytes", "max_requests", "receive_timeout_ms", "idle_timeout_ms", "max_queue", "queue_timeout_ms", "max_buffered_bytes", "precedence")
    MAX_HEADER_BYTES_FIELD_NUMBER: _ClassVar[int]
    MAX_BODY_BYTES_FIELD_NUMBER: _ClassVar[int]
    MAX_REQUESTS_FIELD_NUMBER: _ClassVar[int]
    RECEIVE_TIMEOUT_MS_FIELD_NUMBER: _ClassVar[int]
    IDLE_TIMEOUT_MS_FIELD_NUMBER: _ClassVar[int]
    MAX_QUEUE_FIELD_NUMBER: _ClassVar[int]
    QUEUE_TIMEOUT_MS_FIELD_NUMBER: _ClassVar[int]
    MAX_BUFFERED_BYTES_FIELD_NUMBER: _ClassVar[int]
    PRECEDENCE_FIELD_NUMBER: _ClassVar[int]
    max_header_bytes: int
    max_body_bytes: int
    max_requests: int
    receive_timeout_ms: int
    idle_timeout_ms: int
    max_queue: int
    queue_timeout_ms: int
    max_buffered_bytes: int
    precedence: Precedence
    def __init__(self, max_header_bytes: _Optional[int] = ..., max_body_bytes: _Optional[int] = ..., max_requests: _Optional[int] = ..., receive_timeout_ms: _Optional[int] = ..., idle_timeout_ms: _Optional[int] = ..., max_queue: _Optional[int] = ..., queue_timeout_ms: _Optional[int] = ..., max_buffered_bytes: _Optional[int] = ..., precedence: _Optional[_Union[Precedence, str]] = ...) -> None: ...

class Jwt(_message.Message):
    __slots__ = ("issuer", "audiences", "jwks_uri", "jwks_file", "jwks", "algorithms", "leeway_ms", "id_claim", "tenant_claim", "models_claim", "refresh_ms")
    ISSUER_FIELD_NUMBER: _ClassVar[int]
    AUDIENCES_FIELD_NUMBER: _ClassVar[int]
    JWKS_URI_FIELD_NUMBER: _ClassVar[int]
    JWKS_FILE_FIELD_NUMBER: _ClassVar[int]
    JWKS_FIELD_NUMBER: _ClassVar[int]
    ALGORITHMS_FIELD_NUMBER: _ClassVar[int]
    LEEWAY_MS_FIELD_NUMBER: _ClassVar[int]
    ID_CLAIM_FIELD_NUMBER: _ClassVar[int]
    TENANT_CLAIM_FIELD_NUMBER: _ClassVar[int]
    MODELS_CLAIM_FIELD_NUMBER: _ClassVar[int]
    REFRESH_MS_FIELD_NUMBER: _ClassVar[int]
    issuer: str
    audiences: _containers.RepeatedScalarFieldContainer[str]
    jwks_uri: str
    jwks_file: str
    jwks: str
    algorithms: _containers.RepeatedScalarFieldContainer[str]
    leeway_ms: int
    id_claim: str
    tenant_claim: str
    models_claim: str
    refresh_ms: int
    def __init__(self, issuer: _Optional[str] = ..., audiences: _Optional[_Iterable[str]] = ..., jwks_uri: _Optional[str] = ..., jwks_file: _Optional[str] = ..., jwks: _Optional[str] = ..., algorithms: _Optional[_Iterable[str]] = ..., leeway_ms: _Optional[int] = ..., id_claim: _Optional[str] = ..., tenant_claim: _Optional[str] = ..., models_claim: _Optional[str] = ..., refresh_ms: _Optional[int] = ...) -> None: ...

class Tls(_message.Message):
    __slots__ = ("certificate_file", "key_file", "client_ca_file", "client_certificate_optional")
    CERTIFICATE_FILE_FIELD_NUMBER: _ClassVar[int]
    KEY_FILE_FIELD_NUMBER: _ClassVar[int]
    CLIENT_CA_FILE_FIELD_NUMBER: _ClassVar[int]
    CLIENT_CERTIFICATE_OPTIONAL_FIELD_NUMBER: _ClassVar[int]
    certificate_file: str
    key_file: str
    client_ca_file: str
    client_certificate_optional: bool
    def __init__(self, certificate_file: _Optional[str] = ..., key_file: _Optional[str] = ..., client_ca_file: _Optional[str] = ..., client_certificate_optional: _Optional[bool] = ...) -> None: ...

class ClientCertificate(_message.Message):
    __slots__ = ("names",)
    NAMES_FIELD_NUMBER: _ClassVar[int]
    names: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, names: _Optional[_Iterable[str]] = ...) -> None: ...

class Auth(_message.Message):
    __slots__ = ("optional", "api_keys", "own_header", "jwt", "client_certificate")
    OPTIONAL_FIELD_NUMBER: _ClassVar[int]
    API_KEYS_FIELD_NUMBER: _ClassVar[int]
    OWN_HEADER_FIELD_NUMBER: _ClassVar[int]
    JWT_FIELD_NUMBER: _ClassVar[int]
    CLIENT_CERTIFICATE_FIELD_NUMBER: _ClassVar[int]
    optional: bool
    api_keys: bool
    own_header: bool
    jwt: Jwt
    client_certificate: ClientCertificate
    def __init__(self, optional: _Optional[bool] = ..., api_keys: _Optional[bool] = ..., own_header: _Optional[bool] = ..., jwt: _Optional[_Union[Jwt, _Mapping]] = ..., client_certificate: _Optional[_Union[ClientCertificate, _Mapping]] = ...) -> None: ...

class McpMember(_message.Message):
    __slots__ = ("server", "prefix")
    SERVER_FIELD_NUMBER: _ClassVar[int]
    PREFIX_FIELD_NUMBER: _ClassVar[int]
    server: str
    prefix: str
    def __init__(self, server: _Optional[str] = ..., prefix: _Optional[str] = ...) -> None: ...

class CardSigning(_message.Message):
    __slots__ = ("key_file", "key_id", "jwks_uri")
    KEY_FILE_FIELD_NUMBER: _ClassVar[int]
    KEY_ID_FIELD_NUMBER: _ClassVar[int]
    JWKS_URI_FIELD_NUMBER: _ClassVar[int]
    key_file: str
    key_id: str
    jwks_uri: str
    def __init__(self, key_file: _Optional[str] = ..., key_id: _Optional[str] = ..., jwks_uri: _Optional[str] = ...) -> None: ...

class Listener(_message.Message):
    __slots__ = ("name", "kind", "address", "port", "timeout_ms", "limits", "input_filters", "min_confidence", "orchestrator", "auth", "output_filters", "guarded", "tls", "drop_untranslatable", "prompt", "plan", "mcp_servers", "allowed_origins", "public_url", "card_signing")
    NAME_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    ADDRESS_FIELD_NUMBER: _ClassVar[int]
    PORT_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_MS_FIELD_NUMBER: _ClassVar[int]
    LIMITS_FIELD_NUMBER: _ClassVar[int]
    INPUT_FILTERS_FIELD_NUMBER: _ClassVar[int]
    MIN_CONFIDENCE_FIELD_NUMBER: _ClassVar[int]
    ORCHESTRATOR_FIELD_NUMBER: _ClassVar[int]
    AUTH_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_FILTERS_FIELD_NUMBER: _ClassVar[int]
    GUARDED_FIELD_NUMBER: _ClassVar[int]
    TLS_FIELD_NUMBER: _ClassVar[int]
    DROP_UNTRANSLATABLE_FIELD_NUMBER: _ClassVar[int]
    PROMPT_FIELD_NUMBER: _ClassVar[int]
    PLAN_FIELD_NUMBER: _ClassVar[int]
    MCP_SERVERS_FIELD_NUMBER: _ClassVar[int]
    ALLOWED_ORIGINS_FIELD_NUMBER: _ClassVar[int]
    PUBLIC_URL_FIELD_NUMBER: _ClassVar[int]
    CARD_SIGNING_FIELD_NUMBER: _ClassVar[int]
    name: str
    kind: ListenerKind
    address: str
    port: int
    timeout_ms: int
    limits: Limits
    input_filters: _containers.RepeatedScalarFieldContainer[str]
    min_confidence: float
    orchestrator: _orchestrator_pb2.Orchestrator
    auth: Auth
    output_filters: _containers.RepeatedScalarFieldContainer[str]
    guarded: ListenerKind
    tls: Tls
    drop_untranslatable: bool
    prompt: _prompt_pb2.PromptRules
    plan: _plan_pb2.Plan
    mcp_servers: _containers.RepeatedCompositeFieldContainer[McpMember]
    allowed_origins: _containers.RepeatedScalarFieldContainer[str]
    public_url: str
    card_signing: CardSigning
    def __init__(self, name: _Optional[str] = ..., kind: _Optional[_Union[ListenerKind, str]] = ..., address: _Optional[str] = ..., port: _Optional[int] = ..., timeout_ms: _Optional[int] = ..., limits: _Optional[_Union[Limits, _Mapping]] = ..., input_filters: _Optional[_Iterable[str]] = ..., min_confidence: _Optional[float] = ..., orchestrator: _Optional[_Union[_orchestrator_pb2.Orchestrator, _Mapping]] = ..., auth: _Optional[_Union[Auth, _Mapping]] = ..., output_filters: _Optional[_Iterable[str]] = ..., guarded: _Optional[_Union[ListenerKind, str]] = ..., tls: _Optional[_Union[Tls, _Mapping]] = ..., drop_untranslatable: _Optional[bool] = ..., prompt: _Optional[_Union[_prompt_pb2.PromptRules, _Mapping]] = ..., plan: _Optional[_Union[_plan_pb2.Plan, _Mapping]] = ..., mcp_servers: _Optional[_Iterable[_Union[McpMember, _Mapping]]] = ..., allowed_origins: _Optional[_Iterable[str]] = ..., public_url: _Optional[str] = ..., card_signing: _Optional[_Union[CardSigning, _Mapping]] = ...) -> None: ...
