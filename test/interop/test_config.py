"""Where the configuration comes from, and that a wrong one harms nobody else."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import reference as ref
from installed import Installed, enc, keks_text, make_key, must, run
from refusals import assert_refused


def write_conf(installed: Installed, folder: Path, **parts: str) -> Path:
    conf = folder / "openssl.cnf"
    conf.write_text(installed.conf_text(**parts))
    return conf


def sealed_under(env: dict[str, str], key: bytes, kek: str = "") -> bool:
    """Whether the KEK of that name is this key. What was sealed opens in the same environment."""
    message = must(enc(kek=kek), env, b"whose?")
    assert must(enc("-d", kek=kek), env, message) == b"whose?"
    return [stanza.kek_id for stanza in ref.parse_header(message).stanzas] == [ref.kek_id(key)]


# Where it comes from


def test_kek_alone(installed: Installed, folder: Path, no_kek_file: None) -> None:
    key = make_key(folder / "a key, 100%.key")
    uri = f"local://{folder}/a%20key%2C%20100%25.key"
    env = installed.by_conf(write_conf(installed, folder, provider=f"kek = {uri}\n"))
    assert sealed_under(env, key)
    assert sealed_under(env, key, "default")
    assert_refused(run(enc(kek="alpha"), env), "UNKNOWN_KEK", secrets=[key])


def test_options_beside_kek_are_its_own(installed: Installed, folder: Path, no_kek_file: None) -> None:
    key = make_key(folder / "k.key")
    env = installed.by_conf(write_conf(installed, folder, provider=f"kek = local://{folder}/k.key\ncontext = a=1\n"))
    assert ref.open_(key, must(enc(), env, b"text"), kek_context={"a": "1"}) == b"text"


def test_first_that_is_there_counts(installed: Installed, folder: Path) -> None:
    """The provider's section, then BYOK_CONFIG, then the installed file, then nSelf's environment."""
    keys = {name: make_key(folder / f"{name}.key") for name in ("config", "kek", "variable")}
    files = {name: folder / f"{name}.cnf" for name in keys}
    for name, path in files.items():
        path.write_text(keks_text({"alpha": folder / f"{name}.key"}, default="alpha"))
    more = {"BYOK_PROVIDER": "aws-kms", "BYOK_AWS_KEY_ARN": "arn:aws:kms:eu-central-1:1:key/1"}
    by_config = write_conf(installed, folder, provider=f"config = {files['config']}\n")
    assert sealed_under(installed.by_conf(by_config, BYOK_CONFIG=files["variable"], **more), keys["config"])
    by_kek = write_conf(installed, folder, provider=f"kek = local://{folder}/kek.key\n")
    assert sealed_under(installed.by_conf(by_kek, BYOK_CONFIG=files["variable"], **more), keys["kek"])
    for env in (
        installed.by_conf(BYOK_CONFIG=files["variable"], **more),
        installed.by_modules(files["variable"], **more),
    ):
        assert sealed_under(env, keys["variable"])
    for env in (
        installed.by_conf(**more),
        installed.by_default_path(**more),
        installed.by_default_path(BYOK_CONFIG="", **more),
    ):
        assert sealed_under(env, installed.keys["alpha"])


def test_a_wrong_file_is_not_passed_over(installed: Installed, folder: Path) -> None:
    """What is named and can't be read is no reason to use something else."""
    gone = folder / "gone.cnf"
    assert_refused(run(enc(), installed.by_modules(gone)), "CONFIG", str(gone))
    env = installed.by_conf(write_conf(installed, folder, provider=f"config = {gone}\n"))
    assert_refused(run(enc(), env), "CONFIG", str(gone))
    env = installed.by_conf(write_conf(installed, folder, provider=f"kek = local://{gone}\n"))
    assert_refused(run(enc(), env), "NOT_FOUND", str(gone))


def test_nothing_at_all(installed: Installed, no_kek_file: None) -> None:
    for env in (installed.by_default_path(), installed.by_conf()):
        assert_refused(run(enc(), env), "NO_DEFAULT_KEK")
        assert_refused(run(enc(kek="alpha"), env), "UNKNOWN_KEK")


def test_defaults_from_further_up(installed: Installed, folder: Path) -> None:
    """A KEK's own option before the file's, before the provider's section's."""
    names = ("own", "top", "section")
    keys = {name: make_key(folder / f"{name}.key") for name in names}
    paths = {name: folder / f"{name}.key" for name in names}
    keks = folder / "keks.cnf"
    conf = write_conf(installed, folder, provider=f"config = {keks}\ncontext = from=section\ndefault-kek = section\n")
    keks.write_text(keks_text({"own": paths["own"], "section": paths["section"]}, more={"own": "context = from=own\n"}))
    env = installed.by_conf(conf)
    assert ref.open_(keys["own"], must(enc(kek="own"), env, b"x"), kek_context={"from": "own"}) == b"x"
    assert ref.open_(keys["section"], must(enc(), env, b"x"), kek_context={"from": "section"}) == b"x"
    keks.write_text(keks_text(paths, default="top", top="context = from=top\n", more={"own": "context = from=own\n"}))
    assert ref.open_(keys["own"], must(enc(kek="own"), env, b"x"), kek_context={"from": "own"}) == b"x"
    assert ref.open_(keys["top"], must(enc(), env, b"x"), kek_context={"from": "top"}) == b"x"


# nSelf's environment

NSELF = {
    "aws-kms": {"BYOK_AWS_KEY_ARN": "arn:aws:kms:eu-central-1:123456789012:key/1234abcd"},
    "gcp-kms": {"BYOK_GCP_KEY_NAME": "projects/p/locations/l/keyRings/r/cryptoKeys/k"},
    "vault-transit": {"BYOK_VAULT_ADDR": "https://vault.example:8200", "BYOK_VAULT_TRANSIT_KEY": "k"},
}


@pytest.mark.parametrize("name", NSELF)
def test_nself_environment_is_refused_by_name(installed: Installed, no_kek_file: None, name: str) -> None:
    for env in (
        installed.by_default_path(BYOK_PROVIDER=name, **NSELF[name]),
        installed.by_conf(BYOK_PROVIDER=name, **NSELF[name]),
    ):
        result = run(enc(), env)
        assert_refused(result, "BAD_VALUE", "this build knows: local:")
        assert name.encode() in result.err


@pytest.mark.parametrize("name", NSELF)
def test_nself_variable_that_is_missing(installed: Installed, no_kek_file: None, name: str) -> None:
    for missing in NSELF[name]:
        given = {variable: value for variable, value in NSELF[name].items() if variable != missing}
        assert_refused(
            run(enc(), installed.by_default_path(BYOK_PROVIDER=name, **given)), "CONFIG", f"{missing} is not set"
        )


def test_nself_provider_that_is_none(installed: Installed, no_kek_file: None) -> None:
    assert_refused(
        run(enc(), installed.by_default_path(BYOK_PROVIDER="local")),
        "BAD_VALUE",
        "valid are aws-kms, gcp-kms, vault-transit",
    )


# A wrong configuration harms nobody else

SECTIONS = (
    "colour = red",
    "kek = nonsense",
    "config = /nonexistent",
    "libctx-providers = nonexistent",
    "dek-max-bytes = x",
)


def works_without_byok(env: dict[str, str]) -> None:
    version, digest = run(["openssl", "version"], env), run(["openssl", "dgst", "-sha256", "-r"], env, b"abc")
    assert (version.status, version.err) == (0, b"") and version.out.startswith(b"OpenSSL 3.")
    assert (digest.status, digest.err) == (0, b"") and digest.out.split()[0].decode() == ref.sha256(b"abc").hex()


@pytest.mark.parametrize("line", SECTIONS)
def test_wrong_section(installed: Installed, folder: Path, line: str) -> None:
    env = installed.by_conf(write_conf(installed, folder, provider=line + "\n"))
    works_without_byok(env)
    assert run(enc(), env, b"text").status != 0


def test_wrong_kek_file(installed: Installed, folder: Path) -> None:
    keks = folder / "keks.cnf"
    keks.write_text("this is no option\n")
    for env in (installed.by_conf(BYOK_CONFIG=keks), installed.by_conf(BYOK_CONFIG=folder / "gone")):
        works_without_byok(env)
        assert run(enc(), env, b"text").status != 0


def test_wrong_environment(installed: Installed, no_kek_file: None) -> None:
    for more in (
        {"BYOK_PROVIDER": "nonsense"},
        {"BYOK_PROVIDER": "aws-kms"},
        {"BYOK_PROVIDER": "aws-kms", **NSELF["aws-kms"]},
    ):
        works_without_byok(installed.by_conf(**more))


@pytest.mark.parametrize("activate", ["activate = 1", "activate = 0"])
def test_names_without_the_provider(installed: Installed, folder: Path, activate: str) -> None:
    """`byok_names` before `providers`, or with byok switched off."""
    text = installed.conf_text()
    lines = ("providers = byok_providers\n", "byok_names = byok_names\n", "module = ", "activate = 1\n")
    assert all(line in text for line in lines)
    if activate == "activate = 1":
        text = text.replace(lines[1], "").replace(lines[0], lines[1] + lines[0])
    else:
        at = text.index(lines[3], text.index(lines[2]))
        text = text[:at] + text[at + len(lines[3]) :]
    conf = folder / "openssl.cnf"
    conf.write_text(text)
    works_without_byok(installed.by_conf(conf))


def test_the_systems_own_settings_hold(installed: Installed) -> None:
    """The system's file is included, with what it says beside the providers (as req's defaults)."""
    command = ["openssl", "req", "-new", "-newkey", "rsa:2048", "-nodes", "-keyout", "/dev/null", "-subj", "/CN=x"]
    assert run(command, installed.by_conf()).status == 0


# Properties and identity


@pytest.mark.parametrize(
    "properties", ["provider=byok", "?provider=byok", "?provider=default", "?fips=yes", "?fips=no", ""]
)
def test_default_properties(installed: Installed, folder: Path, properties: str) -> None:
    more = f"\n[byok_test_properties]\ndefault_properties = {properties}\n"
    env = installed.by_conf(write_conf(installed, folder, init="alg_section = byok_test_properties\n", more=more))
    plaintext = os.urandom(100000)
    message = must(enc(), env, plaintext)
    assert must(enc("-d"), env, message) == plaintext
    assert must(enc("-d"), installed.by_modules(), message) == plaintext


@pytest.mark.parametrize("properties", ["provider=default", "fips=yes"])
def test_default_properties_that_exclude_byok(installed: Installed, folder: Path, properties: str) -> None:
    """OpenSSL then knows no such cipher; nothing is sealed, and what the properties allow still works."""
    more = f"\n[byok_test_properties]\ndefault_properties = {properties}\n"
    env = installed.by_conf(write_conf(installed, folder, init="alg_section = byok_test_properties\n", more=more))
    result = run(enc(), env, b"text")
    assert result.status != 0 and result.out == b""
    assert run(["openssl", "version"], env).status == 0
    if properties == "provider=default":
        works_without_byok(env)


def test_identity(installed: Installed, folder: Path) -> None:
    """The provider under a name of its own; its section is still looked through for unknown options."""
    key = make_key(folder / "k.key")
    env = installed.by_conf(
        write_conf(installed, folder, provider=f"identity = envelope\nkek = local://{folder}/k.key\n")
    )
    assert b"\n  envelope\n    name: BYOK envelope encryption\n" in must(["openssl", "list", "-providers"], env)
    command = ["openssl", "enc", "-byok-aes-256-gcm", "-K", ""]
    message = must(command, env, b"text")
    assert ref.open_(key, message) == b"text"
    env = installed.by_conf(
        write_conf(installed, folder, provider=f"identity = envelope\ncolour = red\nkek = local://{folder}/k.key\n")
    )
    assert_refused(run(command, env), "UNKNOWN_OPTION", "valid are: ", secrets=[key], provider="envelope")


def test_identity_gives_the_name(installed: Installed, folder: Path) -> None:
    """The name in the list of providers is another, `identity` says byok."""
    text = installed.conf_text(provider="identity = byok\n").replace(
        "\nbyok = byok_provider\n", "\nenvelope = byok_provider\n"
    )
    conf = folder / "openssl.cnf"
    conf.write_text(text)
    assert "\nenvelope = " in text
    assert sealed_under(installed.by_conf(conf), installed.keys["alpha"])
    conf.write_text(text.replace("identity = byok\n", "identity = byok\ncolour = red\n"))
    assert_refused(run(enc(), installed.by_conf(conf)), "UNKNOWN_OPTION", "valid are: ")
