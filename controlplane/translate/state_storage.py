"""State storage -> its one resource."""

from collections.abc import Iterator

from outriderpb.v1 import state_storage_pb2

from controlplane.config import schema
from controlplane.snapshot.resource import Named, ResourceType
from controlplane.translate.secrets import secret

NAME = "state_storage"
KINDS = {
    "memory": state_storage_pb2.STORAGE_KIND_UNSPECIFIED,
    "redis": state_storage_pb2.STORAGE_KIND_REDIS,
    "postgres": state_storage_pb2.STORAGE_KIND_POSTGRES,
    "none": state_storage_pb2.STORAGE_KIND_NONE,
}


def state_storage(config: schema.Config) -> Iterator[Named]:
    """Nothing when the config says nothing: data planes then keep responses themselves."""
    wanted = config.state_storage
    if wanted is None:
        return
    message = state_storage_pb2.StateStorage(
        kind=KINDS[wanted.type],
        ttl_seconds=wanted.ttl_seconds,
        max_entries=wanted.max_entries,
        max_entry_bytes=wanted.max_entry_bytes,
        tenant_header=(wanted.tenant_header or "").lower(),
    )
    if wanted.connection_string is not None:
        message.url.CopyFrom(secret(wanted.connection_string))
    yield Named(ResourceType.STATE_STORAGE, NAME, message)
