"""ConfigService: check, apply and read what this control plane serves."""

from datetime import UTC, datetime
from typing import Any

import grpc
import grpc.aio
from outriderpb.admin.v1 import config_pb2, config_pb2_grpc

from controlplane.admin.pipeline import Pipeline
from controlplane.config.problem import ConfigError, ConfigErrors

Context = grpc.aio.ServicerContext[Any, Any]

# Ten thousand routes are some 2 MB; beyond this it is not a config.
_MAX_CONFIG_BYTES = 16 << 20
_MAX_NAME = 1024


class ConfigAdmin(config_pb2_grpc.ConfigServiceServicer):
    """The gRPC face of the pipeline."""

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline

    async def Check(
        self, request: config_pb2.CheckRequest, context: Context
    ) -> config_pb2.CheckResponse:
        """Compile only."""
        await _acceptable(request.config, request.file_name, context)
        try:
            snapshot = await self._pipeline.check(request.config, request.file_name)
        except ConfigErrors as e:
            return config_pb2.CheckResponse(problems=map(problem, e.problems))
        return config_pb2.CheckResponse(snapshot_version=snapshot.version)

    async def Apply(
        self, request: config_pb2.ApplyRequest, context: Context
    ) -> config_pb2.ApplyResponse:
        """Compile, keep, serve; or tell every problem and change nothing."""
        await _acceptable(request.config, request.file_name, context)
        author = request.author[:_MAX_NAME]
        try:
            applied = await self._pipeline.apply(request.config, request.file_name, author)
        except ConfigErrors as e:
            return config_pb2.ApplyResponse(problems=map(problem, e.problems))
        return config_pb2.ApplyResponse(
            revision=applied.revision,
            snapshot_version=applied.snapshot_version,
            changed=applied.changed,
        )

    async def Get(self, request: config_pb2.GetRequest, context: Context) -> config_pb2.GetResponse:
        """A revision, or the one in force."""
        revision = await self._pipeline.revision(request.revision)
        if revision is None:
            what = f"revision {request.revision}" if request.revision else "nothing applied yet"
            await context.abort(grpc.StatusCode.NOT_FOUND, f"not found: {what}")
            raise AssertionError("abort raises")
        return config_pb2.GetResponse(
            revision=revision.number,
            config=revision.config,
            file_name=revision.file_name,
            author=revision.author,
            applied_at=rfc3339(revision.applied_at),
            snapshot_version=revision.snapshot_version,
        )


async def _acceptable(config: str, file_name: str, context: Context) -> None:
    if len(config) > _MAX_CONFIG_BYTES:
        await context.abort(
            grpc.StatusCode.INVALID_ARGUMENT, f"a config may have {_MAX_CONFIG_BYTES >> 20} MiB"
        )
    if len(file_name) > _MAX_NAME:
        await context.abort(
            grpc.StatusCode.INVALID_ARGUMENT, f"file_name is longer than {_MAX_NAME} characters"
        )


def problem(error: ConfigError) -> config_pb2.Problem:
    """A problem as it is on the wire."""
    return config_pb2.Problem(
        file=error.file,
        line=error.line,
        path=error.path,
        message=error.message,
        hint=error.hint,
    )


def rfc3339(wall: float) -> str:
    """Wall time as people and tools read it, in UTC."""
    return (
        datetime.fromtimestamp(wall, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    )
