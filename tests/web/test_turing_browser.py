"""A Turing test in Chromium: by keys, by touch, with a server that dies in the middle, and read aloud."""

import os
import re
import signal
import subprocess
import sys

import pytest
from axe_playwright_python.sync_playwright import Axe
from browsing import held
from playwright.sync_api import expect

from photochrom.colorizer import Colorizer
from photochrom.research.turing import REAL, Answers, TuringSettings, load_study, new_study, results_of

DESK = {"width": 1280, "height": 800}
PHONE = {"width": 390, "height": 844}
NO_CONNECTION = "net::ERR_"
# Notes in window.times when the pictures of a trial are shown and hidden.
TIMES = """
addEventListener("DOMContentLoaded", () => {
  const form = document.getElementById("trial");
  if (!form) return;
  window.times = {};
  const note = () => { window.times[form.dataset.state] ??= performance.now(); };
  new MutationObserver(note).observe(form, { attributes: true, attributeFilter: ["data-state"] });
});
"""


@pytest.fixture
def study(tmp_path, drawn, tiny):
    """Makes a study of 4 photographs and 2 for practice; returns its folder."""
    real = tmp_path / "real"
    real.mkdir()
    for i in range(6):
        drawn(i, 240, 180).save(real / f"{i}.png")
    models = dict.fromkeys(("a", "b"), Colorizer(tiny, threads=1))

    def make(kind="single", **settings):
        new_study(tmp_path / "study", real, models, TuringSettings(kind, **{"size": 4, "practice": 2, **settings}))
        return tmp_path / "study"

    return make


@pytest.fixture
def serve(tiny):
    """Starts `photochrom serve --turing` as people do, with a small model; returns its address and its process."""
    servers = []

    def started(folder, port=0):
        command = [sys.executable, "-m", "photochrom", "serve", "--port", str(port), "--turing", str(folder)]
        command += ["--model", str(tiny)]
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        server = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment)
        servers.append(server)
        assert server.stderr is not None
        server.stderr.readline()
        found = re.search(r"(http://\S+)/turing$", server.stderr.readline())
        assert found is not None
        return found[1], server

    yield started
    for server in servers:
        with server:
            server.kill()


@pytest.fixture
def browse(serve, visit):
    """Opens the study; see `visit`. It comes after the servers, so that its pages are closed before they end."""
    return lambda address, viewport=DESK, refusals="nothing", **settings: visit(
        address, "/turing", refusals, viewport=viewport, **settings
    )


def entries(folder):
    return Answers(folder, load_study(folder)).all()


def ready(page, where):
    """Wait until a trial's pictures are shown and it takes answers."""
    expect(page).to_have_title(f"{where} - Turing test")
    expect(page.locator("form[data-state=shown]")).to_be_visible()
    expect(page.locator("button[name=said]").first).to_be_enabled()


def where(entry):
    return f"Practice {entry.number} of 2" if entry.practice else f"Number {entry.number - 2} of 4"


def test_a_whole_session_by_keyboard(study, serve, browse):
    """Left is real, right is coloured; who knows the truth is right in everything."""
    folder = study()
    address, _ = serve(folder)
    page = browse(address)
    page.keyboard.press("Tab")  # skip link
    page.get_by_role("button", name="I agree: begin").focus()
    page.keyboard.press("Enter")
    expect(page).to_have_title("Practice 1 of 2 - Turing test")
    for entry in entries(folder):
        ready(page, where(entry))
        page.keyboard.press("ArrowLeft" if entry.left == REAL else "ArrowRight")
        if entry.practice:
            expect(page.get_by_role("heading", name="Right.")).to_be_visible()
            expect(page.locator("#next")).to_be_focused()
            page.keyboard.press("Enter" if entry.number == 1 else "ArrowRight")
    expect(page.get_by_role("heading", name="Thank you!")).to_be_visible()
    expect(page.locator("main")).to_contain_text("You were right in 4 of 4 (100 %)")
    found = results_of(load_study(folder), entries(folder))
    assert (found.people, found.finished, found.answers, found.again) == (1, 1, 4, 0)
    assert [m.fooled.count for m in found.models] == [0, 0]
    assert all(0 < (e.milliseconds or 0) < 60_000 for e in entries(folder))


def test_no_answer_is_taken_before_the_picture_is_there(study, serve, browse):
    address, _ = serve(study())
    page = browse(address)
    with held(page, "**/turing/picture/**"):
        page.get_by_role("button", name="I agree: begin").click()
        expect(page).to_have_title("Practice 1 of 2 - Turing test")
        expect(page.locator("button[name=said]")).to_have_count(2)
        for button in page.locator("button[name=said]").all():
            expect(button).to_be_disabled()
    ready(page, "Practice 1 of 2")


def test_a_whole_session_by_touch_on_a_phone(study, serve, browse):
    """Pairs, shown for a moment: the answer is given after they are gone."""
    folder = study("pair", time_limit=0.3)
    address, _ = serve(folder)
    page = browse(address, PHONE, has_touch=True, is_mobile=True, device_scale_factor=2)
    page.get_by_role("button", name="I agree: begin").tap()
    expect(page).to_have_title("Practice 1 of 2 - Turing test")
    for entry in entries(folder):
        expect(page).to_have_title(f"{where(entry)} - Turing test")
        expect(page.locator("form[data-state=over]")).to_be_visible()
        for picture in page.locator(".pictures img").all():
            expect(picture).to_be_hidden()
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
        assert page.evaluate("document.documentElement.scrollHeight") <= PHONE["height"]  # nothing to scroll
        boxes = [button.bounding_box() for button in page.locator("button[name=said]").all()]
        assert all(box and min(box["width"], box["height"]) >= 44 for box in boxes)
        page.get_by_role("button", name="left").tap()
        if entry.practice:
            found_it = entry.left != REAL
            expect(page.get_by_role("heading", name="Right." if found_it else "Not so.")).to_be_visible()
            page.locator("#next").tap()
    expect(page.get_by_role("heading", name="Thank you!")).to_be_visible()
    assert [e.said for e in entries(folder)] == ["left"] * 6
    # The pictures were gone before the answer.
    assert all((e.milliseconds or 0) >= 300 for e in entries(folder))


def test_pictures_are_shown_for_the_set_time(study, serve, browse):
    folder = study("pair", time_limit=0.8)
    address, _ = serve(folder)
    page = browse(address)
    page.add_init_script(TIMES)
    page.get_by_role("button", name="I agree: begin").click()
    expect(page.locator("form[data-state=over]")).to_be_visible()
    times = page.evaluate("window.times")
    assert times["over"] - times["shown"] >= 800
    assert page.locator("#status").inner_text() == "Take your time to answer."


def test_a_preference_study(study, serve, browse):
    folder = study("preference")
    address, _ = serve(folder)
    page = browse(address)
    page.get_by_role("button", name="I agree: begin").click()
    expect(page).to_have_title("Practice 1 of 2 - Turing test")
    for entry in entries(folder):
        ready(page, where(entry))
        page.keyboard.press("ArrowLeft" if entry.left == "a" else "ArrowRight")
    expect(page.locator("main")).to_contain_text("You compared 4 pairs")
    found = results_of(load_study(folder), entries(folder))
    assert [(m.model, m.preferred.count) for m in found.ranking] == [("a", 4), ("b", 0)]


def test_the_server_dies_and_the_session_goes_on(study, serve, browse):
    folder = study()
    address, server = serve(folder)
    page = browse(address, refusals=NO_CONNECTION)
    page.get_by_role("button", name="I agree: begin").click()
    expect(page).to_have_title("Practice 1 of 2 - Turing test")
    plan = entries(folder)
    for entry in plan[:3]:
        ready(page, where(entry))
        page.keyboard.press("ArrowLeft")
        if entry.practice:
            page.locator("#next").click()
    ready(page, where(plan[3]))
    server.send_signal(signal.SIGKILL)
    server.wait()
    assert [e.said for e in entries(folder)] == ["real"] * 3 + [None] * 3
    page.keyboard.press("ArrowRight")
    expect(page.locator("#status")).to_contain_text("could not be stored yet")
    serve(folder, port=int(address.rpartition(":")[2]))
    # The page sends the answer again by itself, and the session goes on.
    ready(page, where(plan[4]))
    assert [e.said for e in entries(folder)] == ["real"] * 3 + ["coloured", None, None]
    # The browser's page is lost; what it was about is not.
    context = page.context
    page.close()
    page = context.new_page()
    page.goto(f"{address}/turing")
    page.get_by_role("link", name="Go on where you stopped").click()
    for entry in plan[4:]:
        ready(page, where(entry))
        page.keyboard.press("ArrowLeft")
    expect(page.get_by_role("heading", name="Thank you!")).to_be_visible()
    assert [e.said for e in entries(folder)] == ["real"] * 3 + ["coloured"] + ["real"] * 2
    assert {e.person for e in entries(folder)} == {1}
    assert [e.looks for e in entries(folder)] == [1, 1, 1, 1, 2, 1]


def test_a_key_held_down_answers_once(study, serve, browse):
    folder = study()
    address, _ = serve(folder)
    page = browse(address)
    page.get_by_role("button", name="I agree: begin").click()
    ready(page, "Practice 1 of 2")
    page.evaluate(
        "for (let i = 0; i < 20; i++) document.dispatchEvent("
        "new KeyboardEvent('keydown', { key: 'ArrowLeft', repeat: i > 0, bubbles: true, cancelable: true }))"
    )
    expect(page.locator("#next")).to_be_visible()
    page.evaluate("document.dispatchEvent(new KeyboardEvent('keydown', { key: 'ArrowLeft', repeat: true }))")
    assert [e.said for e in entries(folder)] == ["real"] + [None] * 5


# Presses a key at the moment in which a picture is shown, and again and again for the quarter of a second after it.
HASTE = """
addEventListener("DOMContentLoaded", () => {
  const form = document.getElementById("trial");
  if (!form) return;
  window.presses = 0;
  const observer = new MutationObserver(() => {
    if (form.dataset.state !== "shown") return;
    observer.disconnect();
    const since = performance.now();
    const press = () => {
      if (performance.now() - since > 250) return;
      document.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowLeft", bubbles: true, cancelable: true }));
      window.presses += 1;
      setTimeout(press, 20);
    };
    press();
  });
  observer.observe(form, { attributes: true, attributeFilter: ["data-state"] });
});
"""


def test_a_second_press_answers_nothing(study, serve, browse):
    folder = study("preference")
    address, _ = serve(folder)
    page = browse(address)
    page.add_init_script(HASTE)
    page.get_by_role("button", name="I agree: begin").click()
    for entry in entries(folder):
        ready(page, where(entry))
        assert page.evaluate("window.presses") > 0
        page.keyboard.press("ArrowRight")
    expect(page.locator("main")).to_contain_text("You compared 4 pairs")
    assert [e.said for e in entries(folder)] == ["right"] * 6
    assert all((e.milliseconds or 0) >= 300 for e in entries(folder))


@pytest.mark.parametrize(("kind", "scheme"), [("single", "light"), ("pair", "dark"), ("preference", "light")])
def test_axe_finds_nothing(study, serve, browse, kind, scheme):
    folder = study(kind, practice=1)
    address, _ = serve(folder)
    page = browse(address, color_scheme=scheme)
    found = {"welcome": Axe().run(page)}
    page.get_by_role("button", name="I agree: begin").click()
    expect(page).to_have_title("Practice 1 of 1 - Turing test")
    for entry in entries(folder):
        ready(page, "Practice 1 of 1" if entry.practice else f"Number {entry.number - 1} of 4")
        if entry.number < 3:
            found[f"trial {entry.number}"] = Axe().run(page)
        page.keyboard.press("ArrowLeft")
        if entry.practice and kind != "preference":
            expect(page.locator("#next")).to_be_focused()
            found[f"solution {entry.number}"] = Axe().run(page)
            page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Thank you!")).to_be_visible()
    found["thanks"] = Axe().run(page)
    for name, result in found.items():
        assert result.violations_count == 0, f"{name}: {result.generate_report()}"
