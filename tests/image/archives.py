"""Small images for tests, as builders write them."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path

CREATED = "2026-11-21T00:00:00Z"

Files = Mapping[str, str]


def layer(files: Files, *, mtime: int = 0) -> bytes:
    """A layer with these files in it."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for path, content in files.items():
            _add(tar, path, content.encode(), mtime)
    return packed.getvalue()


def docker_archive(path: Path, layers: Sequence[bytes], environment: Sequence[str] = ()) -> Path:
    """What `docker save` writes to `path`."""
    names = [f"{number}/layer.tar" for number in range(len(layers))]
    with tarfile.open(path, "w") as tar:
        _add(tar, "c0ffee.json", _config("amd64", layers, environment))
        _add(tar, "manifest.json", _json([{"Config": "c0ffee.json", "RepoTags": ["argosy:dev"], "Layers": names}]))
        for name, content in zip(names, layers, strict=True):
            _add(tar, name, content)
    return path


def oci_archive(path: Path, platforms: Mapping[str, Sequence[bytes]]) -> Path:
    """What buildx writes to `path` for several platforms: an index in an index, layers compressed, an attestation."""
    with tarfile.open(path, "w") as tar:
        manifests = [_manifest(tar, architecture, layers) for architecture, layers in platforms.items()]
        attestation = {**_blob(tar, b"{}"), "platform": {"os": "unknown", "architecture": "unknown"}}
        inner = _blob(tar, _json({"manifests": [*manifests, attestation]}))
        _add(tar, "index.json", _json({"manifests": [inner]}))
    return path


def _manifest(tar: tarfile.TarFile, architecture: str, layers: Sequence[bytes]) -> dict[str, object]:
    config = _blob(tar, _config(architecture, layers, ()))
    packed = [_blob(tar, gzip.compress(layer, mtime=0)) for layer in layers]
    found = _blob(tar, _json({"config": config, "layers": packed}))
    return {**found, "platform": {"os": "linux", "architecture": architecture}}


def _config(architecture: str, layers: Sequence[bytes], environment: Sequence[str]) -> bytes:
    return _json(
        {
            "os": "linux",
            "architecture": architecture,
            "created": CREATED,
            "config": {"Env": list(environment)},
            "rootfs": {"diff_ids": [f"sha256:{hashlib.sha256(layer).hexdigest()}" for layer in layers]},
        }
    )


def _blob(tar: tarfile.TarFile, content: bytes) -> dict[str, str]:
    digest = hashlib.sha256(content).hexdigest()
    _add(tar, f"blobs/sha256/{digest}", content)
    return {"digest": f"sha256:{digest}"}


def _add(tar: tarfile.TarFile, path: str, content: bytes, mtime: int = 0) -> None:
    member = tarfile.TarInfo(path)
    member.size, member.mtime = len(content), mtime
    tar.addfile(member, io.BytesIO(content))


def _json(value: object) -> bytes:
    return json.dumps(value).encode()
