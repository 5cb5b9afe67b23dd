"""Laws of whole frames: candidates, their start in the weak form, least squares, and the choice."""
