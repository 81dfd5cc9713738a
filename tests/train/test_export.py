"""From a run to the file that everybody runs, and back; and every way in which such a file can be wrong."""

import json
import sys
from dataclasses import replace

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper

from photochrom import Colorizer, loading
from photochrom.errors import BadCheckpoint, BadSetting, DeviceUnavailable, MissingExtra, UnknownName, WriteFailed
from photochrom.inference import model_files
from photochrom.inference.backends import OnnxBackend
from photochrom.inference.card import KEY, ModelCard, seal
from photochrom.inference.model_files import read_card, read_model
from photochrom.loading import load_backend
from photochrom.train import export as export_module
from photochrom.train import onnx_file
from photochrom.train.export import export, load_state, starting_point
from photochrom.train.loop import Trainer
from photochrom.train.onnx_file import LEAST_TO_SHRINK, parity, round_weights
from photochrom.train.recipe import recipe_dict
from photochrom.train.task import resolved
from photochrom.train.torch_backend import TorchBackend

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def once():
    """What is made by the first test that needs it: an export takes seconds."""
    return {}


@pytest.fixture
def run(tiny, folder, tmp_path_factory, once):
    """A finished run of a tiny model, and its recipe; only to be read."""
    recipe = tiny(
        loss={"rebalance": 0.25, "smoothing": 0.75},
        decode={"temperature": 0.5, "vividness": 0.75, "render_size": 64},
        run={"seed": 3},
    )
    if "run" not in once:
        once["run"] = tmp_path_factory.mktemp("export") / "a_run"
        Trainer(recipe, [folder], once["run"]).run()
    return once["run"], recipe


@pytest.fixture
def exported(run, tmp_path, once):
    """The exported file of the run, a fresh copy for each test."""
    path = tmp_path / "tiny-model.onnx"
    if "data" not in once:
        export(run[0], output=path, changes={"metrics": {"ciede2000": 10.5}, "limits": "größer"})
        once["data"] = path.read_bytes()
    path.write_bytes(once["data"])
    return path


def fails(path):
    with pytest.raises(BadCheckpoint) as error:
        load_backend(path)
    assert "\n" not in str(error.value)
    assert str(error.value).startswith(f"{path}: ")
    return str(error.value)


def test_the_card_says_what_was_trained(run, exported):
    folder, recipe = run
    card = load_backend(exported, "cpu", 1).card
    trained = TorchBackend(folder, "cpu")
    assert (card.name, card.architecture, card.limits) == ("tiny-model", "tiny", "größer")
    assert card.metrics == {"ciede2000": 10.5}
    assert (card.render_size, card.multiple, card.stride) == (64, 4, 4)
    assert (card.l_center, card.l_scale, card.ab_scale) == (50.0, 50.0, 110.0)
    how = card.default_decoding()
    assert (how.temperature, how.vividness, how.trained_rebalance, how.smoothing) == (0.5, 0.75, 0.25, 0.75)
    assert card.recipe == recipe_dict(resolved(recipe))
    assert card.recipe["model"]["settings"] == {"width": 6, "dropout": 0.25}
    assert card.parameters == sum(p.numel() for p in trained.model.parameters())
    assert (card.training["steps"], card.training["images"], card.training["seed"]) == (6, 12, 3)
    assert card.bins == trained.card.bins
    assert card.digest != "0" * 64


def test_onnx_and_torch_give_the_same(run, exported):
    x = torch.rand(1, 1, 64, 48, generator=torch.Generator().manual_seed(0)).numpy() * 2 - 1
    ours, theirs = load_backend(exported, "cpu", 1).run(x), load_backend(run[0], "cpu").run(x)
    assert ours.shape == theirs.shape == (1, load_backend(exported).card.codebook().n_scores, 16, 12)
    np.testing.assert_allclose(ours, theirs, atol=2e-3)  # 16-bit weights


def test_a_network_that_is_bound_to_its_size(paper, folder, tmp_path, drawn):
    recipe = paper(bins={"kind": "equal"}, data={"subtract_mean": True}, decode={"mirror": False})
    trainer = Trainer(recipe, [folder], tmp_path / "run")
    trainer.run()
    card = export(tmp_path / "run", output=tmp_path / "paper.onnx")
    assert (card.size, card.render_size, card.multiple, card.stride) == (24, 24, 1, 1)
    assert card.l_center == trainer.task.center != 50
    inside = read_card((tmp_path / "paper.onnx").read_bytes(), "paper")
    assert replace(inside, digest=card.digest) == card
    x = torch.rand(1, 1, 24, 24, generator=torch.Generator().manual_seed(0)).numpy() * 2 - 1
    ours, theirs = load_backend(tmp_path / "paper.onnx", "cpu", 1), load_backend(tmp_path / "run", "cpu")
    assert parity(rounded(theirs.model), ours) <= 1e-4
    np.testing.assert_allclose(ours.run(x), theirs.run(x), atol=1e-4)
    photograph = drawn(5, 50, 30).convert("L")
    for backend in (tmp_path / "paper.onnx", tmp_path / "run"):
        assert np.asarray(Colorizer(backend, threads=1).colorize(photograph)).shape == (30, 50, 3)
    for wrong in (np.zeros((1, 1, 24, 28), np.float32), np.zeros((1, 1, 48, 48), np.float32)):
        with pytest.raises(BadSetting, match="needs squares of 24 pixels, not"):
            theirs.run(wrong)
        with pytest.raises(BadCheckpoint, match="cannot be run"):
            ours.run(wrong)
    with pytest.raises(BadSetting, match="needs squares of 24 pixels; leave render_size out of the card"):
        export(tmp_path / "run", output=tmp_path / "other.onnx", changes={"render_size": 64})
    with pytest.raises(BadSetting, match="the model 'paper' needs squares of 24 pixels; omit --render-size"):
        Colorizer(tmp_path / "paper.onnx", render_size=64)


def rounded(model):
    round_weights(model)
    return model


def test_a_network_that_is_too_large_for_one_file(run, tmp_path, monkeypatch):
    model = TorchBackend(run[0], "cpu").model
    halves = sum(p.numel() for p in model.parameters() if p.ndim > 1) * 2
    whole = sum(p.numel() for p in model.parameters() if p.ndim == 1) * 4
    monkeypatch.setattr(onnx_file, "MAX_MODEL_BYTES", halves + whole)
    export(run[0], output=tmp_path / "x.onnx")
    monkeypatch.setattr(onnx_file, "MAX_MODEL_BYTES", halves + whole - 1)
    with pytest.raises(BadCheckpoint, match=r"^y: the weights take .* GB in 16 bits, and a \.onnx file holds"):
        export(run[0], output=tmp_path / "y.onnx")
    assert not (tmp_path / "y.onnx").exists()


def test_an_exported_file_starts_another_run(tiny, run, exported, folder, tmp_path):
    state, bins, _ = load_state(exported)
    trainer = Trainer(run[1], [folder], tmp_path / "finer", init=(state, bins))
    trained = TorchBackend(run[0], "cpu").model.state_dict()
    for name, tensor in trainer.task.model.state_dict().items():
        halved = trained[name].ndim > 1 and trained[name].numel() >= LEAST_TO_SHRINK
        assert torch.equal(tensor, trained[name].half().float() if halved else trained[name]), name
    trainer.run()


def test_a_run_folder_is_as_good_a_start_as_its_file(run, tmp_path):
    state, bins, card = load_state(run[0])
    file = tmp_path / "same.onnx"
    whole = export(str(run[0]), output=file)
    stored, their_bins, _ = load_state(file)
    assert stored.keys() <= state.keys()
    assert all(torch.allclose(state[name], value, rtol=1e-3, atol=1e-6) for name, value in stored.items())
    assert (bins and bins.to_dict()) == (their_bins and their_bins.to_dict())
    assert (card.training, card.recipe) == (whole.training, whole.recipe)


def test_a_run_that_started_from_a_run_is_exported(run, folder, tmp_path):
    Trainer(run[1], [folder], tmp_path / "finer", **starting_point(run[0])).run()
    card = export(tmp_path / "finer", output=tmp_path / "finer.onnx")
    assert card.training["started_from"]["name"] == "a_run"
    assert "digest" not in card.training["started_from"]
    assert load_backend(tmp_path / "finer.onnx").card.training == card.training


def test_several_become_an_ensemble(tiny, run, exported, folder, tmp_path):
    """Of a run and of a file: the mean of their scores, and all that was said of each training."""
    Trainer(replace(run[1], run=replace(run[1].run, steps=4)), [folder], tmp_path / "other").run()
    card = export(exported, tmp_path / "other", output=tmp_path / "both.onnx")
    x = torch.rand(1, 1, 64, 48, generator=torch.Generator().manual_seed(0)).numpy() * 2 - 1
    parts = [load_backend(exported, "cpu", 1), load_backend(tmp_path / "other", "cpu")]
    both = load_backend(tmp_path / "both.onnx", "cpu", 1)
    np.testing.assert_allclose(both.run(x), sum(part.run(x) for part in parts) / 2, atol=2e-3)
    assert (card.name, card.architecture) == ("both", "ensemble")
    assert [m["steps"] for m in card.training["members"]] == [6, 4]
    assert card.parameters == sum(part.card.parameters for part in parts)
    assert (card.metrics, card.bins, card.decoding) == ({}, parts[0].card.bins, parts[0].card.decoding)
    # A third one beside these two is one of three, not half of two.
    card = export(tmp_path / "both.onnx", exported, output=tmp_path / "three.onnx")
    three = load_backend(tmp_path / "three.onnx", "cpu", 1).run(x)
    np.testing.assert_allclose(three, (2 * parts[0].run(x) + parts[1].run(x)) / 3, atol=2e-3)
    assert [m["steps"] for m in card.training["members"]] == [6, 4, 6]


def test_a_run_is_blended_with_what_it_started_from(tiny, run, exported, folder, tmp_path):
    first, bins, _ = load_state(str(exported))
    recipe = tiny(loss={"rebalance": 0.25, "smoothing": 0.75}, run={"seed": 8})
    Trainer(recipe, [folder], tmp_path / "second", init=(first, bins)).run()
    last = TorchBackend(tmp_path / "second", "cpu").model.state_dict()
    card = export(tmp_path / "second", output=tmp_path / "mean.onnx", blend=exported, share=0.25)
    found, _, _ = load_state(str(tmp_path / "mean.onnx"))
    (blended,) = card.training["blended"]
    assert (blended["with"], blended["share"]) == (exported.stem, 0.25)
    assert blended["training"] == load_state(str(exported))[2].training
    assert any(not torch.equal(first[name], last[name]) for name in first)
    for name, value in found.items():
        if value.is_floating_point():
            torch.testing.assert_close(value, 0.75 * first[name] + 0.25 * last[name], rtol=1e-3, atol=1e-4)
    # A blend may be blended with another run from the same start, and says both.
    card = export(tmp_path / "mean.onnx", output=tmp_path / "soup.onnx", blend=tmp_path / "second")
    soup = load_state(str(tmp_path / "soup.onnx"))[0]
    assert [(each["with"], each["share"]) for each in card.training["blended"]] == [
        (exported.stem, 0.25),
        ("second", 0.5),
    ]
    assert card.training["blended"][1]["training"]["seed"] == 8
    for name, value in soup.items():
        if value.is_floating_point():
            torch.testing.assert_close(value, (found[name] + last[name]) / 2, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("share", [-0.1, 1.5, float("nan")])
def test_a_share_out_of_range_is_refused(run, exported, tmp_path, share):
    with pytest.raises(BadSetting, match="a share between 0 and 1, not 1 at"):
        export(run[0], output=tmp_path / "a.onnx", blend=exported, share=share)
    assert not (tmp_path / "a.onnx").exists()


def test_what_cannot_be_blended_is_refused(tiny, run, exported, folder, tmp_path):
    with pytest.raises(BadSetting, match="name the model to blend with"):
        export(run[0], output=tmp_path / "a.onnx", share=0.5)
    with pytest.raises(BadSetting, match="a blend needs one network and a share between 0 and 1, not 2"):
        export(run[0], run[0], output=tmp_path / "a.onnx", blend=exported)
    with pytest.raises(BadSetting, match="default: to blend, train one network from the other"):
        export(run[0], output=tmp_path / "a.onnx", blend="default")
    other = tiny(bins={"step": 30.0}, loss={"rebalance": 0.25, "smoothing": 0.75})
    Trainer(other, [folder], tmp_path / "other").run()
    with pytest.raises(BadSetting, match="to blend, train one network from the other"):
        export(tmp_path / "other", output=tmp_path / "a.onnx", blend=exported)


def test_a_member_sees_the_picture_as_large_as_by_itself(exported, tmp_path):
    size = load_backend(exported).card.render_size
    export(exported, output=tmp_path / "larger.onnx", changes={"render_size": size * 3 // 2})
    card = export(exported, tmp_path / "larger.onnx", output=tmp_path / "both.onnx")
    assert card.render_size == size
    scales = [member.get("scale", 1) for member in card.recipe["model"]["settings"]["members"].values()]
    assert scales == [1, 1.5]
    for height, width in ((4, 4), (64, 48), (28, 100)):
        load_backend(tmp_path / "both.onnx", "cpu", 1).run(np.zeros((1, 1, height, width), np.float32))
    card = export(tmp_path / "larger.onnx", tmp_path / "both.onnx", output=tmp_path / "three.onnx")
    scales = [member.get("scale", 1) for member in card.recipe["model"]["settings"]["members"].values()]
    assert scales == [1, pytest.approx(2 / 3), 1]


def test_one_network_starts_from_the_member_that_it_is_like(tiny, run, exported, folder, tmp_path):
    Trainer(replace(run[1], run=replace(run[1].run, steps=4)), [folder], tmp_path / "other").run()
    export(exported, tmp_path / "other", output=tmp_path / "both.onnx")
    state, bins, _ = load_state(tmp_path / "both.onnx")
    started = Trainer(run[1], [folder], tmp_path / "one", init=(state, bins)).task.model.state_dict()
    assert {k: v.tolist() for k, v in started.items()} == {k: v.tolist() for k, v in load_state(exported)[0].items()}
    card = load_backend(tmp_path / "both.onnx", "cpu", 1).card
    whole = replace(run[1], model=replace(run[1].model, **card.recipe["model"]))
    started = Trainer(whole, [folder], tmp_path / "two", init=(state, bins)).task.model.state_dict()
    assert {k: v.tolist() for k, v in started.items()} == {k: v.tolist() for k, v in state.items()}
    unlike = replace(run[1], model=replace(run[1].model, settings={"width": 7}))
    with pytest.raises(BadCheckpoint, match="the weights to start from: the weights are those of another network"):
        Trainer(unlike, [folder], tmp_path / "three", init=(state, bins))


@pytest.mark.parametrize("change", [{"bins": {"samples": 6, "step": 30.0}}, {"loss": {"rebalance": 0.5}}])
def test_an_ensemble_is_of_one_kind(tiny, run, exported, folder, tmp_path, change):
    Trainer(tiny(**change), [folder], tmp_path / "other").run()
    with pytest.raises(
        BadSetting, match=r"other: its colour bins or its training differ from those of .*tiny-model\.onnx"
    ):
        export(exported, tmp_path / "other", output=tmp_path / "both.onnx")
    assert not (tmp_path / "both.onnx").exists()


def test_weights_of_8_bits(run, exported, tmp_path):
    """Each output channel in 255 steps, so that the largest error is half of one."""
    path = tmp_path / "eight.onnx"
    export(run[0], output=path, bits=8)
    trained = TorchBackend(run[0], "cpu").model.state_dict()
    kept = {tensor.name: tensor for tensor in onnx.load(path).graph.initializer}
    state = load_state(path)[0]
    assert state.keys() == trained.keys()
    for name, tensor in trained.items():
        if tensor.ndim > 1 and tensor.numel() >= LEAST_TO_SHRINK:
            assert kept[name].data_type == TensorProto.INT8, name
            step = tensor.abs().amax(tuple(range(1, tensor.ndim)), keepdim=True) / 127
            assert ((state[name] - tensor).abs() <= step * 0.501).all(), name
        else:
            assert torch.equal(state[name], tensor), name
    x = torch.rand(1, 1, 64, 48, generator=torch.Generator().manual_seed(0)).numpy() * 2 - 1
    np.testing.assert_allclose(load_backend(path, "cpu", 1).run(x), load_backend(exported, "cpu", 1).run(x), atol=0.05)
    with pytest.raises(BadSetting, match="in 16 or 8 bits, not in 4"):
        export(run[0], output=tmp_path / "four.onnx", bits=4)


def test_a_file_that_is_there_stays(run, exported):
    before = exported.read_bytes()
    with pytest.raises(WriteFailed, match="already there"):
        export(run[0], output=exported)
    assert exported.read_bytes() == before
    assert export(run[0], output=exported, overwrite=True).metrics == {}


def test_an_export_that_differs_is_not_written(run, tmp_path, monkeypatch):
    monkeypatch.setattr(export_module, "parity", lambda *_: 0.01)
    with pytest.raises(BadCheckpoint, match=r"differs from torch's by 1\.0e-02, over 0\.0001"):
        export(run[0], output=tmp_path / "x.onnx")
    assert not (tmp_path / "x.onnx").exists()


def test_one_flipped_bit_anywhere_is_noticed(exported):
    whole = exported.read_bytes()
    places = np.random.default_rng(0).integers(0, len(whole), 60)
    for place in [*places.tolist(), len(whole) - 1]:
        broken = bytearray(whole)
        broken[place] ^= 1
        exported.write_bytes(broken)
        fails(exported)
    weight = whole.index(b"last.weight")
    broken = bytearray(whole)
    broken[weight - 40] ^= 1
    exported.write_bytes(broken)
    assert "damaged" in fails(exported)


def test_a_truncated_file(exported):
    whole = exported.read_bytes()
    for kept in (0, 1, 10, len(whole) // 2, len(whole) - 1):
        exported.write_bytes(whole[:kept])
        fails(exported)


def test_files_of_another_kind(tmp_path):
    path = tmp_path / "x.onnx"
    for data in (b"no model at all", b"\x89PNG\r\n\x1a\n" + bytes(100), bytes(1000)):
        path.write_bytes(data)
        fails(path)
    path.write_bytes(plain().SerializeToString())
    assert "not a photochrom model: it has no card" in fails(path)
    with pytest.raises(BadCheckpoint, match=r"y\.onnx: the model file cannot be read \(No such file or directory\)"):
        load_backend(tmp_path / "y.onnx")
    with pytest.raises(UnknownName, match="no model is called 'nothing', and there is no such file"):
        load_backend("nothing")
    with pytest.raises(BadCheckpoint, match=r"is not a run folder: it has no checkpoint\.safetensors"):
        load_backend(tmp_path)


def plain():
    x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in "xy")
    graph = helper.make_graph([helper.make_node("Identity", ["x"], ["y"])], "g", [x], [y])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)


def with_card(**changes):
    model = plain()
    facts = json.loads(ModelCard("x").to_json()) | changes
    helper.set_model_props(model, {KEY: json.dumps(facts)})
    return model.SerializeToString()


def test_cards_that_are_wrong(tmp_path):
    path = tmp_path / "x.onnx"
    path.write_bytes(seal(with_card()))
    assert load_backend(path).card.name == "x"
    path.write_bytes(seal(with_card(format=9)))
    newer = "its model card was written by a newer photochrom (its format is 9); update this one to use it"
    assert fails(path) == f"{path}: {newer}"
    path.write_bytes(seal(with_card(bins={"kind": "cube"})))
    assert "its model card cannot be read" in fails(path)
    path.write_bytes(with_card())
    assert "its digest does not match" in fails(path)


def test_devices(exported, run):
    for model in (exported, run[0]):
        with pytest.raises(BadSetting, match="there is no device 'tpu'; choose auto, cpu or cuda"):
            load_backend(model, "tpu")
        if not torch.cuda.is_available():
            with pytest.raises(DeviceUnavailable, match="--device cpu"):
                load_backend(model, "cuda")


def test_a_packaged_name_is_not_a_folder_here(exported, tmp_path, monkeypatch):
    for module in (loading, model_files):
        monkeypatch.setattr(module, "packaged", lambda: {"favourite": exported})
    monkeypatch.chdir(tmp_path)
    (tmp_path / "favourite").mkdir()
    assert load_backend("favourite").card.name == "tiny-model"
    assert read_model("favourite")[0] == exported.read_bytes()


def test_a_run_folder_without_torch_names_the_extra(run, monkeypatch):
    monkeypatch.delitem(sys.modules, "photochrom.train.torch_backend", raising=False)
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(MissingExtra, match=r"pip install '\.\[train\]'"):
        load_backend(run[0])


def test_memory_that_runs_out_is_said(run, monkeypatch):
    from photochrom.errors import OutOfMemory

    backend = TorchBackend(run[0], "cpu")

    def full(x):
        raise RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 1 bytes")

    monkeypatch.setattr(backend.model, "forward", full)
    with pytest.raises(OutOfMemory, match="the network ran out of memory at 8 x 4; lower --render-size"):
        backend.run(np.zeros((1, 1, 4, 8), np.float32))


def test_weights_are_loaded_from_the_file_alone(exported):
    stored = {t.name for t in onnx.load(exported).graph.initializer}
    state, _, _ = load_state(exported)
    assert {"first.weight", "first.bias", "last.weight", "last.bias"} <= stored & state.keys()
    assert all(v.dtype in (torch.float32, torch.int64) for v in state.values())


def test_the_backend_takes_any_multiple(exported):
    backend = OnnxBackend(exported.read_bytes(), "x", "cpu", 1)
    for h, w in ((4, 4), (4, 64), (20, 12)):
        assert backend.run(np.zeros((1, 1, h, w), np.float32)).shape[2:] == (h // 4, w // 4)
