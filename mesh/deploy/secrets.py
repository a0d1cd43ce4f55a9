"""Which development secrets are missing? Random ones are made for the overlay's own database, and never changed.

postgresql-passwords    a key for every role: that of each service, and whatever else the server asks for
<service>-database      `url`, with the role's password
Where they come from in production: k8s/README.md.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence

from mesh.deploy.overlay import Manifest

PASSWORDS = "postgresql-passwords"
_DATABASE = "-database"

Secrets = Mapping[str, Mapping[str, str]]
"""Data by name and key, decoded."""


def missing(asked: Mapping[str, set[str]], present: Secrets, draw: Callable[[], str]) -> dict[str, dict[str, str]]:
    """The Secrets to be applied, each whole, so that pods find the keys they have `asked` for.

    A password that is there already is used; `draw` makes a new one.
    """
    services = sorted(name.removesuffix(_DATABASE) for name in asked if name.endswith(_DATABASE))
    if not services and PASSWORDS not in asked:
        return {}
    known = dict(present.get(PASSWORDS, {}))
    roles = dict.fromkeys([*services, *sorted(asked.get(PASSWORDS, ()))])
    drawn = {role: draw() for role in roles if role not in known}
    passwords = known | drawn
    urls = {
        f"{service}{_DATABASE}": {
            "url": f"postgresql+psycopg://{service}:{passwords[service]}@postgresql:5432/{service}"
        }
        for service in services
        if "url" not in present.get(f"{service}{_DATABASE}", {})
    }
    return ({PASSWORDS: passwords} if drawn else {}) | urls


def as_manifests(secrets: Secrets, namespace: str) -> list[Manifest]:
    """The Secrets as objects to apply."""
    return [
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {
                "name": name,
                "namespace": namespace,
                "labels": {"app.kubernetes.io/part-of": "argosy"},
                "annotations": {"argosy/made-by": "argosy deploy, for development"},
            },
            "data": {key: base64.b64encode(value.encode()).decode() for key, value in data.items()},
        }
        for name, data in secrets.items()
    ]


def decoded(found: Sequence[Manifest]) -> Secrets:
    """The Secrets that the API has answered."""
    return {
        one["metadata"]["name"]: {
            key: base64.b64decode(value).decode() for key, value in (one.get("data") or {}).items()
        }
        for one in found
    }
