"""Training of networks: data, losses, the trainer and its checkpoints."""
