"""Who calls? The identity that the sidecar verified, from its x-forwarded-client-cert header.

The header is a list with one element per hop, the newest last, each like
`By=spiffe://...;Hash=...;Subject="O=a, CN=b";URI=spiffe://...`
(https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_conn_man/headers#x-forwarded-client-cert).
Only the last element was written by our own sidecar; earlier ones are what a client claims.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

HEADER = "x-forwarded-client-cert"

_QUOTED = r'"(?:[^"\\]|\\.)*"'
# No possessive quantifiers: Python before 3.11.4, Debian 12's among them, matches them wrongly (gh-101955).
_TOKEN = re.compile(rf'{_QUOTED}|[^",]+|,|"')
_PAIR = re.compile(rf"\s*([A-Za-z]+)=({_QUOTED}|[^;\"]*)(?:;|$)")


@lru_cache(maxsize=256)  # a service has a handful of callers, each with one certificate at a time
def caller(header: str) -> str:
    """The URI of the last element, usually a SPIFFE id; empty when there is none or it is malformed."""
    last = ""
    for token in _TOKEN.finditer(header):
        if token[0] == '"':
            return ""  # a quote that nothing closes
        last = "" if token[0] == "," else last + token[0]
    pairs = {key.upper(): value.strip('"') for key, value in _PAIR.findall(last)}
    return str(pairs.get("URI", ""))


def caller_of(metadata: Iterable[tuple[str, str | bytes]] | None) -> str:
    """The identity of a call with this metadata; empty when no sidecar vouches for one."""
    header = ""
    for key, value in metadata or ():
        if key == HEADER:
            header = str(value)
    return caller(header) if header else ""
