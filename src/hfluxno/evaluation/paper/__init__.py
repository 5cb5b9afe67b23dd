"""The benchmark of arXiv:2605.05488: its sets, its tables and its figures, for every method."""
