"""How does an error look to a program? As RFC 9457 says: application/problem+json, with a reason to decide by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI
from pydantic import BaseModel, Field
from pydantic.json_schema import models_json_schema
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from services.storefront.refusals import Refusal

MEDIA_TYPE = "application/problem+json"


class Violation(BaseModel):
    """One field of a request that breaks a rule."""

    field: str = Field(description="Where it stands in the request.", examples=["lines[0].quantity"])
    description: str = Field(description="What it should be.", examples=["must be at least 1"])


class Problem(BaseModel):
    """Why a request was refused."""

    type: str = Field(default="about:blank", description="Always about:blank: `reason` tells more.")
    title: str = Field(description="The status in words.", examples=["Not Found"])
    status: int = Field(description="The HTTP status again.", examples=[404])
    detail: str = Field(default="", description="For people; empty when there is nothing to add.")
    reason: str = Field(default="", description="For programs: UPPER_SNAKE, stable.", examples=["PRODUCT_NOT_FOUND"])
    violations: list[Violation] = Field(default=[], description="Which fields are to blame.")
    order_id: str = Field(default="", description="The order that a refused purchase has come to, if there is one.")
    retry_after: int | None = Field(default=None, description="Seconds after which another try makes sense.")


class ApiProblem(Exception):
    """A refusal by the API itself."""

    def __init__(self, status: HTTPStatus, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.problem = Problem(title=status.phrase, status=status, reason=reason, detail=detail)


def of(said: Refusal) -> Problem:
    """The problem that a service's refusal is."""
    return Problem(
        title=said.status.phrase,
        status=said.status,
        detail=said.message,
        reason=said.reason,
        violations=[Violation(field=name, description=why) for name, why in said.fields.items()],
        order_id=said.facts.get("order_id", ""),
        retry_after=said.retry_after,
    )


def plain(status: HTTPStatus) -> Problem:
    """A problem of which the status says everything."""
    return Problem(title=status.phrase, status=status)


def invalid(errors: Sequence[Mapping[str, Any]]) -> Problem:
    """A request that does not fit its description. The values themselves are never repeated."""
    status = HTTPStatus.UNPROCESSABLE_ENTITY
    found = [Violation(field=".".join(map(str, one["loc"]))[:200], description=str(one["msg"])[:200]) for one in errors]
    return Problem(title=status.phrase, status=status, reason="INVALID_REQUEST", violations=found[:20])


def response(problem: Problem, headers: Mapping[str, str] | None = None) -> Response:
    """The answer that tells of it."""
    more = dict(headers or {})
    if problem.retry_after is not None:
        more["retry-after"] = str(problem.retry_after)
    return JSONResponse(problem.model_dump(), problem.status, more, media_type=MEDIA_TYPE)


async def answered(_: Request, error: Exception) -> Response:
    """What becomes of an ApiProblem."""
    assert isinstance(error, ApiProblem)  # noqa: S101  # it is registered for nothing else
    return response(error.problem)


def described(app: FastAPI) -> None:
    """Let the description of `app` hold what `documented` refers to."""
    without = app.openapi

    def openapi() -> dict[str, Any]:
        made = without()
        _, shapes = models_json_schema([(Problem, "serialization")], ref_template="#/components/schemas/{model}")
        made["components"]["schemas"] |= shapes["$defs"]
        return made

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's own way to extend it


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The errors of a route, for its description; what can happen to any route is added."""
    schema = {"$ref": "#/components/schemas/Problem"}
    return {
        status: {"description": HTTPStatus(status).phrase, "content": {MEDIA_TYPE: {"schema": schema}}}
        for status in sorted({*statuses, 400, 413, 422, 429, 503, 504})
    }
