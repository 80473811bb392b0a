"""How firm are ranks and grades when weights and methods vary."""
