"""Answers: stored when they come, never changed, never lost."""

import os
import signal
import subprocess
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor

import pytest

from photochrom.errors import BadDataset, BadSetting
from photochrom.research.turing import Answers, load_study
from photochrom.research.turing.design import trials


def test_a_session(made):
    folder, study = made()
    answers = Answers(folder, study)
    assert answers.all() == []
    assert not answers.path.exists()  # asking makes nothing
    first, second = answers.begin(), answers.begin()
    entries = answers.of(second)
    assert [e.number for e in entries] == list(range(1, 11))
    assert [e.practice for e in entries] == [True] * 2 + [False] * 8
    planned = trials("single", study.models, study.photographs, study.seed, 1)
    assert [(e.photograph, e.left) for e in entries[2:]] == [(t.photograph, t.left) for t in planned]
    answers.look(entries[0])
    assert answers.answer(entries[0], "coloured", 1234)
    after = answers.of(second)[0]
    assert (after.person, after.looks, after.said, after.milliseconds) == (2, 1, "coloured", 1234)
    assert after.answered is not None
    assert all(e.said is None for e in answers.of(first))
    assert len(answers.all()) == 20
    assert answers.of("nobody") == []


def test_an_answer_stays_as_it_is(made):
    folder, study = made()
    answers = Answers(folder, study)
    entry = answers.of(answers.begin())[0]
    assert answers.answer(entry, "real", 10)
    assert not answers.answer(entry, "coloured", 20)
    assert answers.all()[0].said == "real"


@pytest.mark.parametrize(("said", "milliseconds"), [("left", 5), ("", 5), ("real", -1), ("real", 10**12)])
def test_what_is_no_answer(made, said, milliseconds):
    folder, study = made()
    answers = Answers(folder, study)
    entry = answers.of(answers.begin())[0]
    with pytest.raises(BadSetting, match="it must be"):
        answers.answer(entry, said, milliseconds)
    assert answers.all()[0].said is None


def test_many_at_a_time(made):
    folder, study = made()
    answers = Answers(folder, study)

    def session(_):
        ticket = answers.begin()
        for entry in answers.of(ticket):
            answers.answer(entry, "real", entry.number)
        return ticket

    with ThreadPoolExecutor(8) as pool:
        tickets = list(pool.map(session, range(8)))
    assert len(set(tickets)) == 8
    assert sorted({e.person for e in answers.all()}) == list(range(1, 9))
    assert all(e.said == "real" for e in answers.all())
    # Two blocks of people of four ways: each photograph was seen in each.
    seen = {(e.photograph, e.left) for e in answers.all() if not e.practice}
    assert len(seen) == 8 * 3


def test_a_kill_loses_nothing(made):
    folder, _ = made()
    script = """
        import sys
        from pathlib import Path
        from photochrom.research.turing import Answers, load_study
        folder = Path(sys.argv[1])
        answers = Answers(folder, load_study(folder))
        ticket = answers.begin()
        for entry in answers.of(ticket)[:3]:
            answers.answer(entry, "real", 7)
        print(ticket, flush=True)
        with answers._opened() as db:  # in the middle of the next
            db.execute("BEGIN IMMEDIATE")
            db.execute("UPDATE trials SET said = 'coloured' WHERE number = 4")
            print("writing", flush=True)
            sys.stdin.read()
    """
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script), str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    ) as process:
        assert process.stdout is not None
        ticket = process.stdout.readline().strip()
        assert process.stdout.readline() == "writing\n"
        process.send_signal(signal.SIGKILL)
        process.wait()
    answers = Answers(folder, load_study(folder))
    entries = answers.of(ticket)
    assert [e.said for e in entries] == ["real"] * 3 + [None] * 7
    assert answers.answer(entries[3], "coloured", 9)


def test_a_damaged_database_is_named(made):
    folder, study = made()
    (folder / "answers.db").write_bytes(b"no database, but long enough to be taken for one" * 100)
    with pytest.raises(BadDataset, match=r"answers\.db: not the answers of a study, or damaged"):
        Answers(folder, study).all()
