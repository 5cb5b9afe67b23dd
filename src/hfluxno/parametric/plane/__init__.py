"""The same with two axes."""
