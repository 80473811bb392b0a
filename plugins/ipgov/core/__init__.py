"""Where are we, where do things live: settings, database, objects, fingerprints, seals, steps, errors."""
