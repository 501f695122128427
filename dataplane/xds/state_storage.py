"""Where responses are kept, of the wire -> dataplane/runtime/state_storage.py."""

from collections.abc import Mapping

from outriderpb.v1 import state_storage_pb2

from dataplane.runtime.state_storage import StateStorage, StorageKind
from dataplane.xds.fields import BadFieldError, secret
from dataplane.xds.secrets import SecretReader

KINDS: Mapping[int, StorageKind] = {
    state_storage_pb2.STORAGE_KIND_UNSPECIFIED: StorageKind.LOCAL,
    state_storage_pb2.STORAGE_KIND_REDIS: StorageKind.REDIS,
    state_storage_pb2.STORAGE_KIND_POSTGRES: StorageKind.POSTGRES,
    state_storage_pb2.STORAGE_KIND_NONE: StorageKind.NONE,
}
_SCHEMES = {
    StorageKind.REDIS: ("redis://", "rediss://", "unix://"),
    StorageKind.POSTGRES: ("postgresql://", "postgres://"),
}


def state_storage(_: str, m: state_storage_pb2.StateStorage, secrets: SecretReader) -> StateStorage:
    """The rules of a store. Raises BadFieldError."""
    kind = KINDS.get(m.kind)
    if kind is None:
        raise BadFieldError(f"storage of kind {m.kind} is not known here")
    url = None
    if kind in _SCHEMES:
        url = secret(m.url, secrets)
        if not url.reveal().startswith(_SCHEMES[kind]):
            # the text may hold a password, so it is not shown
            raise BadFieldError(f"its URL does not begin with {' or '.join(_SCHEMES[kind])}")
    default = StateStorage()
    return StateStorage(
        kind=kind,
        url=url,
        ttl_s=float(m.ttl_seconds) or default.ttl_s,
        max_entries=m.max_entries or default.max_entries,
        max_entry_bytes=m.max_entry_bytes or default.max_entry_bytes,
        tenant_header=m.tenant_header.lower(),
    )
