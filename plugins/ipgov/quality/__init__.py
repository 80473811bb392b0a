"""Can it be trusted: Great Expectations checkpoints and findings."""
