import stat
from pathlib import Path

import pytest

from mesh.local.state_folder import NotOurs, StateFolder, make_private, write_private

LONGEST_SOCKET_PATH = 107


def test_a_private_file_is_replaced_at_once_and_stays_private(tmp_path: Path) -> None:
    path = tmp_path / "new" / "kubeconfig"
    write_private(path, "first")
    write_private(path, "second")
    assert path.read_text() == "second"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert [it.name for it in path.parent.iterdir()] == ["kubeconfig"]


def test_a_link_that_somebody_put_in_our_way_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "sockets").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(NotOurs, match="sockets"):
        make_private(tmp_path / "sockets")


def test_sockets_fit_into_their_path_however_deep_the_checkout_is() -> None:
    deep = StateFolder(Path("/" + "a-long-name/" * 30 + ".argosy"))
    assert len(str(deep.sockets / "xxxxxxxx-xxxx" / "grpc.sock")) < LONGEST_SOCKET_PATH
    assert deep.sockets != StateFolder(Path("/other/.argosy")).sockets
