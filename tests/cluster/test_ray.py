"""Two machines, one of which is killed half-way, and the command on this machine alone."""

# ruff: noqa: E402 - skipped before what is missing is imported

import os
import re
from collections import Counter
from pathlib import Path

import pytest

ray = pytest.importorskip("ray", reason="Ray is not installed: pip install '.[cluster]'")
pytest.importorskip("pyarrow", reason="pyarrow is not installed: pip install '.[cluster]'")

from photochrom import Colorizer
from photochrom.cli import main
from photochrom.cluster import runner
from photochrom.cluster.actors import Colouring
from photochrom.cluster.manifest import Manifest
from photochrom.cluster.places import Place
from photochrom.cluster.runner import Begun, Order, run
from photochrom.cluster.session import _QUIET

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]  # Ray leaves sockets and processes to the system

PICTURES = 48


def deadly(log):
    """An actor that a picture kills, and that notes whatever it writes."""

    class Deadly(Colouring):
        def _read(self, given, scratch):
            if given["source"].endswith("kills.png"):
                os._exit(1)
            return super()._read(given, scratch)

        def _write(self, given, *rest):
            row = super()._write(given, *rest)
            with open(log, "a") as file:
                file.write(f"{given['source']}\n")
            return row

    return Deadly


@pytest.fixture
def two_machines(monkeypatch):
    """A head and a second node on this machine, in processes of their own."""
    from ray.cluster_utils import Cluster

    for name, value in _QUIET.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    store = {"num_cpus": 1, "object_store_memory": 100_000_000}
    cluster = Cluster(initialize_head=True, head_node_args={**store, "include_dashboard": False})
    second = cluster.add_node(**store)
    yield cluster, second
    ray.shutdown()
    cluster.shutdown()


def test_a_machine_that_is_killed_half_way(two_machines, tiny, tmp_path, png, monkeypatch):
    cluster, second = two_machines
    album, out = tmp_path / "album", tmp_path / "out"
    album.mkdir()
    for i in range(PICTURES):
        (album / f"{i:02}.png").write_bytes(png(i))
    (album / "damaged.png").write_bytes(b"no picture")
    (album / "kills.png").write_bytes(png(99))
    monkeypatch.setattr(runner, "Colouring", deadly(tmp_path / "log"))
    order = Order(str(album), str(out), address=cluster.address, actors=2, batch=4, tries=1)
    rows, killed = [], False
    for event in run(order, str(tiny), {}):
        if isinstance(event, Begun):
            assert event.total == PICTURES + 2
            continue
        rows.append(event)
        if len(rows) >= PICTURES // 3 and not killed:
            cluster.remove_node(second, allow_graceful=False)
            killed = True
    assert killed
    names = [f"{i:02}.png" for i in range(PICTURES)]
    assert Counter(Path(row["source"]).name for row in rows) == Counter([*names, "damaged.png", "kills.png"])
    failed = {Path(row["source"]).name: row["error"] for row in rows if row["status"] == "failed"}
    assert sorted(failed) == ["damaged.png", "kills.png"]
    assert "it ended or held up the process that coloured it" in failed["kills.png"]
    session = Colorizer(tiny, threads=1)
    for name in names:
        session.colorize_file(album / name, tmp_path / name)
        assert (out / name).read_bytes() == (tmp_path / name).read_bytes()
    table = Manifest(Place(str(out))).read()
    assert sorted(table["source"].to_pylist()) == sorted(row["source"] for row in rows)
    written = Counter((tmp_path / "log").read_text().split())
    assert set(written) == {str(album / name) for name in names}
    # Only what the lost machine had in hand can have been done twice.
    assert sum(written.values()) <= PICTURES + order.batch

    # The same command has nothing to do, and needs no cluster; what is new is done.
    assert list(run(order, str(tiny), {})) == [Begun(0, {"coloured": PICTURES, "failed": 2})]
    (album / "new.png").write_bytes(png(100))
    begun, *again = run(order, str(tiny), {})
    assert (begun.total, [(Path(row["source"]).name, row["status"]) for row in again]) == (1, [("new.png", "coloured")])


def test_the_command_on_this_machine(tar, tiny, tmp_path, monkeypatch, capfd):
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    with pytest.raises(SystemExit) as ended:
        main(["batch", str(tar), str(tmp_path / "out"), "--model", str(tiny), "--actors", "1"])
    words = capfd.readouterr()
    assert (ended.value.code, words.out) == (0, "")
    assert words.err.splitlines()[-1] == "3 coloured, 0 failed"
    noted = [line for line in words.err.splitlines()[:-1] if not re.search(r"had colour already", line)]
    assert noted == []
    found = sorted(str(path.relative_to(tmp_path / "out")) for path in (tmp_path / "out").rglob("*.*"))
    assert [name for name in found if not name.startswith(".")] == [
        "manifest.parquet",
        "pictures/1.png",
        "pictures/2.png",
        "pictures/a/0.png",
    ]
