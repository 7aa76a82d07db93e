"""openssl_encrypt() and openssl_decrypt() of PHP."""

from __future__ import annotations

import os

import pytest
import reference as ref
from installed import NAME_32, NAME_64, Installed, must, run
from languages import PHP, SIZES, Program, assert_refusals
from refusals import REASONS

BLOCK = 65536  # what PHP adds to the input's length for its output
MIB = 1 << 20


@pytest.fixture(scope="module")
def php(installed: Installed) -> Program:
    return Program(PHP, installed.by_conf())


@pytest.mark.parametrize("size", SIZES)
def test_round_trip(installed: Installed, php: Program, size: int) -> None:
    plaintext = os.urandom(size)
    message = php.seal("alpha", plaintext)
    assert len(message) == 320 + size + 16 * (size // 4096 + 1)
    assert php.open("alpha", message) == plaintext
    if size < MIB:
        assert ref.open_(installed.keys["alpha"], message) == plaintext


@pytest.mark.parametrize("kek", ["beta", NAME_32, NAME_64, "alpha\0\0"])
def test_names(installed: Installed, php: Program, kek: str) -> None:
    name = kek.rstrip("\0")
    script = (
        "fwrite(STDOUT, openssl_encrypt('text', 'byok-aes-256-gcm', base64_decode($argv[1]), OPENSSL_RAW_DATA, ''));"
    )
    message = must(["php", "-r", script, ref.base64.b64encode(kek.encode()).decode()], php.env)
    assert ref.open_(installed.keys[name], message) == b"text"
    assert php.open(name, message) == b"text"


def test_empty_key_is_the_default_kek(installed: Installed, php: Program) -> None:
    assert ref.open_(installed.keys["alpha"], php.seal("", b"text")) == b"text"
    assert php.open("", php.seal("alpha", b"text")) == b"text"


def test_php_by_its_own_base64(php: Program) -> None:
    script = """$message = openssl_encrypt('text', 'BYOK-AES-256-GCM', 'beta');
        echo strlen(base64_decode($message)), openssl_decrypt($message, 'byok-aes-256-gcm', 'beta');"""
    assert must(["php", "-r", script], php.env) == b"340text"


def test_what_php_knows_of_the_cipher(php: Program) -> None:
    script = "echo openssl_cipher_iv_length('byok-aes-256-gcm'), ' ', openssl_cipher_key_length('byok-aes-256-gcm');"
    assert must(["php", "-r", script], php.env) == b"0 32"


@pytest.mark.parametrize("size", [15 * MIB, 16695295, 16695296, 16 * MIB, 17 * MIB, 18 * MIB, 32 * MIB])
def test_long_messages_stay_within_phps_buffer(php: Program, size: int) -> None:
    """PHP has the input's length and one block for what the update and the final give together."""
    result = php.run("seal", "alpha", bytes(size))
    if size <= 15 * MIB:
        assert result.status == 0
    if result.status == 0:
        excess = len(result.out) - size
        assert excess <= BLOCK
        assert php.open("alpha", result.out) == bytes(size)
    else:
        assert REASONS["UPDATE_TOO_LONG"].text in result.err.decode()


def test_refusals(installed: Installed, php: Program) -> None:
    """openssl_error_string() gives a reason's text, and not its data."""
    assert_refusals(php, installed, lambda text, step: f":byok::{text}\n")


def test_php_drops_an_iv(installed: Installed, php: Program) -> None:
    """It cuts an IV to the cipher's length, which is 0, and warns."""
    script = """$iv = str_repeat('i', 12);
        fwrite(STDOUT, openssl_encrypt('text', 'byok-aes-256-gcm', 'alpha', OPENSSL_RAW_DATA, $iv));"""
    result = run(["php", "-d", "display_errors=stderr", "-r", script], php.env)
    assert result.status == 0 and b"longer than the 0 expected" in result.err
    assert ref.open_(installed.keys["alpha"], result.out) == b"text"


def test_one_process_many_messages(php: Program) -> None:
    script = """for ($i = 0; $i < 2000; $i++) {
        $text = random_bytes(1 + $i * 7 % 9000);
        $kek = $i % 2 ? 'alpha' : 'beta';
        $message = openssl_encrypt($text, 'byok-aes-256-gcm', $kek, OPENSSL_RAW_DATA, '');
        if (openssl_decrypt($message, 'byok-aes-256-gcm', $kek, OPENSSL_RAW_DATA, '') !== $text) exit(1);
        if (openssl_decrypt($message, 'byok-aes-256-gcm', 'bound', OPENSSL_RAW_DATA, '') !== false) exit(2);
    }"""
    must(["php", "-r", script], php.env)
