"""Turing tests: do people take a coloured photograph for a real one, and whose colours do they like better?

A study is a folder. `new_study` makes it, `Answers` holds what people said, `write_report` says what it means, and
`run_standin` puts classifiers in the place of people where there are none.
"""

from photochrom.research.turing.answers import SAID, Answers, Entry
from photochrom.research.turing.create import TuringSettings, new_study
from photochrom.research.turing.design import REAL, Kind, Trial, trials
from photochrom.research.turing.results import Results, results_of
from photochrom.research.turing.standin import StandIn, StandIns, load_standin, run_standin
from photochrom.research.turing.study import TuringStudy, load_study
from photochrom.research.turing.tables import standin_table
from photochrom.research.turing.turing_report import LISTS, NOBODY, TuringReport, write_report

__all__ = [
    "LISTS",
    "NOBODY",
    "REAL",
    "SAID",
    "Answers",
    "Entry",
    "Kind",
    "Results",
    "StandIn",
    "StandIns",
    "Trial",
    "TuringReport",
    "TuringSettings",
    "TuringStudy",
    "load_standin",
    "load_study",
    "new_study",
    "results_of",
    "run_standin",
    "standin_table",
    "trials",
    "write_report",
]
