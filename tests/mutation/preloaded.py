"""What do our tests import of others? Loaded once, before the trials fork; nothing of ours, which has mutants.

Imports only: gRPC starts threads when it is first used, and threads do not survive a fork.
"""

import gc

import coverage
import google.rpc.error_details_pb2
import google.rpc.status_pb2
import grpc.aio
import grpc_health.v1.health
import grpc_reflection.v1alpha.reflection
import grpc_status.rpc_status
import hypothesis.stateful
import opentelemetry.instrumentation.grpc
import opentelemetry.sdk.trace.export.in_memory_span_exporter
import prometheus_client
import protovalidate
import pybreaker
import pydantic
import pytest_asyncio
import pytest_timeout  # type: ignore[import-untyped]
import sqlalchemy
import tenacity

__all__ = [
    "coverage",
    "google",
    "grpc",
    "grpc_health",
    "grpc_reflection",
    "grpc_status",
    "hypothesis",
    "opentelemetry",
    "prometheus_client",
    "protovalidate",
    "pybreaker",
    "pydantic",
    "pytest_asyncio",
    "pytest_timeout",
    "sqlalchemy",
    "tenacity",
]

gc.freeze()  # a trial that collects its garbage need not look through all of this
