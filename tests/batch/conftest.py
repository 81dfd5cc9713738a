"""A folder as people have them."""

from pathlib import Path

import pytest


@pytest.fixture
def tree(tmp_path, png, monkeypatch):
    """The working folder: photos/{a.png, b.JPG, notes.txt, a.color.png, .hidden.png, sub/c.png, .trash/d.png}."""
    monkeypatch.chdir(tmp_path)
    for i, name in enumerate(
        ["a.png", "b.JPG", "a.color.png", ".hidden.png", "sub/c.png", "sub/deep/e.png", ".trash/d.png"]
    ):
        path = Path("photos", name)
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_bytes(png(i))
    Path("photos/notes.txt").write_text("no picture")
    Path("photos/folder.png").mkdir()
    return Path("photos")
