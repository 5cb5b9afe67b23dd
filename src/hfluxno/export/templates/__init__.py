"""Programs that evaluate a law from its numbers. Each runs as it is, with Burgers' flux; an export
replaces the part between the marks."""
