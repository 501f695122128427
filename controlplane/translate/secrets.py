"""Secret texts -> parts that name where the secret is; the secret itself never comes here."""

from outriderpb.v1 import secret_pb2

from controlplane.config.values import SecretKind, secret_parts


def literal(text: str) -> secret_pb2.SecretText:
    """A text without holes."""
    return secret_pb2.SecretText(parts=[secret_pb2.SecretText.Part(literal=text)])


def secret(text: str) -> secret_pb2.SecretText:
    """A checked secret text in the form a data plane resolves."""
    parts = []
    for part in secret_parts(text):
        match part.kind:
            case SecretKind.LITERAL:
                parts.append(secret_pb2.SecretText.Part(literal=part.text))
            case SecretKind.ENV:
                parts.append(secret_pb2.SecretText.Part(env=part.text))
            case SecretKind.FILE:
                parts.append(secret_pb2.SecretText.Part(file=part.text))
    return secret_pb2.SecretText(parts=parts)
