"""Damaged messages through `openssl enc -d`.

A refusal has a status other than zero, the reason's text with a remedy on stderr, no byte of a key there, and on
stdout nothing but the beginning of the true plaintext, of pages that were verified."""

from __future__ import annotations

import base64
import os
from pathlib import Path

import pytest
import reference as ref
from installed import Installed, Result, enc, run
from refusals import assert_genuine, assert_refused
from sample import KEY, MESSAGE, PLAINTEXT

H, PAGE = 320, 4112
OTHER = ref.seal(KEY, PLAINTEXT)  # the same text, another message
HEADER, PAGES = MESSAGE[:H], [MESSAGE[at : at + PAGE] for at in range(H, len(MESSAGE), PAGE)]
OTHER_PAGES = [OTHER[at : at + PAGE] for at in range(H, len(OTHER), PAGE)]


def changed(data: bytes, at: int, value: int | None = None) -> bytes:
    return data[:at] + bytes([data[at] ^ 1 if value is None else value]) + data[at + 1 :]


def joined(*pages: bytes) -> bytes:
    return HEADER + b"".join(pages)


def by_reference(message: bytes) -> tuple[str, int]:
    """The reason that the reference gives, and how much it releases before."""
    released = 0
    try:
        for page in ref.stream(KEY, message):
            released += len(page)
    except ref.Refused as refused:
        return refused.reason, released
    raise AssertionError("the reference opens it")


def open_(installed: Installed, keks: Path, message: bytes, *options: object) -> Result:
    return run(enc("-d", *options, kek="k"), installed.by_modules(keks), message)


A, B, C, LAST = PAGES
DAMAGE: dict[str, tuple[bytes, str, int]] = {
    # name: message, reason, verified pages that may come out before
    "magic": (changed(MESSAGE, 0), "NOT_SEALED", 0),
    "another file": (b"%PDF-1.7\n" + bytes(1000), "NOT_SEALED", 0),
    "blank before": (b"\n" + MESSAGE, "NOT_SEALED", 0),
    "enc's own form": (b"Salted__" + MESSAGE, "NOT_SEALED", 0),
    "version 0": (changed(MESSAGE, 4, 0), "UNSUPPORTED_VERSION", 0),
    "version 2": (changed(MESSAGE, 4, 2), "UNSUPPORTED_VERSION", 0),
    "suite 0": (changed(MESSAGE, 5, 0), "UNSUPPORTED_SUITE", 0),
    "suite 2": (changed(MESSAGE, 5, 2), "UNSUPPORTED_SUITE", 0),
    "length of the header": (changed(MESSAGE, 7), "BAD_HEADER", 0),
    "salt": (changed(MESSAGE, 8), "CONTEXT_MISMATCH", 0),
    "commitment": (changed(MESSAGE, 71), "CONTEXT_MISMATCH", 0),
    "no stanzas": (changed(MESSAGE, 72, 0), "BAD_HEADER", 0),
    "two stanzas": (changed(MESSAGE, 72, 2), "BAD_HEADER", 0),
    "nine stanzas": (changed(MESSAGE, 72, 9), "BAD_HEADER", 0),
    "unknown backend": (changed(MESSAGE, 73, 8), "BAD_HEADER", 0),
    "another backend": (changed(MESSAGE, 73, 2), "WRONG_KEY", 0),
    "KEK id": (changed(MESSAGE, 74), "WRONG_KEY", 0),
    "wrap of no bytes": (changed(MESSAGE, 91, 0), "BAD_HEADER", 0),
    "wrap past the header": (changed(MESSAGE, 90, 1), "BAD_HEADER", 0),
    "wrap of a byte more": (changed(MESSAGE, 91, 73), "BAD_CIPHERTEXT", 0),
    "wrap": (changed(MESSAGE, 92), "BAD_CIPHERTEXT", 0),
    "padding": (changed(MESSAGE, H - 1), "BAD_HEADER", 0),
    "another message's salt": (MESSAGE[:8] + OTHER[8:40] + MESSAGE[40:], "CONTEXT_MISMATCH", 0),
    "another message's header": (OTHER[:H] + MESSAGE[H:], "BAD_PAGE", 0),
    "first byte": (joined(changed(A, 0), B, C, LAST), "BAD_PAGE", 0),
    "tag": (joined(A, changed(B, PAGE - 1), C, LAST), "BAD_PAGE", 1),
    "last page": (joined(A, B, C, changed(LAST, 500)), "BAD_PAGE", 3),
    "last tag": (joined(A, B, C, changed(LAST, 1015)), "BAD_PAGE", 3),
    "swapped pages": (joined(A, C, B, LAST), "BAD_PAGE", 1),
    "repeated page": (joined(A, A, B, C, LAST), "BAD_PAGE", 1),
    "repeated last page": (joined(A, B, C, LAST, LAST), "BAD_PAGE", 3),
    "first page removed": (joined(B, C, LAST), "BAD_PAGE", 0),
    "middle page removed": (joined(A, C, LAST), "BAD_PAGE", 1),
    "last page removed": (joined(A, B, C), "TRUNCATED", 3),
    "page of another message": (joined(A, OTHER_PAGES[1], C, LAST), "BAD_PAGE", 1),
    "last page of another message": (joined(A, B, C, OTHER_PAGES[3]), "BAD_PAGE", 3),
    "full page as the last": (joined(A, B[:1016]), "BAD_PAGE", 1),
    "zero appended": (MESSAGE + b"\0", "BAD_PAGE", 3),
    "line end appended": (MESSAGE + b"\n", "BAD_PAGE", 3),
    "page appended": (MESSAGE + bytes(PAGE), "BAD_PAGE", 3),
    "message appended": (MESSAGE + OTHER, "BAD_PAGE", 3),
    "text form": (ref.to_text(MESSAGE).encode(), "TEXT_FORM", 0),
    "base64": (base64.encodebytes(MESSAGE), "TEXT_FORM", 0),
}


@pytest.mark.parametrize(("message", "reason", "pages"), DAMAGE.values(), ids=DAMAGE)
def test_damage(installed: Installed, keks: Path, message: bytes, reason: str, pages: int) -> None:
    result = open_(installed, keks, message)
    assert_refused(result, reason, secrets=[KEY])
    assert_genuine(result.out, PLAINTEXT, pages * 4096)
    assert by_reference(message)[0] == reason


def test_the_undamaged_message_opens(installed: Installed, keks: Path) -> None:
    assert open_(installed, keks, MESSAGE) == Result(0, PLAINTEXT, open_(installed, keks, OTHER).err)


@pytest.mark.parametrize("first", range(0, H, 40))
def test_every_byte_of_the_header(installed: Installed, keks: Path, first: int) -> None:
    for at in range(first, first + 40):
        message = changed(MESSAGE, at, MESSAGE[at] ^ 0x41)
        result = open_(installed, keks, message)
        assert_refused(result, by_reference(message)[0], secrets=[KEY])
        assert result.out == b""


CUTS = [*range(9), 40, 72, 73, 91, 92, 163, H - 1]
CUTS += [at + by for page in range(4) for at in (H + page * PAGE,) for by in (0, 1, 15, 16, 17, 500, 1000)] + [
    len(MESSAGE) - 1
]


@pytest.mark.parametrize("length", CUTS)
def test_cut(installed: Installed, keks: Path, length: int) -> None:
    reason, released = by_reference(MESSAGE[:length])
    result = open_(installed, keks, MESSAGE[:length])
    assert_refused(result, reason, secrets=[KEY])
    assert_genuine(result.out, PLAINTEXT, released)


@pytest.mark.parametrize("name", ["text form", "base64"])
def test_text_of_any_length(installed: Installed, keks: Path, name: str) -> None:
    """Also where it comes byte by byte, or ends early."""
    text = DAMAGE[name][0]
    for size in (8, 20, len(text)):
        assert_refused(open_(installed, keks, text[:size], "-bufsize", 1), "TEXT_FORM", secrets=[KEY])


def test_damage_within_base64(installed: Installed, keks: Path) -> None:
    text = base64.encodebytes(DAMAGE["swapped pages"][0])
    result = open_(installed, keks, text, "-a")
    assert_refused(result, "BAD_PAGE", secrets=[KEY])
    assert_genuine(result.out, PLAINTEXT, 4096)
    assert open_(installed, keks, base64.encodebytes(MESSAGE), "-a").out == PLAINTEXT


@pytest.mark.parametrize("bufsize", [1, 100, 4112, "1000k"])
def test_output_is_genuine_whatever_the_pieces(installed: Installed, keks: Path, bufsize: object) -> None:
    for name in ("swapped pages", "last tag", "last page removed", "message appended"):
        message, reason, pages = DAMAGE[name]
        result = open_(installed, keks, message, "-bufsize", bufsize)
        assert_refused(result, reason, secrets=[KEY])
        assert_genuine(result.out, PLAINTEXT, pages * 4096)


def test_damage_late_in_a_long_message(installed: Installed, keks: Path) -> None:
    plaintext = os.urandom(3000000)
    message = ref.seal(KEY, plaintext)
    result = open_(installed, keks, changed(message, 2500000))
    assert_refused(result, "BAD_PAGE", secrets=[KEY])
    assert_genuine(result.out, plaintext, 2500000)
