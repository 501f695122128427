"""What an operator writes about agent cards of A2A: whose signatures count, and who signs ours.

See `controlplane.config.schema` for the rule of every key and docstring here.
"""

from typing import Annotated

from pydantic import StringConstraints

from controlplane.config.fields import Block, Duration, Text
from controlplane.config.schema_auth import JWKS_URI, FilePath

KEY_ID = r"^[!-~]{1,256}$"


class CardKeys(Block):
    """Whose signatures of an agent's card are good."""

    jwks_uri: Annotated[str, StringConstraints(pattern=JWKS_URI)] | None = None
    """Where the public keys are; data planes fetch them, and again for unknown ones."""
    jwks: Text | None = None
    """In place of `jwks_uri`: `file:/path` where a data plane runs, or the JSON text itself."""
    refresh: Duration = "5m"
    """How often the keys are fetched anew."""


class CardSigning(Block):
    """The key that a listener's own agent card is signed with."""

    key: FilePath
    """The private key in PEM, without a password: `file:/path` where a data plane runs. P-256,
    P-384, P-521, Ed25519, or RSA of 2048 bits and more."""
    key_id: Annotated[str, StringConstraints(pattern=KEY_ID)]
    """What others know the key by: its `kid` in the key set that you publish."""
    jwks_uri: Annotated[str, StringConstraints(pattern=JWKS_URI)] | None = None
    """Where you publish it; signatures name it (`jku`)."""
