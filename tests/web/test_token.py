"""A server that others can reach asks for its token."""

import pytest

from photochrom.web import login

TOKEN = "correct horse battery"


@pytest.fixture
def client(site, monkeypatch):
    monkeypatch.setattr(login, "WRONG_SECONDS", 0.0)
    return site(token=TOKEN)


def test_programs_send_it_in_a_header(client):
    refused = client.get("/metrics")
    assert (refused.status_code, refused.headers["www-authenticate"]) == (401, "Bearer")
    assert client.get("/metrics", headers={"Authorization": "Bearer wrong"}).status_code == 401
    assert client.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"}).status_code == 200


def test_what_is_open_without_it(client):
    assert client.get("/healthz").json() == {"status": "ok"}
    assert client.get("/static/site.css").status_code == 200
    for path in ("/", "/docs", "/openapi.json", "/api/v1/jobs/x", "/samples/astronaut.jpg", "/healthz/../metrics"):
        assert client.get(path).status_code == 401


def test_people_are_asked_once(client):
    asked = client.get("/", headers={"Accept": "text/html"})
    assert (asked.status_code, asked.headers["location"]) == (303, "/login")
    assert "Token" in client.get("/login").text
    wrong = client.post("/login", data={"token": "guess"})
    assert wrong.status_code == 401
    assert "not the token" in wrong.text
    assert client.get("/").status_code == 401
    right = client.post("/login", data={"token": TOKEN})
    assert (right.status_code, right.headers["location"]) == (303, "/")
    cookie = right.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    assert TOKEN not in cookie
    assert client.get("/").status_code == 200


def test_a_link_brings_it_along(client):
    assert client.get(f"/login?token={TOKEN}").status_code == 303
    assert client.get("/").status_code == 200


def test_without_a_token_there_is_nothing_to_ask(site):
    assert site().post("/login", data={"token": "x"}).headers["location"] == "/"
