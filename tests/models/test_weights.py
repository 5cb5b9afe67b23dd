"""Released networks: round trips, and files that are not what they should be."""

import json

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import pytest

import hfluxno
from hfluxno.methods import forecaster
from hfluxno.models import weights
from hfluxno.models.forecaster import NetworkForecaster
from hfluxno.models.weights import Training, load, read_folder, save_pretrained
from tests.models import small
from tests.models.test_forecaster import trajectory
from tests.slow import slow

TRAINING = Training(
    data="20 000 made-up cubic laws",
    data_set="cubic",
    preset="tiny",
    seed=3,
    steps=1000,
    batch=64,
    loss="one-step, mean square error",
    augmentation="shift",
    optimizer="AdamW",
    minutes=2.5,
    validation_error=0.0125,
    measure="one step",
    limits=("No.",),
)


def saved(folder, name="local"):
    config = small.CONFIGURATIONS[name]
    network = small.network(config)
    save_pretrained(folder, network, config, TRAINING)
    return network, config


@pytest.fixture(scope="module")
def released(tmp_path_factory):
    folder = tmp_path_factory.mktemp("weights") / "hfluxno-tiny"
    saved(folder)
    return folder


def altered(released, tmp_path, **changes):
    """A copy whose config.json has other entries; `None` removes one."""
    described = json.loads((released / "config.json").read_text()) | changes
    described = {key: value for key, value in described.items() if value is not None}
    (tmp_path / "config.json").write_text(json.dumps(described))
    (tmp_path / "model.safetensors").write_bytes((released / "model.safetensors").read_bytes())
    return tmp_path


@pytest.mark.parametrize("name", ["local", slow("fourier"), "law", "flux no", slow("dpot")])
def test_round_trip_is_exact(name, tmp_path):
    network, config = saved(tmp_path / "net", name)
    again, config_again, training = read_folder(tmp_path / "net")
    assert eqx.tree_equal(again, network) and config_again == config and training == TRAINING


def test_weights_that_are_not_finite_are_not_saved(tmp_path):
    network = small.network(small.LINE)
    broken = eqx.tree_at(lambda n: n.encoder.norm.bias, network, jnp.full(8, jnp.inf))
    with pytest.raises(ValueError, match=r"encoder\.norm\.bias is not finite; train again"):
        save_pretrained(tmp_path / "net", broken, small.LINE, TRAINING)
    assert not (tmp_path / "net").exists()


def test_load_gives_a_forecaster(released):
    model = hfluxno.load(released)
    assert model.name == "hfluxno-tiny"
    forecast = model.forecast(trajectory(), 3)
    by_method = hfluxno.forecast(trajectory(), 3, method="hfluxno", weights=str(released))
    np.testing.assert_array_equal(forecast.trajectory.values, by_method.trajectory.values)


def test_shipped_names(released, monkeypatch):
    monkeypatch.setattr(weights, "SHIPPED", released.parent)
    monkeypatch.setattr(weights.beside_the_wheel, "at_hand", lambda: ())
    assert weights.shipped() == ("hfluxno-tiny",)
    assert load("hfluxno-tiny").name == "hfluxno-tiny"
    with pytest.raises(ValueError, match=r"Unknown weights 'cubik'.*\(hfluxno-tiny\)"):
        load("cubik")


def test_the_card_says_where_the_weights_come_from(released):
    text = (released / "README.md").read_text()
    for part in (
        "# hfluxno-tiny",
        "20 000 made-up cubic laws",
        "tiny, 3",
        "0.0125 (one step)",
        "1,000 of 64",
    ):
        assert part in text
    assert "- No." in text and "16 cells of 0.1" in text


def test_methods_that_need_or_refuse_weights(released):
    with pytest.raises(ValueError, match="The method hfluxno needs weights"):
        forecaster("hfluxno")
    with pytest.raises(ValueError, match="The method fit has no weights"):
        forecaster("fit", str(released))


def test_corrupt_files(released, tmp_path):
    folder = altered(released, tmp_path)
    whole = (released / "model.safetensors").read_bytes()
    for content in (whole[: len(whole) // 2], b"", b"\xff" * 64):
        (folder / "model.safetensors").write_bytes(content)
        with pytest.raises(ValueError, match=r"model\.safetensors is corrupt"):
            load(folder)
    (folder / "config.json").write_text('{"format": ')
    with pytest.raises(ValueError, match=r"config\.json is corrupt"):
        load(folder)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"version": 1}, "version 1 of the format; this hfluxno reads version 3"),
        ({"format": "other"}, "does not describe a network of hfluxno"),
        ({"extra": 1}, "Unknown key 'extra'"),
        ({"model": None}, "The key 'model' is missing"),
        ({"training": {"data": "x"}}, "The key 'data_set' is missing"),
    ],
)
def test_descriptions_that_do_not_fit(released, tmp_path, changes, message):
    with pytest.raises(ValueError, match=message):
        load(altered(released, tmp_path, **changes))


def test_another_architecture(released, tmp_path):
    model = json.loads((released / "config.json").read_text())["model"]
    wider = model | {"target": model["target"] | {"width": 7}}
    with pytest.raises(ValueError, match=r"another architecture than its configuration: .* shape"):
        load(altered(released, tmp_path, model=wider))
    deeper = model | {"encoder": model["encoder"] | {"layers": 2}}
    with pytest.raises(ValueError, match=r"another architecture .* is missing"):
        load(altered(released, tmp_path, model=deeper))
    shallower = model | {"hypernetwork": model["hypernetwork"] | {"depth": 0}}
    with pytest.raises(ValueError, match=r"another architecture .* is not part of it"):
        load(altered(released, tmp_path, model=shallower))


def test_folders_without_a_network(tmp_path):
    with pytest.raises(ValueError, match=r"has no config\.json"):
        load(tmp_path)
    with pytest.raises(ValueError, match="Unknown weights"):
        load(str(tmp_path / "nowhere"))


def test_the_hub_mixin_saves_and_reads_the_same_files(tmp_path, monkeypatch):
    from hfluxno.models import hub

    network, config = small.network(small.LINE), small.LINE
    forecaster = NetworkForecaster(network, config, "net")
    hub.HubNetwork(forecaster, TRAINING).save_pretrained(tmp_path / "net")
    again = hub.HubNetwork.from_pretrained(str(tmp_path / "net"))
    assert eqx.tree_equal(again.forecaster, forecaster) and again.origin == TRAINING
    # An id goes to the hub, which is not there in a test.
    monkeypatch.setattr(hub, "snapshot_download", lambda name, **options: str(tmp_path / "net"))
    assert load("someone/net").config == config

    def unreachable(name, **options):
        raise hub.LocalEntryNotFoundError("no connection")

    monkeypatch.setattr(hub, "snapshot_download", unreachable)
    with pytest.raises(ValueError, match="hub has no network 'someone/net', or cannot be reached"):
        load("someone/net")
