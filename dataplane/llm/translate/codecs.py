"""All protocols, by name: the one place that knows every codec."""

from collections.abc import Mapping

from dataplane.llm.protocols import Protocol
from dataplane.llm.translate.codec import Codec

CODECS: Mapping[Protocol, Codec] = {}
