"""The application: routes, what stands around them, and what becomes of errors."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from mien import __version__
from mien.errors import MienError
from mien.server.config import ServerConfig
from mien.server.errors import BadRequest, Internal, Invalid, NotLoggedIn, ServerError
from mien.server.log import log
from mien.server.middleware import BodyLimit, Watch
from mien.server.page import Page
from mien.server.plainly import said_plainly
from mien.server.problem import Problem, problem_response, status_of
from mien.server.retention import sweep_for_ever
from mien.server.routes.listing import routers
from mien.server.schema.people import EnrolmentProblem
from mien.server.schema.problems import title_of
from mien.server.service import Service, open_service
from mien.settings import Settings

TITLE: Final = "mien"
SUMMARY: Final = "Faces, identities and expressions, on your own machine."
CURES: Final = {
    404: "GET /v1/openapi.json lists every address.",
    405: "GET /v1/openapi.json lists every method.",
    413: "Send less at once.",
}


class Server(FastAPI):
    """Its document has the errors, too."""

    def openapi(self) -> dict[str, Any]:
        """OpenAPI 3.1, with the schema of problem details."""
        document = super().openapi()
        for model in (Problem, EnrolmentProblem):
            schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
            for name, part in {**schema.pop("$defs", {}), model.__name__: schema}.items():
                document["components"]["schemas"].setdefault(name, part)
        return document


def create_app(config: ServerConfig, settings: Settings, service: Service | None = None) -> FastAPI:
    """service: one that is open already and stays open; None opens one in the background and closes it at the end."""
    app = Server(
        title=TITLE,
        summary=SUMMARY,
        version=__version__,
        # Their pages take scripts from elsewhere; routes/health.py has the document, for those who are logged in.
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        generate_unique_id_function=_operation_id,
        lifespan=_lifespan,
        strict_content_type=True,
    )
    app.state.config, app.state.settings, app.state.service = config, settings, service
    app.state.trouble, app.state.on_trouble = None, lambda: None
    for router in routers:
        app.include_router(router)
    app.router.routes += Page().routes()
    app.add_exception_handler(MienError, _on_error)
    app.add_exception_handler(HTTPException, _on_refusal)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_middleware(BodyLimit, config=config)
    app.add_middleware(Watch, config=config, on_fault=fault_response)
    return app


def _operation_id(route: APIRoute) -> str:
    """The function's name, which becomes the client's method."""
    return route.name


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Answers at once that it lives; loads meanwhile."""
    if app.state.service is not None:
        yield
        return
    loading = asyncio.create_task(_load(app))
    try:
        yield
    finally:
        loading.cancel()
        with suppress(asyncio.CancelledError):
            await loading
        if app.state.service is not None:
            await run_in_threadpool(app.state.service.close)


async def _load(app: FastAPI) -> None:
    def opening() -> None:
        # In the thread, so that a service that was open too late to be waited for is closed, too.
        app.state.service = open_service(app.state.settings, app.state.config)

    try:
        await run_in_threadpool(opening)
    except Exception as error:  # noqa: BLE001 - whatever it is, somebody must be told
        app.state.trouble = error
        app.state.on_trouble()
        log.error(f"The service cannot start: {error}")
        return
    log.info("ready")
    await sweep_for_ever(app.state.service)


def _problem(request: Request, error: MienError, reasons: list[str] | None = None) -> Problem:
    status = status_of(error)
    return Problem(
        type=f"about:blank#{error.code}",
        title=title_of(status),
        status=status,
        detail=error.cause,
        code=error.code,
        cure=error.cure,
        request_id=getattr(request.state, "request_id", ""),
        reasons=reasons or list(getattr(error, "reasons", ())),
    )


def _answer(request: Request, error: MienError, reasons: list[str] | None = None) -> JSONResponse:
    problem, headers = _problem(request, error, reasons), {}
    if isinstance(error, NotLoggedIn):
        headers["WWW-Authenticate"] = "Bearer"
    wait = getattr(error, "retry_after", None) or (1.0 if problem.status == 503 else None)
    if wait is not None:
        headers["Retry-After"] = str(max(1, round(wait)))
    if request.app.state.service is not None:
        request.app.state.service.metrics.rejected.labels(problem.code).inc()
    if problem.status == 500:
        log.error("failed", exc_info=error, extra={"fields": {"code": problem.code}})
    return problem_response(problem, headers)


async def _on_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, MienError)
    return _answer(request, error)


async def _on_refusal(request: Request, error: Exception) -> JSONResponse:
    """What the framework refuses by itself."""
    assert isinstance(error, HTTPException)
    kinds = {kind.status: kind for kind in ServerError.__subclasses__() if kind.status != 500}
    kind = kinds.get(error.status_code, BadRequest if error.status_code < 500 else Internal)
    said = {404: "There is nothing at this address.", 405: "The address has no such method."}
    own = kind.__new__(kind)
    MienError.__init__(own, said.get(error.status_code, str(error.detail)), CURES.get(error.status_code, ""))
    response = _answer(request, own)
    response.headers.update(error.headers or {})
    return response


async def _on_invalid(request: Request, error: Exception) -> JSONResponse:
    """Says where and why, never repeats what was sent."""
    assert isinstance(error, RequestValidationError)
    found = error.errors()
    reasons = [f"{'.'.join(str(part) for part in one['loc'])}: {one['msg']}" for one in found]
    if any(one["type"] == "json_invalid" for one in found):
        return _answer(request, BadRequest("The body is no JSON.", "Let a library make it."), reasons)
    return _answer(request, Invalid(said_plainly(found), "See `reasons`."), reasons)


def fault_response(request: Request, error: Exception) -> JSONResponse:
    """For what nobody foresaw: nothing of it is told."""
    log.error("fault", exc_info=error)
    own = Internal("The service has a fault.", "Tell whoever runs it, with the request's id.")
    return problem_response(_problem(request, own))
