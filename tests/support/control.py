"""A real control plane in this process, on ports that the OS picked."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from controlplane.bootstrap import Bootstrap
from controlplane.main import ControlPlane, running_control_plane
from controlplane.security import Security

CONFIG = """\
version: v0.4.0
listeners:
  - name: models
    type: model
    address: 127.0.0.1
    port: 0
model_providers:
  - model: openai/gpt-4o
    base_url: http://127.0.0.1:9/v1
    access_key: $TEST_OPENAI_KEY
    default: true
"""
OTHER = CONFIG.replace("gpt-4o", "gpt-5")
BAD = CONFIG.replace("listeners:", "listners:")


@asynccontextmanager
async def control_plane(
    folder: Path,
    *,
    config: Path | None = None,
    check_secrets: bool = False,
    security: Security | None = None,
    environ: Mapping[str, str] | None = None,
) -> AsyncIterator[ControlPlane]:
    """Serves until left; what is in `folder/state` stays for the next one."""
    bootstrap = Bootstrap(
        config=config,
        check_secrets=check_secrets,
        xds_address="127.0.0.1:0",
        admin_address="127.0.0.1:0",
        http_address="127.0.0.1:0",
        state_dir=folder / "state",
        security=security or Security(),
    )
    async with running_control_plane(bootstrap, environ or {}) as plane:
        yield plane
