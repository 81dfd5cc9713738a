"""A small study of drawn pictures, and answers as if people had given them."""

from __future__ import annotations

import pytest

from photochrom.colorizer import Colorizer
from photochrom.research.turing import Answers, Entry, TuringSettings, new_study


@pytest.fixture(scope="session")
def photographs(tmp_path_factory, drawn):
    """A folder of twelve drawn pictures in colour, 48 x 40."""
    root = tmp_path_factory.mktemp("photographs")
    for i in range(12):
        drawn(i).save(root / f"{i:02}.png")
    return root


@pytest.fixture(scope="session")
def colorizer(tiny):
    return Colorizer(tiny, threads=1)


@pytest.fixture
def made(tmp_path, photographs, colorizer):
    """Make a study of 8 photographs and 2 for practice; returns (folder, study)."""

    def make(kind="single", models=("a", "b"), name="study", **settings):
        settings = {"size": 8, "practice": 2, **settings}
        folder = tmp_path / name
        study, _ = new_study(folder, photographs, dict.fromkeys(models, colorizer), TuringSettings(kind, **settings))
        return folder, study

    return make


@pytest.fixture
def answered():
    """Let a person answer all that is asked; `say` is given the trial and says what the person says."""

    def answer(folder, study, say, milliseconds=1000):
        answers = Answers(folder, study)
        ticket = answers.begin()
        for entry in answers.of(ticket):
            answers.look(entry)
            answers.answer(entry, say(entry), milliseconds)
        return ticket

    return answer


@pytest.fixture
def entry():
    """A trial as it is stored."""

    def make(person, photograph, left, right, said, milliseconds=1000, number=1, practice=False, looks=1):
        return Entry(person, number, practice, photograph, left, right, looks, said, milliseconds, "now")

    return make
