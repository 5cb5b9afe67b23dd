"""The benchmark of forecasts on a plane: `hfluxno benchmark euler2d`."""
