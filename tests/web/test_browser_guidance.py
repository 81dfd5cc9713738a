"""Who uses the page has a say: hints, references, palettes, doubts, undoing; in Chromium."""

import io
import json
import re

import numpy as np
import pytest
from browsing import coloured, dots, opened, violations
from PIL import Image
from playwright.sync_api import expect

import photochrom
from photochrom import color


def downloaded(page, path):
    with page.expect_download() as caught:
        page.click("#download")
    caught.value.save_as(path)
    with Image.open(path) as image:
        return np.asarray(image, int)


def as_made(photograph, **how):
    made = photochrom.colorize(photograph.read_bytes(), **how)
    return np.asarray(Image.open(io.BytesIO(made)), int)


def stroke(page, start, end, steps=6):
    page.mouse.move(*start)
    page.mouse.down()
    page.mouse.move(*end, steps=steps)
    page.mouse.up()


# ---- points


def test_a_click_and_a_choice_make_a_hint(open_page, photographs, tmp_path):
    page = open_page()
    box = opened(page, photographs[0])
    page.get_by_role("button", name="Point", exact=True).click()
    viewer = page.locator("#viewer").bounding_box()
    page.mouse.click(viewer["x"] + 8, viewer["y"] + 8)  # beside the picture
    expect(page.locator("#picker")).to_be_hidden()
    page.mouse.click(box["x"] + box["width"] / 4, box["y"] + box["height"] * 3 / 4)
    expect(page.locator("#picker-likely .swatch").first).to_be_focused()
    expect(page.locator(".reach")).to_be_visible()
    assert dots(page) == []  # not before a colour is chosen
    names = [button.get_attribute("aria-label") for button in page.locator("#picker-usual .swatch").all()]
    assert names == ["skin", "hair", "wood", "leaves", "sky"]
    assert violations(page) == []
    chosen = page.locator("#picker-usual .swatch").nth(3).get_attribute("data-color")
    page.get_by_role("button", name="leaves").click()
    expect(page.locator("#picker")).to_be_hidden()
    expect(page.locator(".reach")).to_be_hidden()
    (dot,) = dots(page)
    assert dot[2] == chosen
    assert dot[:2] == pytest.approx([0.25, 0.75], abs=0.01)
    coloured(page)
    found = downloaded(page, tmp_path / "result.png")
    x, y = round(320 * dot[0], 2), round(240 * dot[1], 2)
    wanted = as_made(photographs[0], hints=[photochrom.Hint(x, y, chosen)])
    assert np.abs(found - wanted).mean() < 1
    # The colour picked is the colour seen.
    wanted_ab, seen_ab = (
        color.rgb_to_lab(np.array(rgb) / 255)[1:]
        for rgb in ([int(chosen[at : at + 2], 16) for at in (1, 3, 5)], found[int(y), int(x)])
    )
    assert np.abs(seen_ab - wanted_ab).max() < 8


def test_a_hint_is_changed_moved_and_removed(open_page, photographs):
    page = open_page()
    box = opened(page, photographs[0])
    page.get_by_role("button", name="Point", exact=True).click()
    page.mouse.click(box["x"] + box["width"] / 4, box["y"] + box["height"] / 4)
    page.get_by_label("Any colour").fill("#2050c0")
    assert dots(page)[0][2] == "#2050c0"
    page.get_by_label("Reach").press("ArrowRight")
    expect(page.locator("#hint-reach-value")).to_have_text("141 %")
    place = page.locator("#viewer .dot:not(.aim)").bounding_box()
    middle = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    stroke(page, (place["x"] + 12, place["y"] + 12), middle, steps=3)
    assert dots(page)[0][:2] == pytest.approx([0.5, 0.5], abs=0.01)
    page.mouse.click(*middle)
    expect(page.locator("#picker-likely .swatch").first).to_be_focused()
    page.get_by_role("button", name="sky").click()
    (dot,) = dots(page)
    assert dot[2] != "#2050c0"
    page.keyboard.press("Control+z")
    assert dots(page)[0][2] == "#2050c0"
    page.keyboard.press("Control+z")
    assert dots(page)[0][:2] == pytest.approx([0.25, 0.25], abs=0.01)
    page.keyboard.press("Control+Shift+z")
    assert dots(page)[0][:2] == pytest.approx([0.5, 0.5], abs=0.01)
    page.locator("#hint-remove").click()
    assert dots(page) == []


def test_hints_by_keys(open_page, photographs):
    page = open_page()
    opened(page, photographs)
    page.get_by_role("button", name="Point", exact=True).press("Enter")
    aim = page.get_by_role("button", name="50 % from the left, 50 % from the top; arrow keys move it")
    expect(aim).to_be_focused()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Enter")
    expect(page.locator("#picker-likely .swatch").first).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    dot = page.get_by_role("button", name="Colour 1, 49 % from the left, 50 % from the top")
    expect(dot).to_be_focused()
    dot.press("Shift+ArrowDown")
    assert dots(page)[0][:2] == pytest.approx([0.49, 0.5 + 0.002 * 320 / 240], abs=0.001)
    dot.press("Enter")
    expect(page.locator("#picker")).to_be_visible()
    page.keyboard.press("Escape")
    expect(dot).to_be_focused()
    page.get_by_role("button", name="Use for all").click()
    page.get_by_role("radio", name=re.compile("harbour.png")).check()
    expect(page.locator("#name")).to_have_text("harbour.png")
    assert dots(page) == []  # they are points of the other photograph
    page.get_by_role("radio", name=re.compile("grandmother.jpg")).check()
    assert len(dots(page)) == 1
    page.get_by_role("button", name="Colour 1").press("Delete")
    assert dots(page) == []
    expect(page.get_by_role("button", name="Point", exact=True)).to_be_focused()


def test_a_color_is_taken_from_another_photograph(open_page, photographs, tmp_path):
    Image.new("RGB", (80, 80), "#c02010").save(tmp_path / "red.png")
    page = open_page()
    box = opened(page, [photographs[0], tmp_path / "red.png"])
    expect(page.get_by_role("radio", name="red.png is coloured")).to_be_visible()
    page.get_by_role("button", name="Point", exact=True).click()
    page.mouse.click(box["x"] + 30, box["y"] + 30)
    page.get_by_role("button", name="From a photograph").click()
    tile = page.locator("#strip .tile").nth(1)
    # Until then a tile has the file as it came, or nothing yet.
    page.wait_for_function(
        "() => [...document.querySelectorAll('#strip .tile img')].filter((image) => image.naturalWidth).length === 2"
    )
    shown = page.evaluate(
        """() => { const image = document.querySelectorAll('#strip .tile img')[1];
            const context = document.createElement('canvas').getContext('2d');
            context.drawImage(image, 0, 0); return [...context.getImageData(40, 40, 1, 1).data.slice(0, 3)]; }"""
    )
    tile.click()
    (dot,) = dots(page)
    assert [int(dot[2][at : at + 2], 16) for at in (1, 3, 5)] == pytest.approx(shown, abs=3)
    expect(page.locator("#name")).to_have_text("grandmother.jpg")  # the tile was not chosen


# ---- the brush, the eraser, and files


def test_strokes_are_painted_erased_saved_and_loaded(open_page, photographs, tmp_path):
    page = open_page()
    box = opened(page, photographs[0])
    page.get_by_role("button", name="Brush").click()
    at = lambda x, y: (box["x"] + box["width"] * x, box["y"] + box["height"] * y)  # noqa: E731
    stroke(page, at(0.2, 0.2), at(0.4, 0.2))
    page.get_by_label("Any colour").fill("#2050c0")
    page.get_by_label("Width").press("ArrowRight")
    stroke(page, at(0.2, 0.7), at(0.5, 0.8))  # in the same colour, without another question
    assert [given for *_, given in dots(page)] == ["#2050c0", "#2050c0"]
    coloured(page)
    with page.expect_download() as caught:
        page.get_by_role("button", name="Save hints").click()
    assert caught.value.suggested_filename == "grandmother.hints.json"
    caught.value.save_as(tmp_path / "hints.json")
    hints = photochrom.read_hints(tmp_path / "hints.json")
    assert [hint.width for hint in hints] == pytest.approx([320 * 0.04, 320 * 0.045], abs=0.1)
    assert hints[0].points[0] == pytest.approx((64, 48), abs=1.5)
    assert hints[0].points[-1] == pytest.approx((128, 48), abs=1.5)
    found = downloaded(page, tmp_path / "result.png")
    assert np.abs(found - as_made(photographs[0], hints=hints)).mean() < 1
    page.get_by_role("button", name="Eraser").click()
    stroke(page, at(0.3, 0.1), at(0.3, 0.3))
    assert len(dots(page)) == 1
    page.get_by_role("button", name="Undo").click()
    assert len(dots(page)) == 2
    page.locator("#hint-clear").click()
    page.set_input_files("#hint-file", tmp_path / "hints.json")
    expect(page.locator("#hint-news")).to_have_text("2 hints are loaded.")
    assert len(dots(page)) == 2
    (tmp_path / "other.json").write_text(json.dumps({"size": [10, 90], "hints": []}))
    page.set_input_files("#hint-file", tmp_path / "other.json")
    expect(page.locator("#hint-news")).to_contain_text("These hints are for a photograph of 10 \u00d7 90")


def test_a_stroke_without_a_color_cuts_one_back(open_page, photographs, tmp_path):
    page = open_page()
    box = opened(page, photographs[0])
    at = lambda x, y: (box["x"] + box["width"] * x, box["y"] + box["height"] * y)  # noqa: E731
    page.get_by_role("button", name="Point", exact=True).click()
    page.mouse.click(*at(0.25, 0.5))
    page.get_by_label("Any colour").fill("#2050c0")
    page.get_by_role("button", name="Brush", exact=True).click()
    stroke(page, at(0.7, 0.3), at(0.7, 0.7))
    page.get_by_role("button", name="As without hints", exact=True).click()
    expect(page.get_by_role("button", name="The brush's colour: as without hints")).to_be_visible()
    expect(page.get_by_role("button", name="Stroke 2, as without hints, 70 % from the left")).to_be_visible()
    expect(page.locator(".strokes polyline")).to_have_attribute("stroke", "url(#hatch)")
    assert violations(page) == []
    coloured(page)
    with page.expect_download() as caught:
        page.get_by_role("button", name="Save hints").click()
    caught.value.save_as(tmp_path / "hints.json")
    hints = photochrom.read_hints(tmp_path / "hints.json")
    assert [hint.color for hint in hints] == ["#2050c0", "keep"]
    found = downloaded(page, tmp_path / "result.png")
    assert np.abs(found - as_made(photographs[0], hints=hints)).mean() < 1
    under = np.s_[80:160, 222:226]
    plain, leaking = as_made(photographs[0]), as_made(photographs[0], hints=hints[:1])
    assert np.abs(found - plain)[under].mean() < min(2, np.abs(leaking - plain)[under].mean() / 3)
    # It is moved, recoloured, erased, undone and loaded as others are.
    page.locator("#viewer .dot.stroke").press("Shift+ArrowRight")
    page.locator("#viewer .dot.stroke").press("Enter")
    page.get_by_label("Any colour").fill("#a03020")
    page.keyboard.press("Escape")
    assert dots(page)[1][2] == "#a03020"
    page.get_by_role("button", name="Undo").click()
    page.get_by_role("button", name="Eraser").click()
    stroke(page, at(0.65, 0.4), at(0.75, 0.4))
    expect(page.locator("#viewer .dot.stroke")).to_have_count(0)
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("button", name="Stroke 2, as without hints, 70 % from the left")).to_be_visible()
    page.locator("#hint-clear").click()
    page.set_input_files("#hint-file", tmp_path / "hints.json")
    expect(page.locator("#hint-news")).to_have_text("2 hints are loaded.")
    expect(page.get_by_role("button", name="Stroke 2, as without hints, 70 % from the left")).to_be_visible()
    coloured(page)


def test_strokes_by_pen_and_by_touch(open_page, photographs):
    page = open_page()
    box = opened(page, photographs[0])
    page.get_by_role("button", name="Brush").click()
    session = page.context.new_cdp_session(page)
    x, y = box["x"] + 60, box["y"] + 60
    mouse = {"button": "left", "buttons": 1, "pointerType": "pen", "clickCount": 1, "y": y}
    session.send("Input.dispatchMouseEvent", {"type": "mousePressed", "x": x, **mouse})
    for step in range(1, 5):
        session.send("Input.dispatchMouseEvent", {"type": "mouseMoved", "x": x + 20 * step, **mouse})
    session.send("Input.dispatchMouseEvent", {"type": "mouseReleased", "x": x + 80, **mouse})
    page.locator("#picker-likely .swatch").first.click()  # the first stroke of a brush asks for its colour
    expect(page.locator("#viewer .dot.stroke")).to_have_count(1)
    y += 60
    session.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [{"x": x, "y": y}]})
    for step in range(1, 5):
        session.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": [{"x": x + 20 * step, "y": y}]})
    session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    expect(page.locator("#viewer .dot.stroke")).to_have_count(2)


# ---- references and palettes


def test_a_reference_and_a_palette_go_into_the_download(open_page, photographs, drawn, tmp_path):
    drawn(7, 300, 200).save(tmp_path / "colours.png")
    page = open_page()
    opened(page, photographs)
    page.set_input_files("#reference-file", photographs[1])
    expect(page.locator("#wish-news")).to_have_text("The reference is gray; take a picture that has the colours.")
    page.set_input_files("#reference-file", tmp_path / "colours.png")
    expect(page.locator("#reference-name")).to_have_text("colours.png")
    expect(page.locator("#reference-picture canvas")).to_be_visible()
    coloured(page)
    found = downloaded(page, tmp_path / "result.png")
    session = photochrom.Colorizer(references=[tmp_path / "colours.png"])
    wanted = np.asarray(Image.open(io.BytesIO(session.colorize(photographs[0].read_bytes()))), int)
    assert np.abs(found - wanted).mean() < 1
    page.get_by_label("Palette", exact=True).fill("#1f4e5f, tan, mud")
    page.keyboard.press("Tab")
    expect(page.locator("#wish-news")).to_contain_text("\u201cmud\u201d is not a colour")
    page.get_by_label("Palette", exact=True).fill("#1f4e5f, tan")
    page.keyboard.press("Tab")
    expect(page.locator("#palette-swatches .swatch")).to_have_count(2)
    assert violations(page) == []
    page.get_by_role("button", name="Remove the reference").click()
    page.get_by_role("button", name="Use for all").click()
    page.get_by_role("radio", name=re.compile("harbour.png")).check()
    expect(page.get_by_label("Palette", exact=True)).to_have_value("#1f4e5f, #d2b48c")
    coloured(page)
    found = downloaded(page, tmp_path / "harbour.png.result.png")
    assert np.abs(found - as_made(photographs[1], palette="#1f4e5f,tan")).mean() < 1
    page.locator("#palette-swatches .swatch").first.click()
    expect(page.get_by_label("Palette", exact=True)).to_have_value("#d2b48c")
    page.keyboard.press("Control+z")
    expect(page.locator("#palette-swatches .swatch")).to_have_count(2)
    page.set_input_files("#palette-file", tmp_path / "colours.png")
    expect(page.locator("#palette-swatches .swatch")).not_to_have_count(2)
    assert page.locator("#palette-swatches .swatch").count() <= 8


def test_a_picture_is_dropped_beside_the_photograph(open_page, photographs):
    page = open_page()
    opened(page, photographs[0])
    script = """async (target) => {
        const canvas = Object.assign(document.createElement('canvas'), { width: 60, height: 60 });
        const context = canvas.getContext('2d');
        context.fillStyle = '#c05020'; context.fillRect(0, 0, 60, 60);
        context.fillStyle = '#2050c0'; context.fillRect(0, 0, 60, 30);
        const blob = await new Promise((done) => canvas.toBlob(done));
        const data = new DataTransfer();
        data.items.add(new File([blob], 'dropped.png', { type: 'image/png' }));
        const settings = { dataTransfer: data, bubbles: true, cancelable: true };
        document.querySelector(target).dispatchEvent(new DragEvent('dragover', settings));
        const told = document.getElementById('veil-text').textContent;
        document.querySelector(target).dispatchEvent(new DragEvent('drop', settings));
        return told;
    }"""
    assert page.evaluate(script, ".panel") == "Let go to take its colours"
    expect(page.locator("#reference-name")).to_have_text("dropped.png")
    assert page.evaluate(script, "#viewer") == "Let go to colour"
    expect(page.locator("#strip .tile")).to_have_count(2)


def test_a_reference_that_the_server_forgot_is_sent_again(open_page, photographs, drawn, tmp_path):
    drawn(7, 300, 200).save(tmp_path / "colours.png")
    page = open_page(refusals="status of 410")
    opened(page, photographs[0])
    with page.expect_request(lambda request: "reference=" in request.url) as asked:
        page.set_input_files("#reference-file", tmp_path / "colours.png")
    coloured(page)
    reference = re.search("reference=([^&]+)", asked.value.url)[1]
    page.evaluate("(id) => fetch('/api/v1/jobs/' + id, { method: 'DELETE' })", reference)
    with page.expect_response(
        lambda answer: "reference=" in answer.url and reference not in answer.url and answer.status == 200
    ):
        page.get_by_role("slider", name="Saturation").press("ArrowRight")
    coloured(page)


# ---- where it is unsure


def test_doubts_are_shown_and_become_hints(open_page):
    page = open_page()
    page.click('[data-sample="astronaut.jpg"]')
    coloured(page)
    page.get_by_role("button", name="Where it is unsure").click()
    expect(page.locator(".doubtful")).to_have_count(3)
    expect(page.locator(".doubt")).to_be_visible()
    assert violations(page) == []
    first = page.get_by_role("button", name="Give a hint at place 1")
    place = first.evaluate(
        "({ style }) => [style.getPropertyValue('--px'), style.getPropertyValue('--py')].map(Number)"
    )
    first.click()
    expect(page.locator("#picker-likely .swatch").first).to_be_focused()
    page.keyboard.press("Enter")
    (dot,) = dots(page)
    assert dot[:2] == pytest.approx(place, abs=0.001)
    # What was settled is no longer asked for.
    page.wait_for_function(
        """([x, y]) => [...document.querySelectorAll('.doubtful')].length === 3 &&
            [...document.querySelectorAll('.doubtful')].every(({ style }) => Math.hypot(
                style.getPropertyValue('--px') - x, style.getPropertyValue('--py') - y) > 0.1)""",
        arg=place,
    )
    page.get_by_role("button", name="Where it is unsure").click()
    expect(page.locator(".doubtful")).to_have_count(0)
