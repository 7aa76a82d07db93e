"""One message under one KEK, `k`, with its plaintext, for the tests that damage things."""

from __future__ import annotations

import os
from pathlib import Path

import reference as ref
from installed import keks_text, make_key

KEY = bytes.fromhex("b7d0a6f1c25e483990e61d5b0fa4727e83cc19d5e8a03b6427f19adc50b2e46f")
PLAINTEXT = os.urandom(3 * 4096 + 1000)
MESSAGE = ref.seal(KEY, PLAINTEXT)


def make_keks(folder: Path) -> Path:
    """A KEK file for `k` alone, the default one, which every user may read."""
    make_key(folder / "k.key", KEY)
    path = folder / "keks.cnf"
    path.write_text(keks_text({"k": folder / "k.key"}, default="k"))
    return path
