"""What it is worth: normalise, aggregate, grade, rank, explain."""
