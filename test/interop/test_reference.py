"""The reference against every vector, and against itself. Run with pytest; needs the `cryptography` package."""
from __future__ import annotations

import base64
import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

HERE = Path(__file__).resolve().parent
VECTORS = HERE.parent / "vectors"
sys.path[:0] = [str(HERE), str(VECTORS)]
import generate  # noqa: E402
import reference as ref  # noqa: E402

KEK = bytes(range(32))
HEAD = ["comment", "expect", "kek", "kek-context", "context", "aad"]


def load(path: Path) -> tuple[dict[str, str], bytes]:
    head, _, body = path.read_bytes().decode("ascii").partition("\n\n")
    fields = {}
    for line in head.rstrip("\n").split("\n"):
        field, colon, value = line.partition(":")
        assert colon and (value == "" or value[0] == " ")
        fields[field] = value[1:]
    lines = body.splitlines()
    assert all(len(line) == 76 for line in lines[:-1])
    return fields, base64.b64decode("".join(lines), validate=True)


def refusal(function, *arguments, **named) -> str:
    with pytest.raises(ref.Refused) as caught:
        function(*arguments, **named)
    return caught.value.reason


@pytest.mark.parametrize("path", sorted(VECTORS.glob("*.txt")), ids=lambda path: path.stem)
def test_vector(path: Path) -> None:
    fields, message = load(path)
    expect = fields["expect"]
    assert list(fields) == HEAD + (["plaintext-length", "plaintext-sha256"] if expect == "OK" else ["released"])
    released: list[bytes] = []
    try:
        pages = ref.stream(
            bytes.fromhex(fields["kek"]),
            message,
            context=ref.parse_context(fields["context"]),
            aad=bytes.fromhex(fields["aad"]),
            kek_context=ref.parse_context(fields["kek-context"]),
        )
        released.extend(pages)  # keeps what came before a refusal
        result = "OK"
    except ref.Refused as refused:
        result = refused.reason
    plaintext = b"".join(released)
    assert result == expect
    assert plaintext == generate.pattern(len(plaintext))
    if expect == "OK":
        assert len(plaintext) == int(fields["plaintext-length"])
        assert hashlib.sha256(plaintext).hexdigest() == fields["plaintext-sha256"]
    else:
        assert len(plaintext) == int(fields["released"])


def test_vectors_are_up_to_date() -> None:
    made = {f"{vector.name}.txt": vector.text().encode() for vector in generate.build()}
    there = {path.name: path.read_bytes() for path in VECTORS.glob("*.txt")}
    assert sorted(made) == sorted(there)
    assert [name for name in made if made[name] != there[name]] == []


def test_vectors_cover_every_reason() -> None:
    assert {vector.expect for vector in generate.build()} == {"OK", *ref.REASONS}


@pytest.mark.parametrize("length", [1, 63, 64, 65, 128, 255 * 64])
def test_hkdf_expand(length: int) -> None:
    expected = HKDFExpand(algorithm=hashes.SHA512(), length=length, info=b"info").derive(KEK)
    assert ref.hkdf_expand_sha512(KEK, b"info", length) == expected


def test_derive_is_one_hmac() -> None:
    salt = bytes(32)
    info = b"byok/v1\x01" + salt + hashlib.sha256(bytes(6)).digest()
    assert b"".join(ref.derive(KEK, salt, {}, b"")) == ref.hmac_sha512(KEK, info + b"\x01")


def test_encoded_context() -> None:
    assert ref.encode_context({}, b"") == bytes(6)
    expected = b"\0\2" b"\0\1a" b"\0\0" b"\0\2ab" b"\0\1c" b"\0\0\0\1x"
    assert ref.encode_context({"ab": "c", "a": ""}, b"x") == expected
    # names are compared before lengths are written: "b" comes after "aa", though it is shorter
    assert ref.encode_pairs({"b": "", "aa": ""}) == b"\0\2\0\2aa\0\0\0\1b\0\0"


def test_comma_form() -> None:
    assert ref.parse_context("") == ref.parse_context("  ") == {}
    assert ref.parse_context(" a=b , c=d=e,f=%2C%20") == {"a": "b", "c": "d=e", "f": ", "}
    for pairs in ({"a": ""}, {" a,=%": " é\U0001f511 ", "+": "a b"}):
        assert ref.parse_context(ref.format_context(pairs)) == pairs
    for bad in ("a", "a=b,", ",", "a=%2", "a=%zz", "a=1,a=1"):
        assert refusal(ref.parse_context, bad) == "BAD_CONTEXT"


@pytest.mark.parametrize("size", [0, 1, 16, 4095, 4096, 4097, 8192, 10000])
def test_round_trip(size: int) -> None:
    plaintext = os.urandom(size)
    given = {"context": {"b": "1", "a": "é"}, "aad": b"aad", "kek_context": {"k": "v"}}
    message = ref.seal(KEK, plaintext, **given)
    assert len(message) == 320 + size + 16 * (size // 4096 + 1)
    assert ref.open_(KEK, message, **given) == plaintext
    assert message != ref.seal(KEK, plaintext, **given)
    assert ref.from_text(ref.to_text(message)) == message


def test_text_form() -> None:
    for size in range(6):
        data = os.urandom(size)
        assert ref.from_text(ref.to_text(data)) == data
    assert ref.to_text(b"\xfb\xff") == "byok:v1:-_8"
    for bad in ("-_8", "BYOK:v1:-_8", "byok:v2:-_8", "byok:v1:-_8=", "byok:v1:+/8", "byok:v1:-_9", "byok:v1:-_8\n",
                "byok:v1: -_8", "byok:v1:A"):  # fmt: skip
        assert refusal(ref.from_text, bad) == "NOT_SEALED"


def test_every_changed_bit_and_every_cut_is_refused() -> None:
    message = ref.seal(KEK, b"a short text")
    for at in range(len(message)):
        for bit in range(8):
            changed = bytearray(message)
            changed[at] ^= 1 << bit
            refusal(ref.open_, KEK, bytes(changed))
        refusal(ref.open_, KEK, message[:at])


def test_command_line(tmp_path: Path) -> None:
    def run(command: str, data: bytes, *more: str) -> subprocess.CompletedProcess:
        line = [sys.executable, str(HERE / "reference.py"), command, "--kek-file", str(tmp_path / "kek"), *more]
        return subprocess.run(line, input=data, capture_output=True, check=False)

    given = ["--context", "b=1,a=%2C", "--aad-hex", "00ff", "--kek-context", "k=v"]
    plaintext = os.urandom(5000)
    (tmp_path / "kek").write_bytes(KEK)
    sealed = run("seal", plaintext, *given).stdout
    opened = run("open", sealed, *given)
    assert (opened.returncode, opened.stdout, opened.stderr) == (0, plaintext, b"")

    damaged = run("open", sealed[:-1], *given)
    assert (damaged.returncode, damaged.stdout) == (1, b"")
    assert damaged.stderr.startswith(b"BAD_PAGE: ")
    assert run("open", sealed, *given[:4]).stderr.startswith(b"BAD_CIPHERTEXT: ")
    assert run("open", b"").stderr.startswith(b"TRUNCATED: ")
    assert run("open", sealed, "--context", "a").stderr.startswith(b"BAD_CONTEXT: ")
