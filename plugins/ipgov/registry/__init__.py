"""Who is governed, in what standing: organisations, platforms, title events."""
