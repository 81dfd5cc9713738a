"""What the browser tests do with the page and read from it."""

import contextlib

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect


def coloured(page):
    """Wait until the picture is as it was asked for; from a change until it is shown, the page says that it is busy."""
    expect(page.locator("#download")).to_be_enabled()
    page.wait_for_function("() => document.querySelector('#viewer .after img') && !document.querySelector('.busy')")


def opened(page, files):
    page.set_input_files("#files", files)
    coloured(page)
    return page.locator("#viewer .before img").bounding_box()


@contextlib.contextmanager
def held(page, pattern):
    """Hold back what the page asks for inside of the block."""
    waiting, over = [], []
    page.route(pattern, lambda route: route.continue_() if over else waiting.append(route))
    yield
    over.append(True)
    for route in waiting:
        route.continue_()


def lost(page, file):
    """Open a photograph that the server then forgets."""
    with page.expect_response(lambda response: response.status == 202) as first:
        page.set_input_files("#files", file)
    coloured(page)
    page.evaluate("(job) => fetch(job, { method: 'DELETE' })", first.value.headers["location"])


def violations(page):
    results = Axe().run(page).response
    return [(fault["id"], [node["html"] for node in fault["nodes"]]) for fault in results["violations"]]


def dots(page):
    """Where the hints are, in shares of the photograph, and their colours."""
    return page.evaluate(
        """() => [...document.querySelectorAll('#viewer .dot:not(.aim, .doubtful)')].map(({ style }) =>
            [Number(style.getPropertyValue('--px')), Number(style.getPropertyValue('--py')),
             style.getPropertyValue('--color')])"""
    )
