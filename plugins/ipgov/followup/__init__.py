"""What must happen by when."""
