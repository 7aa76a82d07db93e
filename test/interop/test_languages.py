"""What one language has sealed, each of the others opens."""

from __future__ import annotations

import os

import pytest
from installed import Installed
from languages import NODE, PHP, RUBY, OpensslEnc, Program

NAMES = ("openssl", "php", "ruby", "node", "node-stream")


def programs(installed: Installed) -> dict[str, Program]:
    env = installed.by_conf()
    made = OpensslEnc(env), Program(PHP, env), Program(RUBY, env), Program(NODE, env), Program(NODE, env, "stream")
    return dict(zip(NAMES, made))


@pytest.mark.parametrize("sealer", NAMES)
def test_each_opens_what_it_sealed(installed: Installed, sealer: str) -> None:
    each = programs(installed)
    for kek, size in (("", 0), ("beta", 4096), ("bound", 1000003)):
        plaintext = os.urandom(size)
        message = each[sealer].seal(kek, plaintext)
        assert {name: program.open(kek, message) == plaintext for name, program in each.items()} == dict.fromkeys(
            NAMES, True
        )
