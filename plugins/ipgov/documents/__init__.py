"""What is said, to whom: templates, numbers, register, dispatch."""
