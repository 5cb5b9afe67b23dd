"""The two-dimensional benchmark: `hfluxno benchmark euler2d`."""
