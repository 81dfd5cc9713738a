"""Checkpoints: whole or not there, and what is wrong with one is named."""

import errno

import pytest
import torch
from safetensors.torch import save_file

from photochrom.errors import BadCheckpoint, WriteFailed
from photochrom.train import checkpoint

TENSORS = {"a": torch.arange(6.0).reshape(2, 3), "b": torch.tensor([1, 2], dtype=torch.uint8)}


def test_there_and_back(tmp_path):
    path = tmp_path / "c.safetensors"
    facts = {"x": [1, 2.5, None], "y": {"z": "ä"}, "third": 1 / 3}
    checkpoint.save(path, TENSORS, facts)
    tensors, again = checkpoint.load(path)
    assert again == facts | {"format": checkpoint.FORMAT}
    assert all(torch.equal(tensors[k], v) and tensors[k].dtype == v.dtype for k, v in TENSORS.items())
    assert [f.name for f in tmp_path.iterdir()] == ["c.safetensors"]


def test_a_full_disk_leaves_the_one_before(tmp_path, monkeypatch):
    path = tmp_path / "c.safetensors"
    checkpoint.save(path, TENSORS, {"step": 1})
    before = path.read_bytes()

    def full(tensors, to, metadata):
        to.write_bytes(before[:50])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(checkpoint, "save_file", full)
    with pytest.raises(WriteFailed) as error:
        checkpoint.save(path, TENSORS, {"step": 2})
    assert "No space left on device" in str(error.value)
    assert str(error.value).startswith(f"{path}: the checkpoint could not be written")
    assert path.read_bytes() == before
    assert [f.name for f in tmp_path.iterdir()] == ["c.safetensors"]


def test_what_a_kill_left_is_overwritten(tmp_path, monkeypatch):
    path = tmp_path / "c.safetensors"

    def killed(*args):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(checkpoint.os, "replace", killed)
        patch.setattr(checkpoint.Path, "unlink", lambda *args, **kwargs: None)
        with pytest.raises(KeyboardInterrupt):
            checkpoint.save(path, TENSORS, {})
    assert len(list(tmp_path.iterdir())) == 1
    checkpoint.save(path, TENSORS, {})
    assert [f.name for f in tmp_path.iterdir()] == ["c.safetensors"]


def bad(path):
    with pytest.raises(BadCheckpoint) as error:
        checkpoint.load(path)
    assert "\n" not in str(error.value)
    assert str(error.value).startswith(f"{path}: ")
    return str(error.value)


def test_damaged_files(tmp_path):
    path = tmp_path / "c.safetensors"
    checkpoint.save(path, TENSORS, {})
    whole = path.read_bytes()
    for part in (b"", whole[:4], whole[:100], whole[:-1], b"x" * 1000, b"PK\x03\x04" + whole):
        path.write_bytes(part)
        assert "not a checkpoint of photochrom, or damaged" in bad(path)


def test_files_of_another_kind(tmp_path):
    path = tmp_path / "c.safetensors"
    assert bad(path) == f"{path}: there is no such file"
    for metadata in (None, {"other": "x"}, {"photochrom": "no json"}, {"photochrom": "[]"}, {"photochrom": "{}"}):
        save_file(TENSORS, path, metadata)
        assert "not a checkpoint of photochrom" in bad(path)
    path.unlink()
    path.mkdir()
    assert "not a checkpoint of photochrom" in bad(path)


def test_a_newer_format_says_to_update(tmp_path):
    path = tmp_path / "c.safetensors"
    save_file(TENSORS, path, {"photochrom": f'{{"format": {checkpoint.FORMAT + 1}}}'})
    assert bad(path) == f"{path}: written by a newer version of photochrom; update this one"


@pytest.mark.parametrize("kind", [torch.optim.AdamW, torch.optim.NAdam])
def test_an_optimizer_comes_back_with_its_layout(kind):
    def make():
        torch.manual_seed(0)
        weight = torch.nn.Parameter(torch.randn(4, 3, 2, 2).to(memory_format=torch.channels_last))
        return weight, kind([{"params": [weight], "role": "decoder"}], lr=0.1)

    weight, optimizer = make()
    weight.square().sum().backward()
    optimizer.step()
    tensors, groups = checkpoint.flatten_optimizer(optimizer, "o.")
    _, again = make()
    checkpoint.restore_optimizer(again, "o.", {k: v.contiguous() for k, v in tensors.items()}, groups)
    (old,), (new,) = optimizer.state.values(), again.state.values()
    assert old.keys() == new.keys()
    for name in old:
        assert torch.equal(old[name], new[name])
        assert old[name].stride() == new[name].stride()
    assert again.param_groups[0]["role"] == "decoder"
