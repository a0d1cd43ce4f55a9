"""Make Python code from the contracts: `python -m protos.generate`, called by `make protos`.

Writes gen/shop, gen/argosy and gen/buf anew, with type stubs. Nothing generated is committed.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import grpc_tools

from mesh.local.cache import cache_folder
from mesh.local.go import find_go

HERE = Path(__file__).parent
OUT = HERE.parent / "gen"
WELL_KNOWN = Path(str(grpc_tools.__file__)).parent / "_proto"


def protovalidate_folder() -> Path:
    """The folder of buf/validate/validate.proto, from the Go module pinned in protos/go.mod."""
    go = find_go(cache_folder())
    said = subprocess.run(
        [go, "mod", "download", "-json", "github.com/bufbuild/protovalidate"],
        cwd=HERE,
        check=True,
        capture_output=True,
        text=True,
    )
    return Path(json.loads(said.stdout)["Dir"]) / "proto" / "protovalidate"


def generate(out: Path) -> None:
    """Write the Python modules and stubs of every contract to `out`, replacing it.

    The contracts that ours import go to `out`/include, where buf finds them.
    Raises subprocess.CalledProcessError when a contract does not compile.
    """
    validate = protovalidate_folder()
    shutil.rmtree(out, ignore_errors=True)
    shutil.copytree(validate / "buf", out / "include" / "buf", copy_function=shutil.copyfile)
    ours = sorted(str(path.relative_to(HERE)) for path in HERE.rglob("*.proto"))
    plugins = [f"--plugin={Path(sys.executable).parent / name}" for name in ("protoc-gen-mypy", "protoc-gen-mypy_grpc")]
    command = [sys.executable, "-m", "grpc_tools.protoc", *plugins, f"-I{HERE}", f"-I{validate}", f"-I{WELL_KNOWN}"]
    messages = [f"--python_out={out}", f"--mypy_out=quiet:{out}"]
    services = [f"--grpc_python_out={out}", f"--mypy_grpc_out=quiet,only_async:{out}"]
    subprocess.run([*command, *messages, *services, *ours], check=True)
    subprocess.run([*command, *messages, "buf/validate/validate.proto"], check=True)


if __name__ == "__main__":
    generate(OUT)
