"""A server that others can reach asks for its token."""

import pytest

from photochrom.web import attempts, login, turing
from photochrom.web.guard import study_token
from photochrom.web.problems import Problem

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


def test_guessing_slows_down_by_address(client):
    now = [1000.0]
    client.app.state.attempts._clock = lambda: now[0]

    def asked(token, address="192.0.2.7"):
        client._transport.client = (address, 1)
        return client.get("/metrics", headers={"Authorization": f"Bearer {token}"})

    for number in range(attempts.FREE):
        assert asked(f"guess {number}").status_code == 401
    assert asked("guess 0").status_code == 401  # the same again is no new guess
    assert asked(TOKEN).status_code == 200
    assert asked("another").status_code == 401
    waits = asked(TOKEN)
    assert (waits.status_code, waits.headers["retry-after"]) == (429, "2")
    assert "too many wrong tokens" in waits.json()["detail"]
    assert client.post("/login", data={"token": TOKEN}).status_code == 429
    assert asked(TOKEN, "192.0.2.8").status_code == 200  # who sits elsewhere does not wait
    now[0] += 2
    assert asked(TOKEN).status_code == 200
    assert asked("one more").status_code == 401
    assert asked(TOKEN).headers["retry-after"] == "4"
    now[0] += attempts.FORGET_SECONDS + 1
    assert asked("later").status_code == 401
    assert asked(TOKEN).status_code == 200


def test_a_household_has_one_count_and_memory_is_bounded(monkeypatch):
    counted = attempts.Attempts()
    for number in range(attempts.FREE + 1):
        counted.wrong(f"2001:db8::{number}", f"guess {number}")
    with pytest.raises(Problem, match="too many wrong tokens"):
        counted.check("2001:db8::ffff")
    counted.check("2001:db8:0:1::1")
    monkeypatch.setattr(attempts, "MOST_ADDRESSES", 3)
    for number in range(9):
        counted.wrong(f"192.0.2.{number}", "guess")
    assert len(counted._of) <= 3


def test_a_participant_sees_the_study_only(client, site, tmp_path, monkeypatch):
    monkeypatch.setattr(turing, "Session", lambda _: None)
    participant = site(token=TOKEN, turing=tmp_path)
    key = study_token(TOKEN)
    assert len(key) >= 16
    entered = participant.get("/login", params={"token": key, "to": "/"})
    assert (entered.status_code, entered.headers["location"]) == (303, "/turing")
    assert participant.get("/", headers={"Accept": "text/html"}).headers["location"] == "/turing"
    for path in ("/docs", "/metrics", "/openapi.json", "/api/v1/jobs/x", "/turings"):
        refused = participant.get(path)
        assert (refused.status_code, refused.json()["detail"]) == (403, "this token opens the study only")
    assert participant.post("/api/v1/colorize", content=b"x").status_code == 403
    assert client.get("/metrics", headers={"Authorization": f"Bearer {key}"}).status_code == 401  # there is no study


def test_the_cookie_is_no_token(client):
    assert client.post("/login", data={"token": TOKEN}).status_code == 303
    cookie = client.cookies["photochrom"]
    client.cookies.clear()
    assert client.get("/metrics", headers={"Authorization": f"Bearer {cookie}"}).status_code == 401


def test_without_a_token_there_is_nothing_to_ask(site):
    assert site().post("/login", data={"token": "x"}).headers["location"] == "/"
