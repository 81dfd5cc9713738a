"""Who gets in, and what is said of those who do not."""

import pytest

from photochrom.errors import BadSetting
from photochrom.web.settings import ServeSettings


def test_every_response_has_the_headers(site):
    client = site()
    for path in ("/", "/healthz", "/nowhere", "/static/site.css"):
        headers = client.get(path).headers
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "script-src 'self';" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "same-origin"


def test_pages_name_no_other_host(site):
    client = site()
    text = client.get("/").text
    assert "http://" not in text
    assert "https://" not in text
    assert "<style" not in text
    assert "style=" not in text
    assert "onclick" not in text


@pytest.mark.parametrize(
    "host", ["evil.example", "localhost.evil.example", "10.0.0.1", "", "[::2]:8000", "127.0.0.1.nip.io"]
)
def test_a_name_that_is_not_ours_is_refused(site, host):
    refused = site().get("/healthz", headers={"Host": host})
    assert refused.status_code == 421
    assert "--allow-host" in refused.json()["detail"]


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:1", "127.0.0.1:99", "[::1]:8000", "photos.example"])
def test_our_names(site, host):
    assert (
        site(allow_hosts=("photos.example",), no_token=True).get("/healthz", headers={"Host": host}).status_code == 200
    )


def test_an_address_is_no_rebinding_where_others_may_come(site):
    client = site(host="0.0.0.0", token="long enough a token")
    assert client.get("/healthz", headers={"Host": "192.168.1.7:8000"}).status_code == 200
    assert client.get("/healthz", headers={"Host": "evil.example"}).status_code == 421


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Origin": "http://127.0.0.1:1"},
    ],
)
def test_a_post_of_another_site_is_refused(site, headers):
    assert site().post("/healthz", headers=headers).status_code == 403


def test_a_post_of_our_own_page_passes_the_guard(site):
    ours = {"Origin": "http://127.0.0.1:8000", "Sec-Fetch-Site": "same-origin"}
    assert site().post("/healthz", headers=ours).status_code == 405


def test_a_body_beyond_the_limit_is_refused_unread(site):
    client = site(max_body=1000)
    told = client.post("/healthz", content=b"x" * 1001)
    assert told.status_code == 413
    assert told.headers["content-type"] == "application/problem+json"
    assert told.json()["detail"] == "the largest request is 0.001 MB; send a smaller file"


def test_other_hosts_need_a_token():
    with pytest.raises(BadSetting, match="--token"):
        ServeSettings(host="0.0.0.0")
    with pytest.raises(BadSetting, match="16 or more"):
        ServeSettings(token="fifteen letters")
    assert ServeSettings(host="::1").token is None


@pytest.mark.parametrize(
    "wrong", [{"port": 70000}, {"workers": 0}, {"queue": 0}, {"keep_minutes": -1}, {"keep_minutes": float("nan")}]
)
def test_settings_that_cannot_be(wrong):
    with pytest.raises(BadSetting, match="it must be"):
        ServeSettings(**wrong)
