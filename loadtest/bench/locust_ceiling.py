"""A locustfile: users who ask again as soon as they are answered."""

from locust import task

from loadtest.bench.target import asking
from loadtest.journeys import Call
from loadtest.locust_grpc import GrpcUser
from loadtest.locust_process import register

register()


class Restless(GrpcUser):
    """Asks for a product, and again."""

    @task
    def ask_again(self) -> None:
        """One call."""
        self.ask(Call(asking()))
