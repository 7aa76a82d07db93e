#!/usr/bin/env python3
"""An independent reader and writer of the sealed format, written from doc/format.md alone.

It is meant to be read beside that page, so it favours clearness over speed and holds a whole message in memory. The
reader is strict: whatever the page does not allow raises Refused. The lower-level functions check nothing that a
hostile writer would not check, so that tests can build broken messages with them.
"""
from __future__ import annotations

import argparse
import base64
import hashlib
import hmac
import os
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NoReturn
from urllib.parse import quote, unquote_to_bytes

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

MAGIC = b"BYOK"
VERSION = 1
SUITE = 1
PAGE = 4096
TAG = 16
DEK_LENGTH = 32
MAX_PAGES = 2**32
FIXED = 73  # the header's bytes before the first stanza
MIN_H, WRITER_H, MAX_H, UNIT_H = 128, 320, 3968, 64
MAX_STANZAS = 8
LOCAL = 1
BACKENDS = range(1, 8)
R_LENGTH = 24
TEXT_PREFIX = "byok:v1:"
BASE64_MAGIC = b"QllPSw"  # base64 of the magic; the sixth character holds the version's high bits, zero until 16

REASONS = (
    "NOT_SEALED", "TEXT_FORM", "UNSUPPORTED_VERSION", "UNSUPPORTED_SUITE", "BAD_HEADER", "TRUNCATED", "BAD_PAGE",
    "WRONG_KEY", "BAD_CIPHERTEXT", "CONTEXT_MISMATCH", "BAD_CONTEXT",
)  # fmt: skip


class Refused(Exception):
    def __init__(self, reason: str, text: str) -> None:
        super().__init__(f"{reason}: {text}")
        self.reason = reason
        self.text = text


def refuse(reason: str, text: str) -> NoReturn:
    assert reason in REASONS
    raise Refused(reason, text)


def sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def hmac_sha512(key: bytes, data: bytes) -> bytes:
    return hmac.new(key, data, hashlib.sha512).digest()


# Context


def _utf8(what: str, text: str) -> bytes:
    try:
        data = text.encode("utf-8")
    except UnicodeEncodeError:
        refuse("BAD_CONTEXT", f"a {what} is not well-formed UTF-8")
    if any(byte < 0x20 or byte == 0x7F for byte in data):
        refuse("BAD_CONTEXT", f"a {what} has a control character")
    return data


def encode_pairs(pairs: Mapping[str, str]) -> bytes:
    """P of the page. Names are sorted as bytes: the order of Python strings is the same, that of UTF-16 is not."""
    if len(pairs) > 64:
        refuse("BAD_CONTEXT", f"{len(pairs)} pairs, at most 64")
    p = len(pairs).to_bytes(2, "big")
    for name, value in sorted((_utf8("name", n), _utf8("value", v)) for n, v in pairs.items()):
        if not 1 <= len(name) <= 255:
            refuse("BAD_CONTEXT", f"a name of {len(name)} bytes, 1 to 255 are allowed")
        if len(value) > 4096:
            refuse("BAD_CONTEXT", f"a value of {len(value)} bytes, at most 4096")
        p += len(name).to_bytes(2, "big") + name + len(value).to_bytes(2, "big") + value
    if len(p) > 8192:
        refuse("BAD_CONTEXT", f"{len(p)} bytes of encoded pairs, at most 8192")
    return p


def encode_context(pairs: Mapping[str, str], aad: bytes) -> bytes:
    """C of the page."""
    if len(aad) > 65536:
        refuse("BAD_CONTEXT", f"{len(aad)} bytes of AAD, at most 65536")
    return encode_pairs(pairs) + len(aad).to_bytes(4, "big") + aad


def parse_context(text: str) -> dict[str, str]:
    """The comma form of the command line and of the vectors: a=b,c=d with percent-encoding.

    Bytes that are not UTF-8 pass as lone surrogates, for encode_pairs to refuse."""
    pairs: dict[str, str] = {}
    if not text.strip(" \t"):
        return pairs
    for item in text.split(","):
        name, equals, value = item.partition("=")
        if not equals:
            refuse("BAD_CONTEXT", "a pair without '='")
        name, value = _unpercent(name.strip(" \t")), _unpercent(value.strip(" \t"))
        if name in pairs:
            refuse("BAD_CONTEXT", "a name is given twice")
        pairs[name] = value
    return pairs


def _unpercent(text: str) -> str:
    if re.search(r"%(?![0-9A-Fa-f]{2})", text):
        refuse("BAD_CONTEXT", "'%' without two hex digits")
    return unquote_to_bytes(text.encode("utf-8", "surrogateescape")).decode("utf-8", "surrogateescape")


def format_context(pairs: Mapping[str, str]) -> str:
    """The inverse of parse_context. Encodes more than is needed, so that the result is plain ASCII."""
    return ",".join("=".join(quote(s.encode("utf-8", "surrogateescape"), safe="/:@") for s in p) for p in pairs.items())


# Keys


def hkdf_expand_sha512(prk: bytes, info: bytes, length: int) -> bytes:
    """RFC 5869, section 2.3."""
    out = block = b""
    for i in range(1, -(-length // 64) + 1):
        block = hmac_sha512(prk, block + info + bytes([i]))
        out += block
    return out[:length]


def derive(dek: bytes, salt: bytes, context: Mapping[str, str], aad: bytes, suite: int = SUITE) -> tuple[bytes, bytes]:
    """The message key and the commitment."""
    info = b"byok/v1" + bytes([suite]) + salt + sha256(encode_context(context, aad))
    t = hkdf_expand_sha512(dek, info, 64)
    return t[:32], t[32:]


# Wraps


def binding(purpose: str, kek_context: Mapping[str, str]) -> bytes:
    """B of the page."""
    name = purpose.encode("ascii")
    return sha256(b"byok/bind/v1" + bytes([len(name)]) + name + encode_pairs(kek_context))


def kek_id(kek: bytes) -> bytes:
    return hmac_sha512(kek, b"byok/kek-id/v1")[:16]


def _wrap_cipher(kek: bytes, r: bytes, b: bytes) -> tuple[AESGCM, bytes]:
    s = hmac_sha512(kek, b"byok/wrap/v1" + r + b)
    return AESGCM(s[:32]), s[32:44]


def wrap_local(kek: bytes, dek: bytes, b: bytes, r: bytes | None = None) -> bytes:
    if r is None:
        r = os.urandom(R_LENGTH)
    cipher, nonce = _wrap_cipher(kek, r, b)
    return r + cipher.encrypt(nonce, dek, None)


def unwrap_local(kek: bytes, wrap: bytes, b: bytes) -> bytes:
    if len(wrap) != R_LENGTH + DEK_LENGTH + TAG:
        refuse("BAD_CIPHERTEXT", f"a wrap of {len(wrap)} bytes, a local one has 72")
    cipher, nonce = _wrap_cipher(kek, wrap[:R_LENGTH], b)
    try:
        return cipher.decrypt(nonce, wrap[R_LENGTH:], None)
    except InvalidTag:
        refuse("BAD_CIPHERTEXT", "the wrap does not open with this KEK, purpose and KEK context")


# Header


@dataclass(frozen=True)
class Stanza:
    backend: int
    kek_id: bytes
    wrap: bytes

    @property
    def order(self) -> bytes:
        return bytes([self.backend]) + self.kek_id

    def encode(self) -> bytes:
        return self.order + len(self.wrap).to_bytes(2, "big") + self.wrap


@dataclass(frozen=True)
class Header:
    length: int
    salt: bytes
    commitment: bytes
    stanzas: Sequence[Stanza]


def build_header(salt: bytes, commitment: bytes, stanzas: Sequence[Stanza], *, length: int | None = None) -> bytes:
    """A header with the stanzas as they are given, whatever their number and order; H is a writer's unless given."""
    body = salt + commitment + bytes([len(stanzas)]) + b"".join(s.encode() for s in stanzas)
    if length is None:
        length = max(WRITER_H, -(-(8 + len(body)) // UNIT_H) * UNIT_H)
    return (MAGIC + bytes([VERSION, SUITE]) + length.to_bytes(2, "big") + body).ljust(length, b"\0")


def parse_header(message: bytes) -> Header:
    """Reads the header off the front of a message. The checks stand in the order in which the bytes come."""

    def need(length: int) -> None:
        if len(message) < length:
            refuse("TRUNCATED", "the message ends inside its header")

    magic = message[: len(MAGIC)]
    if magic != MAGIC[: len(magic)]:
        if message.startswith((BASE64_MAGIC, TEXT_PREFIX.encode())):
            refuse("TEXT_FORM", "this is base64 or the text form; decode it first")
        refuse("NOT_SEALED", "the magic is wrong")
    need(5)
    if message[4] != VERSION:
        refuse("UNSUPPORTED_VERSION", f"version {message[4]}")
    need(6)
    if message[5] != SUITE:
        refuse("UNSUPPORTED_SUITE", f"suite {message[5]}")
    need(8)
    h = int.from_bytes(message[6:8], "big")
    if h % UNIT_H or not MIN_H <= h <= MAX_H:
        refuse("BAD_HEADER", f"a header length of {h}")
    need(h)
    count = message[72]
    if not 1 <= count <= MAX_STANZAS:
        refuse("BAD_HEADER", f"{count} stanzas")

    stanzas: list[Stanza] = []
    at = FIXED
    for _ in range(count):
        if at + 19 > h:
            refuse("BAD_HEADER", "a stanza runs past the header's end")
        length = int.from_bytes(message[at + 17 : at + 19], "big")
        end = at + 19 + length
        if message[at] not in BACKENDS:
            refuse("BAD_HEADER", f"backend {message[at]}")
        if length == 0:
            refuse("BAD_HEADER", "an empty wrap")
        if end > h:
            refuse("BAD_HEADER", "a wrap runs past the header's end")
        stanza = Stanza(message[at], message[at + 1 : at + 17], message[at + 19 : end])
        if stanzas and stanza.order <= stanzas[-1].order:
            refuse("BAD_HEADER", "stanzas not in strictly ascending order")
        stanzas.append(stanza)
        at = end
    if any(message[at:h]):
        refuse("BAD_HEADER", "a byte of the padding is not zero")
    return Header(h, message[8:40], message[40:72], stanzas)


# Pages


def seal_page(key: bytes, number: int, data: bytes) -> bytes:
    return AESGCM(key).encrypt(number.to_bytes(12, "big"), data, None)


def seal_pages(key: bytes, plaintext: bytes) -> list[bytes]:
    """As many full pages as there are, then a shorter one, which may be empty."""
    return [seal_page(key, i, plaintext[i * PAGE : (i + 1) * PAGE]) for i in range(len(plaintext) // PAGE + 1)]


def open_page(key: bytes, number: int, data: bytes) -> bytes:
    if number >= MAX_PAGES:
        refuse("BAD_PAGE", "more than 2^32 pages")
    try:
        return AESGCM(key).decrypt(number.to_bytes(12, "big"), data, None)
    except InvalidTag:
        refuse("BAD_PAGE", f"page {number} was damaged, moved or cut")


# Messages


def seal(
    kek: bytes,
    plaintext: bytes,
    *,
    context: Mapping[str, str] = {},
    aad: bytes = b"",
    kek_context: Mapping[str, str] = {},
) -> bytes:
    dek, salt = os.urandom(DEK_LENGTH), os.urandom(32)
    key, commitment = derive(dek, salt, context, aad)
    stanza = Stanza(LOCAL, kek_id(kek), wrap_local(kek, dek, binding("dek", kek_context)))
    return build_header(salt, commitment, [stanza]) + b"".join(seal_pages(key, plaintext))


def stream(
    kek: bytes,
    message: bytes,
    *,
    context: Mapping[str, str] = {},
    aad: bytes = b"",
    kek_context: Mapping[str, str] = {},
) -> Iterator[bytes]:
    """The pages, each after its tag was verified. The message is whole only if this ends without Refused."""
    encode_context(context, aad)  # what the caller gives is checked before a byte of the message is
    b = binding("dek", kek_context)

    header = parse_header(message)
    wraps = [s.wrap for s in header.stanzas if (s.backend, s.kek_id) == (LOCAL, kek_id(kek))]
    if not wraps:
        refuse("WRONG_KEY", "no stanza is for this KEK")
    dek = unwrap_local(kek, wraps[0], b)
    key, commitment = derive(dek, header.salt, context, aad)
    if not hmac.compare_digest(commitment, header.commitment):
        refuse("CONTEXT_MISMATCH", "another context or AAD, or a changed salt, commitment or stanza")

    at = header.length
    number = 0
    while True:
        sealed = message[at : at + PAGE + TAG]
        if len(sealed) < TAG:
            refuse("TRUNCATED", f"the message ends where page {number} must follow")
        yield open_page(key, number, sealed)
        if len(sealed) < PAGE + TAG:  # a page is short because the input ended: nothing can follow
            return
        at += len(sealed)
        number += 1


def open_(
    kek: bytes,
    message: bytes,
    *,
    context: Mapping[str, str] = {},
    aad: bytes = b"",
    kek_context: Mapping[str, str] = {},
) -> bytes:
    return b"".join(stream(kek, message, context=context, aad=aad, kek_context=kek_context))


# Text form


def to_text(message: bytes) -> str:
    return TEXT_PREFIX + base64.urlsafe_b64encode(message).rstrip(b"=").decode()


def from_text(text: str) -> bytes:
    body = text[len(TEXT_PREFIX) :]
    if not text.startswith(TEXT_PREFIX) or not re.fullmatch(r"[A-Za-z0-9_-]*", body) or len(body) % 4 == 1:
        refuse("NOT_SEALED", "not the text form")
    message = base64.urlsafe_b64decode(body + "=" * (-len(body) % 4))
    if to_text(message) != text:  # Python ignores the unused bits
        refuse("NOT_SEALED", "unused bits of the text form are not zero")
    return message


# Command line


def read_kek(path: str) -> bytes:
    with open(path, "rb") as file:
        data = file.read()
    if len(data) != 32:
        raise ValueError(f"{path}: a key file holds 32 bytes")
    return data


def main() -> int:
    parser = argparse.ArgumentParser(description="Seals or opens a message from standard input to standard output.")
    parser.add_argument("command", choices=["seal", "open"])
    parser.add_argument("--kek-file", required=True, help="the local KEK: 32 bytes, or 64 hex digits")
    parser.add_argument("--context", default="", help="name=value pairs, separated by commas, percent-encoded")
    parser.add_argument("--aad-hex", default=b"", type=bytes.fromhex)
    parser.add_argument("--kek-context", default="", help="the KEK's own pairs")
    arguments = parser.parse_args()
    try:
        kek = read_kek(arguments.kek_file)
    except (OSError, ValueError) as error:
        parser.error(str(error))
    try:
        result = (seal if arguments.command == "seal" else open_)(
            kek,
            sys.stdin.buffer.read(),
            context=parse_context(arguments.context),
            aad=arguments.aad_hex,
            kek_context=parse_context(arguments.kek_context),
        )
    except Refused as refused:
        print(refused, file=sys.stderr)
        return 1
    sys.stdout.buffer.write(result)
    sys.stdout.buffer.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
