#!/usr/bin/env python3
"""Writes the vectors of this directory (README.md states their form). Running it again gives the same files:
every key, salt and r is SHA-256 of the vector's name and of what it is for."""
from __future__ import annotations

import base64
import hashlib
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "interop"))
import reference as ref  # noqa: E402
from reference import LOCAL, PAGE, TAG, Stanza  # noqa: E402

NO_PAIRS: Mapping[str, str] = {}
FULL = PAGE + TAG


def pattern(size: int) -> bytes:
    """The plaintext of every vector. 251 is prime, so that no two pages are the same."""
    return (bytes(range(251)) * (size // 251 + 1))[:size]


def seed(name: str, what: str, length: int = 32) -> bytes:
    out = b"".join(hashlib.sha256(f"{name}/{what}/{i}".encode()).digest() for i in range(-(-length // 32)))
    return out[:length]


class Maker:
    """A message in its parts, each of which a vector can replace."""

    def __init__(
        self,
        name: str,
        size: int = 100,
        *,
        context: Mapping[str, str] = NO_PAIRS,
        aad: bytes = b"",
        kek_context: Mapping[str, str] = NO_PAIRS,
        purpose: str = "dek",
        dek_length: int = 32,
    ) -> None:
        self.name = name
        self.size = size
        self.context = context
        self.aad = aad
        self.kek_context = kek_context
        self.kek = seed(name, "kek")
        self.dek = seed(name, "dek", dek_length)
        self.salt = seed(name, "salt")
        self.key, self.commitment = ref.derive(self.dek, self.salt, context, aad)
        self.own = Stanza(LOCAL, ref.kek_id(self.kek), self.wrap(self.dek, purpose))
        self.stanzas: Sequence[Stanza] = [self.own]
        self.length: int | None = None
        self.pages = ref.seal_pages(self.key, pattern(size))

    def wrap(self, dek: bytes, purpose: str = "dek") -> bytes:
        return ref.wrap_local(self.kek, dek, ref.binding(purpose, self.kek_context), seed(self.name, "r", 24))

    def other(self, backend: int, kek_id: bytes, length: int = 72) -> Stanza:
        """A stanza for another KEK. Nobody opens it, so any bytes do."""
        return Stanza(backend, kek_id, seed(self.name, f"wrap {backend} {kek_id.hex()}", length))

    @property
    def header(self) -> bytes:
        return ref.build_header(self.salt, self.commitment, self.stanzas, length=self.length)

    @property
    def message(self) -> bytes:
        return self.header + b"".join(self.pages)


def put(message: bytes, offset: int, data: bytes) -> bytes:
    offset %= len(message)
    return message[:offset] + data + message[offset + len(data) :]


def flip(message: bytes, offset: int) -> bytes:
    offset %= len(message)
    return put(message, offset, bytes([message[offset] ^ 1]))


@dataclass
class Vector:
    name: str
    comment: str
    expect: str
    kek: bytes
    kek_context: str
    context: str
    aad: bytes
    size: int
    released: int
    message: bytes

    def text(self) -> str:
        fields = {
            "comment": self.comment,
            "expect": self.expect,
            "kek": self.kek.hex(),
            "kek-context": self.kek_context,
            "context": self.context,
            "aad": self.aad.hex(),
        }
        if self.expect == "OK":
            fields["plaintext-length"] = str(self.size)
            fields["plaintext-sha256"] = hashlib.sha256(pattern(self.size)).hexdigest()
        else:
            fields["released"] = str(self.released)
        head = "".join(f"{field}: {value}".rstrip() + "\n" for field, value in fields.items())
        return head + "\n" + base64.encodebytes(self.message).decode()


class Set:
    def __init__(self) -> None:
        self.vectors: dict[str, Vector] = {}

    def add(
        self,
        m: Maker,
        expect: str,
        comment: str,
        message: bytes | None = None,
        *,
        released: int = 0,
        kek: bytes | None = None,
        context: str | None = None,
        aad: bytes | None = None,
        kek_context: str | None = None,
    ) -> None:
        """What the reader is given is what the message was sealed with, unless said here."""
        assert m.name not in self.vectors, m.name
        self.vectors[m.name] = Vector(
            m.name,
            comment,
            expect,
            m.kek if kek is None else kek,
            ref.format_context(m.kek_context) if kek_context is None else kek_context,
            ref.format_context(m.context) if context is None else context,
            m.aad if aad is None else aad,
            m.size,
            released,
            m.message if message is None else message,
        )


def sizes(s: Set) -> None:
    for size in (0, 1, 15, 16, 17, 4095, 4096, 4097, 8191, 8192, 8193, 20000):
        s.add(Maker(f"size-{size:05}", size), "OK", f"a plaintext of {size} bytes")


def contexts(s: Set) -> None:
    several = {"tenant": "acme", "z": "1", "table": "orders", "tab": "x", "Z": "2", "zz": "3"}
    utf8 = {"\U00010000": "four bytes", "\uff61": "three", "caf\u00e9": "d\u00e9j\u00e0", "z": "\x85\uffff \U0001f511"}
    many = {f"name-{i:02}": f"value {i}" for i in range(64)}
    longest = {"a": "x" * 4096, "b": "y" * 4084}
    assert len(ref.encode_pairs(longest)) == 8192

    for name, context, comment in (
        ("context-one", {"tenant": "acme"}, "one pair"),
        ("context-unsorted", several, "pairs given unsorted; a prefix comes first, upper case before lower"),
        ("context-utf8", utf8, "names and values of several bytes each; U+10000 is above U+FF61, unlike in UTF-16"),
        ("context-empty-value", {"flag": ""}, "an empty value"),
        ("context-reserved", {"a,b": "c=d", "100%": " blanks ", "e": "f=g"}, "characters that the comma form encodes"),
        ("context-64-pairs", many, "64 pairs, the most"),
        ("context-name-255", {"n" * 255: "v"}, "a name of 255 bytes, the longest"),
        ("context-8192", longest, "a value of 4096 bytes, and 8192 bytes of encoded pairs, both the most"),
    ):
        s.add(Maker(name, context=context), "OK", comment)
    s.add(Maker("context-lower-hex", context={"a": "\u00e9/"}), "OK", "lower-case hex digits", context="a=%c3%a9%2f")
    s.add(Maker("context-blanks", context={"a": "b", "c": "d"}), "OK", "white space around pairs", context="a=b , c=d ")
    s.add(Maker("aad-1", aad=b"\0"), "OK", "an AAD of one zero byte")
    s.add(Maker("aad-65536", aad=pattern(65536)), "OK", "an AAD of 65536 bytes, the longest")
    s.add(Maker("context-and-aad", context={"a": "b"}, aad=b"c"), "OK", "a pair and an AAD")
    s.add(Maker("kek-context", kek_context={"z": "1", "a": "2"}), "OK", "a KEK with a context of its own")

    bad = "BAD_CONTEXT"
    for name, text, comment in (
        ("bad-context-name-empty", "=b", "an empty name"),
        ("bad-context-name-256", "n" * 256 + "=b", "a name of 256 bytes"),
        ("bad-context-value-4097", "a=" + "x" * 4097, "a value of 4097 bytes"),
        ("bad-context-65-pairs", ",".join(f"name-{i:02}=" for i in range(65)), "65 pairs"),
        ("bad-context-8193", "a=" + "x" * 4096 + ",b=" + "y" * 4085, "8193 bytes of encoded pairs"),
        ("bad-context-twice", "a=1,b=2,%61=1", "the same name twice, once percent-encoded"),
        ("bad-context-nul", "a=b%00", "U+0000"),
        ("bad-context-delete", "a=%7F", "U+007F"),
        ("bad-context-utf8-overlong", "a=%C0%AF", "UTF-8 of an overlong form"),
        ("bad-context-utf8-surrogate", "a=%ED%A0%80", "UTF-8 of a surrogate"),
    ):
        s.add(Maker(name), bad, comment, context=text)
    s.add(Maker("bad-context-aad-65537"), bad, "an AAD of 65537 bytes", aad=pattern(65537))
    s.add(Maker("bad-context-kek"), bad, "the KEK's context keeps the same rules", kek_context="a=%00")

    mismatch = "CONTEXT_MISMATCH"
    pair = {"context": {"ab": "c"}}
    for name, made, given, comment in (
        ("mismatch-value", pair, {"context": "ab=d"}, "another value"),
        ("mismatch-missing", pair, {"context": ""}, "a context is needed, none is given"),
        ("mismatch-extra", pair, {"context": "ab=c,d=e"}, "one pair too many"),
        ("mismatch-boundary", pair, {"context": "a=bc"}, "a byte moved from the name to the value"),
        ("mismatch-normal-form", {"context": {"\u00e9": ""}}, {"context": "e%CC%81="}, "nothing is normalised"),
        ("mismatch-aad", {"aad": b"abc"}, {"aad": b"abd"}, "another AAD"),
        ("mismatch-aad-for-pair", pair, {"context": "", "aad": b"ab=c"}, "the pair given as AAD"),
        ("mismatch-aad-encoded", pair, {"context": "", "aad": ref.encode_pairs({"ab": "c"})}, "P given as AAD"),
    ):
        s.add(Maker(name, **made), mismatch, comment, **given)


def stanzas(s: Set) -> None:
    low, high = bytes(16), b"\xff" * 16

    m = Maker("stanza-first")
    m.stanzas = [m.own, m.other(LOCAL, high), m.other(2, low, 184)]
    s.add(m, "OK", "three stanzas, ours first")
    m = Maker("stanza-middle")
    m.stanzas = [m.other(LOCAL, low), m.own, m.other(7, high, 1)]
    s.add(m, "OK", "three stanzas, ours in the middle; the last wrap has one byte")
    m = Maker("stanza-last")
    m.stanzas = [m.other(LOCAL, low), m.other(LOCAL, low[:15] + b"\1"), m.own]
    s.add(m, "OK", "three stanzas, ours last")
    m = Maker("stanza-eight")
    m.stanzas = [m.own, m.other(LOCAL, high)] + [m.other(b, high, 40 * b) for b in range(2, 8)]
    s.add(m, "OK", "eight stanzas, of every backend")
    m = Maker("stanza-id-under-two-backends")
    m.stanzas = [m.own, m.other(6, m.own.kek_id)]
    s.add(m, "OK", "the KEK id stands under another backend too; the order is of backend and id")
    for length, comment in ((192, "the least H that a local stanza fits in"), (3968, "the greatest H")):
        m = Maker(f"header-{length}")
        m.length = length
        s.add(m, "OK", comment + "; a writer takes 320")
    m = Maker("header-3968-full")
    m.stanzas = [m.own, m.other(5, high, 3968 - 73 - 91 - 19)]
    s.add(m, "OK", "the greatest H, filled with a long wrap")

    m = Maker("stanza-128")
    m.stanzas, m.length = [m.other(LOCAL, low, 36)], 128
    s.add(m, "WRONG_KEY", "the least H, and a well-formed stanza that fills it, for another KEK")
    m = Maker("stanza-other-backend")
    m.stanzas = [Stanza(7, m.own.kek_id, m.own.wrap)]
    s.add(m, "WRONG_KEY", "our stanza under another backend's number")
    m = Maker("stanza-id-changed")
    s.add(m, "WRONG_KEY", "the last byte of the KEK id changed", flip(m.message, 73 + 16))
    m = Maker("stanza-kek-changed")
    s.add(m, "WRONG_KEY", "opened with another KEK", kek=seed(m.name, "another kek"))

    for name, offset, comment in (
        ("wrap-r-changed", 92, "the first byte of r changed"),
        ("wrap-ciphertext-changed", 92 + 24, "the first byte of the wrapped DEK changed"),
        ("wrap-tag-changed", 92 + 71, "the last byte of the wrap changed"),
    ):
        m = Maker(name)
        s.add(m, "BAD_CIPHERTEXT", comment, flip(m.message, offset))
    for length in (0, 31, 33):
        m = Maker(f"wrap-dek-{length}", dek_length=length)
        s.add(m, "BAD_CIPHERTEXT", f"a DEK of {length} bytes, with a commitment that HMAC's padding would give")
    for purpose in ("intermediate", "reference", "message"):
        m = Maker(f"wrap-purpose-{purpose}", purpose=purpose)
        s.add(m, "BAD_CIPHERTEXT", "a wrap made for another purpose")
    m = Maker("wrap-short")
    m.stanzas = [Stanza(LOCAL, m.own.kek_id, b"\x01")]
    s.add(m, "BAD_CIPHERTEXT", "our stanza, with a wrap of one byte")
    m = Maker("wrap-kek-context-changed", kek_context={"a": "b"})
    s.add(m, "BAD_CIPHERTEXT", "another KEK context", kek_context="a=c")
    m = Maker("wrap-kek-context-missing", kek_context={"a": "b"}, context={"a": "b"})
    s.add(m, "BAD_CIPHERTEXT", "the KEK's context is needed, the message's does not stand in for it", kek_context="")

    m = Maker("wrap-of-another-dek")
    m.stanzas = [Stanza(LOCAL, m.own.kek_id, m.wrap(seed(m.name, "another dek")))]
    s.add(m, "CONTEXT_MISMATCH", "a good wrap of another DEK: the commitment binds the DEK")
    for name, offset, comment in (
        ("salt-first-byte", 8, "the first byte of the salt changed"),
        ("salt-last-byte", 39, "the last byte of the salt changed"),
        ("commitment-first-byte", 40, "the first byte of the commitment changed"),
        ("commitment-last-byte", 71, "the last byte of the commitment changed"),
    ):
        m = Maker(name)
        s.add(m, "CONTEXT_MISMATCH", comment, flip(m.message, offset))


def headers(s: Set) -> None:
    for i in range(4):
        m = Maker(f"magic-{i}")
        s.add(m, "NOT_SEALED", f"byte {i} of the magic changed", flip(m.message, i))
    m = Maker("magic-wrong-and-short")
    s.add(m, "NOT_SEALED", "three bytes, the last of them wrong", b"BYo")
    for i in (0, 2):
        m = Maker(f"version-{i}")
        s.add(m, "UNSUPPORTED_VERSION", f"version {i}", put(m.message, 4, bytes([i])))
    m = Maker("version-2-short")
    s.add(m, "UNSUPPORTED_VERSION", "version 2, and the message ends there", b"BYOK\2")
    for i in (0, 2, 3):
        m = Maker(f"suite-{i}")
        m.key, m.commitment = ref.derive(m.dek, m.salt, m.context, m.aad, suite=i)
        m.pages = ref.seal_pages(m.key, pattern(m.size))
        s.add(m, "UNSUPPORTED_SUITE", f"suite {i}, with keys that were derived for it", put(m.message, 5, bytes([i])))

    bad = "BAD_HEADER"
    for h, comment in (
        (0, "H = 0"),
        (64, "H = 64, and the message ends there"),
        (128, "H = 128, shorter than the stanza"),
        (319, "H = 319, no multiple of 64"),
        (4032, "H = 4032, a multiple of 64 but too great"),
        (65535, "H = 65535"),
    ):
        m = Maker(f"length-{h:05}")
        m.length = min(max(h, 320), 4032)
        message = put(m.message, 6, h.to_bytes(2, "big"))
        s.add(m, bad, comment, message[:64] if h == 64 else message)
    m = Maker("length-swapped")
    s.add(m, bad, "H = 320 in little-endian order, and the message ends there", put(m.message, 6, b"\x40\x01")[:8])

    low, high = bytes(16), b"\xff" * 16
    m = Maker("stanzas-0")
    s.add(m, bad, "no stanza", put(m.message, 72, b"\0" * (320 - 72)))
    m = Maker("stanzas-9")
    m.stanzas = [m.own] + [m.other(LOCAL, b"\xff" * 15 + bytes([0xF0 + i])) for i in range(8)]
    s.add(m, bad, "nine stanzas")
    m = Maker("stanzas-extra")
    m.stanzas = [m.own, m.other(LOCAL, high)]
    s.add(m, bad, "one stanza by the count, another in the padding", put(m.message, 72, b"\1"))
    m = Maker("stanza-order-id")
    m.stanzas = [m.own, m.other(LOCAL, low)]
    s.add(m, bad, "stanzas in descending order of the KEK id")
    m = Maker("stanza-order-backend")
    m.stanzas = [m.other(2, low), m.own]
    s.add(m, bad, "stanzas in descending order of the backend")
    m = Maker("stanza-order-unsigned")
    m.stanzas = [m.other(2, high), m.other(2, b"\x7f" * 16)]
    s.add(m, bad, "in order if bytes were signed; comes before the search for our stanza")
    m = Maker("stanza-equal")
    m.stanzas = [m.own, m.own]
    s.add(m, bad, "the same stanza twice")
    for backend in (0, 8):
        m = Maker(f"stanza-backend-{backend}")
        m.stanzas = sorted([m.own, m.other(backend, high)], key=lambda stanza: stanza.order)
        s.add(m, bad, f"a stanza of backend {backend} beside ours")
    m = Maker("stanza-wrap-empty")
    m.stanzas = [m.own, m.other(2, low, 0)]
    s.add(m, bad, "an empty wrap beside ours")
    m = Maker("stanza-past-end-by-one")
    m.stanzas = [m.own, m.other(3, low, 320 - 73 - 91 - 19)]
    at = 73 + 91 + 17
    s.add(m, bad, "a wrap that ends one byte after H", put(m.message, at, (138).to_bytes(2, "big")))
    m = Maker("stanza-head-past-end")
    m.stanzas = [m.own, m.other(3, low, 320 - 73 - 91 - 19 - 18)]
    s.add(m, bad, "18 bytes are left for a third stanza", put(put(m.message, 72, b"\3"), 320 - 18, b"\7" * 18))
    m = Maker("padding-first")
    s.add(m, bad, "the first byte of the padding is not zero", put(m.message, 73 + 91, b"\1"))
    m = Maker("padding-last")
    s.add(m, bad, "the last byte of the padding is not zero", put(m.message, 319, b"\x80"))

    m = Maker("text-form")
    s.add(m, "TEXT_FORM", "the text form", ref.to_text(m.message).encode())
    m = Maker("text-base64")
    s.add(m, "TEXT_FORM", "the message in base64", base64.b64encode(m.message))
    m = Maker("text-base64-of-magic")
    s.add(m, "TEXT_FORM", "no more than the magic's base64", b"QllPSw")


def cuts(s: Set) -> None:
    cut = "TRUNCATED"
    for length, comment in (
        (0, "an empty input"),
        (2, "ends in the magic"),
        (7, "ends in H"),
        (8, "ends after H"),
        (319, "ends one byte before the header does"),
        (320, "ends after the header"),
        (320 + 15, "ends in the tag of an empty page"),
    ):
        m = Maker(f"cut-{length:03}", 0)
        s.add(m, cut, comment, m.message[:length])
    m = Maker("cut-header-bad")
    s.add(m, cut, "nine stanzas, but the header is not there as a whole", put(m.message, 72, b"\x09")[:319])
    m = Maker("cut-after-page-2", 9000)
    s.add(m, cut, "ends after two full pages", m.message[: 320 + 2 * FULL], released=2 * PAGE)
    m = Maker("cut-empty-page", 8192)
    s.add(m, cut, "the empty last page is missing", m.message[:-TAG], released=2 * PAGE)
    m = Maker("cut-page-start", 5000)
    s.add(m, cut, "15 bytes of the last page are left", m.message[: 320 + FULL + 15], released=PAGE)
    bad = "BAD_PAGE"
    m = Maker("cut-page-16", 5000)
    s.add(m, bad, "16 bytes of the last page are left", m.message[: 320 + FULL + 16], released=PAGE)
    m = Maker("cut-in-first-page", 5000)
    s.add(m, bad, "cut in the first page", m.message[: 320 + 1000])
    m = Maker("cut-in-last-tag", 5000)
    s.add(m, bad, "cut in the last tag", m.message[:-1], released=PAGE)


def pages(s: Set) -> None:
    bad = "BAD_PAGE"
    m = Maker("page-changed-first", 9000)
    s.add(m, bad, "the first byte of the first page changed", flip(m.message, 320))
    m = Maker("page-changed-last-tag", 9000)
    s.add(m, bad, "the last byte of the message changed", flip(m.message, -1), released=2 * PAGE)
    m = Maker("page-swapped", 13000)
    m.pages[1], m.pages[2] = m.pages[2], m.pages[1]
    s.add(m, bad, "the second and third page changed places", released=PAGE)
    m = Maker("page-repeated", 9000)
    m.pages.insert(1, m.pages[0])
    s.add(m, bad, "the first page stands twice", released=PAGE)
    m = Maker("page-removed-middle", 13000)
    del m.pages[1]
    s.add(m, bad, "the second page is missing", released=PAGE)
    m = Maker("page-of-another-message", 9000)
    m.pages[1] = Maker(m.name + "-2", 9000).pages[1]
    s.add(m, bad, "the second page is another message's second", released=PAGE)
    m = Maker("page-appended-byte", 5000)
    s.add(m, bad, "a byte appended", m.message + b"\0", released=PAGE)
    m = Maker("page-appended-to-full", 8191)
    s.add(m, bad, "a byte appended, so that the last page is as long as a full one", m.message + b"\0", released=PAGE)
    m = Maker("page-appended-after-empty", 4096)
    s.add(m, bad, "a byte appended after the empty page", m.message + b"\0", released=PAGE)
    m = Maker("page-empty-twice", 4096)
    m.pages.append(ref.seal_page(m.key, 2, b""))
    s.add(m, bad, "another empty page after the last one", released=PAGE)
    m = Maker("page-short-in-middle", 5000)
    m.pages = [ref.seal_page(m.key, i, pattern(n)) for i, n in enumerate((PAGE, 1000, PAGE, 100))]
    s.add(m, bad, "a page of 1000 bytes between full ones", released=PAGE)
    m = Maker("page-full-is-last", 8192)
    m.pages.pop()
    s.add(m, "TRUNCATED", "a writer that left out the empty last page", released=2 * PAGE)
    m = Maker("page-too-long", 0)
    m.pages = [ref.seal_page(m.key, 0, pattern(5000))]
    s.add(m, bad, "one page of 5000 bytes")
    m = Maker("page-nonce-little-endian", 5000)
    m.pages[1] = AESGCM(m.key).encrypt((1).to_bytes(12, "little"), pattern(5000)[PAGE:], None)
    s.add(m, bad, "page numbers in little-endian order", released=PAGE)


def build() -> list[Vector]:
    s = Set()
    for part in (sizes, contexts, stanzas, headers, cuts, pages):
        part(s)
    return list(s.vectors.values())


def main() -> None:
    vectors = build()
    for old in HERE.glob("*.txt"):
        old.unlink()
    for vector in vectors:
        (HERE / f"{vector.name}.txt").write_bytes(vector.text().encode("ascii"))
    negative = sum(vector.expect != "OK" for vector in vectors)
    print(f"{len(vectors)} vectors, {negative} of them negative")


if __name__ == "__main__":
    main()
