"""The pages of a Turing test, asked without a browser: what is told, what is not, and what is kept."""

import io
import re

import pytest
from PIL import Image

from photochrom.colorizer import Colorizer
from photochrom.errors import BadDataset
from photochrom.research.turing import REAL, Answers, TuringSettings, load_study, new_study


@pytest.fixture
def study(tmp_path, drawn, tiny):
    """Makes a study of 4 photographs and 2 for practice; returns its folder."""
    real = tmp_path / "real"
    real.mkdir()
    for i in range(6):
        drawn(i).save(real / f"photograph-{i}.png")

    def make(kind="single", **settings):
        colorizer = Colorizer(tiny, threads=1)
        new_study(
            tmp_path / kind,
            real,
            {"ours": colorizer, "theirs": colorizer},
            TuringSettings(kind, size=4, practice=2, **settings),
        )
        return tmp_path / kind

    return make


def entries(folder):
    return Answers(folder, load_study(folder)).all()


def answer(browser, number, said, milliseconds=700):
    return browser.post("/turing/answer", data={"number": number, "said": said, "milliseconds": milliseconds})


def test_a_session_from_consent_to_thanks(site, study):
    folder = study()
    browser = site(turing=folder)
    assert browser.get("/turing/trial").headers["location"] == "/turing"  # nothing before consent
    welcome = browser.get("/turing").text
    assert "4 photographs, one at a time" in welcome
    assert "begins with 2 for practice" in welcome
    begun = browser.post("/turing/begin")
    assert (begun.status_code, begun.headers["location"]) == (303, "/turing/trial")
    for flag in ("HttpOnly", "SameSite=lax", "Path=/turing"):
        assert flag in begun.headers["set-cookie"]
    plan = entries(folder)
    for entry in plan:
        page = browser.get("/turing/trial").text
        where = f"Practice {entry.number} of 2" if entry.practice else f"Number {entry.number - 2} of 4"
        assert f"{where} - Turing test" in page
        # People who believe everything are told in practice that they were wrong.
        after = answer(browser, entry.number, "real").headers["location"]
        assert after == ("/turing/solution" if entry.practice else "/turing/trial")
        if entry.practice:
            told = browser.get("/turing/solution").text
            assert ("<h1>Right.</h1>" in told) == (entry.left == REAL)
            assert ("Real colours" in told) == (entry.left == REAL)
            assert ("Now come 4 that count" in told) == (entry.number == 2)
        else:
            assert browser.get("/turing/solution").headers["location"] == "/turing/trial"
    assert browser.get("/turing/trial").headers["location"] == "/turing/thanks"
    assert browser.get("/turing").headers["location"] == "/turing/thanks"
    thanks = re.sub(r"\s+", " ", browser.get("/turing/thanks").text)
    assert "You were right in 2 of 4 (50 %)" in thanks
    assert "Of 2 pictures that a computer had coloured, you took 2 for real" in thanks
    assert [(e.said, e.milliseconds, e.looks) for e in entries(folder)] == [("real", 700, 1)] * 6


def test_what_a_browser_sees_says_nothing(site, study):
    folder = study()
    browser = site(turing=folder)
    browser.post("/turing/begin")
    kinds = {}
    for entry in entries(folder):
        page = browser.get("/turing/trial").text
        reply = browser.get(f"/turing/picture/{entry.number}/left")
        assert reply.headers["content-type"] == "image/png"
        assert not {"last-modified", "etag"} & set(reply.headers)
        with Image.open(io.BytesIO(reply.content)) as picture:
            assert picture.size == (48, 40)
            assert not picture.info
        # But for the numbers, every page is the same whatever it shows.
        bare = re.sub(r"\d+", "0", re.sub("solution|trial", "", page))
        kinds.setdefault(entry.practice, set()).add(bare)
        for word in ("ours", "theirs", "photograph-", *load_study(folder).pictures[entry.photograph].values()):
            assert word not in page
        answer(browser, entry.number, "real")
    assert {practice: len(pages) for practice, pages in kinds.items()} == {True: 1, False: 1}


def test_pictures_of_other_trials_are_not_given(site, study):
    folder = study()
    browser = site(turing=folder)
    assert browser.get("/turing/picture/1/left").status_code == 404  # no session
    browser.post("/turing/begin")
    plan = entries(folder)
    assert browser.get("/turing/picture/1/right").status_code == 404  # there is one picture only
    assert browser.get("/turing/picture/2/left").status_code == 404  # not yet
    assert browser.get("/turing/picture/x/left").status_code == 422
    for number in (1, 2, 3):
        expected = load_study(folder).picture(folder, plan[number - 1].photograph, plan[number - 1].left)
        assert browser.get(f"/turing/picture/{number}/left").content == expected.read_bytes()
        answer(browser, number, "real")
    assert browser.get("/turing/picture/2/left").status_code == 404  # its solution was told, but that is over
    assert browser.get("/turing/picture/3/left").status_code == 404  # no second look at what counts
    assert browser.get("/turing/picture/4/left").status_code == 200


def test_an_answer_counts_once_and_in_its_turn(site, study):
    folder = study()
    browser = site(turing=folder)
    browser.post("/turing/begin")
    answer(browser, 1, "real")
    answer(browser, 1, "coloured")  # sent again
    answer(browser, 5, "coloured")  # out of turn
    assert [e.said for e in entries(folder)] == ["real", None, None, None, None, None]
    assert answer(browser, 2, "left").status_code == 422
    assert answer(browser, 2, "real", -5).status_code == 422
    assert answer(browser, 2, "real", "").status_code == 303  # a browser without JavaScript knows no time
    assert [(e.said, e.milliseconds) for e in entries(folder)[:2]] == [("real", 700), ("real", None)]
    stranger = site(turing=folder)
    assert answer(stranger, 3, "real").headers["location"] == "/turing/trial"
    assert entries(folder)[2].said is None


def test_a_session_goes_on_in_another_server(site, study):
    folder = study()
    first = site(turing=folder)
    first.post("/turing/begin")
    answer(first, 1, "real")
    second = site(turing=folder)
    second.cookies.update(first.cookies)
    assert "Go on where you stopped" in second.get("/turing").text
    second.post("/turing/begin")  # begins nothing new
    assert "Practice 2 of 2" in second.get("/turing/trial").text
    assert {e.person for e in entries(folder)} == {1}
    # A ticket of another study, or one that was made up, is a new person's.
    third = site(turing=folder)
    third.cookies.set("photochrom-turing", "made-up", path="/turing")
    assert third.get("/turing/trial").headers["location"] == "/turing"
    third.post("/turing/begin")
    assert {e.person for e in entries(folder)} == {1, 2}


def test_another_person_in_the_same_browser(site, study):
    folder = study()
    browser = site(turing=folder)
    for _ in range(2):
        assert "I agree: begin" in browser.get("/turing?another=1").text
        browser.post("/turing/begin")
        for number in range(1, 7):
            answer(browser, number, "real")
        assert 'href="/turing?another=1"' in browser.get("/turing/thanks").text
    assert {e.person for e in entries(folder)} == {1, 2}


def test_pairs_have_sides_and_seconds(site, study):
    folder = study("pair")
    browser = site(turing=folder)
    assert "shown for 1 second only" in re.sub(r"\s+", " ", browser.get("/turing").text)
    browser.post("/turing/begin")
    study_facts = load_study(folder)
    for entry in entries(folder):
        page = browser.get("/turing/trial").text
        assert 'data-seconds="1.0"' in page
        for side, form in (("left", entry.left), ("right", entry.right)):
            expected = study_facts.picture(folder, entry.photograph, form).read_bytes()
            assert browser.get(f"/turing/picture/{entry.number}/{side}").content == expected
        colored = "right" if entry.left == REAL else "left"
        answer(browser, entry.number, colored)
        if entry.practice:
            assert "<h1>Right.</h1>" in browser.get("/turing/solution").text
    thanks = browser.get("/turing/thanks").text
    assert "right in 4 of 4 (100 %)" in thanks
    assert "more real to you than the real ones 0 times" in thanks


def test_preferences_have_no_solution(site, study):
    folder = study("preference")
    browser = site(turing=folder)
    browser.post("/turing/begin")
    for entry in entries(folder):
        assert answer(browser, entry.number, "left").headers["location"] == "/turing/trial"
    assert "You compared 4 pairs" in browser.get("/turing/thanks").text


def test_no_study_no_pages(site, tmp_path):
    assert site().get("/turing").status_code == 404
    with pytest.raises(BadDataset, match="no Turing study"):
        site(turing=tmp_path / "nowhere")


def test_a_link_brings_people_in_where_a_token_is_asked_for(site, study):
    folder = study()
    browser = site(turing=folder, token="a long secret of ours", host="0.0.0.0")
    assert browser.get("/turing", headers={"accept": "text/html"}).headers["location"] == "/login"
    entered = browser.get("/login?token=a%20long%20secret%20of%20ours&to=/turing")
    assert (entered.status_code, entered.headers["location"]) == (303, "/turing")
    assert "I agree: begin" in browser.get("/turing").text
    # Nowhere else: not to another site.
    for elsewhere in ("https://example.org/", "//example.org", "/turing/../x"):
        assert (
            browser.get("/login", params={"token": "a long secret of ours", "to": elsewhere}).headers["location"] == "/"
        )
