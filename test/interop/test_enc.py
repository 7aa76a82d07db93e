"""`openssl enc` and `openssl list` with byok as their only provider: -K, -a, -in, -out, -bufsize."""

from __future__ import annotations

import base64
import filecmp
import os
import subprocess
import threading
from pathlib import Path

import pytest
from installed import CIPHER, KEKS, NAME_64, Installed, enc, must, run

SIZES = (0, 1, 15, 16, 4079, 4095, 4096, 4097, 8192, 65535, 65536, 1048577, 20000000)
MEMORY_MAX = 16 * 1024  # KiB


def sealed_size(size: int) -> int:
    return 320 + size + 16 * (size // 4096 + 1)


@pytest.mark.parametrize("size", SIZES)
def test_pipes(installed: Installed, size: int) -> None:
    env = installed.by_modules()
    plaintext = os.urandom(size)
    message = must(enc(), env, plaintext)
    assert len(message) == sealed_size(size)
    assert message.startswith(b"BYOK\x01\x01")
    assert must(enc("-d"), env, message) == plaintext


@pytest.mark.parametrize("size", [0, 5000, 20000000])
def test_files(installed: Installed, tmp_path: Path, size: int) -> None:
    env = installed.by_modules()
    plain, sealed, opened = (tmp_path / name for name in ("plain", "sealed", "opened"))
    plain.write_bytes(os.urandom(size))
    assert run(enc("-in", plain, "-out", sealed), env).out == b""
    assert sealed.stat().st_size == sealed_size(size)
    assert run(enc("-d", "-in", sealed, "-out", opened), env).out == b""
    assert filecmp.cmp(plain, opened, shallow=False)


@pytest.mark.parametrize("kek", [name for name in KEKS if name != NAME_64])
def test_kek_by_name(installed: Installed, kek: str) -> None:
    env = installed.by_modules()
    message = must(enc(kek=kek), env, b"by name")
    assert must(enc("-d", kek=kek), env, message) == b"by name"
    assert must(enc("-d", kek=kek.encode().ljust(32, b"\0")), env, message) == b"by name"
    other = next(name for name in KEKS if name != kek)
    assert run(enc("-d", kek=other), env, message).status != 0


def test_empty_key_is_the_default_kek(installed: Installed) -> None:
    env = installed.by_modules()
    for empty in (b"", bytes(1), bytes(32)):
        message = must(enc(kek=empty), env, b"by default")
        assert must(enc("-d", kek=KEKS[0]), env, message) == b"by default"
        assert must(enc("-d", kek=empty), env, must(enc(kek=KEKS[0]), env, b"by name")) == b"by name"


def test_no_two_messages_are_alike(installed: Installed) -> None:
    env = installed.by_modules()
    first, second = (must(enc(), env, bytes(5000)) for _ in range(2))
    assert not any(first[at : at + 8] == second[at : at + 8] for at in range(336, len(first) - 8))


@pytest.mark.parametrize("size", [0, 1, 47, 48, 5000, 20000000])
@pytest.mark.parametrize("form", [["-a"], ["-a", "-A"]], ids="".join)
def test_base64(installed: Installed, form: list[str], size: int) -> None:
    env = installed.by_modules()
    plaintext = os.urandom(size)
    text = must(enc(*form), env, plaintext)
    assert max(map(len, text.splitlines())) == (64 if form == ["-a"] else len(text.strip()))
    message = base64.b64decode(text)
    assert must(enc("-d"), env, message) == plaintext
    assert must(enc("-d", *form), env, text) == plaintext


@pytest.mark.parametrize("bufsize", ["1", "2", "15", "100", "4096", "4112", "4113", "8k", "65535", "1000k", "16384k"])
def test_bufsize(installed: Installed, bufsize: str) -> None:
    env = installed.by_modules()
    plaintext = os.urandom(100003)
    message = must(enc("-bufsize", bufsize), env, plaintext)
    assert len(message) == sealed_size(len(plaintext))
    assert must(enc("-d", "-bufsize", bufsize), env, message) == plaintext
    assert must(enc("-d"), env, message) == plaintext


def through_uneven_pipe(command: list[object], env: dict[str, str], data: bytes) -> bytes:
    """The output of a program whose input comes in pieces of all sizes."""
    process = subprocess.Popen(
        [str(word) for word in command], env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
    )

    def feed() -> None:
        at = turn = 0
        while at < len(data):
            at += process.stdin.write(data[at : at + (1, 7, 320, 4097, 12289, 65537)[turn % 6]])
            turn += 1
        process.stdin.close()

    feeder = threading.Thread(target=feed)
    feeder.start()
    with process.stdout:
        out = process.stdout.read()
    feeder.join()
    assert process.wait() == 0
    return out


def test_uneven_pipe(installed: Installed) -> None:
    env = installed.by_modules()
    plaintext = os.urandom(3000000)
    message = through_uneven_pipe(enc(), env, plaintext)
    assert len(message) == sealed_size(len(plaintext))
    assert through_uneven_pipe(enc("-d"), env, message) == plaintext


def test_shell_pipeline(installed: Installed) -> None:
    plaintext = os.urandom(1000000)
    seal = f"openssl enc -{CIPHER} -provider byok -K ''"
    open_ = f"openssl enc -d -{CIPHER} -provider byok -K $(printf alpha | xxd -p)"
    assert must(["bash", "-o", "pipefail", "-c", f"{seal} | {open_}"], installed.by_modules(), plaintext) == plaintext


@pytest.mark.parametrize("provider", [["-provider", "byok"], []], ids=["provider", "alone"])
def test_with_openssl_conf(installed: Installed, provider: list[str]) -> None:
    env = installed.by_conf()
    command = ["openssl", "enc", f"-{CIPHER}", *provider, "-K", b"beta".hex()]
    message = must(command, env, b"by openssl.cnf")
    assert must([*command, "-d"], env, message) == b"by openssl.cnf"
    assert must(enc("-d", kek="beta"), installed.by_modules(), message) == b"by openssl.cnf"


def test_cipher_is_listed(installed: Installed) -> None:
    provided = "  BYOK-AES-256-GCM @ byok"
    alone = must(["openssl", "list", "-cipher-algorithms", "-provider", "byok"], installed.by_modules()).decode()
    assert alone.split("Provided:\n")[1].splitlines() == [provided]
    beside = must(["openssl", "list", "-cipher-algorithms"], installed.by_conf()).decode()
    assert provided in beside.splitlines()
    assert "@ default" in beside


def test_provider_is_listed(installed: Installed) -> None:
    expected = ["  byok", "    name: BYOK envelope encryption", "    version: 0.1.0", "    status: active"]
    alone = (
        must(["openssl", "list", "-providers", "-verbose", "-provider", "byok"], installed.by_modules())
        .decode()
        .splitlines()
    )
    assert alone[:5] == ["Providers:", *expected]
    beside = must(["openssl", "list", "-providers", "-verbose"], installed.by_conf()).decode().splitlines()
    at = beside.index("  byok")
    assert beside[at : at + 4] == expected
    assert "  default" in beside


def peak_memory(command: list[object], env: dict[str, str], report: Path) -> int:
    """In KiB, by GNU time: what wait4() tells of a child of this process counts what it had before exec()."""
    must(["/usr/bin/time", "-f", "%M", "-o", report, *command], env)
    return int(report.read_text())


def test_memory_does_not_grow_with_the_message(installed: Installed, tmp_path: Path) -> None:
    env = installed.by_modules()
    plain, sealed, opened = (tmp_path / name for name in ("plain", "sealed", "opened"))
    with plain.open("wb") as file:
        for _ in range(300):
            file.write(os.urandom(1000000))
    assert peak_memory(enc("-in", plain, "-out", sealed), env, tmp_path / "kib") < MEMORY_MAX
    assert peak_memory(enc("-d", "-in", sealed, "-out", opened), env, tmp_path / "kib") < MEMORY_MAX
    assert filecmp.cmp(plain, opened, shallow=False)
    for path in (plain, sealed, opened):
        path.unlink()
