"""Which cookies does an answer change? Collected while a page is made, written when its answer begins."""

from __future__ import annotations

from http.cookies import SimpleCookie

from shop.users.v1.users_pb2 import Tokens

from services.storefront.visitor import ACCESS, NAME, REFRESH

HALF_A_YEAR = 180 * 24 * 3600


class Jar:
    """Set-Cookie headers to be. `secure`: only for https, because the request came over https."""

    def __init__(self, *, secure: bool) -> None:
        self._secure = secure
        self._cookies: SimpleCookie = SimpleCookie()

    def put(self, name: str, value: str, *, seconds: int = HALF_A_YEAR) -> None:
        """Let the browser keep this; no script sees it, and no other site's form brings it along."""
        self._cookies[name] = value
        morsel = self._cookies[name]
        morsel["path"], morsel["httponly"], morsel["samesite"] = "/", True, "Lax"
        morsel["max-age"] = seconds
        if self._secure:
            morsel["secure"] = True

    def forget(self, *names: str) -> None:
        """Let the browser drop these."""
        for name in names:
            self.put(name, "", seconds=0)

    def sign_in(self, tokens: Tokens) -> None:
        """Keep the tokens for as long as the refresh token is good."""
        seconds = max(60, tokens.refresh_expire_time.seconds - tokens.access_expire_time.seconds)
        self.put(ACCESS, tokens.access_token, seconds=seconds)
        self.put(REFRESH, tokens.refresh_token, seconds=seconds)

    def sign_out(self) -> None:
        """Drop whatever says who somebody is."""
        self.forget(ACCESS, REFRESH, NAME)

    def headers(self) -> list[tuple[bytes, bytes]]:
        """As they are sent."""
        return [(b"set-cookie", morsel.OutputString().encode("latin-1")) for morsel in self._cookies.values()]
