"""What is known of the services' protections? What the operator's process has said so far (services/operator)."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from mesh.breakers.pods import Pods
from mesh.breakers.problems import NoAnswer, NoSuchThing

State = dict[str, Any]
"""One pod's protections, as services/operator/lines.py writes them."""


@dataclass
class Sight:
    """The last state of every pod that has answered, and who should answer."""

    expected: Pods
    states: dict[tuple[str, str], State] = field(default_factory=dict)  # by service and pod
    problems: dict[str, str] = field(default_factory=dict)  # by service: what kept the missing from answering

    @property
    def missing(self) -> dict[str, list[str]]:
        """The pods that have not answered, by service."""
        silent = {
            service: [pod for pod in pods if (service, pod) not in self.states]
            for service, pods in self.expected.items()
        }
        return {service: pods for service, pods in silent.items() if pods}

    def in_order(self) -> list[State]:
        """The states by service and pod."""
        return [state for _, state in sorted(self.states.items())]

    def learn(self, text: str) -> bool:
        """Take in a line the operator's process has written; whether it was about the services.

        Raises NoSuchThing and NoAnswer when it says that a service refuses.
        """
        try:
            line = json.loads(text)
        except ValueError:
            return False
        match line:
            case {"service": str(service), "pod": str(pod), "callees": list()}:
                self.states[service, pod] = line
            case {"service": str(service), "pod": str(pod), "gone": True}:
                self.states.pop((service, pod), None)
                self.expected = {**self.expected, service: [one for one in self.expected[service] if one != pod]}
            case {"service": str(service), "unreached": list(), "problem": str(problem)}:
                self.problems[service] = problem
            case {"refused": "NOT_FOUND" | "INVALID_ARGUMENT", "problem": str(problem)}:
                raise NoSuchThing(problem)
            case {"service": service, "refused": code, "problem": problem}:
                raise NoAnswer(f"{service} refuses the operator: {code}: {problem}")
            case _:
                return False  # its log
        return True
