"""Every provider that is known by its name."""

from collections.abc import Mapping

from controlplane.config.providers.clouds import CLOUDS
from controlplane.config.providers.entry import Provider
from controlplane.config.providers.hosts import HOSTS
from controlplane.config.providers.vendors import VENDORS

KNOWN: Mapping[str, Provider] = {**VENDORS, **CLOUDS, **HOSTS}

OTHER = Provider()
"""Any other name: a server of one's own that speaks OpenAI chat completions, at its base_url."""


def of(name: str) -> Provider:
    """What is known of a provider by its name."""
    return KNOWN.get(name, OTHER)
