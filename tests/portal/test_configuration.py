"""Every setting is declared once; a wrong text is one sentence with a hint, never an exception and never a secret."""

import random
import string
from pathlib import Path

import pytest

from portal.configuration import reader
from portal.configuration.declared import SETTINGS
from portal.configuration.reader import KNOWN_NAMES, nearest_name, read_configuration
from portal.configuration.setting import Setting

DEMO = {"HEADNODE_DEMO": "1"}
GOOD_KEY = "0123456789-0123456789-0123456789-0123456789"


def problem(**environ: str) -> str:
    """Return the one problem of this environment."""
    problems = read_configuration(DEMO | environ).problems
    assert len(problems) == 1, problems
    return problems[0]


def test_the_defaults_of_a_demo_are_right() -> None:
    assert read_configuration(DEMO).problems == ()


# fmt: off
WRONG = [
    ("HEADNODE_HOST", "http://127.0.0.1"), ("HEADNODE_HOST", "256.1.1.1"), ("HEADNODE_HOST", "no such host"),
    ("HEADNODE_PORT", "0"), ("HEADNODE_PORT", "65536"), ("HEADNODE_PORT", "-1"), ("HEADNODE_PORT", "８０"),
    ("HEADNODE_PORT", "80.0"), ("HEADNODE_PORT", "8_0"), ("HEADNODE_PORT", "9" * 5000),
    ("HEADNODE_NAME", "head node"), ("HEADNODE_NAME", "-x"), ("HEADNODE_NAME", "*"),
    ("HEADNODE_ALLOWED_HOSTS", "https://headnode.example.org"), ("HEADNODE_ALLOWED_HOSTS", "a.example.org:8000"),
    ("HEADNODE_ALLOWED_HOSTS", "a.example.org b.example.org"), ("HEADNODE_ALLOWED_HOSTS", "*.example.org"),
    ("HEADNODE_TRUSTED_ORIGINS", "headnode.example.org"), ("HEADNODE_TRUSTED_ORIGINS", "https://a.example.org/x"),
    ("HEADNODE_TRUSTED_PROXIES", "10.0.0.0/33"), ("HEADNODE_TRUSTED_PROXIES", "0.0.0.0/0"),
    ("HEADNODE_TRUSTED_PROXIES", "::/0"), ("HEADNODE_TRUSTED_PROXIES", "proxy"),
    ("HEADNODE_METRICS_ADDRESSES", "here"),
    ("HEADNODE_HTTPS", "ture"), ("HEADNODE_HTTPS", "2"), ("HEADNODE_SSL_REDIRECT", "maybe"),
    ("HEADNODE_HSTS_SECONDS", "-1"), ("HEADNODE_ADMIN_PASSWORD", "abcde"), ("HEADNODE_SECRET_KEY", "short"),
    ("HEADNODE_VAR", "~nobody-has-this-name/var"),
    ("DATABASE_URL", "nonsense"), ("DATABASE_URL", "postgres://u:p@h:port/d"), ("DATABASE_URL", "mysql://h/d"),
    ("DATABASE_URL", "postgres://h"), ("DATABASE_URL", "sqlite://:memory:"), ("DATABASE_URL", "postgres://[h/d"),
    ("REDIS_URL", "localhost:6379"), ("REDIS_URL", "redis://"), ("REDIS_URL", "redis://h:6379/3"),
    ("REDIS_URL", "redis://h:port"), ("REDIS_URL", "unix:///" + "x" * 107), ("REDIS_URL", "unix://redis.sock"),
    ("HEADNODE_EMAIL_BACKEND", "no.such.Backend"), ("HEADNODE_EMAIL_BACKEND", "Backend"),
    ("HEADNODE_EMAIL_BACKEND", "django.core.mail.backends.smtp.Backend"), ("HEADNODE_EMAIL_BACKEND", "a b.c"),
    ("HEADNODE_EMAIL_BACKEND", "django.core.mail.send_mail"), ("HEADNODE_EMAIL_BACKEND", "..x"),
    ("HEADNODE_EMAIL_URL", "mail.example.org"), ("HEADNODE_EMAIL_URL", "smtp://"),
    ("HEADNODE_EMAIL_URL", "smtp://u:pa/ss@h"), ("HEADNODE_EMAIL_URL", "imap://h"), ("HEADNODE_EMAIL_URL", "smtp://h:x"),
    ("HEADNODE_PUBLIC_URL", "headnode.example.org"), ("HEADNODE_PUBLIC_URL", "https://h/portal/"),
    ("HEADNODE_WEBHOOK_NETWORKS", "everything"),
    ("HEADNODE_EMAIL_FROM", "headnode"), ("HEADNODE_EMAIL_FROM", "a@b\nBcc: c@d"), ("HEADNODE_LOG_LEVEL", "LOUD"),
    ("HEADNODE_KEY_TYPES", "ssh-dss"), ("HEADNODE_KEY_TYPES", "ssh-ed25519,rsa"), ("HEADNODE_RSA_MIN_BITS", "1024"),
    ("HEADNODE_JOB_USER_PREFIX", "Root "), ("HEADNODE_JOB_USER_PREFIX", "x" * 26),
    ("HEADNODE_MAX_SLOTS", "ten"), ("HEADNODE_MAX_SLOTS", "0"), ("HEADNODE_MAX_JOB_HOURS", "999999999999"),
    ("HEADNODE_MAX_UPLOAD_MB", "-1"), ("HEADNODE_LONGEST_LIFE_HOURS", "0"), ("HEADNODE_BOOT_LIMIT_SECONDS", "0"),
    ("HEADNODE_BROKER_URL", "unix:/broker.sock"), ("HEADNODE_BROKER_URL", "http:///context/"),
    ("HEADNODE_GATEWAY_ADDRESSES", "10.0.0.0/8"), ("HEADNODE_NODE_NETWORKS", "10.0.0.0/4"),
    ("HEADNODE_SIMULATOR_URL", "unix:/" + "x" * 107), ("HEADNODE_SIMULATOR_URL", "simulator"),
    ("HEADNODE_PORTAL_ID", "a b"), ("HEADNODE_PORTAL_ID", "x" * 65),
    ("HEADNODE_GATEWAYS", "g/1"), ("HEADNODE_GATEWAY_NAME", "g 1"), ("HEADNODE_GATEWAY_PORT", "65536"),
    ("HEADNODE_TERMINAL_GRACE_SECONDS", "1h"), ("HEADNODE_RECORDING_DAYS", "-1"), ("HEADNODE_RECORDING_MAX_MB", "0"),
    ("HEADNODE_SIMULATOR_BOOT", "sometimes"), ("HEADNODE_SIMULATOR_SANDBOX", "moat"),
    ("HEADNODE_SIMULATOR_CAPACITY", "emerald:5"), ("HEADNODE_SIMULATOR_SEED", "-1"),
    ("HEADNODE_SIMULATOR_ADDRESS", "everywhere"), ("HEADNODE_SIMULATOR_LISTEN", "0.0.0.0:０"),
    # Conditions on several settings.
    ("HEADNODE_MAX_JOB_HOURS", "97"), ("HEADNODE_TERMINAL_IDLE_SECONDS", "120"), ("HEADNODE_GATEWAY_NAME", "g1"),
    ("HEADNODE_GATEWAY_SOCKETS", "/" + "x" * 100),
]
RIGHT = [
    ("HEADNODE_HOST", "0.0.0.0", "0.0.0.0"), ("HEADNODE_HOST", "[::1]", "::1"), ("HEADNODE_HOST", " web ", "web"),
    ("HEADNODE_ALLOWED_HOSTS", "A.example.org, .b.org,::1,,*", ["a.example.org", ".b.org", "[::1]", "*"]),
    ("HEADNODE_TRUSTED_ORIGINS", "https://a.example.org:8443/", ["https://a.example.org:8443"]),
    ("HEADNODE_TRUSTED_PROXIES", "10.0.0.5,fd00::/8", ["10.0.0.5", "fd00::/8"]),
    ("HEADNODE_METRICS_ADDRESSES", "", []), ("HEADNODE_TRUSTED_PROXIES", "", []), ("HEADNODE_PORT", " ", 8000),
    ("HEADNODE_HTTPS", "On", True), ("HEADNODE_HTTPS", "FALSE", False), ("HEADNODE_LOG_LEVEL", "debug", "DEBUG"),
    ("HEADNODE_EMAIL_BACKEND", "django.core.mail.backends.smtp.EmailBackend",
     "django.core.mail.backends.smtp.EmailBackend"),
    ("HEADNODE_EMAIL_FROM", "Headnode <headnode@example.org>", "Headnode <headnode@example.org>"),
    ("HEADNODE_EMAIL_URL", "smtp+tls://me%40example.org:p%2Fw@h:2525", "smtp+tls://me%40example.org:p%2Fw@h:2525"),
    ("HEADNODE_PUBLIC_URL", "https://headnode.example.org", "https://headnode.example.org/"),
    ("HEADNODE_BROKER_URL", "http://web:8000/context/v1", "http://web:8000/context/v1/"),
    ("HEADNODE_SIMULATOR_URL", "unix:/" + "x" * 106, "unix:/" + "x" * 106),
    ("HEADNODE_ADMIN_PASSWORD", " spaces are part of it ", " spaces are part of it "),
    ("HEADNODE_VAR", "~", Path.home()), ("DATABASE_URL", "postgres:///d?host=/run", "postgres:///d?host=/run"),
    ("REDIS_URL", "rediss://:pass@h:6379/?ssl_cert_reqs=none", "rediss://:pass@h:6379/?ssl_cert_reqs=none"),
]
# fmt: on


@pytest.mark.parametrize(("name", "text"), WRONG)
def test_a_wrong_text_is_one_sentence_with_a_hint(name: str, text: str) -> None:
    sentence = problem(**{name: text})
    assert name in sentence
    assert "\n" not in sentence
    assert len(sentence) < 600
    assert sentence.count(". ") >= 1, "a hint follows what is wrong"


@pytest.mark.parametrize(("name", "text", "value"), RIGHT)
def test_a_right_text_has_its_value(name: str, text: str, value: object) -> None:
    configuration = read_configuration(DEMO | {name: text})
    assert configuration.problems == ()
    assert configuration.values[name] == value


def test_all_wrong_settings_are_said_at_once() -> None:
    # Without those that are wrong only together with another one.
    last = {
        name: text for name, text in WRONG if not any(part in name for part in ("GATEWAY", "MAX_JOB", "IDLE"))
    }
    problems = read_configuration(DEMO | last).problems
    assert {sentence.split("=")[0].split()[0] for sentence in problems} == set(last)
    assert len(problems) == len(last) > 30


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.name)
def test_no_text_makes_an_exception_or_two_lines(setting: Setting) -> None:
    chance = random.Random(setting.name)
    alphabet = string.printable + "é８\udcff\u202e[]@:/,%?#=*~"
    texts = ["".join(chance.choices(alphabet, k=chance.randint(1, 40))) for _ in range(200)]
    texts += [
        "http://[",
        "unix://",
        "://",
        "@",
        "[]",
        "a" * 5000,
        "-0",
        "1e9",
        "~",
        ".",
        "..",
        "a.",
        ",",
        "nan",
        "\x00",
    ]
    for text in texts:
        for sentence in read_configuration(DEMO | {setting.name: text}).problems:
            assert sentence.isprintable(), (text, sentence)


@pytest.mark.parametrize("setting", [s for s in SETTINGS if s.is_secret], ids=lambda setting: setting.name)
@pytest.mark.parametrize(
    "text", ["hunter2", "postgres://u:hunter2@h:port/d", "redis://:hunter2@h/x", "mysql://hunter2"]
)
def test_a_secret_is_never_repeated(setting: Setting, text: str) -> None:
    assert "hunter2" not in "".join(read_configuration(DEMO | {setting.name: text}).problems)


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.name)
def test_every_setting_is_declared_for_people(setting: Setting) -> None:
    assert setting.meaning.endswith(".")
    assert not setting.meaning[0].islower()
    assert setting.kind.described
    assert (
        read_configuration({"HEADNODE_SECRET_KEY": GOOD_KEY} | DEMO | {setting.name: " "}).problems == ()
    ), "blank is unset"


def test_every_name_is_declared_once() -> None:
    names = [setting.name for setting in SETTINGS]
    assert len(names) == len(set(names))


def test_without_a_secret_only_a_demo_starts() -> None:
    assert read_configuration({"HEADNODE_SECRET_KEY": GOOD_KEY}).problems == ()
    assert [text[:30] for text in read_configuration({}).problems] == ["HEADNODE_SECRET_KEY is not set"]
    insecure = read_configuration(DEMO).values["HEADNODE_SECRET_KEY"]
    assert len(read_configuration({"HEADNODE_SECRET_KEY": insecure}).problems) == 1


@pytest.mark.parametrize(
    ("wrong", "nearest"),
    [
        ("HEADNODE_ALOWED_HOSTS", "HEADNODE_ALLOWED_HOSTS"),
        ("HEADNODE_ALLOWED_HOST", "HEADNODE_ALLOWED_HOSTS"),
        ("HEADNODE_MAX_SLOT", "HEADNODE_MAX_SLOTS"),
        ("HEADNODE_DATABASE_URL", "DATABASE_URL"),
        ("HEADNODE_REDIS_URL", "REDIS_URL"),
        ("Headnode_Port", "HEADNODE_PORT"),
        ("HEADNODE_LOGLEVEL", "HEADNODE_LOG_LEVEL"),
        ("HEADNODE_SIMULATOR_BOOTS", "HEADNODE_SIMULATOR_BOOT"),
        ("HEADNODE_ZZZZ", ""),
    ],
)
def test_an_unknown_name_is_said_with_the_nearest_one(wrong: str, nearest: str) -> None:
    sentence = problem(**{wrong: "1"})
    assert sentence.startswith(f"{wrong} is not a setting of Headnode.")
    assert nearest_name(wrong) == nearest
    assert (f"Did you mean {nearest}?" if nearest else "docs/operating.md") in sentence


def test_other_programs_variables_are_not_taken_for_typos() -> None:
    assert (
        read_configuration(
            DEMO | {"PATH": "/bin", "HEADNODE_SUBNET": "10.99.7", "HEADNODE_CONTEXT": "/c"}
        ).problems
        == ()
    )


def test_defaults_follow_other_settings() -> None:
    values = read_configuration(
        DEMO | {"HEADNODE_HTTPS": "1", "HEADNODE_HOST": "::", "HEADNODE_VAR": "/a b#c?"}
    ).values
    assert values["HEADNODE_SSL_REDIRECT"] is True
    assert values["HEADNODE_HSTS_SECONDS"] == 31_536_000
    assert values["HEADNODE_BROKER_URL"] == "http://[::1]:8000/context/v1/"
    assert values["DATABASE_URL"] == "sqlite:////a%20b%23c%3F/db.sqlite3"


def test_a_wrong_value_ends_the_process_with_every_sentence() -> None:
    with pytest.raises(SystemExit) as end:
        reader.read_or_exit(DEMO | {"HEADNODE_MAX_SLOTS": "ten", "HEADNODE_PORT": "x"})
    assert str(end.value).count("\n") == 1
    assert "HEADNODE_SECRET_KEY" in KNOWN_NAMES
