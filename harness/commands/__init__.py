"""What the commands do; each returns an exit code."""
