"""DecisionService: who would act on a conversation, and why, as a worker decides it."""

from typing import Any

import grpc
import grpc.aio
from outriderpb.admin.v1 import decision_pb2, decision_pb2_grpc

from controlplane.xds.reports import ReportingService

Context = grpc.aio.ServicerContext[Any, Any]

# A model that decides may take ten seconds, and the embedded router decides after it.
_PATIENCE_S = 14.0


class DecisionAdmin(decision_pb2_grpc.DecisionServiceServicer):
    """The gRPC face of deciding; the control plane itself has no router."""

    def __init__(self, reporting: ReportingService) -> None:
        self._reporting = reporting

    async def Explain(
        self, request: decision_pb2.ExplainRequest, context: Context
    ) -> decision_pb2.ExplainResponse:
        """Have a worker decide."""
        found = await self._reporting.explain(
            request.listener, request.body, _PATIENCE_S, request.worker
        )
        if found is None:
            await context.abort(*self._nobody(request))
        worker, answer = found
        if answer.problem:
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, answer.problem)
        return decision_pb2.ExplainResponse(explanation=answer.explanation, worker=worker)

    def _nobody(self, request: decision_pb2.ExplainRequest) -> tuple[grpc.StatusCode, str]:
        known = self._reporting.workers
        if not known:
            return grpc.StatusCode.FAILED_PRECONDITION, "no data plane is connected"
        if request.worker and request.worker not in known:
            return grpc.StatusCode.NOT_FOUND, f"no worker {request.worker!r} is connected"
        who = f"worker {request.worker!r}" if request.worker else "no connected worker"
        what = "does not know" if request.worker else "knows"
        return (
            grpc.StatusCode.NOT_FOUND,
            f"{who} {what} listener {request.listener!r}, or it did not answer in time",
        )
