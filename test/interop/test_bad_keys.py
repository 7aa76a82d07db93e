"""Keys that name no KEK, or not the message's, through `openssl enc`; none of them may be shown."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import reference as ref
from installed import CIPHER, Installed, enc, keks_text, run
from refusals import assert_refused
from sample import KEY, MESSAGE, PLAINTEXT

BOTH = pytest.mark.parametrize("direction", [[], ["-d"]], ids=["seal", "open"])
PASSWORD = b"correct horse battery staple"
DERIVED = ref.sha256(PASSWORD)  # the key that `enc -k` makes without a salt


@BOTH
@pytest.mark.parametrize("kek", ["K", "k ", "kk", "default", "../k", "k" * 33, "\0k", "k\0k"], ids=repr)
def test_unknown_name(installed: Installed, keks: Path, direction: list[str], kek: str) -> None:
    result = run(enc(*direction, kek=kek), installed.by_modules(keks), MESSAGE)
    assert_refused(result, "UNKNOWN_KEK", secrets=[KEY] + [kek.encode()] * (len(kek) > 5))
    assert result.out == b""


@BOTH
def test_a_real_key(installed: Installed, keks: Path, direction: list[str]) -> None:
    for key in (KEY, os.urandom(32), os.urandom(16), os.urandom(32).hex().encode()[:32], PASSWORD):
        result = run(enc(*direction, kek=key), installed.by_modules(keks), MESSAGE)
        assert_refused(result, "UNKNOWN_KEK", secrets=[KEY, key])
        assert result.out == b""


@BOTH
@pytest.mark.parametrize("form", [["-k"], ["-pass"], ["-k", "-pbkdf2"]], ids="".join)
def test_password(installed: Installed, keks: Path, form: list[str], direction: list[str]) -> None:
    password = PASSWORD.decode() if form[0] == "-k" else f"pass:{PASSWORD.decode()}"
    command = [
        "openssl",
        "enc",
        f"-{CIPHER}",
        "-provider",
        "byok",
        "-provider",
        "default",
        *direction,
        form[0],
        password,
        *form[1:],
    ]
    result = run([*command, "-nosalt"], installed.by_modules(keks), MESSAGE)
    assert_refused(result, "UNKNOWN_KEK", "-k, -pass", secrets=[KEY, PASSWORD, DERIVED])
    assert result.out == b""


def test_password_with_salt(installed: Installed, keks: Path) -> None:
    command = ["openssl", "enc", f"-{CIPHER}", "-provider", "byok", "-provider", "default", "-k", PASSWORD.decode()]
    result = run(command, installed.by_modules(keks), PLAINTEXT)
    assert_refused(result, "UNKNOWN_KEK", "-k, -pass", secrets=[KEY, PASSWORD])
    assert len(result.out) <= 16  # enc's own "Salted__" and salt
    result = run([*command, "-d"], installed.by_modules(keks), MESSAGE)  # enc itself misses its salt
    assert result.status != 0 and result.out == b"" and b"bad magic number" in result.err


def test_another_keks_message(installed: Installed) -> None:
    message = ref.seal(installed.keys["alpha"], PLAINTEXT)
    for kek in ("beta", "bound"):
        result = run(enc("-d", kek=kek), installed.by_modules(), message)
        assert_refused(result, "WRONG_KEY", secrets=installed.keys.values())
        assert result.out == b""


def test_no_default_kek(installed: Installed, folder: Path, keks: Path) -> None:
    keks.write_text(keks_text({"k": folder / "k.key"}))
    for direction in ([], ["-d"]):
        assert_refused(run(enc(*direction), installed.by_modules(keks), MESSAGE), "NO_DEFAULT_KEK", secrets=[KEY])
