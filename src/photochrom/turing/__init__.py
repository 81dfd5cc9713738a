"""Turing tests: do people take a coloured photograph for a real one, and whose colours do they like better?

A study is a folder. `new_study` makes it, `Answers` holds what people said, `write_report` says what it means, and
`run_standin` puts classifiers in the place of people where there are none.
"""

from photochrom.turing.answers import SAID, Answers, Entry
from photochrom.turing.create import Settings, new_study
from photochrom.turing.design import REAL, Kind, Trial, trials
from photochrom.turing.report import LISTS, NOBODY, Report, write_report
from photochrom.turing.results import Results, results_of
from photochrom.turing.standin import StandIn, StandIns, load_standin, run_standin
from photochrom.turing.study import Study, load_study
from photochrom.turing.tables import standin_table

__all__ = [
    "LISTS",
    "NOBODY",
    "REAL",
    "SAID",
    "Answers",
    "Entry",
    "Kind",
    "Report",
    "Results",
    "Settings",
    "StandIn",
    "StandIns",
    "Study",
    "Trial",
    "load_standin",
    "load_study",
    "new_study",
    "results_of",
    "run_standin",
    "standin_table",
    "trials",
    "write_report",
]
