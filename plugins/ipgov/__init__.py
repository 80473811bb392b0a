"""ipgov: the governance cycles of the national IP-operation system."""

__version__ = "0.1.0"
