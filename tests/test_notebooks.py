"""The notebooks of docs/notebooks: they run from the first cell to the last, and what is committed is clean."""

import json
import os
import re
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

FOLDER = Path(__file__).parents[1] / "docs" / "notebooks"
# What stands after the cell that is tagged "parameters", so that a test takes seconds.
SMALL = {
    "1-bins-and-decoding": "SIDE = 96",
    "2-compare-methods": "COUNT = 1",
    "3-hints": "SIDE = 96\nMOST = 2",
    "4-train-the-papers-network": "STEPS = 2\nCOUNT = 1",
    "5-fine-tune": "STEPS = 1\nBATCH, SIZE = 1, 64\nCOUNT = 2",
}
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))


@pytest.fixture(params=NOTEBOOKS, ids=lambda path: path.stem)
def notebook(request):
    return request.param


def cells(book, kind):
    return [cell for cell in book.cells if cell.cell_type == kind]


def outputs(book):
    return [output for cell in cells(book, "code") for output in cell.outputs]


def test_each_has_small_parameters():
    assert [path.stem for path in NOTEBOOKS] == sorted(SMALL)


@pytest.mark.slow
@pytest.mark.filterwarnings("default")  # jupyter's own
def test_it_runs(notebook):
    book = nbformat.read(notebook, 4)
    tagged = [cell for cell in book.cells if "parameters" in cell.metadata.get("tags", [])]
    assert len(tagged) == 1
    tagged[0].source += "\n" + SMALL[notebook.stem]
    where = {"metadata": {"path": str(notebook.parent)}}
    NotebookClient(book, timeout=300, kernel_name="python3", resources=where).execute()
    drawn = [output for output in outputs(book) if "image/jpeg" in output.get("data", {})]
    assert len(drawn) >= 2
    assert [output for output in outputs(book) if output.get("name") == "stderr"] == []


def test_what_is_committed_was_executed_in_order(notebook):
    book = nbformat.read(notebook, 4)
    nbformat.validate(book)
    assert [cell.execution_count for cell in cells(book, "code")] == list(range(1, 1 + len(cells(book, "code"))))
    assert {output.output_type for output in outputs(book)} <= {"stream", "display_data"}
    assert [output.name for output in outputs(book) if output.output_type == "stream" and output.name != "stdout"] == []
    assert re.findall(r"/(?:home|root|tmp|work|Users|var)/", notebook.read_text("utf-8")) == []


def test_they_are_small():
    assert sum(os.path.getsize(path) for path in NOTEBOOKS) < 2_000_000


def test_links_lead_somewhere(notebook):
    text = "\n".join(cell["source"] for cell in cells(nbformat.read(notebook, 4), "markdown"))
    links = [link for link in re.findall(r"\]\(([^)\s]+)\)", text) if "://" not in link]
    assert [link for link in links if not (notebook.parent / link).exists()] == []
    recipes = re.findall(r"[\w./-]*recipes/[\w-]+\.toml", json.dumps(nbformat.read(notebook, 4)))
    assert [name for name in recipes if not (FOLDER.parents[1] / name.removeprefix("../../")).exists()] == []
