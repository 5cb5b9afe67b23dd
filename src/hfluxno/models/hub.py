"""Released networks on the Hugging Face hub."""

from pathlib import Path

from huggingface_hub import ModelHubMixin, snapshot_download
from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

from hfluxno.models.forecaster import NetworkForecaster
from hfluxno.models.provenance import Training
from hfluxno.models.weights import ARRAYS, CARD, CONFIG, read_folder, save_pretrained


class HubNetwork(ModelHubMixin, library_name="hfluxno", tags=["conservation-laws", "forecasting"]):
    """A released network with the hub's own methods `from_pretrained`, `save_pretrained` and
    `push_to_hub`.

    - `forecaster`: the network as a forecaster.
    - `origin`: where its weights come from.
    """

    # The mixin would fill arguments that have the names of keys of `config.json`.
    def __init__(self, forecaster: NetworkForecaster, origin: Training):
        self.forecaster, self.origin = forecaster, origin

    def _save_pretrained(self, save_directory: Path) -> None:
        released = self.forecaster
        save_pretrained(save_directory, released.network, released.config, self.origin)

    @classmethod
    def _from_pretrained(cls, *, model_id: str, **options) -> "HubNetwork":
        folder = Path(model_id)
        if not folder.is_dir():
            folder = download(model_id, **options)
        network, config, origin = read_folder(folder)
        return cls(NetworkForecaster(network, config, model_id.rsplit("/", 1)[-1]), origin)


def download(name: str, **options) -> Path:
    """The local folder of a network of the hub, cached for the next use. Raises `ValueError` if the
    hub does not have it or cannot be reached."""
    try:
        folder = snapshot_download(name, allow_patterns=[CONFIG, ARRAYS, CARD], **options)
    except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError) as error:
        raise ValueError(
            f"The Hugging Face hub has no network {name!r}, or cannot be reached; check the name "
            "and the connection."
        ) from error
    if not (Path(folder) / CONFIG).is_file():
        raise ValueError(f"{name!r} of the Hugging Face hub has no {CONFIG}: it is not a network.")
    return Path(folder)
