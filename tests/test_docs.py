"""The documents: every file and every heading that a link names is there, and every table is whole."""

import csv
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
TABLES = sorted((ROOT / "docs").rglob("*.csv"))
LINK = re.compile(r"\]\(([^)\s]+)\)")


def anchors(page):
    """The names under which a page's headings are linked, as GitHub makes them."""
    text = re.sub(r"^```.*?^```", "", page.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    headings = re.findall(r"^#+ (.*)$", text, flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_headings_are_found():
    assert "see-also" not in anchors(ROOT / "README.md")
    assert {"photochrom", "from-python"} <= anchors(ROOT / "README.md")
    assert "the-papers-findings" in anchors(ROOT / "docs" / "study.md")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page):
    broken = []
    for link in LINK.findall(re.sub(r"`[^`\n]*`", "", page.read_text("utf-8"))):
        if "://" in link:
            continue
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append(link)
    assert broken == []


@pytest.mark.parametrize("table", TABLES, ids=lambda table: str(table.relative_to(ROOT)))
def test_rows_are_as_long_as_their_heading(table):
    with table.open(newline="", encoding="utf-8") as file:
        heading, *rows = csv.reader(file)
    assert rows
    assert {len(row) for row in rows} == {len(heading)}
