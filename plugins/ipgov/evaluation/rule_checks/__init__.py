"""What a scoring rule does on real values: what moves nothing, says the same, cannot be met."""
