"""Programs that evaluate a law from its numbers. Each runs as it stands, with Burgers' flux; an
export replaces what stands between the marks."""
