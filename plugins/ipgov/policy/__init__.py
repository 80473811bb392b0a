"""What the rules say on a day: documents, clauses, dated rule versions."""
