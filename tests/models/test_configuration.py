"""Configurations survive JSON, and nothing that is unknown does."""

import json

import pytest

from hfluxno.models.configuration import ModelConfig
from hfluxno.models.hfluxno_config import HFluxNOConfig
from hfluxno.models.parts import FourierConfig
from hfluxno.strict_json import from_dict, to_dict
from tests.models import small


def written(config):
    return {"kind": type(config).__name__} | to_dict(config)


def read(data):
    return from_dict(ModelConfig, json.loads(json.dumps(data)), "the model configuration")


@pytest.mark.parametrize("name", small.CONFIGURATIONS)
def test_round_trip(name):
    config = small.CONFIGURATIONS[name]
    assert read(written(config)) == config


FOURIER = written(FourierConfig())


def changed(**values):
    return written(small.LINE) | values


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (changed(colour="red"), "Unknown key 'colour' in the model configuration; it may have "),
        (changed(encoder={"kind": "CNN"}), "Unknown kind 'CNN' of encoder; choose one of TRecViT"),
        (changed(target={"kind": "LocalConfig"}), "The key 'left' is missing in target"),
        (
            changed(target=FOURIER | {"form": "both"}),
            "Unknown form 'both'; choose one of text, ",
        ),
        (changed(interval="fast"), "interval must be of type float; got 'fast'"),
        (changed(cells=16), "cells must be a list; got 16"),
        (changed(coordinates=1), "coordinates must be of type bool; got 1"),
        (changed(context_mode="fixed"), "Unknown context_mode 'fixed'; choose one of sliding, "),
        (changed(spacing=[0.1, 0.1]), "a spacing for each axis; got 1 and 2"),
        (changed(context=0), "at least one frame"),
        (changed(kind="CNNConfig"), "Unknown kind 'CNNConfig' of the model configuration"),
        ([], "must be an object"),
    ],
)
def test_what_is_refused(data, message):
    with pytest.raises(ValueError, match=message):
        read(data)


def test_the_key_of_a_part_is_named():
    data = written(small.LINE)
    data["hypernetwork"]["block"] = data["hypernetwork"].pop("blocks")
    with pytest.raises(ValueError, match="Unknown key 'block' in hypernetwork"):
        read(data)


@pytest.mark.parametrize(("name", "part"), [("weak form", "weak_form"), ("law", "target")])
def test_a_file_from_before_laws_on_a_plane_is_read(name, part):
    config = small.CONFIGURATIONS[name]
    data = written(config)
    del data[part]["momentum"]
    assert read(data) == config


def test_defaults_are_the_published_model():
    config = HFluxNOConfig()
    assert (config.interval, config.spacing, config.context) == (0.005, (0.01,), 20)
    assert config.coordinates and config.weak_form is None
    assert config.context_mode == "sliding"
