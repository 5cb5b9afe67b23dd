"""Laws in files, and their use on other contexts."""
