"""Which addresses do not leave this machine."""

from __future__ import annotations

import ipaddress


def is_loopback(host: str) -> bool:
    """Tell whether a host is this machine by its address; of names only ``localhost`` is believed.

    Other names are not asked for: what they lead to may change between the question and the connection.
    """
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
