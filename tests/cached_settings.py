"""What a process keeps of its settings, dropped before a test points it to another database or folder."""

from __future__ import annotations


def forget() -> None:
    """Close the connections and forget the settings, the engine and the store of objects."""
    from ipgov.core import database, objects, settings

    if database.engine.cache_info().currsize:
        database.engine().dispose()
    for cached in (database.engine, objects.store, settings.settings):
        cached.cache_clear()
