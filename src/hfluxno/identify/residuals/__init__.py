"""What a residual looks like, and what would explain it."""
