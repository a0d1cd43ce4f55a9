from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from mesh.image.archive import Image, opened
from mesh.image.bill import bill_of_materials, mistakes
from mesh.image.inventory import Package, is_record, packages
from tests.image.archives import docker_archive, layer

SITE = "opt/argosy/lib/python3.11/site-packages"
STATUS = """Package: libc6
Status: install ok installed
Architecture: amd64
Version: 2.36-9+deb12u10
Description: GNU C Library
 many lines

Package: removed
Status: deinstall ok config-files
Architecture: amd64
Version: 1
"""
FILES = {
    f"{SITE}/grpcio-1.85.1.dist-info/METADATA": "Name: grpcio\nVersion: 1.85.1\nLicense-Expression: Apache-2.0\n\n-",
    f"{SITE}/Old_Name-2.dist-info/METADATA": "Name: Old_Name\nVersion: 2\nLicense: Copyright someone\n and more\n\n",
    "usr/lib/python3/dist-packages/pip-23.dist-info/METADATA": "Name: pip\nVersion: 23\n\n",
    "usr/lib/os-release": 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nID=debian\nVERSION_ID="12"\n',
    "var/lib/dpkg/status": STATUS,
    "etc/passwd": "root:x:0:0\n",
}


def image_and_packages(path: Path) -> tuple[Image, list[Package]]:
    with opened(docker_archive(path, [layer(FILES)], ["PYTHON_VERSION=3.11.17", "HOME=/tmp"])) as archive:
        (image,) = archive.images()
        return image, packages(archive.files(is_record), image.environment)


def bill(path: Path) -> dict[str, Any]:
    made: dict[str, Any] = json.loads(bill_of_materials("argosy:1.0", *image_and_packages(path)))
    return made


def test_what_python_and_debian_have_installed_is_found_and_what_is_removed_is_not(tmp_path: Path) -> None:
    _, found = image_and_packages(tmp_path / "a.tar")
    assert found == [
        Package("deb", "libc6", "2.36-9+deb12u10", architecture="amd64", distribution="debian-12"),
        Package("generic", "python", "3.11.17"),
        Package("pypi", "grpcio", "1.85.1", license="Apache-2.0"),
        Package("pypi", "old-name", "2"),
    ]


def test_the_bill_is_valid_and_names_each_package_by_its_url(tmp_path: Path) -> None:
    made = bill(tmp_path / "a.tar")
    assert not mistakes(json.dumps(made))
    assert {one["purl"] for one in made["components"]} == {
        "pkg:deb/debian/libc6@2.36-9%2Bdeb12u10?arch=amd64&distro=debian-12",
        "pkg:generic/python@3.11.17",
        "pkg:pypi/grpcio@1.85.1",
        "pkg:pypi/old-name@2",
    }
    assert made["metadata"]["component"]["name"] == "argosy"


def test_a_bill_that_is_none_is_seen(tmp_path: Path) -> None:
    made = bill(tmp_path / "a.tar")
    del made["components"][0]["name"]
    assert "name" in mistakes(json.dumps(made))


def test_the_same_image_has_the_same_bill(tmp_path: Path) -> None:
    assert bill(tmp_path / "a.tar") == bill(tmp_path / "b.tar")
