"""Joint estimates of law, first state and ends from any measurements."""
