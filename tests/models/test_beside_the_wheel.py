"""Networks that stand beside the wheel: found, checked, and missed by a sentence."""

import hashlib
import json

import pytest

import hfluxno
from hfluxno.models import beside_the_wheel, weights
from tests.models.test_weights import saved

NAME = "hfluxno-large"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The only network beside the wheel; the variable names the folder that contains it."""
    saved(tmp_path / NAME)
    content = (tmp_path / NAME / "model.safetensors").read_bytes()
    sums = {NAME: hashlib.sha256(content).hexdigest()}
    monkeypatch.setattr(beside_the_wheel, "checksums", lambda: sums)
    monkeypatch.setenv(beside_the_wheel.VARIABLE, str(tmp_path))
    return tmp_path / NAME


def test_it_is_loaded_by_its_name(folder):
    assert NAME in weights.available() and NAME not in weights.shipped()
    assert hfluxno.load(NAME).name == NAME


def test_other_bytes_under_its_name_are_refused(folder):
    arrays = folder / "model.safetensors"
    content = bytearray(arrays.read_bytes())
    content[-1] ^= 1
    arrays.write_bytes(content)
    with pytest.raises(ValueError, match=r"is not the file of this release \(SHA-256 .*fetch it"):
        hfluxno.load(NAME)
    assert hfluxno.load(folder).name == NAME  # a path is taken as it is


def test_one_that_is_not_there_says_where_it_belongs(folder, monkeypatch, tmp_path):
    monkeypatch.setenv(beside_the_wheel.VARIABLE, str(tmp_path / "elsewhere"))
    assert NAME not in weights.available()
    with pytest.raises(ValueError, match=f"fetch the folder weights/{NAME} .* HFLUXNO_WEIGHTS"):
        hfluxno.load(NAME)


def test_all_of_them_are_in_the_source_tree(monkeypatch):
    monkeypatch.delenv(beside_the_wheel.VARIABLE, raising=False)
    assert beside_the_wheel.at_hand() == tuple(sorted(beside_the_wheel.checksums()))
    for name in beside_the_wheel.checksums():
        folder = beside_the_wheel.checked_folder(name)
        assert sum(file.stat().st_size for file in folder.iterdir()) <= 11 * 2**20
        described = json.loads((folder / "config.json").read_text())
        assert described["training"]["preset"].endswith(name)
