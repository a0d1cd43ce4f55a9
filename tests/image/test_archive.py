from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import pytest

from mesh.image.archive import opened
from mesh.image.building import ImageError
from mesh.image.comparing import differences
from tests.image.archives import docker_archive, layer, oci_archive


def found(path: Path) -> dict[str, bytes]:
    with opened(path) as archive:
        return archive.files(lambda _: True)


def compared(one: Path, other: Path) -> Sequence[str]:
    with opened(one) as mine, opened(other) as theirs:
        return list(differences(mine, theirs))


def test_a_layer_is_known_by_what_is_in_it_and_measured_compressed(tmp_path: Path) -> None:
    content = layer({"app/x": "x" * 100_000})
    with opened(docker_archive(tmp_path / "a.tar", [content])) as archive:
        (image,) = archive.images()
    assert image.platform == "linux/amd64"
    assert image.layers[0].diff_id == f"sha256:{hashlib.sha256(content).hexdigest()}"
    assert 0 < image.compressed < 2000


def test_each_platform_of_an_oci_archive_is_measured_and_attestations_are_not(tmp_path: Path) -> None:
    one, other = [layer({"app/x": "x"})], [layer({"app/x": "x"}), layer({"app/y": "y" * 5000})]
    with opened(oci_archive(tmp_path / "a.tar", {"amd64": one, "arm64": other})) as archive:
        images = archive.images()
        assert archive.files(lambda path: path == "app/x") == {"app/x": b"x"}
    assert [(image.platform, len(image.layers)) for image in images] == [("linux/amd64", 1), ("linux/arm64", 2)]
    assert images[0].compressed < images[1].compressed


def test_both_kinds_of_archive_come_to_the_same_size(tmp_path: Path) -> None:
    content = [layer({"app/x": "x" * 100_000})]
    with (
        opened(docker_archive(tmp_path / "a.tar", content)) as one,
        opened(oci_archive(tmp_path / "b.tar", {"amd64": content})) as other,
    ):
        # gzip's default level and its header differ a little
        assert one.images()[0].compressed == pytest.approx(other.images()[0].compressed, rel=0.1)


def test_upper_layers_overwrite_and_whiteouts_remove(tmp_path: Path) -> None:
    layers = [
        layer({"usr/lib/pip/a": "1", "usr/lib/pip/b/c": "2", "etc/x": "3", "opt/old/a": "4", "opt/old/b": "5"}),
        layer({"usr/lib/.wh.pip": "", "etc/x": "new", "opt/old/.wh..wh..opq": "", "opt/old/c": "6"}),
    ]
    assert found(docker_archive(tmp_path / "a.tar", layers)) == {"etc/x": b"new", "opt/old/c": b"6"}


def test_the_same_layers_are_the_same_image(tmp_path: Path) -> None:
    layers = [layer({"app/x": "1"}), layer({"app/y": "2"})]
    assert compared(docker_archive(tmp_path / "a.tar", layers), docker_archive(tmp_path / "b.tar", layers)) == []


def test_another_date_of_a_file_is_another_image_and_the_file_is_named(tmp_path: Path) -> None:
    one = docker_archive(tmp_path / "a.tar", [layer({"app/x": "1", "app/y": "1"}, mtime=1)])
    other = docker_archive(tmp_path / "b.tar", [layer({"app/x": "1", "app/z": "1"}, mtime=2)])
    lines = compared(one, other)
    assert [line.split(": ")[1] for line in lines] == ["/app/x", "/app/y", "/app/z"]


def test_another_order_of_the_same_files_is_another_image(tmp_path: Path) -> None:
    one = docker_archive(tmp_path / "a.tar", [layer({"app/x": "1", "app/y": "1"})])
    other = docker_archive(tmp_path / "b.tar", [layer({"app/y": "1", "app/x": "1"})])
    assert compared(one, other) == ["layer 0: the order of its files"]


def test_more_layers_are_seen(tmp_path: Path) -> None:
    content = layer({"app/x": "1"})
    one, other = docker_archive(tmp_path / "a.tar", [content]), docker_archive(tmp_path / "b.tar", [content, content])
    assert compared(one, other) == ["1 layers, and 2"]


def test_what_is_no_archive_is_named(tmp_path: Path) -> None:
    (tmp_path / "x.tar").write_text("no archive")
    with pytest.raises(ImageError, match=r"x\.tar cannot be read as an image"), opened(tmp_path / "x.tar"):
        pass


def test_an_archive_of_something_else_is_named(tmp_path: Path) -> None:
    (tmp_path / "x.tar").write_bytes(layer({"a": "1"}))
    with pytest.raises(ImageError, match=r"neither manifest\.json nor index\.json"), opened(tmp_path / "x.tar"):
        pass
