"""The site in this process, asked without a socket."""

import pytest
from fastapi.testclient import TestClient

from photochrom.web.app import create_app
from photochrom.web.settings import ServeSettings


@pytest.fixture
def site(tiny):
    """Makes a client for a site with these settings; its model is the tiny one."""
    opened = []

    def client(**settings):
        app = create_app(ServeSettings(**{"model": str(tiny), **settings}))
        browser = TestClient(app, base_url="http://127.0.0.1:8000", follow_redirects=False)
        opened.append(browser.__enter__())
        return browser

    yield client
    for browser in opened:
        browser.__exit__(None, None, None)
