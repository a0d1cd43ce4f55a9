"""How does a Locust user live? From visit to visit (loadtest/journeys.py), a call at a time, thinking between two."""

from uuid import uuid4

from locust import task

from loadtest.journeys import SHOP, Call, Story, Visitor, pick
from loadtest.locust_grpc import GrpcUser, RpcFailed
from loadtest.locust_process import register

register()


class Customer(GrpcUser):
    """Somebody in the shop, for one reason after another."""

    _story: Story
    _call: Call

    def on_start(self) -> None:
        """Enters the shop, as nobody who was here before: a cart that never empties would be full one day."""
        super().on_start()
        self._visitor = Visitor(f"customer-{uuid4()}", self.random)
        self._arrive()

    def wait_time(self) -> float:
        """Seconds to think between two steps."""
        return self.random.uniform(0.2, 0.8)

    @task
    def step(self) -> None:
        """The next call of the visit; after the last one, and after a failed one, the next visit begins."""
        try:
            answer = self.ask(self._call)
            self._call = self._story.send(answer)
        except (RpcFailed, StopIteration):
            self._arrive()

    def _arrive(self) -> None:
        self._story = pick(SHOP, self.random).visit(self._visitor)
        self._call = next(self._story)
