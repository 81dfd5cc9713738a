"""Pictures of a folder."""

from photochrom.imaging.folders import pictures_in


def test_pictures_are_found_but_for_copies_and_hidden_ones(tmp_path):
    wanted = ["a/c.JPG", "a/x.color.png", "b.png"]
    for name in (*wanted, "note.txt", ".d.png", ".hidden/e.png", "@eaDir/f.png", "a/__MACOSX/g.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "folder.png").mkdir()
    assert [path.relative_to(tmp_path).as_posix() for path in pictures_in(tmp_path)] == wanted
