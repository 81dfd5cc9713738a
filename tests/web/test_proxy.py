"""The site behind a proxy: whose word counts, and that every address works under a path."""

import contextlib
import re
import shutil
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.request

import pytest
import uvicorn
from fastapi import Request

from photochrom import Client, Colorizer
from photochrom.errors import BadSetting
from photochrom.web.app import create_app
from photochrom.web.proxy import _forwarded
from photochrom.web.settings import ServeSettings

TOKEN = "a token of the tests"
PROXY = {"trusted_proxies": ("10.0.0.0/8", "192.0.2.1"), "allow_hosts": ("photos.example",), "token": TOKEN}


def seen(site, headers, peer="192.0.2.1", **settings):
    """(address, scheme, host) as the site knows them."""
    client = site(**{**PROXY, **settings})
    found = {}

    @client.app.get("/login/seen")
    def told(request: Request):
        found.update(client=request.client.host, scheme=request.url.scheme, host=request.url.netloc)

    client._transport.client = (peer, 1)
    client.get("/login/seen", headers=headers)
    return tuple(found.values())


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "https", "X-Forwarded-Host": "photos.example"}, None),
        ({"Forwarded": "for=203.0.113.9;proto=https;host=photos.example"}, None),
        ({"Forwarded": 'For="203.0.113.9:4711"; Proto=https; Host="photos.example"'}, None),
        # What stands before the first address that is no proxy's may be made up.
        (
            {
                "X-Forwarded-For": "127.0.0.1, 203.0.113.9, 10.1.1.1",
                "X-Forwarded-Proto": "https",
                "X-Forwarded-Host": "photos.example",
            },
            None,
        ),
        (
            {"Forwarded": "for=1.2.3.4;proto=http;host=evil.example, for=203.0.113.9;proto=https;host=photos.example"},
            None,
        ),
        # A visitor's own `Forwarded` goes through proxies that write the others.
        (
            {
                "Forwarded": "for=1.2.3.4;host=127.0.0.1",
                "X-Forwarded-For": "203.0.113.9",
                "X-Forwarded-Proto": "https",
                "X-Forwarded-Host": "photos.example",
            },
            None,
        ),
        ({"X-Forwarded-For": "unknown"}, ("192.0.2.1", "http", "127.0.0.1:8000")),
        ({}, ("192.0.2.1", "http", "127.0.0.1:8000")),
    ],
)
def test_a_trusted_proxy_is_believed(site, headers, expected):
    assert seen(site, headers) == (expected or ("203.0.113.9", "https", "photos.example"))


def test_nobody_else_is_believed(site):
    headers = {"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "https", "Forwarded": "for=1.2.3.4"}
    assert seen(site, headers, peer="192.0.2.2") == ("192.0.2.2", "http", "127.0.0.1:8000")
    assert seen(site, headers, trusted_proxies=()) == ("192.0.2.1", "http", "127.0.0.1:8000")


def test_a_host_that_a_proxy_names_has_to_be_ours(site):
    client = site(**PROXY)
    client._transport.client = ("192.0.2.1", 1)
    assert client.get("/healthz", headers={"X-Forwarded-Host": "evil.example"}).status_code == 421


def test_forwarded_is_read_as_the_standard_writes_it():
    class Headers:
        def getlist(self, _):
            return ['for="[2001:db8::17]:47";by=_a;proto=http', 'For=192.0.2.43, for="a\\"b,c";host="x;y"']

    assert _forwarded(Headers()) == [
        {"for": "[2001:db8::17]:47", "by": "_a", "proto": "http"},
        {"for": "192.0.2.43"},
        {"for": 'a"b,c', "host": "x;y"},
    ]


def test_the_cookie_is_secure_under_https_and_holds_under_the_path_only(site):
    client = site(**PROXY, root_path="/photos")
    client._transport.client = ("192.0.2.1", 1)
    for scheme in ("http", "https"):
        headers = {"X-Forwarded-Proto": scheme, "X-Forwarded-For": "203.0.113.9"}
        entered = client.post("/login", data={"token": TOKEN}, headers=headers)
        assert entered.headers["location"] == "/photos/"
        assert "Path=/photos;" in entered.headers["set-cookie"]
        assert ("Secure" in entered.headers["set-cookie"]) == (scheme == "https")


def test_the_page_claims_privacy_to_this_computer_only(site):
    client = site(allow_hosts=("photos.example",), no_token=True)
    assert "Nothing leaves this computer" in client.get("/").text
    away = client.get("/", headers={"Host": "photos.example"}).text
    assert "Nothing leaves" not in away
    assert "go to this server only" in away
    # A proxy that hands its own host on says at least whose visit it is.
    client = site(**PROXY | {"token": None, "no_token": True})
    client._transport.client = ("192.0.2.1", 1)
    assert "Nothing leaves" not in client.get("/", headers={"X-Forwarded-For": "203.0.113.9"}).text


def test_all_addresses_of_pages_are_under_the_path(site):
    client = site(root_path="/photos")
    for page in ("/photos/", "/docs", "/photos/login"):
        text = client.get(page).text
        for address in re.findall(r'(?:href|src|action|data-before|data-after)="([^"]+)"', text):
            assert address.startswith(("/photos/", "#", "https://"))
    assert client.get("/photos").headers["location"] == "/photos/"
    assert client.get("/photos/healthz").json() == client.get("/healthz").json()
    assert client.get("/photos/openapi.json").json()["servers"] == [{"url": "/photos"}]


@pytest.mark.parametrize(
    ("wrong", "line"),
    [
        ({"root_path": "photos"}, "not a path such as /photochrom"),
        ({"root_path": "/photos/"}, "not a path such as /photochrom"),
        ({"trusted_proxies": ("proxy",)}, "not an address such as 127.0.0.1"),
        ({"allow_hosts": ("photos.example",)}, "as photos.example; set a --token, or --no-token"),
        ({"trusted_proxies": ("127.0.0.1",)}, "by a proxy; set a --token, or --no-token"),
        ({"token": TOKEN, "no_token": True}, "omit one of them"),
        ({"cors": ("https://a.example/x",)}, "not an origin such as"),
    ],
)
def test_settings_of_proxies_that_cannot_be(wrong, line):
    with pytest.raises(BadSetting, match=line):
        ServeSettings(**wrong)


# ---- real proxies

NGINX = """daemon off; error_log stderr; pid {folder}/pid; events {{}}
http {{
  access_log off; client_body_temp_path {folder}/b; proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f;
  uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  server {{
    listen 127.0.0.1:{port};
    client_max_body_size 64m;
    location /photos/ {{
      proxy_pass http://127.0.0.1:{site}{slash};
      proxy_http_version 1.1;
      proxy_buffering off;
      proxy_request_buffering off;
      proxy_set_header Host $http_host;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
      proxy_set_header X-Forwarded-Proto $scheme;
      proxy_set_header X-Forwarded-Host $http_host;
    }}
  }}
}}
"""
CADDY = """{{
  admin off
  auto_https off
}}
http://127.0.0.1:{port} {{
  {handle} /photos/* {{
    reverse_proxy 127.0.0.1:{site}
  }}
}}
"""


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return listening.getsockname()[1]


@pytest.fixture(scope="module")
def behind(tiny):
    """(port, app) of a site that waits for a proxy."""
    listening = socket.create_server(("127.0.0.1", 0))
    settings = ServeSettings(model=str(tiny), token=TOKEN, root_path="/photos", trusted_proxies=("127.0.0.1",))
    server = uvicorn.Server(uvicorn.Config(create_app(settings), log_level="warning", proxy_headers=False))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    yield listening.getsockname()[1]
    server.should_exit = True
    thread.join(30)
    assert not thread.is_alive()


@pytest.fixture(params=["nginx", "nginx that cuts the path", "caddy", "caddy that cuts the path"])
def proxied(request, behind, tmp_path):
    """The address of the site as a real proxy shows it."""
    name, _, cuts = request.param.partition(" ")
    program = shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/bin")
    if program is None:
        pytest.skip(f"{name} is not installed")
    port, configuration = free_port(), tmp_path / "configuration"
    facts = {"folder": tmp_path, "port": port, "site": behind}
    if name == "nginx":
        configuration.write_text(NGINX.format(**facts, slash="/" if cuts else ""))
        command = [program, "-c", str(configuration), "-e", "stderr"]
    else:
        configuration.write_text(CADDY.format(**facts, handle="handle_path" if cuts else "handle"))
        command = [program, "run", "--adapter", "caddyfile", "--config", str(configuration)]
    log = (tmp_path / "log").open("wb")
    environment = {"HOME": str(tmp_path), "PATH": "/usr/bin:/bin"}
    with log, subprocess.Popen(command, stdout=log, stderr=log, env=environment) as process:
        try:
            end = time.monotonic() + 20
            while True:
                with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                    break
                assert process.poll() is None, (tmp_path / "log").read_text()
                assert time.monotonic() < end
                time.sleep(0.05)
            yield f"http://127.0.0.1:{port}/photos"
        finally:
            process.terminate()


@pytest.mark.slow
def test_a_real_proxy(proxied, png, tiny):
    client = Client(proxied, token=TOKEN)
    assert client.colorize(png(1)) == Colorizer(tiny).colorize(png(1))
    heard = []
    job = client.submit(png(2)).wait(heard.append)
    assert heard[-1].status == "done"
    assert job.result(max_side=32, format="png")[:4] == b"\x89PNG"

    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
    with opener.open(f"{proxied}/login?token={TOKEN.replace(' ', '%20')}") as page:
        assert page.url == f"{proxied}/"
        text = page.read().decode()
    for address in ("/photos/static/site.css", "/photos/static/colour.js", "/photos/samples/coffee.jpg"):
        assert address in text
        with opener.open(proxied.removesuffix("/photos") + address) as part:
            assert part.status == 200
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(f"{proxied}/metrics")
    assert refused.value.code == 401
    refused.value.close()
