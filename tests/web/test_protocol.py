"""What programs may expect of HTTP: tags, names, keys, limits, HEAD, CORS."""

import io
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import pytest
from PIL import Image

from photochrom.web.protocol import disposition

ORIGIN = {"Origin": "https://app.example"}


@pytest.fixture(scope="module")
def done(server, png_of_module):
    """The address of a job that is done."""
    return finished(server, server.post("/api/v1/jobs?name=Zo%C3%AB.png", content=png_of_module))


@pytest.fixture(scope="module")
def png_of_module():
    out = io.BytesIO()
    Image.linear_gradient("L").resize((64, 48)).save(out, "PNG")
    return out.getvalue()


def finished(client, created):
    assert created.status_code == 202, created.text
    address = created.headers["location"]
    with client.stream("GET", f"{address}/events") as events:
        events.read()
    return address


def test_what_is_known_is_not_sent_again(server, done, monkeypatch):
    small = server.get(f"{done}/result?max_side=32")
    assert small.headers["cache-control"] == "private, no-cache"
    tag = small.headers["etag"]
    monkeypatch.setattr(server.app.state.studio, "preview", None)  # nothing is painted
    for known in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        again = server.get(f"{done}/result?max_side=32", headers={"If-None-Match": known})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    monkeypatch.undo()
    queries = ("max_side=33", "max_side=32&saturation=0.5", "max_side=32&format=jpeg", "")
    tags = {server.get(f"{done}/result?{query}", headers={"If-None-Match": tag}).headers["etag"] for query in queries}
    tags |= {server.get(f"{done}/original?max_side=32").headers["etag"], tag}
    assert len(tags) == 6


def test_a_job_says_when_it_expires(server, done):
    state = server.get(done)
    expected = datetime.now(UTC) + timedelta(minutes=30)
    for told in (
        parsedate_to_datetime(state.headers["expires"]),
        datetime.fromisoformat(state.json()["expires"]),
        parsedate_to_datetime(server.get(f"{done}/result").headers["expires"]),
    ):
        assert abs((told - expected).total_seconds()) < 10


def test_results_have_the_name_of_the_file(server, done, png_of_module):
    assert server.get(done).json()["name"] == "Zoë.png"
    both = "attachment; filename=\"Zoe.color.{0}\"; filename*=UTF-8''Zo%C3%AB.color.{0}"
    assert server.get(f"{done}/result").headers["content-disposition"] == both.format("png")
    assert server.get(f"{done}/result?format=webp").headers["content-disposition"] == both.format("webp")
    assert 'filename="Zoe.png"' in server.get(f"{done}/original").headers["content-disposition"]
    form = server.post("/api/v1/colorize", files={"file": ("../a/old x.png", png_of_module, "image/png")})
    assert form.headers["content-disposition"] == 'attachment; filename="old x.color.png"'
    bare = server.post("/api/v1/colorize", content=png_of_module)
    assert bare.headers["content-disposition"] == 'attachment; filename="photochrom.png"'


@pytest.mark.parametrize(
    ("name", "header"),
    [
        ("a b.jpg", 'attachment; filename="a b.jpg"'),
        ("日本.jpg", "attachment; filename=\"photochrom.jpg\"; filename*=UTF-8''%E6%97%A5%E6%9C%AC.jpg"),
        ("50%.jpg", "attachment; filename=\"50.jpg\"; filename*=UTF-8''50%25.jpg"),
        ("a\r\nX: y.jpg", "attachment; filename=\"aX: y.jpg\"; filename*=UTF-8''a%0D%0AX%3A%20y.jpg"),
    ],
)
def test_names_in_headers(name, header):
    assert disposition(name) == header


def test_what_is_sent_twice_is_done_once(running, png):
    client = running()
    key = {"Idempotency-Key": "mine"}
    first = client.post("/api/v1/jobs", content=png(1), headers=key)
    address = finished(client, first)
    again = client.post("/api/v1/jobs", content=png(1), headers=key)
    assert (again.status_code, again.headers["idempotency-replayed"], again.json()["status"]) == (202, "true", "done")
    assert again.headers["location"] == address
    assert len(client.app.state.studio.jobs) == 1
    for content, query in ((png(2), ""), (png(1), "?saturation=0.5")):
        refused = client.post(f"/api/v1/jobs{query}", content=content, headers=key)
        assert (refused.status_code, "another upload" in refused.text) == (422, True)
    with client.app.state.studio.keys.hold("testclient", "busy"):
        busy = client.post("/api/v1/jobs", content=png(1), headers={"Idempotency-Key": "busy"})
        assert (busy.status_code, busy.headers["retry-after"]) == (409, "1")
    other = client.post("/api/v1/jobs", content=png(1), headers={"Idempotency-Key": "other"})
    assert other.headers["location"] != address
    client.delete(address)
    anew = client.post("/api/v1/jobs", content=png(2), headers=key)  # its job is gone
    assert (anew.status_code, anew.headers["location"] != address) == (202, True)


def test_the_limits_are_told(running, png):
    client = running(jobs_per_client=2)
    with client.app.state.studio.admit("testclient"):
        told = client.post("/api/v1/colorize", content=png(1)).headers
        assert [told[f"ratelimit-{part}"] for part in ("limit", "remaining", "reset")] == ["2", "1", "0"]
        with client.app.state.studio.admit("testclient"):
            told = client.post("/api/v1/jobs", content=png(1)).headers
            assert [told[f"ratelimit-{part}"] for part in ("limit", "remaining", "reset")] == ["2", "0", "2"]
            assert told["retry-after"] == "2"


@pytest.mark.parametrize("path", ["/", "/healthz", "/static/site.css", "/openapi.json", "/nowhere"])
def test_head_has_the_headers_of_get(server, path):
    head, got = server.head(path), server.get(path)
    assert (head.status_code, head.content) == (got.status_code, b"")
    assert head.headers["content-length"] == got.headers["content-length"]


def test_head_of_a_result_and_of_what_streams(server, done):
    assert (
        server.head(f"{done}/result").headers["content-length"]
        == server.get(f"{done}/result").headers["content-length"]
    )
    events = server.head(f"{done}/events")
    assert (events.content, events.headers["content-type"].partition(";")[0]) == (b"", "text/event-stream")


@pytest.mark.parametrize("path", ["/api/v1/colorize?satration=1", "/api/v1/jobs?name=a&max_side=100"])
def test_a_parameter_that_does_not_exist_is_refused(server, png, path):
    refused = server.post(path, content=png(1))
    assert refused.status_code == 422
    assert "there is no such parameter; there are: " in refused.json()["detail"]
    assert server.get("/api/v1/jobs/x?wait=1").json()["detail"] == "wait: there is no such parameter; there are none"


def test_pages_elsewhere_may_use_the_interface_where_they_are_named(running, png):
    client = running(cors=("https://app.example",), token="a token of the tests")
    token = {"Authorization": "Bearer a token of the tests"}
    asks = {**ORIGIN, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}
    allowed = client.options("/api/v1/jobs", headers=asks)
    assert (allowed.status_code, allowed.headers["access-control-allow-origin"]) == (200, "https://app.example")
    assert "access-control-allow-credentials" not in allowed.headers
    made = client.post("/api/v1/jobs", content=png(1), headers={**ORIGIN, **token, "Sec-Fetch-Site": "cross-site"})
    assert (made.status_code, made.headers["access-control-allow-origin"]) == (202, "https://app.example")
    assert "Location" in made.headers["access-control-expose-headers"]
    refused = client.post("/api/v1/jobs", content=png(1), headers=ORIGIN)
    assert (refused.status_code, refused.headers["access-control-allow-origin"]) == (401, "https://app.example")
    other = {**token, "Origin": "https://evil.example"}
    assert client.post("/api/v1/jobs", content=png(1), headers=other).status_code == 403
    assert client.options("/api/v1/jobs", headers={**asks, "Origin": "https://evil.example"}).status_code == 400
    assert client.post("/login", data={"token": "x"}, headers=ORIGIN).status_code == 403  # the interface only


def test_the_description_names_its_operations_and_the_token(site):
    client = site()
    description = client.get("/openapi.json").json()
    names = {op["operationId"] for path in description["paths"].values() for op in path.values()}
    assert {"colorize", "createJob", "getJob", "followJob", "getResult", "getOriginal", "deleteJob"} <= names
    (scheme,) = description["components"]["securitySchemes"].values()
    assert (scheme["type"], scheme["scheme"]) == ("http", "bearer")
    assert description["paths"]["/api/v1/jobs"]["post"]["security"]
    assert "security" not in description["paths"]["/healthz"]["get"]
    docs = client.get("/docs").text
    assert "Authorization: Bearer" in docs
    assert "Idempotency-Key" in docs
