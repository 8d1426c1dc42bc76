# SPDX-License-Identifier: GPL-3.0-or-later
"""Photos with depth inside, made after the published formats: there are no free photos of phones with depth."""

from __future__ import annotations

import base64
import hashlib
import io
import struct
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

RDF = 'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"'
META = '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF {rdf}>{body}</rdf:RDF></x:xmpmeta>'
GDEPTH = 'xmlns:GDepth="http://ns.google.com/photos/1.0/depthmap/"'
APPLE = 'xmlns:apdi="http://ns.apple.com/pixeldatainfo/1.0/" xmlns:depthData="http://ns.apple.com/depthData/1.0/"'


def encoded(picture: Image.Image, form: str, **details: Any) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, form, **details)
    return buffer.getvalue()


def jpeg(size: tuple[int, int], orientation: int = 1) -> bytes:
    exif = Image.Exif()
    exif[274] = orientation
    return encoded(Image.new("RGB", size, (120, 80, 40)), "JPEG", exif=exif.tobytes())


def with_segments(data: bytes, *segments: tuple[int, bytes]) -> bytes:
    """Returns a JPEG with further segments (marker, content) after its first marker."""
    parts = [bytes((0xFF, marker)) + struct.pack(">H", len(content) + 2) + content for marker, content in segments]
    return data[:2] + b"".join(parts) + data[2:]


def xmp(body: str) -> tuple[int, bytes]:
    return 0xE1, b"http://ns.adobe.com/xap/1.0/\0" + META.format(rdf=RDF, body=body).encode()


def extended_xmp(body: str) -> tuple[str, list[tuple[int, bytes]]]:
    """Returns the digest of an extended packet and its pieces, the later ones first."""
    whole = META.format(rdf=RDF, body=body).encode()
    digest = hashlib.md5(whole, usedforsecurity=False).hexdigest().upper()
    pieces = [
        (0xE1, b"http://ns.adobe.com/xmp/extension/\0" + digest.encode() + struct.pack(">II", len(whole), start) + part)
        for start in range(0, len(whole), 60_000)
        if (part := whole[start : start + 60_000])
    ]
    return digest, pieces[::-1]


def gdepth(photo: bytes, greys: NDArray[Any], attributes: str, extended: bool) -> bytes:
    """Returns a photo with its depth in the XMP, as Google's lens blur writes it."""
    data = f'GDepth:Data="{base64.b64encode(encoded(Image.fromarray(greys), "PNG")).decode()}"'
    if not extended:
        return with_segments(photo, xmp(f'<rdf:Description rdf:about="" {GDEPTH} {attributes} {data}/>'))
    digest, pieces = extended_xmp(f'<rdf:Description rdf:about="" {GDEPTH} {data}/>')
    note = f'xmlns:xmpNote="http://ns.adobe.com/xmp/note/" xmpNote:HasExtendedXMP="{digest}"'
    return with_segments(photo, xmp(f'<rdf:Description rdf:about="" {GDEPTH} {note} {attributes}/>'), *pieces)


def dynamic_depth(photo: bytes, greys: NDArray[Any], attributes: str) -> bytes:
    """Returns a photo with its depth behind it and a further file after that, as Dynamic Depth 1.0 has it."""
    depth, more = encoded(Image.fromarray(greys), "PNG"), b"a confidence map"
    dd = "http://ns.google.com/photos/dd/1.0"

    def item(uri: str, mime: str, length: int) -> str:
        return (
            f'<rdf:li rdf:parseType="Resource"><Container:Item Item:Mime="{mime}" Item:Length="{length}" '
            f'Item:DataURI="{uri}"/></rdf:li>'
        )

    items = item("primary_image", "image/jpeg", 0)
    items += item("android/depthmap", "image/png", len(depth)) + item("android/confidencemap", "image/png", len(more))
    body = f"""<rdf:Description rdf:about="" xmlns:Device="{dd}/device/" xmlns:Container="{dd}/container/"
      xmlns:Item="{dd}/item/" xmlns:Camera="{dd}/camera/" xmlns:DepthMap="{dd}/depthmap/">
      <Device:Container rdf:parseType="Resource"><Container:Directory><rdf:Seq>{items}</rdf:Seq></Container:Directory>
      </Device:Container><Device:Cameras><rdf:Seq><rdf:li><Device:Camera><Camera:DepthMap {attributes}
      DepthMap:DepthURI="android/depthmap"/></Device:Camera></rdf:li></rdf:Seq></Device:Cameras></rdf:Description>"""
    return with_segments(photo, xmp(body)) + depth + more


def apple_jpeg(photo: bytes, greys: NDArray[np.uint8], properties: str) -> bytes:
    """Returns a photo with two further JPEGs behind it, a gain map and the depth, and the index that tells of them."""
    gain = with_segments(
        encoded(Image.new("L", (8, 8), 200), "JPEG"),
        xmp(
            f'<rdf:Description rdf:about="" {APPLE}><apdi:AuxiliaryImageType>'
            "urn:com:apple:photo:2020:aux:hdrgainmap</apdi:AuxiliaryImageType></rdf:Description>"
        ),
    )
    depth = with_segments(
        encoded(Image.fromarray(greys), "JPEG", quality=98),
        xmp(f'<rdf:Description rdf:about="" {APPLE}>{properties}</rdf:Description>'),
    )
    size = 2 + 2 + 4 + 8 + 2 + 3 * 12 + 4 + 3 * 16
    header_at = 2 + 2 + 2 + 4
    first = len(photo) + size
    places = [(first, 0), (len(gain), first - header_at), (len(depth), first + len(gain) - header_at)]
    entries = b"".join(struct.pack(">IIIHH", 0x20000 if at else 0x30000, length, at, 0, 0) for length, at in places)
    folder = struct.pack(">HHI4sHHIIHHII", 0xB000, 7, 4, b"0100", 0xB001, 4, 1, 3, 0xB002, 7, 48, 8 + 2 + 36 + 4)
    index = b"MPF\0MM\0\x2a" + struct.pack(">IH", 8, 3) + folder + struct.pack(">I", 0) + entries
    return with_segments(photo, (0xE2, index)) + gain + depth


def box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I4s", 8 + len(content), kind) + content


def boxes(data: bytes) -> dict[bytes, bytes]:
    found, place = {}, 0
    while place < len(data):
        size, kind = struct.unpack_from(">I4s", data, place)
        found[kind] = data[place + 8 : place + size]
        place += size
    return found


def heic(size: tuple[int, int], greys: NDArray[np.uint8]) -> bytes:
    """Returns a HEIC file whose second picture is the auxiliary depth image of the first, as Apple's have it.

    pillow-heif writes both pictures as equals; the item reference `auxl` and the property `auxC` (ISO/IEC 23008-12,
    6.5.8 and 6.6.2) make the second one the first one's depth, and an item that is hidden.
    """
    import pillow_heif

    file = pillow_heif.from_pillow(Image.new("RGB", size, (120, 80, 40)))
    file.add_from_pillow(Image.fromarray(greys).convert("L"))
    buffer = io.BytesIO()
    file.save(buffer, quality=95)
    outer = boxes(buffer.getvalue())
    meta = boxes(outer[b"meta"][4:])
    (one, other), infos = _items(meta[b"iinf"])
    properties = boxes(meta[b"iprp"])
    aux = box(b"auxC", bytes(4) + b"urn:mpeg:hevc:2015:auxid:2\0")
    number = len(_list(properties[b"ipco"])) + 1
    properties[b"ipco"] += aux
    properties[b"ipma"] = _associated(properties[b"ipma"], other, number)
    meta[b"iprp"] = b"".join(box(kind, properties[kind]) for kind in (b"ipco", b"ipma"))
    meta[b"iinf"] = infos
    meta[b"iref"] = bytes(4) + box(b"auxl", struct.pack(">HHH", other, 1, one))
    before = len(box(b"meta", outer[b"meta"]))

    def written(shift: int) -> bytes:
        moved = {**meta, b"iloc": _moved(meta[b"iloc"], shift)}
        return box(b"meta", bytes(4) + b"".join(box(kind, content) for kind, content in moved.items()))

    shift = len(written(0)) - before
    return box(b"ftyp", outer[b"ftyp"]) + written(shift) + box(b"mdat", outer[b"mdat"])


def _list(data: bytes) -> list[bytes]:
    found, place = [], 0
    while place < len(data):
        (size,) = struct.unpack_from(">I", data, place)
        found.append(data[place : place + size])
        place += size
    return found


def _items(iinf: bytes) -> tuple[list[int], bytes]:
    """Returns the numbers of the two pictures, and the list with the second one hidden."""
    entries = _list(iinf[6:])
    numbers = [struct.unpack_from(">H", entry, 12)[0] for entry in entries if entry[16:20] == b"hvc1"]
    hidden = [
        entry[:11] + b"\x01" + entry[12:]
        if entry[16:20] == b"hvc1" and entry[12:14] == struct.pack(">H", numbers[1])
        else entry
        for entry in entries
    ]
    return numbers, iinf[:6] + b"".join(hidden)


def _associated(ipma: bytes, item: int, number: int) -> bytes:
    """Returns the associations with one property more for one item; one byte each, as here."""
    assert ipma[:4] == bytes(4), "small item numbers and property numbers"
    (count,) = struct.unpack_from(">I", ipma, 4)
    result, place = ipma[:8], 8
    for _ in range(count):
        which, several = struct.unpack_from(">HB", ipma, place)
        own = ipma[place + 3 : place + 3 + several]
        place += 3 + several
        if which == item:
            own += bytes((number,))
        result += struct.pack(">HB", which, len(own)) + own
    return result


def _moved(iloc: bytes, shift: int) -> bytes:
    """Returns the places of all items in the file moved by `shift`."""
    version, sizes = iloc[0], struct.unpack_from(">H", iloc, 4)[0]
    offset_size, length_size, base_size, index_size = (sizes >> at & 15 for at in (12, 8, 4, 0))
    count, place = struct.unpack_from(">H", iloc, 6)[0], 8
    data = bytearray(iloc)
    for _ in range(count):
        place += 2
        method = 0
        if version in (1, 2):
            method = struct.unpack_from(">H", iloc, place)[0] & 15
            place += 2
        place += 2 + base_size
        (extents,) = struct.unpack_from(">H", iloc, place)
        place += 2
        for _ in range(extents):
            place += index_size if version in (1, 2) else 0
            value = int.from_bytes(iloc[place : place + offset_size], "big")
            if method == 0:
                data[place : place + offset_size] = (value + shift).to_bytes(offset_size, "big")
            place += offset_size + length_size
    return bytes(data)
