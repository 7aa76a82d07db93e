"""OpenSSL::Cipher of Ruby."""

from __future__ import annotations

import os

import pytest
import reference as ref
from installed import NAME_32, NAME_64, Installed, must, run
from languages import RUBY, SIZES, Program, assert_refusals


@pytest.fixture(scope="module")
def ruby(installed: Installed) -> Program:
    return Program(RUBY, installed.by_conf())


@pytest.mark.parametrize("size", SIZES)
def test_round_trip(installed: Installed, ruby: Program, size: int) -> None:
    plaintext = os.urandom(size)
    message = ruby.seal("alpha", plaintext)
    assert len(message) == 320 + size + 16 * (size // 4096 + 1)
    assert ruby.open("alpha", message) == plaintext
    if size < 1 << 20:
        assert ref.open_(installed.keys["alpha"], message) == plaintext


@pytest.mark.parametrize("piece", [1, 13, 4096, 4112, 65536])
def test_in_pieces(installed: Installed, ruby: Program, piece: int) -> None:
    plaintext = os.urandom(50000)
    pieces = Program(RUBY, ruby.env, piece)
    message = pieces.seal("alpha", plaintext)
    assert ref.open_(installed.keys["alpha"], message) == plaintext
    assert pieces.open("alpha", message) == ruby.open("alpha", message) == plaintext


@pytest.mark.parametrize("kek", ["beta", NAME_32, NAME_64])
def test_names(installed: Installed, ruby: Program, kek: str) -> None:
    assert ref.open_(installed.keys[kek], ruby.seal(kek, b"text")) == b"text"


def test_empty_key_is_the_default_kek(installed: Installed, ruby: Program) -> None:
    assert ref.open_(installed.keys["alpha"], ruby.seal("", b"text")) == b"text"


def test_refusals(installed: Installed, ruby: Program) -> None:
    """A CipherError's message is a reason's text."""
    assert_refusals(ruby, installed, lambda text, step: text)


def test_a_context_again_and_again(ruby: Program) -> None:
    """reset, the other direction, and on after a refusal."""
    script = """require "openssl"
        cipher = OpenSSL::Cipher.new("BYOK-AES-256-GCM")
        key = "beta".ljust(32, "\\0")
        messages = 100.times.map { |i| cipher.encrypt; cipher.key = key; cipher.update("text #{i}") + cipher.final }
        raise "two alike" unless messages.uniq.size == 100
        messages.each_with_index do |message, i|
          cipher.decrypt
          cipher.key = key
          raise "#{i} differs" unless cipher.update(message) + cipher.final == "text #{i}"
          cipher.reset
          begin
            cipher.update(message[0..-2]) + cipher.final
            raise "#{i} opens though cut"
          rescue OpenSSL::Cipher::CipherError
            cipher.reset
          end
          raise "#{i} differs after reset" unless cipher.update(message) + cipher.final == "text #{i}"
        end"""
    must(["ruby", "-e", script], ruby.env)


def test_a_key_of_another_length_is_rubys_to_refuse(ruby: Program) -> None:
    result = run(["ruby", "-ropenssl", "-e", 'OpenSSL::Cipher.new("byok-aes-256-gcm").encrypt.key = "beta"'], ruby.env)
    assert result.status != 0 and b"key must be 32 bytes" in result.err
