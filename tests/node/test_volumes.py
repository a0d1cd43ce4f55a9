from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from lightkube.models.core_v1 import Volume

from mesh.local.node.references import MissingReference, Reference, References
from mesh.local.node.volumes import (
    Files,
    TokenWanted,
    VolumeSources,
    files_of,
    folder_of,
    tokens_wanted,
    write_files,
)
from tests.node.pods import ADDRESSES, Json, pod_of

REFERENCES = References(
    "shop",
    {Reference("ConfigMap", "products"): {"a.json": b"[]", "b": b"x"}, Reference("Secret", "key"): {"pw": b"hunter2"}},
)


def volume(**fields: object) -> Volume:
    return msgspec.convert({"name": "v", **fields}, Volume)


def files(**fields: object) -> Files:
    tokens = {TokenWanted("token", "istio-ca", 600): "ey..."}
    pod = pod_of(metadata={"labels": {"app": "catalog", "version": 'v"1'}})
    return files_of(volume(**fields), VolumeSources(pod, ADDRESSES, "127.0.0.1", REFERENCES, tokens))


def test_a_config_map_is_a_folder_with_a_file_per_key() -> None:
    found = files(configMap={"name": "products"})
    assert {path: file.contents for path, file in found.items()} == {"a.json": b"[]", "b": b"x"}


def test_items_choose_and_rename_keys() -> None:
    found = files(configMap={"name": "products", "items": [{"key": "a.json", "path": "sub/p.json", "mode": 0o400}]})
    assert {path: (file.contents, file.mode) for path, file in found.items()} == {"sub/p.json": (b"[]", 0o400)}


def test_a_secret_is_readable_by_its_owner_only() -> None:
    assert [file.mode for file in files(secret={"secretName": "key"}).values()] == [0o600]
    assert [file.mode for file in files(secret={"secretName": "key", "defaultMode": 0o444}).values()] == [0o400]


def test_a_projected_volume_joins_its_sources() -> None:
    sources: list[Json] = [
        {"serviceAccountToken": {"path": "token", "audience": "istio-ca", "expirationSeconds": 600}},
        {"configMap": {"name": "products", "items": [{"key": "b", "path": "b"}]}},
        {"secret": {"name": "key"}},
        {"downwardAPI": {"items": [{"path": "labels", "fieldRef": {"fieldPath": "metadata.labels"}}]}},
    ]
    projected = volume(projected={"sources": sources})
    assert list(tokens_wanted([projected])) == [TokenWanted("token", "istio-ca", 600)]
    found = files(projected={"sources": sources})
    assert found["token"].contents == b"ey..."
    assert found["token"].mode == 0o600
    assert found["labels"].contents == b'app="catalog"\nversion="v\\"1"'
    assert set(found) == {"token", "b", "pw", "labels"}


def test_a_missing_config_map_is_an_error_unless_it_is_optional() -> None:
    with pytest.raises(MissingReference, match='configmap "gone" not found'):
        files(configMap={"name": "gone"})
    assert files(configMap={"name": "gone", "optional": True}) == {}


def test_a_missing_item_is_an_error() -> None:
    with pytest.raises(MissingReference, match="couldn't find key c"):
        files(configMap={"name": "products", "items": [{"key": "c", "path": "c"}]})


def test_a_claims_folder_outlives_the_pod_and_any_other_is_inside_it() -> None:
    pod, claims = Path("/state/pods/1"), Path("/state/volumes")
    claim = volume(persistentVolumeClaim={"claimName": "data"})
    assert folder_of(claim, "shop", pod, claims) == Path("/state/volumes/shop/data")
    assert folder_of(volume(emptyDir={}), "shop", pod, claims) == Path("/state/pods/1/volumes/v")
    assert folder_of(volume(hostPath={"path": "/"}), "shop", pod, claims) is None


def test_writing_again_replaces_what_changed_and_removes_what_is_gone(tmp_path: Path) -> None:
    write_files(tmp_path / "v", files(configMap={"name": "products"}))
    write_files(tmp_path / "v", files(secret={"secretName": "key"}))
    assert {path.name: path.stat().st_mode & 0o777 for path in (tmp_path / "v").iterdir()} == {"pw": 0o600}
    assert (tmp_path / "v").stat().st_mode & 0o777 == 0o700
