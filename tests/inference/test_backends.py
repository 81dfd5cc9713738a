"""Model files, good and bad: one clear error each, and nothing damaged ever reaches onnxruntime."""

import importlib.metadata
import json
import sys
from types import SimpleNamespace

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper

from photochrom.errors import (
    BadCheckpoint,
    BadSetting,
    DeviceUnavailable,
    MissingExtra,
    OutOfMemory,
    PhotochromError,
    UnknownName,
)
from photochrom.inference.backends import OnnxBackend
from photochrom.inference.card import KEY, seal
from photochrom.inference.model_files import packaged, read_card, read_model
from photochrom.inference.network import Network
from photochrom.loading import load_backend


@pytest.fixture(scope="module")
def data(tiny):
    return tiny.read_bytes()


def with_card(data, **changes):
    """The same network under a changed card, sealed again."""
    proto = onnx.load_from_string(data)
    facts = {**json.loads(proto.metadata_props[0].value), "digest": "0" * 64, **changes}
    helper.set_model_props(proto, {KEY: json.dumps(facts)})
    return seal(proto.SerializeToString())


def foreign():
    """An ONNX file of somebody else's."""
    x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in "xy")
    graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "relu", [x], [y])
    return helper.make_model(graph).SerializeToString()


def test_a_good_file_runs(data, tiny):
    for backend in (OnnxBackend(data, "tiny", "cpu", threads=1), load_backend(tiny), load_backend(str(tiny), "cpu")):
        assert (backend.card.name, backend.card.stride, backend.card.bins) == ("tiny", 4, None)
        x = np.linspace(-1, 1, 8 * 16, dtype=np.float32).reshape(1, 1, 8, 16)
        small = x.reshape(2, 4, 4, 4).mean((1, 3))
        y = backend.run(x)
        assert y.shape == (1, 2, 2, 4)
        np.testing.assert_allclose(y[0], np.stack([0.3 * small + 0.1, -0.2 * small + 0.05]), atol=1e-6)


def test_the_card_needs_no_onnxruntime(data, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    assert read_card(data, "tiny").title == "a model for tests"


def test_the_packaged_models_have_cards_that_fit():
    assert sorted(packaged()) == ["default", "fast"]
    assert sum(path.stat().st_size for path in packaged().values()) < 31_000_000
    for name, path in packaged().items():
        card = read_card(path.read_bytes(), name)
        assert card.parameters > 0
        assert path.stat().st_size <= 20_000_000


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda data: b"", "is empty"),
        (lambda data: b"\0" * 1000, "not a photochrom model"),
        (lambda data: b"\xff\xd8\xff a JPEG, say", "not a photochrom model"),
        (lambda data: foreign(), "it has no card"),
        (lambda data: data[:100], "not a photochrom model"),
        (lambda data: data[: len(data) // 2], "card cannot be read"),
        (lambda data: data[:-1], "damaged"),
        (lambda data: data + b"\0", "damaged"),
        (lambda data: with_card(data, format=9), "written by a newer photochrom (its format is 9); update"),
        (lambda data: with_card(data, decoding={"mood": 1}), "newer photochrom (it has the key decoding.mood)"),
        (lambda data: with_card(data, decoding={"temperature": -3}), "card cannot be read"),
    ],
)
def test_bad_files(data, make, words, tmp_path):
    path = tmp_path / "bad [1].onnx"
    path.write_bytes(make(data))
    with pytest.raises(BadCheckpoint, match="model") as caught:
        load_backend(path)
    assert words in str(caught.value)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


def test_every_flipped_byte_is_found_before_onnxruntime_sees_it(data, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    for at in range(0, len(data), 7):
        broken = bytearray(data)
        broken[at] ^= 0x10
        with pytest.raises(BadCheckpoint):
            OnnxBackend(bytes(broken), "broken", "cpu")


@given(garbage=st.binary(max_size=60), at=st.integers(0, 2000))
def test_garbage_in_the_middle(tiny, garbage, at):
    data = tiny.read_bytes()
    broken = data[:at] + garbage + data[at + len(garbage) :]
    if broken != data:
        with pytest.raises(BadCheckpoint):
            read_card(broken, "broken")


def test_a_sealed_file_that_onnxruntime_refuses(data):
    proto = onnx.load_from_string(data)
    proto.graph.node[0].op_type = "NoSuchOperator"
    proto.metadata_props[0].value = json.dumps({**json.loads(proto.metadata_props[0].value), "digest": "0" * 64})
    with pytest.raises(BadCheckpoint, match="odd: onnxruntime cannot load the model"):
        OnnxBackend(seal(proto.SerializeToString()), "odd", "cpu")


@pytest.mark.parametrize("name", ["defualt", "no such model", "x" * 5000, "a\0b"])
def test_unknown_names(name):
    with pytest.raises(UnknownName, match="no model is called") as caught:
        load_backend(name)
    assert ("did you mean 'default'?" if name == "defualt" else "there are: default") in str(caught.value)


@pytest.mark.parametrize("model", [None, 3, b"\xff\xfe", object()])
def test_what_is_no_name(model):
    with pytest.raises(PhotochromError):
        load_backend(model)


def test_a_file_that_is_not_there_or_no_file(tmp_path):
    with pytest.raises(BadCheckpoint, match=r"gone.onnx: the model file cannot be read \(No such file"):
        load_backend(tmp_path / "gone.onnx")
    with pytest.raises(BadCheckpoint, match="not a model file"):
        load_backend("/dev/zero")
    (tmp_path / "folder.onnx").mkdir()
    with pytest.raises(BadCheckpoint, match="not a model file"):
        read_model(tmp_path / "folder.onnx")


def test_a_film_is_not_read_into_memory(tmp_path):
    path = tmp_path / "film.mkv"
    with open(path, "wb") as file:
        file.truncate(5_000_000_000)
    with pytest.raises(BadCheckpoint, match="not a model file"):
        load_backend(path)


def test_a_folder_that_is_no_run(tmp_path):
    pytest.importorskip("torch")
    with pytest.raises(PhotochromError):
        load_backend(tmp_path)


def test_a_run_folder_without_torch(tmp_path, monkeypatch):
    for name in [name for name in sys.modules if name.startswith("photochrom.train")]:
        monkeypatch.delitem(sys.modules, name)
    for name in ("torch", "onnx"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(MissingExtra, match=r"needs the extra 'train'.*pip install '\.\[train\]'"):
        load_backend(tmp_path)


class FakeSession:
    """A session that notes what is bound, and answers with twice its input."""

    def __init__(self, providers, takes):
        self.providers, self.takes, self.bound = providers, takes, []

    def get_providers(self):
        return self.providers

    def get_inputs(self):
        return [SimpleNamespace(name="x", shape=[self.takes, 1, "h", "w"])]

    def get_outputs(self):
        return [SimpleNamespace(name="scores")]

    def io_binding(self):
        return self

    def bind_ortvalue_input(self, name, value):
        self.bound.append((name, value.flags.c_contiguous))
        self.value = value

    def bind_output(self, name, memory):
        self.bound.append((name, memory))

    def run_with_iobinding(self, binding):
        self.bound.append("run")

    def copy_outputs_to_cpu(self):
        return [self.value * 2]


class FakeRuntime:
    """An onnxruntime on a machine with CUDA, or one whose CUDA does not start.

    Args:
        starts: whether it does.
        takes: how many pictures the model takes.
    """

    def __init__(self, starts, takes=1):
        self.starts, self.takes, self.preloaded = starts, takes, 0

    class SessionOptions:
        pass

    class OrtValue:
        @staticmethod
        def ortvalue_from_numpy(value):
            return value

    def disable_telemetry_events(self):
        pass

    def get_available_providers(self):
        return ["CUDAExecutionProvider", "CPUExecutionProvider"]

    def InferenceSession(self, data, options, providers):
        used = providers if self.starts else ["CPUExecutionProvider"]
        return FakeSession(used, self.takes)

    def preload_dlls(self):
        self.preloaded += 1
        sys.stdout.write("Failed to load libcudart.so.12\n")


def test_devices(data, monkeypatch):
    with pytest.raises(BadSetting, match="no device 'tpu'; choose auto, cpu or cuda"):
        OnnxBackend(data, "tiny", "tpu")
    monkeypatch.setitem(sys.modules, "onnxruntime", FakeRuntime(True))
    OnnxBackend(data, "tiny", "cuda")
    monkeypatch.setitem(sys.modules, "onnxruntime", FakeRuntime(False))
    with pytest.raises(DeviceUnavailable, match=r"fell back to CPUExecutionProvider: it found no GPU .* '\.\[cuda\]'"):
        OnnxBackend(data, "tiny", "cuda")
    # Where nothing was asked for, falling back is what is wanted.
    OnnxBackend(data, "tiny", "auto")


def test_cudas_libraries_are_looked_for_where_they_are_needed(data, monkeypatch, capsys):
    runtime = FakeRuntime(True)
    monkeypatch.setitem(sys.modules, "onnxruntime", runtime)
    OnnxBackend(data, "tiny", "cpu")
    assert runtime.preloaded == 0
    OnnxBackend(data, "tiny", "cuda")
    OnnxBackend(data, "tiny", "auto")
    assert runtime.preloaded == 2
    assert capsys.readouterr().out == "", "what it misses is told in our own words"


@pytest.mark.parametrize(
    ("starts", "takes", "device", "expected"),
    [(True, "n", "cuda", 8), (True, 1, "cuda", 1), (True, "n", "auto", 8), (False, "n", "auto", 1)],
)
def test_a_gpu_is_given_several_pictures(data, monkeypatch, starts, takes, device, expected):
    monkeypatch.setitem(sys.modules, "onnxruntime", FakeRuntime(starts, takes))
    assert Network(OnnxBackend(data, "tiny", device)).at_once == expected


@pytest.mark.parametrize(("starts", "memory"), [(True, "cuda"), (False, "cpu")])
def test_answers_stay_where_the_network_runs_until_it_has_ended(data, monkeypatch, starts, memory):
    monkeypatch.setitem(sys.modules, "onnxruntime", FakeRuntime(starts, "n"))
    backend = OnnxBackend(data, "tiny", "auto")
    x = np.arange(6, dtype=np.float32).reshape(1, 1, 2, 3)[..., ::-1]
    assert np.array_equal(backend.run(x), x * 2)
    assert backend._session.bound == [("x", True), ("scores", memory), "run"]


@pytest.mark.parametrize("n", [1, 3])
def test_with_bound_memory_the_answer_is_that_of_a_plain_run(data, n):
    import onnxruntime

    plain = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    x = np.random.default_rng(0).standard_normal((n, 1, 32, 48)).astype(np.float32)
    flipped = x[..., ::-1]
    backend = OnnxBackend(data, "tiny", "cpu", threads=1)
    for each in (x, flipped):
        expected = np.concatenate([plain.run(None, {"x": np.ascontiguousarray(part)})[0] for part in np.split(each, n)])
        assert np.abs(expected).max() > 0
        assert np.array_equal(backend.run(each), expected)
    first = backend.run(x)
    kept = first.copy()
    backend.run(flipped)
    assert np.array_equal(first, kept), "an answer does not change with the next one"


def test_a_cpu_is_given_one(data):
    assert Network(OnnxBackend(data, "tiny", "cpu", threads=1)).at_once == 1


@pytest.mark.parametrize(
    ("installed", "line"),
    [
        (False, r"has no CUDA; install one from the clone with: pip install '\.\[cuda\]', or use --device cpu$"),
        (True, "hides onnxruntime-gpu; install that over it: pip install --force-reinstall --no-deps onnxruntime-gpu,"),
    ],
)
def test_what_to_install_for_cuda(data, monkeypatch, installed, line):
    def version(name):
        if name != "onnxruntime-gpu" or not installed:
            raise importlib.metadata.PackageNotFoundError(name)
        return "1.32.0"

    monkeypatch.setattr(importlib.metadata, "version", version)
    runtime = FakeRuntime(True)
    monkeypatch.setattr(runtime, "get_available_providers", lambda: ["CPUExecutionProvider"])
    monkeypatch.setitem(sys.modules, "onnxruntime", runtime)
    with pytest.raises(DeviceUnavailable, match=line):
        OnnxBackend(data, "tiny", "cuda")


def test_cuda_without_cuda(data):
    import onnxruntime

    if "CUDAExecutionProvider" in onnxruntime.get_available_providers():
        pytest.skip("this machine has CUDA")
    with pytest.raises(DeviceUnavailable, match="cuda was asked for"):
        OnnxBackend(data, "tiny", "cuda")


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (RuntimeError("[ONNXRuntimeError] : 6 : RUNTIME_EXCEPTION : std::bad_alloc"), OutOfMemory),
        (RuntimeError("BFCArena: Failed to allocate memory for requested buffer of size 8589934592"), OutOfMemory),
        (MemoryError(), OutOfMemory),
        (RuntimeError("Got invalid dimensions for input:\n x"), BadCheckpoint),
    ],
)
def test_what_goes_wrong_while_it_runs(data, monkeypatch, error, kind):
    backend = OnnxBackend(data, "tiny", "cpu")

    def fail(inputs):
        raise error

    monkeypatch.setattr(backend, "_answer", fail)
    with pytest.raises(kind, match="network") as caught:
        backend.run(np.zeros((1, 1, 32, 64), np.float32))
    assert "\n" not in str(caught.value)
    if kind is OutOfMemory:
        assert "64 x 32" in str(caught.value)


def test_memory_that_runs_out_while_it_loads(data, monkeypatch):
    import onnxruntime

    def fail(*_, **__):
        raise RuntimeError("std::bad_alloc")

    monkeypatch.setattr(onnxruntime, "InferenceSession", fail)
    with pytest.raises(OutOfMemory, match="while the model was loaded"):
        OnnxBackend(data, "tiny", "cpu")


def test_the_card_is_read_to_its_end_and_in_any_language(data):
    card = read_card(with_card(data, limits="keine Grüße", title="long " * 5000), "x")
    assert (card.limits, len(card.title), card.name) == ("keine Grüße", 25_000, "tiny")
