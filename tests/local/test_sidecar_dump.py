from mesh.local.node.pod_record import PodRecord
from mesh.local.sidecar_dump import dump_wanted

ORDERS = PodRecord("shop", "orders-v1-abc", "uid", "127.10.0.7", "127.11.0.7", 15000, 15020)


def test_a_pods_configuration_is_asked_of_its_envoy() -> None:
    wanted = (
        ["proxy-config", "cluster", "--file=-", "-o", "json"],
        "http://127.10.0.7:15000/config_dump?include_eds=true",
    )
    for name in ("orders-v1-abc", "orders-v1-abc.shop"):
        assert dump_wanted(["proxy-config", "cluster", name, "-o", "json"], [ORDERS]) == wanted


def test_endpoints_are_in_another_dump() -> None:
    wanted = dump_wanted(["pc", "endpoints", "orders-v1-abc"], [ORDERS])
    assert wanted == (["pc", "endpoints", "--file=-"], "http://127.10.0.7:15000/clusters?format=json")


def test_everything_else_is_istioctls_own() -> None:
    assert dump_wanted(["proxy-config", "cluster", "another"], [ORDERS]) is None
    assert dump_wanted(["proxy-status", "x", "orders-v1-abc"], [ORDERS]) is None
    assert dump_wanted(["proxy-config", "--help"], [ORDERS]) is None
