"""crypto.createCipheriv() and createDecipheriv() of Node.js, whose OpenSSL is linked into it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import reference as ref
from installed import NAME_32, NAME_64, Installed, clean_environment, must
from languages import NODE, SIZES, Program, assert_refusals

WAYS = ("OPENSSL_CONF", "--openssl-config", "--openssl-shared-config")


def node_by(way: str, installed: Installed, folder: Path, *options: object) -> Program:
    """Node.js with byok's configuration by its three ways. The last needs no nodejs_conf."""
    program, script = NODE
    if way == "OPENSSL_CONF":
        return Program(NODE, installed.by_conf(), *options)
    if way == "--openssl-config":
        return Program([program, f"--openssl-config={installed.conf}", script], clean_environment(), *options)
    conf = folder / "openssl.cnf"
    text = installed.conf_text()
    assert text.count("\nnodejs_conf = byok_init\n") == 1
    conf.write_text(text.replace("\nnodejs_conf = byok_init\n", "\n"))
    return Program([program, "--openssl-shared-config", script], installed.by_conf(conf), *options)


@pytest.fixture(scope="module")
def node(installed: Installed) -> Program:
    return Program(NODE, installed.by_conf())


@pytest.mark.parametrize("size", SIZES)
def test_round_trip(installed: Installed, node: Program, size: int) -> None:
    plaintext = os.urandom(size)
    message = node.seal("alpha", plaintext)
    assert len(message) == 320 + size + 16 * (size // 4096 + 1)
    assert node.open("alpha", message) == plaintext
    if size < 1 << 20:
        assert ref.open_(installed.keys["alpha"], message) == plaintext


@pytest.mark.parametrize("how", [[], ["stream"]], ids=["call", "stream"])
@pytest.mark.parametrize("way", WAYS)
def test_ways_of_configuration(installed: Installed, folder: Path, way: str, how: list[str]) -> None:
    plaintext = os.urandom(300000)
    node = node_by(way, installed, folder, *how)
    message = node.seal("beta", plaintext)
    assert ref.open_(installed.keys["beta"], message) == plaintext
    assert node.open("beta", message) == plaintext


@pytest.mark.parametrize("size", [0, 1, 4096, 65536, 65537, 5000000, 40000000])
def test_streams(node: Program, size: int) -> None:
    plaintext = os.urandom(size)
    streams = Program(NODE, node.env, "stream")
    message = streams.seal("alpha", plaintext)
    assert len(message) == 320 + size + 16 * (size // 4096 + 1)
    assert streams.open("alpha", message) == plaintext


@pytest.mark.parametrize("kek", ["beta", NAME_32, NAME_64])
def test_names(installed: Installed, node: Program, kek: str) -> None:
    assert ref.open_(installed.keys[kek], node.seal(kek, b"text")) == b"text"


def test_zeros_are_the_default_kek(installed: Installed, node: Program) -> None:
    assert ref.open_(installed.keys["alpha"], node.seal("", b"text")) == b"text"


UPDATE_FAILED = "Trying to add data in unsupported state"  # for all of them: Node.js drops the errors of an update


@pytest.mark.parametrize("how", [[], ["stream"]], ids=["call", "stream"])
def test_refusals(installed: Installed, node: Program, how: list[str]) -> None:
    says = lambda text, step: UPDATE_FAILED if step == "update" else f":byok::{text}\n"
    assert_refusals(Program(NODE, node.env, *how), installed, says)


def test_a_stream_that_breaks_off_gives_a_genuine_beginning(node: Program) -> None:
    plaintext = os.urandom(1000000)
    message = node.seal("alpha", plaintext)
    for damaged in (message[:700000], message[:700000] + message[704112:], message + b"\0"):
        result = Program(NODE, node.env, "stream").run("open", "alpha", damaged)
        assert result.status == 1
        assert plaintext.startswith(result.out)


def test_what_node_knows_of_the_cipher(node: Program) -> None:
    script = """const { getCipherInfo } = require('node:crypto');
        const { keyLength, ivLength, mode } = getCipherInfo('byok-aes-256-gcm');
        console.log(keyLength, ivLength, mode, getCipherInfo('byok-aes-256-gcm', { keyLength: 64 }) !== undefined);"""
    assert must(["node", "-e", script], node.env) == b"32 undefined stream true\n"


def test_an_iv_is_refused(node: Program) -> None:
    script = """const crypto = require('node:crypto');
        for (const size of [12, 16])
          try { crypto.createCipheriv('byok-aes-256-gcm', Buffer.alloc(32), Buffer.alloc(size)); process.exit(1); }
          catch (error) { if (error.code !== 'ERR_CRYPTO_INVALID_IV') throw error; }"""
    must(["node", "-e", script], node.env)


MANY = """'use strict';
const { Worker, isMainThread } = require('node:worker_threads');
const crypto = require('node:crypto');
const key = Buffer.concat([Buffer.from('beta'), Buffer.alloc(28)]);
const make = (_, i) => [crypto.randomBytes(i * 40), crypto.createCipheriv('byok-aes-256-gcm', key, null)];
const begun = Array.from({ length: 300 }, make);
const parts = begun.map(([text, cipher]) => cipher.update(text));
for (const [i, [text, cipher]] of begun.entries()) {
  const opening = crypto.createDecipheriv('byok-aes-256-gcm', key, null);
  const opened = Buffer.concat([opening.update(parts[i]), opening.update(cipher.final()), opening.final()]);
  if (!opened.equals(text)) throw new Error(`message ${i} differs`);
}
console.log('done');
if (isMainThread) for (let i = 0; i < 4; i++) new Worker(__filename);
"""


def test_many_at_once(node: Program, tmp_path: Path) -> None:
    """Hundreds of contexts side by side, on the main thread and on four more."""
    (tmp_path / "many.js").write_text(MANY)
    assert must(["node", tmp_path / "many.js"], node.env) == b"done\n" * 5
