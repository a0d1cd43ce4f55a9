"""Service account tokens, bound to their pod, and when they have to be asked for anew."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from lightkube.core.async_client import AsyncClient
from lightkube.models.authentication_v1 import BoundObjectReference, TokenRequest, TokenRequestSpec
from lightkube.models.meta_v1 import ObjectMeta
from lightkube.resources.core_v1 import Pod, ServiceAccountToken

_REFRESH_AT = 0.8  # of its life, as the kubelet does


@dataclass(frozen=True)
class Token:
    text: str
    asked_at: datetime
    expires_at: datetime

    def stale(self, now: datetime) -> bool:
        """Whether enough of its life has passed to replace it."""
        return now >= self.asked_at + (self.expires_at - self.asked_at) * _REFRESH_AT


async def request_token(
    client: AsyncClient, pod: Pod, *, audience: str | None, seconds: int, now: datetime | None = None
) -> Token:
    """A token of the pod's service account that stops being valid with the pod. Raises lightkube's ApiError."""
    if pod.metadata is None or pod.spec is None:
        raise ValueError("a pod without metadata has no identity")
    bound = BoundObjectReference(apiVersion="v1", kind="Pod", name=pod.metadata.name, uid=pod.metadata.uid)
    request = ServiceAccountToken(
        metadata=ObjectMeta(namespace=pod.metadata.namespace),
        spec=TokenRequestSpec(
            audiences=[audience] if audience else [], boundObjectRef=bound, expirationSeconds=seconds
        ),
    )
    answer: TokenRequest = await client.create(
        request, pod.spec.serviceAccountName or "default", namespace=pod.metadata.namespace
    )
    status = answer.status
    if status is None or status.token is None or status.expirationTimestamp is None:
        raise ValueError("the API server answered a token request without a token")
    return Token(status.token, now or datetime.now(UTC), status.expirationTimestamp)
