"""Is the copy of a journal on disk whole, whatever was killed while it was written?"""

from __future__ import annotations

import gzip
from pathlib import Path

from mesh.canary.journal.disk import DiskCopy, folder_of
from mesh.canary.journal.entry import Entry, Kind
from mesh.chosen_cluster import Cluster
from tests.canary.journal.entries import journal

ENTRIES = journal((Kind.NODATA, {"step": 0, "why": "…"}), (Kind.PAUSED, {"reason": "lunch"}))


def _read(copy: DiskCopy) -> list[Entry]:
    return [Entry.parse(line) for line in copy.path.read_text(encoding="utf-8").splitlines()]


def test_each_entry_is_one_line(tmp_path: Path) -> None:
    copy = DiskCopy(tmp_path / "catalog", "r1")
    copy.catch_up(ENTRIES[:1])
    copy.catch_up(ENTRIES)
    assert _read(copy) == ENTRIES


def test_another_process_goes_on_where_the_file_ends(tmp_path: Path) -> None:
    DiskCopy(tmp_path, "r1").catch_up(ENTRIES[:2])
    DiskCopy(tmp_path, "r1").catch_up(ENTRIES)
    assert _read(DiskCopy(tmp_path, "r1")) == ENTRIES


def test_a_line_that_a_kill_has_cut_off_is_written_again(tmp_path: Path) -> None:
    copy = DiskCopy(tmp_path, "r1")
    copy.catch_up(ENTRIES)
    whole = copy.path.read_bytes()
    for cut in range(0, len(whole), 31):
        copy.path.write_bytes(whole[:cut])
        DiskCopy(tmp_path, "r1").catch_up(ENTRIES)
        assert copy.path.read_bytes() == whole


def test_only_the_owner_may_read_it(tmp_path: Path) -> None:
    copy = DiskCopy(tmp_path / "catalog", "r1")
    copy.catch_up(ENTRIES)
    copy.keep_raw("ab12", b"what a scrape brought")
    assert copy.folder.stat().st_mode & 0o077 == 0
    raw = copy.folder / "r1.raw" / "ab12.gz"
    assert gzip.decompress(raw.read_bytes()) == b"what a scrape brought"


def test_the_local_clusters_copies_are_in_its_state_folder(tmp_path: Path) -> None:
    cluster = Cluster(tmp_path / "kubeconfig", local=True)
    assert folder_of(cluster, "catalog", {"XDG_STATE_HOME": "/elsewhere"}) == tmp_path / "canary" / "catalog"


def test_another_clusters_copies_are_the_users(tmp_path: Path) -> None:
    cluster = Cluster(tmp_path / "kubeconfig", context="prod")
    folder = folder_of(cluster, "catalog", {"XDG_STATE_HOME": "/var/state"})
    assert folder == Path("/var/state/argosy/canary/prod/catalog")
