"""How one provider's API differs from its protocol's book; see `dataplane.runtime.dialect`."""

from dataplane.runtime.dialect import PLAIN, Dialect

__all__ = ["PLAIN", "Dialect"]
