"""Training of networks: data, losses, the trainer and its checkpoints."""

from hfluxno.extras import require

require("hfluxno.training", "train")
