"""What is done, in which order: one module per procedure, one function per step."""
