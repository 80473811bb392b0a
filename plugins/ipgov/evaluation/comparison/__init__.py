"""Two results, or a result and what was published: what changed, and by which cause."""
