"""Zip packages whose bytes depend on nothing but their members: no clock, no zlib of the machine.

Python compresses with whatever zlib it was built with, and two versions of that need not give the same bytes
(zlib-ng gives others). libdeflate comes with its wheel, so the lock fixes its version on every machine.
"""

from __future__ import annotations

import io
import struct
import zipfile

_LEVEL = 6
_NEEDS, _DEFLATED, _UTF8 = 20, 8, 0x800  # APPNOTE 4.4.3, 4.4.5, 4.4.4 bit 11
_DAY = 0x21  # 1 January 1980, as MS-DOS counts


def repacked(data: bytes) -> bytes:
    """Return a package with the members of this one in the same order: equal members give equal bytes.

    Raises struct.error for a member of 4 GiB or more.
    """
    import deflate

    body, directory = bytearray(), bytearray()
    with zipfile.ZipFile(io.BytesIO(data)) as package:
        members = package.infolist()
        for member in members:
            content = package.read(member)
            packed = deflate.deflate_compress(content, _LEVEL)
            name = member.filename.encode()
            flags = 0 if name.isascii() else _UTF8
            sizes = (member.CRC, len(packed), len(content), len(name), 0)
            about = struct.pack("<5H3I2H", _NEEDS, flags, _DEFLATED, 0, _DAY, *sizes)
            directory += b"PK\1\2" + struct.pack("<H", _NEEDS) + about
            directory += struct.pack("<3H2I", 0, 0, 0, 0, len(body)) + name
            body += b"PK\3\4" + about + name + packed
    count = len(members)
    end = struct.pack("<4H2IH", 0, 0, count, count, len(directory), len(body), 0)
    return bytes(body + directory + b"PK\5\6" + end)


def members(data: bytes) -> dict[str, bytes]:
    """Return the members of a package by name: what it says, however it was compressed."""
    with zipfile.ZipFile(io.BytesIO(data)) as package:
        return {name: package.read(name) for name in package.namelist()}
