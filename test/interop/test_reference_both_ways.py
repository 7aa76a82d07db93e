"""What OpenSSL seals reference.py opens, and the reverse, with contexts and AAD."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
import reference as ref
from evp import Evp, Refused
from installed import KEK_CONTEXTS, KEKS, NAME_64, Installed, enc, must, run
from refusals import REASONS, assert_refused

SIZES = (0, 1, 16, 4095, 4096, 4097, 8192, 100000, 3000000)
MANY = {f"name-{i:02}": str(i) * 20 for i in range(64)}
CONTEXTS = {
    "none": {},
    "one": {"organization_id": "org_123"},
    "unsorted": {"b": "2", "aa": "1", "a": "0", "é": "3", "\U0001f511": "4", "\uffff": "5"},
    "reserved": {" a,=%": " , = % ", "+&": "a b+c"},
    "empty value": {"a": "", "b": ""},
    "64 pairs": MANY,
    "long": {"n" * 255: "v" * 4096},
}
AADS = {"none": [], "one byte": [b"\0"], "parts": [b"a", b"", b"bc" * 1000], "most": [bytes(65536)]}


@pytest.fixture(scope="module")
def evp(installed: Installed) -> Iterator[Evp]:
    with Evp(installed.by_modules()) as process:
        yield process


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("kek", [name for name in KEKS if name != NAME_64])
def test_openssl_enc(installed: Installed, kek: str, size: int) -> None:
    env, key, given = installed.by_modules(), installed.keys[kek], {"kek_context": KEK_CONTEXTS.get(kek, {})}
    plaintext = os.urandom(size)
    assert ref.open_(key, must(enc(kek=kek), env, plaintext), **given) == plaintext
    assert must(enc("-d", kek=kek), env, ref.seal(key, plaintext, **given)) == plaintext


@pytest.mark.parametrize("aad", AADS.values(), ids=AADS)
@pytest.mark.parametrize("context", CONTEXTS.values(), ids=CONTEXTS)
@pytest.mark.parametrize("kek", [NAME_64, "bound"], ids=["alone", "bound"])
def test_contexts(installed: Installed, evp: Evp, kek: str, context: dict[str, str], aad: list[bytes]) -> None:
    key, text, plaintext = installed.keys[kek], ref.format_context(context), os.urandom(5000)
    given = {"context": context, "aad": b"".join(aad), "kek_context": KEK_CONTEXTS.get(kek, {})}
    assert ref.open_(key, evp.seal(kek, plaintext, text, aad), **given) == plaintext
    assert evp.open(kek, ref.seal(key, plaintext, **given), text, aad) == plaintext


@pytest.mark.parametrize("text", ["b=2,a=1", " a = 1 ,\tb =2 ", "%61=%31,b=%32", "a=1,b=2"])
def test_spellings_of_one_context(installed: Installed, evp: Evp, text: str) -> None:
    key, context = installed.keys["alpha"], {"a": "1", "b": "2"}
    assert ref.open_(key, evp.seal("alpha", b"text", text), context=context) == b"text"
    assert evp.open("alpha", ref.seal(key, b"text", context=context), text) == b"text"


OTHERS = [
    ("", []),
    ("a=1", []),
    ("a=2", [b"aad"]),
    ("a=1,b=2", [b"aad"]),
    ("A=1", [b"aad"]),
    ("a=1", [b"aad "]),
    ("", [b"a=1", b"aad"]),
]


@pytest.mark.parametrize(("text", "aad"), OTHERS)
def test_another_context_opens_nothing(installed: Installed, evp: Evp, text: str, aad: list[bytes]) -> None:
    key, right, wrong = (
        installed.keys["alpha"],
        {"context": {"a": "1"}, "aad": b"aad"},
        {"context": ref.parse_context(text), "aad": b"".join(aad)},
    )
    with pytest.raises(Refused) as caught:
        evp.open("alpha", ref.seal(key, b"text", **right), text, aad)
    assert caught.value.reason == REASONS["CONTEXT_MISMATCH"].number
    with pytest.raises(ref.Refused, match="CONTEXT_MISMATCH"):
        ref.open_(key, evp.seal("alpha", b"text", "a=1", [b"aad"]), **wrong)
    assert_refused(
        run(enc("-d"), installed.by_modules(), ref.seal(key, b"text", **right)), "CONTEXT_MISMATCH", secrets=[key]
    )


BAD = [
    "a",
    "a=1,",
    ",a=1",
    "a=%2",
    "a=%zz",
    "a=1,a=1",
    "=1",
    "a=\x01",
    "n" * 256 + "=",
    "a=" + "v" * 4097,
    ",".join(f"{i}=" for i in range(65)),
]


@pytest.mark.parametrize("text", BAD, ids=range(len(BAD)))
def test_malformed_contexts(evp: Evp, text: str) -> None:
    with pytest.raises(ref.Refused, match="BAD_CONTEXT"):
        ref.encode_context(ref.parse_context(text), b"")
    with pytest.raises(Refused) as caught:
        evp.seal("alpha", b"", text)
    assert caught.value.reason == REASONS["BAD_CONTEXT"].number


def test_too_much_aad(evp: Evp) -> None:
    with pytest.raises(Refused) as caught:
        evp.seal("alpha", b"", None, [bytes(65536), b"\0"])
    assert caught.value.reason == REASONS["BAD_CONTEXT"].number


def test_kek_context_is_part_of_the_wrap(installed: Installed) -> None:
    key, env = installed.keys["bound"], installed.by_modules()
    for other in ({}, {"organization": "org_123"}, {"organization": "org_124", "stage": "live"}):
        assert_refused(
            run(enc("-d", kek="bound"), env, ref.seal(key, b"text", kek_context=other)), "BAD_CIPHERTEXT", secrets=[key]
        )
        with pytest.raises(ref.Refused, match="BAD_CIPHERTEXT"):
            ref.open_(key, must(enc(kek="bound"), env, b"text"), kek_context=other)


def test_several_stanzas(installed: Installed) -> None:
    """A message for all KEKs that have no context, and one that nobody here has: each opens it."""
    names = [name for name in KEKS if name not in KEK_CONTEXTS]
    dek, salt, b = os.urandom(32), os.urandom(32), ref.binding("dek", {})
    stanzas = [
        ref.Stanza(ref.LOCAL, ref.kek_id(key), ref.wrap_local(key, dek, b))
        for key in (installed.keys[n] for n in names)
    ]
    stanzas = sorted([*stanzas, ref.Stanza(7, os.urandom(16), os.urandom(2000))], key=lambda stanza: stanza.order)
    key, commitment = ref.derive(dek, salt, {}, b"")
    message = ref.build_header(salt, commitment, stanzas) + b"".join(ref.seal_pages(key, b"for all"))
    with Evp(installed.by_modules()) as evp:
        assert [evp.open(name, message) for name in names] == [b"for all"] * len(names)
        with pytest.raises(Refused) as caught:
            evp.open("bound", message)
        assert caught.value.reason == REASONS["WRONG_KEY"].number
