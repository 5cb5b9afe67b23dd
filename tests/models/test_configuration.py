"""Configurations survive JSON, and nothing that is unknown does."""

import dataclasses
import json

import pytest

from hfluxno.models.configuration import ModelConfig, from_json, to_json
from tests.models import small


@pytest.mark.parametrize("name", small.CONFIGURATIONS)
def test_round_trip(name):
    config = small.CONFIGURATIONS[name]
    assert from_json(to_json(config)) == config


def changed(**values):
    return json.dumps(json.loads(to_json(small.LINE)) | values)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (changed(colour="red"), "Unknown key 'colour' in the model configuration; it may have "),
        (changed(encoder={"kind": "CNN"}), "Unknown kind 'CNN' of encoder; choose one of TRecViT"),
        (changed(target={"kind": "LocalConfig"}), "The key 'left' is missing in target"),
        (changed(interval="fast"), "interval must be of type float; got 'fast'"),
        (changed(cells=16), "cells must be a list; got 16"),
        (changed(normalise=1), "normalise must be of type bool; got 1"),
        (changed(context_mode="fixed"), "Unknown context_mode 'fixed'; choose one of sliding, "),
        (changed(activation="relu"), "Unknown activation 'relu'"),
        (changed(spacing=[0.1, 0.1]), "a spacing for each axis; got 1 and 2"),
        (changed(context=0), "at least one frame"),
        ("{", "not JSON"),
        ("[]", "must be an object"),
    ],
)
def test_what_is_refused(text, message):
    with pytest.raises(ValueError, match=message):
        from_json(text)


def test_the_key_of_a_part_is_named():
    data = json.loads(to_json(small.LINE))
    data["hypernetwork"]["block"] = data["hypernetwork"].pop("blocks")
    with pytest.raises(ValueError, match="Unknown key 'block' in hypernetwork"):
        from_json(json.dumps(data))


def test_defaults_are_the_published_model():
    config = ModelConfig()
    assert (config.interval, config.spacing, config.context) == (0.005, (0.01,), 20)
    assert config.coordinates and not config.normalise and not config.spacing_aware
    assert config.context_mode == "sliding"
    assert dataclasses.asdict(config.hypernetwork)["initialisation"] == "bias-hyperinit"
