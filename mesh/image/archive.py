"""What is in an image? Its layers, how large each travels, and its files.

An archive is what `docker save`, `podman save` or `buildah push docker-archive:` writes, or an OCI archive of one or
more platforms.
"""

from __future__ import annotations

import gzip
import json
import tarfile
import zlib
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Any, TypeAlias

from mesh.image.building import ImageError

BLOCK = 1024 * 1024
PUSHED = 6  # gzip's level, as registries' clients have it

_WHITEOUT, _OPAQUE = ".wh.", ".wh..wh..opq"

Facts: TypeAlias = tuple[Any, ...]


@dataclass(frozen=True)
class Layer:
    """One layer: what identifies it is the digest of what is in it, not of how it is compressed."""

    diff_id: str
    compressed: int
    """Bytes."""


@dataclass(frozen=True)
class Image:
    """One platform's image in an archive."""

    platform: str
    created: str
    environment: tuple[str, ...]
    config: str
    """Its digest, or what the archive calls it."""
    layers: tuple[Layer, ...]

    @property
    def compressed(self) -> int:
        return sum(layer.compressed for layer in self.layers)


class Archive:
    """An open archive."""

    def __init__(self, tar: tarfile.TarFile) -> None:
        self._tar = tar
        names = set(tar.getnames())
        if "manifest.json" in names:
            self._images = [(one["Config"], one["Layers"]) for one in self._json("manifest.json")]
        elif "index.json" in names:
            self._images = list(self._oci("index.json"))
        else:
            raise ImageError(f"{tar.name!r} is not an image: it holds neither manifest.json nor index.json")

    def images(self) -> list[Image]:
        """Each platform's image; compressing what an archive keeps uncompressed takes a few seconds."""
        return [self._image(config, layers) for config, layers in self._images]

    def files(self, wanted: Callable[[str], bool]) -> dict[str, bytes]:
        """The content of the files one finds in the first image, of those that are wanted."""
        found: dict[str, bytes] = {}
        for layer in self._images[0][1]:
            with self._layer(layer) as tar:
                members = {_path(member): member for member in tar}
                found = {path: content for path, content in found.items() if not _hidden(path, members)}
                found |= {
                    path: _read(tar, member)
                    for path, member in members.items()
                    if member.isfile() and wanted(path) and _WHITEOUT not in path
                }
        return found

    def entries(self, layer: int) -> dict[str, Facts]:
        """Everything a registry keeps of each file in one layer of the first image."""
        with self._layer(self._images[0][1][layer]) as tar:
            return {
                _path(one): (
                    one.type,
                    oct(one.mode),
                    one.uid,
                    one.gid,
                    one.mtime,
                    one.size,
                    one.linkname,
                    _sum(tar, one),
                )
                for one in tar
            }

    def _image(self, config: str, layers: list[str]) -> Image:
        facts = self._json(config)
        made = zip(facts["rootfs"]["diff_ids"], layers, strict=True)
        return Image(
            platform=f"{facts['os']}/{facts['architecture']}",
            created=facts["created"],
            environment=tuple(facts["config"].get("Env", ())),
            config=PurePosixPath(config).name.removesuffix(".json"),
            layers=tuple(Layer(diff_id, self._compressed(name)) for diff_id, name in made),
        )

    def _oci(self, index: str) -> Iterator[tuple[str, list[str]]]:
        for one in self._json(index)["manifests"]:
            if one.get("platform", {}).get("os") == "unknown":
                continue  # an attestation: about an image, and none
            manifest = self._json(_blob(one))
            if "manifests" in manifest:
                yield from self._oci(_blob(one))
            else:
                yield _blob(manifest["config"]), [_blob(layer) for layer in manifest["layers"]]

    def _compressed(self, name: str) -> int:
        with self._open(name) as blob:
            start = blob.read(2)
            if start == b"\x1f\x8b":
                return self._tar.getmember(name).size
            packer = zlib.compressobj(PUSHED, wbits=31)
            size = len(packer.compress(start))
            while block := blob.read(BLOCK):
                size += len(packer.compress(block))
            return size + len(packer.flush())

    @contextmanager
    def _layer(self, name: str) -> Iterator[tarfile.TarFile]:
        with self._open(name) as blob, tarfile.open(fileobj=blob) as tar:
            yield tar

    def _json(self, name: str) -> Any:
        with self._open(name) as file:
            return json.load(file)

    def _open(self, name: str) -> IO[bytes]:
        file = self._tar.extractfile(name)
        if file is None:
            raise ImageError(f"{self._tar.name!r}: {name} is not a file")
        return file


@contextmanager
def opened(path: Path) -> Iterator[Archive]:
    """The archive at `path`. Raises ImageError when it is none."""
    try:
        with tarfile.open(path) as tar:
            yield Archive(tar)
    except (tarfile.TarError, gzip.BadGzipFile) as error:
        raise ImageError(f"{path} cannot be read as an image: it is no archive, or a torn one") from error


def _blob(descriptor: dict[str, str]) -> str:
    return "blobs/" + descriptor["digest"].replace(":", "/")


def _path(member: tarfile.TarInfo) -> str:
    return str(PurePosixPath("/", member.name)).lstrip("/")


def _hidden(path: str, upper: Collection[str]) -> bool:
    """Whether the layer above has `path` anew, or a whiteout of it or of a folder it is in."""
    parts = PurePosixPath(path).parts
    above = [PurePosixPath(*parts[:depth]) for depth in range(len(parts) + 1)]
    removed = (str(one.with_name(_WHITEOUT + one.name)) for one in above[1:])
    emptied = (str(one / _OPAQUE) for one in above[:-1])
    return path in upper or any(one in upper for one in (*removed, *emptied))


def _read(tar: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    file = tar.extractfile(member)
    return file.read() if file else b""


def _sum(tar: tarfile.TarFile, member: tarfile.TarInfo) -> int:
    return zlib.crc32(_read(tar, member)) if member.isfile() else 0
