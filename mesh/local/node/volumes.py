"""Which folder stands for each volume of a pod, and which files are in it?"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lightkube.models.core_v1 import DownwardAPIVolumeFile, KeyToPath, Volume, VolumeProjection
from lightkube.resources.core_v1 import Pod

from mesh.local.node import downward
from mesh.local.node.addresses import PodAddresses
from mesh.local.node.limits import offered
from mesh.local.node.references import MissingReference, References

_PUBLIC = 0o644
_PRIVATE = 0o600


@dataclass(frozen=True)
class VolumeFile:
    contents: bytes
    mode: int


@dataclass(frozen=True)
class TokenWanted:
    """A service account token that a projected volume asks for."""

    path: str
    audience: str | None
    seconds: int


Files = dict[str, VolumeFile]


@dataclass(frozen=True)
class VolumeSources:
    """Everything files are made of."""

    pod: Pod
    addresses: PodAddresses
    host_address: str
    references: References
    tokens: Mapping[TokenWanted, str]


def folder_of(volume: Volume, namespace: str, pod_folder: Path, claims_folder: Path) -> Path | None:
    """The volume's folder; None when its type is not offered."""
    if not offered(volume):
        return None
    if volume.persistentVolumeClaim:
        return claims_folder / namespace / volume.persistentVolumeClaim.claimName
    return pod_folder / "volumes" / volume.name


def tokens_wanted(volumes: Sequence[Volume]) -> Iterator[TokenWanted]:
    for volume in volumes:
        for source in (volume.projected.sources if volume.projected else None) or []:
            if token := source.serviceAccountToken:
                yield TokenWanted(token.path, token.audience, token.expirationSeconds or 3600)


def files_of(volume: Volume, sources: VolumeSources) -> Files:
    """The files of a configMap, secret, downwardAPI or projected volume, by relative path.

    Raises MissingReference and UnsupportedField.
    """
    if volume.configMap:
        named = volume.configMap
        contents = sources.references.contents("ConfigMap", named.name or "", optional=bool(named.optional))
        return _chosen(contents, named.items, named.defaultMode, named.name or "")
    if volume.secret:
        secret = volume.secret
        contents = sources.references.contents("Secret", secret.secretName or "", optional=bool(secret.optional))
        return _private(_chosen(contents, secret.items, secret.defaultMode, secret.secretName or ""))
    if volume.downwardAPI:
        return _downward(volume.downwardAPI.items, volume.downwardAPI.defaultMode, sources)
    files: Files = {}
    if volume.projected:
        for source in volume.projected.sources or []:
            files |= _projected(source, volume.projected.defaultMode, sources)
    return files


def write_files(folder: Path, files: Files) -> None:
    """Make `folder` hold exactly `files`."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    for name, file in files.items():
        write_file(folder / name, file)
    for path in folder.rglob("*"):
        if path.is_file() and str(path.relative_to(folder)) not in files:
            path.unlink()


def write_file(path: Path, file: VolumeFile) -> None:
    """Put `file` at `path` at once, so that a reader sees the old or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if path.exists() and path.read_bytes() == file.contents:
        return
    fresh = path.with_name(f".{path.name}.new")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, _PRIVATE)
    with os.fdopen(descriptor, "wb") as handle:
        handle.write(file.contents)
    fresh.chmod(file.mode)
    fresh.replace(path)


def _projected(source: VolumeProjection, mode: int | None, sources: VolumeSources) -> Files:
    if named := source.configMap:
        contents = sources.references.contents("ConfigMap", named.name or "", optional=bool(named.optional))
        return _chosen(contents, named.items, mode, named.name or "")
    if secret := source.secret:
        contents = sources.references.contents("Secret", secret.name or "", optional=bool(secret.optional))
        return _private(_chosen(contents, secret.items, mode, secret.name or ""))
    if source.downwardAPI:
        return _downward(source.downwardAPI.items, mode, sources)
    if token := source.serviceAccountToken:
        wanted = TokenWanted(token.path, token.audience, token.expirationSeconds or 3600)
        return {token.path: VolumeFile(sources.tokens[wanted].encode(), _PRIVATE)}
    return {}


def _chosen(contents: Mapping[str, bytes], items: Sequence[KeyToPath] | None, mode: int | None, name: str) -> Files:
    default = mode or _PUBLIC
    if not items:
        return {key: VolumeFile(value, default) for key, value in contents.items()}
    missing = [item.key for item in items if item.key not in contents]
    if missing and contents:
        raise MissingReference("ConfigMap", name, missing[0])
    return {item.path: VolumeFile(contents[item.key], item.mode or default) for item in items if item.key in contents}


def _private(files: Files) -> Files:
    """A process has no mount of its own to hide a secret in, so only its owner may read it."""
    return {path: VolumeFile(file.contents, file.mode & 0o700) for path, file in files.items()}


def _downward(items: Sequence[DownwardAPIVolumeFile] | None, mode: int | None, sources: VolumeSources) -> Files:
    files: Files = {}
    for item in items or []:
        if item.fieldRef is None:
            raise downward.UnsupportedField(f"{item.path}: resourceFieldRef: the local node sets no limits")
        text = downward.field(item.fieldRef, sources.pod, sources.addresses, sources.host_address)
        files[item.path] = VolumeFile(text.encode(), item.mode or mode or _PUBLIC)
    return files
