"""What mesh/resilience/README.md says: its code runs, and it leaves no file out."""

import re
from pathlib import Path
from typing import Any

import grpc
from shop.catalog.v1.catalog_pb2 import BatchGetProductsRequest, BatchGetProductsResponse, Product
from shop.catalog.v1.catalog_pb2_grpc import CatalogServiceStub

import mesh.resilience

FOLDER = Path(mesh.resilience.__file__).parent
README = (FOLDER / "README.md").read_text()


async def answer(request: BatchGetProductsRequest, context: object) -> BatchGetProductsResponse:
    return BatchGetProductsResponse(products=[Product(name=product_id.upper()) for product_id in request.product_ids])


async def test_its_code_runs() -> None:
    (code,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    names: dict[str, Any] = {name: getattr(mesh.resilience, name) for name in mesh.resilience.__all__}
    names |= {"BatchGetProductsRequest": BatchGetProductsRequest, "CatalogServiceStub": CatalogServiceStub}
    exec(code, names)  # noqa: S102 - our own
    server = grpc.aio.server()
    handler = grpc.unary_unary_rpc_method_handler(
        answer, BatchGetProductsRequest.FromString, BatchGetProductsResponse.SerializeToString
    )
    handlers = {"BatchGetProducts": handler}
    server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler("shop.catalog.v1.CatalogService", handlers)])
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    assert await names["names"](f"127.0.0.1:{port}", ["mug", "hat"]) == ["MUG", "HAT"]
    await server.stop(None)


def test_every_file_has_its_place_in_the_reading_order() -> None:
    reading = README.partition("## An evening's reading")[2].partition("\n## ")[0]
    files = {file.name for file in FOLDER.glob("*.py")} - {"__init__.py"}
    assert set(re.findall(r"\]\((\w+\.py)\)", reading)) == files


def test_it_has_the_layers_in_the_order_of_the_code() -> None:
    table = README.partition("## The layers")[2].partition("\n## ")[0]
    layers = re.findall(r"^\| ([\w -]+) \| \[", table, re.MULTILINE)
    assert " > ".join(layers) in (FOLDER / "call.py").read_text()
