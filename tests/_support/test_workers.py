"""Real processes: what they return, tell and raise, and what is left when one of them or its parent dies."""

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest

from photochrom._support.workers import Done, Failed, Pool, Worker, WorkerDied
from photochrom.errors import MissingExtra

pytestmark = pytest.mark.slow


def counted(up_to, tell):
    for i in range(up_to):
        tell(i, up_to)
    return os.getpid()


def fail(kind):
    if kind == "ours":
        raise MissingExtra("reading it", "heif")
    raise ZeroDivisionError(kind)


def joined(prepared, *words):
    return " ".join((*prepared, *words))


def test_a_worker_makes_many_calls_and_tells_how_far_each_is():
    worker, told = Worker(), []
    first = worker.call(counted, 2, told=lambda *values: told.append(values))
    assert (worker.call(os.getpid), told) == (first, [(0, 2), (1, 2)])
    assert first != os.getpid()
    worker.end()
    assert multiprocessing.active_children() == []


def test_what_a_call_raises_comes_back_and_the_worker_goes_on():
    worker = Worker(partial(str.split, "a b"))
    with pytest.raises(ZeroDivisionError) as error:
        worker.call(fail)
    assert "in a worker process:\nTraceback" in error.value.__notes__[0]
    assert worker.call(joined, "c", "d") == "a b c d"
    worker.end()
    worker = Worker()
    with pytest.raises(MissingExtra, match="heif") as error:
        worker.call(fail, "ours")
    assert not hasattr(error.value, "__notes__")
    worker.end()


def test_a_worker_that_dies_or_takes_too_long_is_named_and_leaves_no_process():
    worker = Worker()
    with pytest.raises(WorkerDied, match=r"crashed \(SIGKILL\)") as died:
        worker.call(signal.raise_signal, signal.SIGKILL)
    assert died.value.code == -signal.SIGKILL
    slow = Worker()
    with pytest.raises(WorkerDied, match="this took longer than 1 seconds and was stopped"):
        slow.call(time.sleep, 600, limit=1)
    assert multiprocessing.active_children() == []
    with pytest.raises(WorkerDied):
        slow.call(time.sleep, 0)


def test_a_pool_gives_each_end_its_key_and_replaces_who_died():
    with Pool(2, told=lambda *values: told.append(values)) as pool:
        told, ends = [], {}
        todo = [(key, counted, key) for key in range(4)] + [("dead", die)]
        while todo or pool.is_busy:
            while todo and pool.is_free:
                pool.begin(todo[-1][0], *todo.pop()[1:])
            key, end = pool.next_ended()
            ends[key] = end
        assert multiprocessing.active_children()
    assert multiprocessing.active_children() == []
    assert isinstance(ends["dead"].error, WorkerDied)
    assert ends["dead"].error.code == 3
    assert all(isinstance(ends[key], Done) for key in range(4))
    assert sorted(told) == [(key, i, key) for key in range(4) for i in range(key)]


def die(tell):
    os._exit(3)


def test_a_pool_of_one_works_in_this_process():
    with Pool(1, prepare=lambda: ["a"]) as pool:
        pool.begin("key", joined, "b")
        assert (pool.is_free, pool.is_busy) == (False, True)
        assert pool.next_ended() == ("key", Done("a b"))
        pool.begin("key", fail)
        with pytest.raises(ZeroDivisionError):
            pool.next_ended()
        assert pool.is_free


def test_an_error_ends_what_runs():
    def interrupted():
        with Pool(2) as pool:
            pool.begin(1, time.sleep, 600)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert multiprocessing.active_children() == []


def test_failures_are_values_too():
    with Pool(2) as pool:
        pool.begin(1, fail, "by zero")
        key, end = pool.next_ended()
    assert isinstance(end, Failed)
    assert (key, type(end.error), str(end.error)) == (1, ZeroDivisionError, "by zero")


# ---- the parent


def run(tmp_path, text, *, guard=True):
    """Start a script that imports the workers, in a group of its own."""
    script = tmp_path / "script.py"
    head = "import os, sys, time\nfrom functools import partial\nfrom pathlib import Path\n"
    head += "from photochrom._support.workers import Worker, Pool\n"
    begin = 'if __name__ == "__main__":\n' if guard else "if True:\n"
    script.write_text(head + begin + "".join(f"    {line}\n" for line in text.splitlines()))
    return subprocess.Popen(
        [sys.executable, script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )


def wait_until(happens):
    end = time.monotonic() + 20
    while not happens():
        assert time.monotonic() < end
        time.sleep(0.05)


def is_alive(pid):
    state = Path(f"/proc/{pid}/stat")
    return state.exists() and state.read_text().rpartition(")")[2].split()[0] != "Z"


def test_a_worker_ends_with_its_parent_in_the_middle_of_a_call(tmp_path):
    text = 'worker = Worker(orphaned=partial(Path("orphaned").touch))\n'
    text += "print(worker.call(os.getpid), flush=True)\nworker.call(time.sleep, 600)"
    script = f"import os; os.chdir({str(tmp_path)!r})\n{text}"
    with run(tmp_path, script) as parent:
        pid = int(parent.stdout.readline())
        assert is_alive(pid)
        parent.kill()
        wait_until(lambda: not is_alive(pid))
    assert (tmp_path / "orphaned").exists()


def test_ctrl_c_reaches_no_worker(tmp_path):
    text = "worker = Worker()\npid = worker.call(os.getpid)\n"
    text += "try:\n    print(pid, flush=True)\n    time.sleep(600)\n"
    text += "except KeyboardInterrupt:\n    print(worker.call(os.getpid))\nworker.end()"
    with run(tmp_path, text) as parent:
        pid = parent.stdout.readline()
        os.killpg(parent.pid, signal.SIGINT)
        assert parent.stdout.read() == pid
        assert parent.stderr.read() == ""


def test_a_script_without_a_guard_is_told_so(tmp_path):
    text = "with Pool(2) as pool:\n    pool.begin(1, os.getpid)\n    pool.next_ended()"
    with run(tmp_path, text, guard=False) as parent:
        line = parent.stderr.read().splitlines()[-1]
    assert line.endswith('no process could be started (status 1); start a script under if __name__ == "__main__"')
