"""Which bill of materials goes with an image? CycloneDX, the same bytes for the same image."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import NAMESPACE_OID, uuid5

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packageurl import PackageURL

from mesh.image.archive import Image
from mesh.image.inventory import Package


def bill_of_materials(name: str, image: Image, packages: Sequence[Package]) -> str:
    """CycloneDX 1.6, as JSON, of an image called `name` (argosy:1.0) with these packages in it."""
    title, _, tag = name.partition(":")
    bom = Bom(components=[_component(package) for package in packages])
    bom.serial_number = uuid5(NAMESPACE_OID, image.config)
    bom.metadata.timestamp = datetime.fromisoformat(image.created)
    bom.metadata.component = Component(name=title, version=tag, type=ComponentType.CONTAINER, bom_ref=image.config)
    bom.register_dependency(bom.metadata.component, bom.components)
    return JsonV1Dot6(bom).output_as_string(indent=2) + "\n"


def mistakes(bill: str) -> str:
    """What CycloneDX's schema has against `bill`; nothing when all is well."""
    found = JsonStrictValidator(SchemaVersion.V1_6).validate_str(bill)
    return str(found) if found else ""


def _component(package: Package) -> Component:
    qualifiers = {"arch": package.architecture, "distro": package.distribution}
    purl = PackageURL(
        type=package.kind,
        namespace="debian" if package.kind == "deb" else None,
        name=package.name,
        version=package.version,
        qualifiers={key: value for key, value in qualifiers.items() if value},
    )
    licences = LicenseFactory()
    return Component(
        name=package.name,
        version=package.version,
        type=ComponentType.LIBRARY,
        purl=purl,
        bom_ref=purl.to_string(),
        licenses=[licences.make_from_string(package.license)] if package.license else [],
    )
