"""What many tests share: one thread, a repeatable hypothesis, and pictures that are drawn here."""

import os

# Before torch and onnxruntime are imported: sums in one order, and no fight over the cores with other workers.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import contextlib
import fcntl
import hashlib
import inspect
import io
import socket
import tarfile
from pathlib import Path
from urllib.request import Request, urlopen

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from PIL import Image

settings.register_profile(
    "photochrom", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow], max_examples=50
)
settings.load_profile("photochrom")

HERE = Path(__file__).parent
SLOW_FOLDERS = (
    "e2e",
    "research/study",
    "train/tasks",
)  # other modules mark themselves


def pytest_collection_modifyitems(items):
    """Marks whole folders as slow, and as browser whatever asks for Chromium."""
    for item in items:
        if any(item.path.is_relative_to(HERE / folder) for folder in SLOW_FOLDERS):
            item.add_marker(pytest.mark.slow)
        if "chromium" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.browser)


def draw(seed, width=48, height=40):
    """A picture of soft colours with an edge in it, another one for each seed."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width] / max(width, height)
    corners = rng.uniform(0, 255, (3, 3))
    rgb = corners[0] + (corners[1] - corners[0]) * x[..., None] + (corners[2] - corners[0]) * y[..., None]
    rgb[height // 3 :, width // 2 :] = rng.uniform(0, 255, 3)
    return Image.fromarray(np.clip(rgb, 0, 255).astype(np.uint8))


@pytest.fixture(scope="session")
def drawn():
    return draw


@pytest.fixture(scope="session")
def png():
    """The bytes of the picture of a seed."""

    def encoded(seed, **size):
        out = io.BytesIO()
        draw(seed, **size).save(out, "PNG")
        return out.getvalue()

    return encoded


@pytest.fixture
def folder(tmp_path, png):
    """A folder of nine pictures, one of them deeper down, and a file that is none."""
    root = tmp_path / "pictures"
    (root / "deeper").mkdir(parents=True)
    for i in range(8):
        (root / f"{i}.png").write_bytes(png(i))
    (root / "deeper" / "8.PNG").write_bytes(png(8))
    (root / "notes.txt").write_text("no picture")
    return root


@pytest.fixture
def tar(tmp_path, png):
    """An uncompressed tar of three pictures, a text and a Mac's leftover."""
    path = tmp_path / "pictures.tar"
    with tarfile.open(path, "w") as archive:
        for name, data in (
            ("a/0.png", png(0)),
            ("a/._0.png", b"no picture"),
            ("1.png", png(1)),
            ("notes.txt", b"no picture"),
            ("2.png", png(2)),
        ):
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return path


@pytest.fixture(scope="session")
def tiny(tmp_path_factory):
    """A model file of a kilobyte whose answer is known: a = 33 x + 11 and b = -22 x + 5.5, where x = (L - 50) / 50."""
    from onnx import TensorProto, helper

    from photochrom.inference.card import KEY, ModelCard, seal

    nodes = [
        helper.make_node("AveragePool", ["x"], ["small"], kernel_shape=[4, 4], strides=[4, 4]),
        helper.make_node("Conv", ["small", "weight", "bias"], ["y"]),
    ]
    sizes = [[1, 1, "h", "w"], [1, 2, "h4", "w4"]]
    values = [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in zip("xy", sizes, strict=True)]
    weights = [
        helper.make_tensor("weight", TensorProto.FLOAT, [2, 1, 1, 1], [0.3, -0.2]),
        helper.make_tensor("bias", TensorProto.FLOAT, [2], [0.1, 0.05]),
    ]
    graph = helper.make_graph(nodes, "tiny", values[:1], values[1:], weights)
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    card = ModelCard(name="tiny", title="a model for tests", render_size=64, multiple=8, stride=4)
    helper.set_model_props(proto, {KEY: card.to_json()})
    path = tmp_path_factory.mktemp("models") / "tiny.onnx"
    path.write_bytes(seal(proto.SerializeToString()))
    return path


@pytest.fixture(scope="session")
def made_once(tmp_path_factory):
    """made_once(name, make): a file with the bytes that make() gives, for all processes of this test run."""
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent

    def made(name, make):
        path = shared / name
        with (shared / f"{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not path.exists():
                path.write_bytes(make())
        return path

    return made


@pytest.fixture(scope="session")
def traced_once(made_once):
    """Inside of `with traced_once():`, of networks that are built alike only the first of this test run goes through
    torch's exporter, which takes seconds for each. The others' weights are put into its graph. `export` compares every
    file with torch all the same."""
    import onnx
    from onnx import numpy_helper

    from photochrom.train import onnx_file

    exported = onnx_file._exported

    def once(model, inputs, dynamic):
        if not hasattr(model, "settings"):
            return exported(model, inputs, dynamic)
        weights = model.eval().state_dict()
        shapes = [(name, tuple(x.shape)) for name, x in (*weights.items(), *inputs.items())]
        built = inspect.getsource(type(model)), model.settings, shapes, [sorted(sides) for sides in dynamic.values()]
        digest = hashlib.sha256(repr(built).encode()).hexdigest()
        path = made_once(f"traced-{digest}.onnx", lambda: exported(model, inputs, dynamic).SerializeToString())
        proto = onnx.load(path)
        for tensor in proto.graph.initializer:
            if tensor.name in weights:
                tensor.CopyFrom(numpy_helper.from_array(weights[tensor.name].numpy(), tensor.name))
        return proto

    @contextlib.contextmanager
    def patched():
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(onnx_file, "_exported", once)
            yield

    return patched


@pytest.fixture(scope="module")
def small_encoder():
    """The name of an encoder of five small layers. torch's exporter takes half a minute for `lite0`."""
    import torch
    from torch.nn import functional as F

    from photochrom.models.encoders import encoders

    class SmallEncoder(torch.nn.Module):
        channels = (2, 3, 4, 5)
        summary_channels = 6

        def __init__(self):
            super().__init__()
            self.parts = torch.nn.ModuleList(torch.nn.Conv2d(1, c, 1) for c in (*self.channels, 6))

        def forward(self, x):
            maps = [layer(F.avg_pool2d(x, 4 * 2**i)) for i, layer in enumerate(self.parts[:4])]
            return maps, self.parts[4](x.mean((2, 3), keepdim=True))[:, :, 0, 0]

    len(encoders)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(encoders._entries, "small", SmallEncoder)
        yield "small"


@pytest.fixture(scope="session")
def gan_file(made_once):
    """An untrained U-Net whose weights are large enough to show, and which drops channels at use."""
    import torch

    from photochrom.inference.card import ModelCard
    from photochrom.models.unet import UNet, UNetSettings
    from photochrom.train.onnx_file import round_weights, to_onnx

    def make():
        torch.manual_seed(0)
        net = UNet(UNetSettings(size=32, width=4, dropped=2), 2).eval()
        round_weights(net)
        card = ModelCard("gan", multiple=16, stride=1, variation=len(net.variation), dropout=0.5, render_size=32)
        return to_onnx(net, card)

    return made_once("gan.onnx", make)


@pytest.fixture
def s3_at(monkeypatch, tmp_path):
    """Let the environment name an S3 server at an address."""
    s3fs = pytest.importorskip("s3fs", reason="needs the extra 'shards'")

    def point_to(address):
        s3fs.S3FileSystem.clear_instance_cache()
        for name, value in {
            "ENDPOINT_URL": address,
            "ACCESS_KEY_ID": "somebody",
            "SECRET_ACCESS_KEY": "secret",
            "DEFAULT_REGION": "us-east-1",
            "MAX_ATTEMPTS": "1",
            "EC2_METADATA_DISABLED": "true",
            "SHARED_CREDENTIALS_FILE": str(tmp_path / "none"),
        }.items():
            monkeypatch.setenv(f"AWS_{name}", value)
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))

    yield point_to
    s3fs.S3FileSystem.clear_instance_cache()


@pytest.fixture
def s3(s3_at):
    """The file system of an S3 server on this machine, with an empty bucket `photos`."""
    server = pytest.importorskip("moto.server", reason="the S3 server needs moto[s3], flask and flask-cors")
    import s3fs

    running = server.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    running.start()
    try:
        address = f"http://127.0.0.1:{running.get_host_and_port()[1]}"
        urlopen(
            Request(f"{address}/moto-api/reset", method="POST")
        ).close()  # all servers of a process share their data
        s3_at(address)
        system = s3fs.S3FileSystem()
        system.mkdir("photos")
        yield system
    finally:
        running.stop()


@pytest.fixture
def nobody():
    """An address at which nobody listens."""
    with socket.socket() as there:
        there.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{there.getsockname()[1]}"
