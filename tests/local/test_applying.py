from mesh.local.applying import move_port

MANIFESTS = """\
ports:
- containerPort: 8080
- "8080"
- 18080
number: 8080
url: http://somewhere:8080/path
"""


def test_only_values_that_are_the_port_move() -> None:
    assert move_port(MANIFESTS, 8080, 8180).splitlines() == [
        "ports:",
        "- containerPort: 8180",
        '- "8180"',
        "- 18080",
        "number: 8180",
        "url: http://somewhere:8080/path",
    ]


def test_the_first_instance_applies_what_is_written() -> None:
    assert move_port(MANIFESTS, 8080, 8080) == MANIFESTS
