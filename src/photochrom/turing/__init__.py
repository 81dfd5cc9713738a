"""Turing tests: do people take a coloured photograph for a real one, and whose colours do they like better?

A study is a folder. `new_study` makes it, `Answers` holds what people said, `write_report` says what it means, and
`run_standin` puts a classifier in the place of people where there are none.
"""

from photochrom.turing.answers import SAID, Answers, Entry
from photochrom.turing.create import Settings, new_study
from photochrom.turing.design import REAL, Kind, Trial, trials
from photochrom.turing.report import NOBODY, Report, write_report
from photochrom.turing.results import Results, results_of
from photochrom.turing.standin import StandIn, run_standin
from photochrom.turing.study import Study, load_study

__all__ = [
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
    "Study",
    "Trial",
    "load_study",
    "new_study",
    "results_of",
    "run_standin",
    "trials",
    "write_report",
]
