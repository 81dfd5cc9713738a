"""The page in Chromium, as people use it: by mouse, by keys, on a phone, and read aloud."""

import zipfile

import numpy as np
import pytest
from browsing import coloured, lost, violations
from PIL import Image
from playwright.sync_api import expect

DESK = {"width": 1280, "height": 800}
PHONE = {"width": 390, "height": 844}
TOKEN = "a token of the tests"


def after(page):
    """The coloured side as it is painted now, as an identity that changes with it."""
    return page.evaluate("() => document.querySelector('#viewer .after img').src")


@pytest.fixture
def at_actual_size(open_page, tmp_path, drawn):
    """A page with a photograph larger than it, 2400 x 1700, at its actual size."""
    drawn(5, 2400, 1700).convert("L").save(tmp_path / "large.png")
    page = open_page()
    page.set_input_files("#files", tmp_path / "large.png")
    coloured(page)
    page.get_by_role("button", name="Actual size").click()
    return page


def drag(page, start, end, steps=1):
    """Press the mouse at one place of the screen, and let go at another."""
    page.mouse.move(*start)
    page.mouse.down()
    page.mouse.move(*end, steps=steps)
    page.mouse.up()


def test_from_upload_to_download(open_page, photographs, tmp_path):
    page = open_page()
    page.set_input_files("#files", photographs)
    coloured(page)
    expect(page.locator("#name")).to_have_text("grandmother.jpg")
    expect(page.locator("#facts")).to_have_text("320 \u00d7 240, JPEG")
    expect(page.locator("#queue")).to_have_text("2 photographs")
    with page.expect_download() as caught:
        page.click("#download")
    assert caught.value.suggested_filename == "grandmother.color.jpg"
    caught.value.save_as(tmp_path / "result.jpg")
    with Image.open(tmp_path / "result.jpg") as image:
        assert (image.size, image.mode, image.format) == ((320, 240), "RGB", "JPEG")
        assert image.getexif()[0x010E] == "grandmother"
        assert np.ptp(np.asarray(image, int), -1).max() > 8
    page.get_by_role("radio", name="harbour.png is coloured").check()
    expect(page.locator("#name")).to_have_text("harbour.png")
    page.click("#remove")
    expect(page.locator("#name")).to_have_text("grandmother.jpg")
    page.click("#remove")
    expect(page.get_by_role("heading", name="Colour for your photographs")).to_be_visible()
    expect(page.locator("#removed")).to_contain_text("grandmother.jpg is removed.")
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("#name")).to_have_text("grandmother.jpg")
    page.keyboard.press("Control+z")
    expect(page.get_by_role("radio", name="harbour.png is coloured")).to_be_checked()
    expect(page.locator("#strip .tile")).to_have_count(2)


def test_sliders_and_variants_change_the_picture_and_reset_brings_it_back(open_page, photographs):
    page = open_page()
    asked = []
    page.on("request", lambda request: "/original" in request.url and asked.append(request.url))
    page.set_input_files("#files", photographs[0])
    coloured(page)
    for name, key in (("Saturation", "End"), ("Vividness", "Home"), ("Contrast", "ArrowRight")):
        before = after(page)
        page.get_by_role("slider", name=name).press(key)
        coloured(page)
        assert after(page) != before
    expect(page.locator("#saturation-value")).to_have_text("200 %")
    expect(page.locator("#contrast-value")).to_have_text("+1 %")
    with page.expect_request(lambda request: "variant=2" in request.url and "saturation=2" in request.url):
        page.locator("#variants input[value='2']").check()
    page.click("#reset")
    expect(page.locator("#saturation-value")).to_have_text("100 %")
    expect(page.get_by_role("radio", name="Likeliest")).to_be_checked()
    coloured(page)
    assert len(asked) == 1  # what was there before is fetched once


def test_a_sample_and_the_line_between_before_and_after(open_page):
    page = open_page()
    expect(page.get_by_text("None at hand?")).to_have_text("None at hand? Try the astronaut, the cat or the coffee.")
    page.get_by_role("button", name="the cat").click()
    coloured(page)
    with page.expect_download() as download:
        page.click("#download")
    assert download.value.suggested_filename == "cat.color.jpg"
    line = page.get_by_role("slider", name="Line between before and after").last
    where = page.locator("#viewer .line")
    box = page.locator("#viewer").bounding_box()
    middle = where.bounding_box()["x"]
    line.press("ArrowRight")
    assert where.bounding_box()["x"] > middle
    assert line.get_attribute("aria-valuetext") == "49 % after"
    centre = box["x"] + box["width"] / 2
    drag(page, (centre, box["y"] + 80), (centre - 150, box["y"] + 90))
    assert abs(where.bounding_box()["x"] - (centre - 150)) < 6


def test_looked_at_closely_it_is_sharp(at_actual_size):
    page = at_actual_size
    whole, part = page.locator("#viewer .after img:not(.crop)"), page.locator("#viewer .after img.crop")
    expect(part).to_have_count(1)
    # One pixel of the photograph is one of the screen.
    assert whole.bounding_box()["width"] == 2400
    natural, shown = part.evaluate("(image) => [image.naturalWidth, image.getBoundingClientRect().width]")
    assert natural == pytest.approx(shown, abs=0.01)
    expect(page.locator("#viewer .before img.crop")).to_have_count(1)
    before = whole.bounding_box()
    page.get_by_role("slider", name="Line between").last.press("Shift+ArrowRight")
    assert whole.bounding_box()["x"] == before["x"] - 80
    # A slider paints the part that is seen, and no small copy of the whole.
    with page.expect_request(lambda request: "saturation" in request.url) as first:
        page.get_by_role("slider", name="Saturation").press("End")
    assert "crop=" in first.value.url
    box = page.locator("#viewer").bounding_box()
    page.mouse.move(box["x"] + 200, box["y"] + 100)
    page.mouse.wheel(0, 4000)
    expect(page.get_by_role("button", name="Actual size")).to_have_attribute("aria-pressed", "false")
    expect(part).to_have_count(0)
    page.wait_for_function("() => document.querySelector('#viewer .after img').getBoundingClientRect().width < 1280")
    page.mouse.dblclick(box["x"] + 200, box["y"] + 100)
    expect(page.get_by_role("button", name="Actual size")).to_have_attribute("aria-pressed", "true")
    expect(part).to_have_count(1)
    page.keyboard.press("0")
    expect(part).to_have_count(0)
    page.keyboard.press("+")
    expect(page.locator("#viewer.zoomed")).to_have_count(1)


def test_by_keys_alone(open_page, photographs):
    page = open_page()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Choose photographs")).to_be_focused()
    # The chooser itself is the browser's; that it is asked for is the page's.
    page.evaluate("() => document.getElementById('files').addEventListener('click', () => { window.asked = true; })")
    page.keyboard.press("Enter")
    page.wait_for_function("() => window.asked")
    page.set_input_files("#files", photographs)
    coloured(page)
    page.get_by_role("radio", name="grandmother.jpg is coloured").focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator("#name")).to_have_text("harbour.png")
    coloured(page)
    page.get_by_role("radio", name="Likeliest").focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator("#variants input[value='1']")).to_be_checked()
    page.locator("#download").focus()
    with page.expect_download() as caught:
        page.keyboard.press("Enter")
    assert caught.value.suggested_filename == "harbour.color.png"


def test_what_is_no_photograph_is_named_and_the_others_are_done(open_page, tmp_path, photographs):
    (tmp_path / "notes.txt").write_text("no picture")
    page = open_page(refusals="status of 415")
    page.set_input_files("#files", [tmp_path / "notes.txt", *photographs])
    expect(page.locator("#notice-name")).to_have_text("notes.txt could not be coloured.")
    expect(page.locator("#notice-text")).to_contain_text("not a picture")
    title = page.locator("#strip .tile", has=page.get_by_role("radio", name="notes.txt")).get_attribute("title")
    assert title.startswith("notes.txt: the upload is not a picture")
    expect(page.get_by_role("button", name="Try again")).to_be_hidden()  # which would not help
    expect(page.get_by_role("button", name="Download", exact=True)).to_be_hidden()
    expect(page.locator("#queue")).to_have_text("2 coloured, 1 failed")
    page.get_by_role("radio", name="grandmother.jpg is coloured").check()
    coloured(page)
    expect(page.get_by_role("button", name="Download", exact=True)).to_be_visible()


def test_what_did_not_reach_the_server_is_tried_again(open_page, photographs):
    page = open_page(refusals="net::ERR_")
    page.route("**/api/v1/jobs?*", lambda route: route.abort())
    page.set_input_files("#files", photographs[0])
    expect(page.locator("#notice-text")).to_have_text("The server did not answer; is it still running?")
    assert violations(page) == []
    page.unroute("**/api/v1/jobs?*")
    page.get_by_role("button", name="Try again").click()
    coloured(page)


def test_a_file_that_is_gone_before_it_is_sent_is_said(open_page, photographs):
    page = open_page(refusals="net::ERR_F")  # FAILED, or FILE_NOT_FOUND where Chromium notices that first

    def failing(route):
        photographs[0].unlink(missing_ok=True)
        route.abort()

    page.route("**/api/v1/jobs?*", failing)
    page.set_input_files("#files", photographs[0])
    expect(page.locator("#notice-text")).to_contain_text("moved, changed or deleted")
    expect(page.get_by_role("button", name="Try again")).to_be_hidden()


def test_a_server_that_is_gone_is_named_over_the_picture_and_asked_again(open_page, photographs):
    page = open_page(refusals="net::ERR_")
    page.set_input_files("#files", photographs[0])
    coloured(page)
    before = after(page)
    page.route("**/result?*", lambda route: route.abort())
    page.get_by_role("slider", name="Saturation").press("End")
    expect(page.locator("#viewer").get_by_text("The server does not answer. This page tries again.")).to_be_visible()
    assert violations(page) == []
    assert after(page) == before
    page.unroute("**/result?*")
    coloured(page)
    assert after(page) != before
    expect(page.locator("#silent")).to_be_hidden()
    expect(page.locator("#facts")).to_have_text("320 \u00d7 240, JPEG")


def test_a_photograph_is_pasted_and_dropped(open_page):
    page = open_page()
    script = """async (kind) => {
        const blob = await (await fetch('/samples/astronaut.jpg')).blob();
        const data = new DataTransfer();
        data.items.add(new File([blob], kind + '.jpg', { type: 'image/jpeg' }));
        const event = kind === 'pasted'
            ? new ClipboardEvent('paste', { clipboardData: data, bubbles: true })
            : new DragEvent('drop', { dataTransfer: data, bubbles: true, cancelable: true });
        document.body.dispatchEvent(event);
    }"""
    for kind in ("pasted", "dropped"):
        page.evaluate(script, kind)
        expect(page.get_by_role("radio", name=f"{kind}.jpg is coloured")).to_be_visible()


def test_what_the_server_forgot_is_sent_again(open_page, photographs):
    page = open_page(refusals="status of 404")
    lost(page, photographs[0])
    with page.expect_response(lambda response: response.status == 202):
        page.get_by_role("slider", name="Saturation").press("ArrowRight")
    coloured(page)
    expect(page.locator("#saturation-value")).to_have_text("101 %")


def test_axe_finds_nothing(open_page):
    page = open_page()

    def check():
        for viewport in (DESK, PHONE):
            page.set_viewport_size(viewport)
            for scheme in ("light", "dark"):
                page.emulate_media(color_scheme=scheme)
                assert violations(page) == [], (viewport, scheme)

    check()
    page.click('[data-sample="astronaut.jpg"]')
    coloured(page)
    check()
    page.goto(page.url + "docs")
    check()


@pytest.mark.parametrize(("viewport", "scheme"), [(DESK, "light"), (PHONE, "dark")], ids=["desk", "phone"])
def test_who_has_the_token_comes_in(live, visit, viewport, scheme):
    page = visit(live, refusals="status of 401", viewport=viewport, color_scheme=scheme)
    expect(page.get_by_label("Token")).to_be_focused()
    assert violations(page) == []
    page.keyboard.type("a guess")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_have_text("That is not the token.")
    assert violations(page) == []
    expect(page.get_by_label("Token")).to_be_focused()
    page.keyboard.type(TOKEN)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Colour for your photographs")).to_be_visible()


def test_on_a_phone_by_touch(open_page, photographs):
    page = open_page(PHONE, has_touch=True, is_mobile=True, device_scale_factor=2)
    page.set_input_files("#files", photographs)
    coloured(page)
    assert page.evaluate("() => document.documentElement.scrollWidth") == PHONE["width"]
    box = page.locator("#viewer").bounding_box()
    # A swipe over the picture scrolls the page, which the picture follows; two fingers zoom.
    touch = page.context.new_cdp_session(page)

    def fingers(kind, *places):
        points = [{"x": x, "y": y, "id": number} for number, (x, y) in enumerate(places)]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    x, y = box["x"] + 195, box["y"] + 200
    fingers("touchStart", (x, y))
    for step in range(1, 9):
        fingers("touchMove", (x, y - 20 * step))
    fingers("touchEnd")
    page.wait_for_function("() => scrollY > 60")
    assert page.locator("#viewer").bounding_box()["y"] >= 0
    # The swipe may move the page for a while after the finger has left it.
    page.wait_for_function(
        "() => { window.rested = scrollY ? 0 : (window.rested ?? 0) + 1; scrollTo(0, 0); return rested > 3; }"
    )
    fingers("touchStart", (x - 30, y), (x + 30, y))
    for step in range(1, 7):
        fingers("touchMove", (x - 30 - 10 * step, y), (x + 30 + 10 * step, y))
    fingers("touchEnd")
    expect(page.locator("#viewer.zoomed")).to_have_count(1)
    page.keyboard.press("0")
    page.touchscreen.tap(box["x"] + 100, box["y"] + 60)
    line = "(x) => Math.abs(document.querySelector('#viewer .line').getBoundingClientRect().x - x) < 4"
    page.wait_for_function(line, arg=box["x"] + 100)
    page.get_by_role("radio", name="harbour.png is coloured").tap()
    expect(page.locator("#name")).to_have_text("harbour.png")


def test_the_theme_is_kept(open_page):
    page = open_page(color_scheme="light")
    ground = "() => getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(ground)
    page.get_by_role("button", name="Theme: automatic").click()
    page.get_by_role("button", name="Theme: light").click()
    expect(page.get_by_role("button", name="Theme: dark")).to_be_visible()
    assert page.evaluate(ground) != light
    page.reload()
    assert page.evaluate("() => document.documentElement.dataset.theme") == "dark"


def test_a_moving_picture_is_played_downloaded_and_stopped(open_page, tmp_path, gif):
    (tmp_path / "train.gif").write_bytes(gif)
    page = open_page()
    page.set_input_files("#files", tmp_path / "train.gif")
    coloured(page)
    expect(page.locator("#facts")).to_have_text("64 \u00d7 48, GIF, 0.5 s")
    expect(page.get_by_role("slider", name="Contrast")).to_be_hidden()
    expect(page.locator("#strip canvas")).to_have_count(1)  # what is small does not move
    with page.expect_download() as caught:
        page.click("#download")
    assert caught.value.suggested_filename == "train.color.gif"
    page.get_by_role("slider", name="Saturation").press("End")
    with page.expect_request(lambda request: request.method == "POST" and "saturation=2" in request.url):
        page.get_by_role("button", name="Colour again").click()
    coloured(page)
    expect(page.get_by_role("button", name="Colour again")).to_be_hidden()
    moving, resting = page.locator("#viewer .film img"), page.locator("#viewer .film canvas")
    expect(moving).to_have_count(2)
    page.get_by_role("button", name="Pause").click()
    expect(resting).to_have_count(2)
    expect(moving).to_have_count(0)
    box = page.locator("#viewer").bounding_box()
    assert resting.first.bounding_box()["height"] == pytest.approx(box["height"], abs=1)
    page.get_by_role("button", name="Play").click()
    expect(moving).to_have_count(2)


def test_nothing_moves_for_who_asked_for_less_motion(open_page, tmp_path, gif, mp4):
    (tmp_path / "train.gif").write_bytes(gif)
    (tmp_path / "train.mp4").write_bytes(mp4)
    page = open_page(reduced_motion="reduce")
    page.set_input_files("#files", [tmp_path / "train.gif", tmp_path / "train.mp4"])
    expect(page.get_by_role("button", name="Play")).to_be_visible()
    expect(page.locator("#viewer .film canvas")).to_have_count(2)
    page.get_by_role("radio", name="train.mp4 is coloured").check()
    expect(page.locator("#viewer video")).to_have_count(2)
    expect(page.get_by_role("button", name="Play")).to_be_visible()
    expect(page.locator("#queue")).to_have_text("1 film, 1 GIF")
    assert page.evaluate("() => [...document.querySelectorAll('#viewer video')].every((film) => film.paused)")


def test_a_film_is_played_and_paused(open_page, tmp_path, mp4):
    (tmp_path / "train.mp4").write_bytes(mp4)
    page = open_page()
    page.set_input_files("#files", tmp_path / "train.mp4")
    playing = "() => [...document.querySelectorAll('#viewer video')].map((film) => !film.paused && film.readyState > 1)"
    page.wait_for_function(f"() => String(({playing})()) === 'true,true'")
    expect(page.locator("#facts")).to_have_text("64 \u00d7 48, MP4, 1.2 s")
    page.get_by_role("button", name="Pause").click()
    assert page.evaluate(playing) == [False, False]
    for viewport in (DESK, PHONE):
        page.set_viewport_size(viewport)
        assert violations(page) == []
    place = "() => [...document.querySelectorAll('#viewer video')].map((film) => Math.round(10 * film.currentTime))"
    page.get_by_role("slider", name="Place in the film").fill("0.7")
    page.wait_for_function(f"() => String(({place})()) === '7,7'")
    muted = "() => [...document.querySelectorAll('#viewer video')].map((film) => film.muted)"
    assert page.evaluate(muted) == [True, True]
    page.get_by_role("button", name="Sound").click()
    assert page.evaluate(muted) == [True, False]
    with page.expect_download() as caught:
        page.click("#download")
    assert caught.value.suggested_filename == "train.color.mp4"


def test_all_are_downloaded_as_one_archive(open_page, photographs, tmp_path):
    page = open_page()
    page.set_input_files("#files", [*photographs, photographs[0]])
    expect(page.locator("#queue")).to_have_text("3 photographs")
    with page.expect_download() as caught:
        page.get_by_role("button", name="Download all").click()
    assert caught.value.suggested_filename == "photochrom.zip"
    caught.value.save_as(tmp_path / "all.zip")
    with zipfile.ZipFile(tmp_path / "all.zip") as found:
        assert found.testzip() is None
        assert found.namelist() == ["grandmother.color.jpg", "harbour.color.png", "grandmother-2.color.jpg"]
    expect(page.get_by_role("button", name="Download all")).to_be_enabled()


def test_what_the_server_forgot_of_an_archive_is_sent_again(open_page, photographs):
    page = open_page(refusals="status of 404")
    with page.expect_response(lambda response: response.status == 202) as first:
        page.set_input_files("#files", photographs)
    expect(page.locator("#queue")).to_have_text("2 photographs")
    coloured(page)
    page.evaluate("(job) => fetch(job, { method: 'DELETE' })", first.value.headers["location"])
    with page.expect_response(lambda response: response.status == 202):
        page.get_by_role("button", name="Download all").click()
    expect(page.locator("#queue")).to_have_text("2 photographs")
    with page.expect_download():
        page.get_by_role("button", name="Download all").click()
