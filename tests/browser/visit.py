"""What goes wrong behind a page that looks right? Errors of its scripts, requests to strangers, answers of 500."""

from __future__ import annotations

from playwright.async_api import BrowserContext, ConsoleMessage, Request, Response

SERVER_ERROR = 500


class Visit:
    """Listens to every page of a profile."""

    def __init__(self, context: BrowserContext, home: str) -> None:
        self.complaints: list[str] = []
        self.forgiven: set[int] = set()  # the codes that a test expects
        self._home = home
        context.on("weberror", lambda error: self.complaints.append(f"script: {error.error}"))
        context.on("console", self._hear)
        context.on("request", self._see)
        context.on("response", self._judge)

    def _hear(self, message: ConsoleMessage) -> None:
        # Chromium itself says of each answer of 400 and more that it was one: that is the test's business.
        if message.type == "error" and not message.text.startswith("Failed to load resource"):
            self.complaints.append(f"console: {message.text}")

    def _see(self, request: Request) -> None:
        if not request.url.startswith((f"{self._home}/", "data:")):
            self.complaints.append(f"asks a stranger: {request.url}")

    def _judge(self, response: Response) -> None:
        if response.status >= SERVER_ERROR and response.status not in self.forgiven:
            self.complaints.append(f"{response.status}: {response.url}")
