"""Which day is due: statutory working days and deadlines."""
