"""What an operator writes about agent cards of A2A: whose signatures count.

See `controlplane.config.schema` for the rule of every key and docstring here.
"""

from typing import Annotated

from pydantic import StringConstraints

from controlplane.config.fields import Block, Duration, Text
from controlplane.config.schema_auth import JWKS_URI


class CardKeys(Block):
    """Whose signatures of an agent's card are good."""

    jwks_uri: Annotated[str, StringConstraints(pattern=JWKS_URI)] | None = None
    """Where the public keys are; data planes fetch them, and again for unknown ones."""
    jwks: Text | None = None
    """In place of `jwks_uri`: `file:/path` where a data plane runs, or the JSON text itself."""
    refresh: Duration = "5m"
    """How often the keys are fetched anew."""
