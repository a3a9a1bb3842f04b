"""The shared store's settings and sentences: what is refused before a start, what is told when a server fails, and that no
password is ever shown."""

import json
import pathlib
import sys

import pytest

for folder in ("fire", "support"):
    sys.path.append(str(pathlib.Path(__file__).resolve().parent.parent / folder))

from harness import Api, Customer, Service, is_summary, say, wait_for  # noqa: E402
from servers import Postgres, Redis  # noqa: E402

REDIS = "redis://127.0.0.1:1"
POSTGRES = "postgresql://shop:s3cret@127.0.0.1:1/shop"

# the setting at fault, its value, and a piece of the cure
UNREADABLE = [
    ("REDIS_URL", "http://x", "it is redis://"),
    ("REDIS_URL", "redis://:s3cr%zz@127.0.0.1", "it is redis://"),
    ("REDIS_SENTINELS", "one:port", "host:port"),
    ("REDIS_SENTINELS", "redis://:s3cret@127.0.0.1:26379", "host:port"),
    ("REDIS_SENTINELS", "shop:s3cret@127.0.0.1:26379", "REDIS_PASSWORD"),
    ("REDIS_MASTER", "redis://:s3cret@127.0.0.1", "REDIS_SENTINELS"),
    ("STORE_PREFIX", "bull", "must differ"),
    ("DATABASE_URL", "mysql://u:s3cret@h/d", "it looks like postgresql://"),
    ("DATABASE_URL", "postgressql://u:s3cret@h/d", "it looks like postgresql://"),
    ("DATABASE_URL", "postgresql://shop:s3cr%zzet@127.0.0.1:1/shop", "%25"),
    ("DATABASE_URL", "postgresql://shop:s3cr/et@127.0.0.1:1/shop", "%2F"),
    ("DATABASE_URL", "postgresql://shop:12@s3cret@127.0.0.1:1/shop", "%40"),
    ("DATABASE_URL", "host=127.0.0.1 pasword=s3cret", "it looks like postgresql://"),
    ("DATABASE_URL", "dbname=postgresql://shop:s3cret@127.0.0.1:1/shop", "its dbname is a URL"),
]


def settings_with(name, value):
    return {"REDIS_URL": REDIS, "DATABASE_URL": POSTGRES, name: value}


# ---- before a start ----------------------------------------------------------------------------------

@pytest.mark.parametrize("name, value, cure", UNREADABLE)
def test_validate_refuses_what_cannot_be_read(chat2order, name, value, cure):
    ended = chat2order("validate", **settings_with(name, value))
    assert ended.code == 2 and ended.out == ""
    assert name in ended.err and cure in ended.err
    assert "s3cr" not in ended.err
    judged = chat2order("validate", "--json", **settings_with(name, value))
    assert judged.code == 2 and judged.json["valid"] is False and name in judged.json["error"]


def test_validate_names_the_line(chat2order, program):
    file = program.folder / "shop.conf"
    file.write_text(f"PORT=3000\nREDIS_URL={REDIS}\nDATABASE_URL=mysql://shop:s3cret@127.0.0.1/shop\n")
    ended = chat2order("validate", "--config", file)
    assert ended.code == 2
    assert f"{file} line 3: DATABASE_URL cannot be read" in ended.err
    assert "s3cr" not in ended.err


@pytest.mark.parametrize("name, value", [
    ("REDIS_HOST", "redis://:s3cret@127.0.0.1:1"),
    ("DATABASE_HOST", "postgresql://shop:s3cret@127.0.0.1:1/shop"),
    ("DATABASE_NAME", "postgresql://shop:s3cret%zz@127.0.0.1:1/shop"),
    ("DATABASE_NAME", "dbname=shop password=s3cret"),
    ("DATABASE_USER", "postgresql://shop:s3cret@127.0.0.1:1/shop"),
])
@pytest.mark.parametrize("command", ["validate", "queue counts", "orders"])
def test_an_address_in_place_of_a_name_is_refused(chat2order, command, name, value):
    parts = {"REDIS_HOST": "127.0.0.1", "REDIS_PORT": "1", "DATABASE_HOST": "127.0.0.1", "DATABASE_PORT": "1"}
    ended = chat2order(*command.split(), CHAT2DESK_API_TOKEN="t", **{**parts, name: value})
    assert ended.code in (2, 3)
    assert name in ended.err and name.split("_", maxsplit=1)[0] + "_URL" in ended.err
    assert "s3cr" not in ended.err and "s3cr" not in ended.out


@pytest.mark.parametrize("alone, missing", [({"REDIS_URL": REDIS}, "DATABASE_URL"), ({"DATABASE_URL": POSTGRES}, "REDIS_URL")])
def test_validate_refuses_one_server_without_the_other(chat2order, alone, missing):
    ended = chat2order("validate", **alone)
    assert ended.code == 2 and f"set {missing} too" in ended.err


@pytest.mark.parametrize("database", [POSTGRES, "host=127.0.0.1 port=1 user=shop password='s3 cret'"])
def test_validate_accepts_what_can_be_read(chat2order, database):
    ended = chat2order("validate", REDIS_URL=REDIS, DATABASE_URL=database)
    assert ended.code == 0 and "settings  ok" in ended.out


@pytest.mark.parametrize("command", [["migrate"], ["orders"], ["worker"], ["serve"], ["run"]], ids=" ".join)
@pytest.mark.parametrize("value", sorted({value for name, value, _ in UNREADABLE if name == "DATABASE_URL"}))
def test_no_command_shows_the_password(chat2order, command, value):
    ended = chat2order(*command, CHAT2DESK_API_TOKEN="t", **settings_with("DATABASE_URL", value))
    assert ended.code in (2, 3)
    assert "DATABASE_URL cannot be read" in ended.err
    assert "s3cr" not in ended.err and "s3cr" not in ended.out


# ---- while it runs -----------------------------------------------------------------------------------

@pytest.fixture
def shop(tmp_path):
    """`chat2order run` on a Redis and a PostgreSQL of its own."""
    api, redis, postgres = Api(), Redis(appendfsync=None), Postgres(fsync=False)
    service = Service(tmp_path, api, REDIS_URL=redis.url, DATABASE_URL=postgres.url)
    service.redis, service.postgres = redis, postgres
    try:
        redis.start()
        postgres.start()
        yield service.start()
    finally:
        if service.process is not None and not service.is_dead():
            service.kill()
        api.down()
        redis.remove()
        postgres.remove()


@pytest.fixture(scope="module")
def redis_without_auth():
    """It answers AUTH as any word that it does not know: with what stands behind it."""
    redis = Redis(appendfsync=None)
    words = redis.command()
    redis.command = lambda: [*words, "--rename-command", "AUTH", "elsewhere"]
    try:
        yield redis.start()
    finally:
        redis.remove()


def reason_of(service, check):
    """Health's sentence on a check, "" while there is none."""
    _, health = service.health()
    return next((reason["reason"] for reason in health["reasons"] if reason["check"] == check), "")


def lines_of(service, event):
    with open(service.log_path, encoding="utf-8") as log:
        return [line for line in map(json.loads, log) if line.get("event") == event]


@pytest.mark.parametrize("command", ["queue counts", "serve", "worker", "run"])
@pytest.mark.parametrize("settings", [{"REDIS_URL": "redis://joe:s3cret@127.0.0.1:{}"}, {"REDIS_URL": "redis://:s3cret@127.0.0.1:{}"},
                                      {"REDIS_HOST": "127.0.0.1", "REDIS_PORT": "{}", "REDIS_PASSWORD": "s3cret"}],
                         ids=["user", "password", "parts"])
def test_a_redis_without_auth_does_not_give_the_password_back(chat2order, redis_without_auth, command, settings):
    at = {name: value.format(redis_without_auth.port) for name, value in settings.items()}
    ended = chat2order(*command.split(), CHAT2DESK_API_TOKEN="t", PORT="0", ADMIN_PORT="0", DATABASE_URL=POSTGRES, **at)
    assert ended.code in (2, 3)
    assert "refuses AUTH" in ended.err and "renamed" in ended.err
    assert "s3cr" not in ended.err and "s3cr" not in ended.out


def test_what_waits_in_the_spool_says_why(shop):
    shop.redis.call("CONFIG", "SET", "min-replicas-to-write", "1")
    say(shop, 1, "hello")
    reason = wait_for(lambda: "NOREPLICAS" in reason_of(shop, "spool") and reason_of(shop, "spool"), "health to say why")
    assert "messages wait in" in reason and f"Redis at 127.0.0.1:{shop.redis.port}" in reason
    told = lines_of(shop, "messages wait in the spool")
    assert len(told) == 1 and "NOREPLICAS" in told[0]["reason"]
    shop.redis.call("CONFIG", "SET", "min-replicas-to-write", "0")
    wait_for(lambda: shop.health()[0] == 200 and not reason_of(shop, "spool"), "the spool to be empty")
    assert len(lines_of(shop, "messages wait in the spool")) == 1


def test_a_table_renamed_away_is_named_with_the_cure(shop):
    customer = Customer(1)
    for text in (customer.burst[0], customer.address, customer.phone, str(customer.quantity)):
        heard = len(shop.api.texts(customer.id))
        say(shop, customer.id, text)
        wait_for(lambda: len(shop.api.texts(customer.id)) > heard, f"an answer to {text!r}")
    wait_for(lambda: is_summary(shop.api.last(customer.id), customer), "the summary")
    shop.postgres.query("ALTER TABLE orders RENAME TO elsewhere")
    say(shop, customer.id, "yes")
    reason = wait_for(lambda: reason_of(shop, "store"), "health to say why")
    failed = wait_for(lambda: lines_of(shop, "store does not answer"), "a line in the log")[0]
    listed = shop.command("orders")
    for sentence in (reason, failed["reason"], listed.stderr):
        assert 'relation "orders" does not exist' in sentence and "put it back" in sentence
        assert customer.address not in sentence and customer.phone not in sentence
    assert failed["verb"] == "finish" and listed.returncode == 3
    assert shop.health()[0] == 503
    shop.postgres.query("ALTER TABLE elsewhere RENAME TO orders")
    wait_for(lambda: shop.health()[0] == 200, "health to be good again")
    wait_for(lambda: any("is placed" in text for text in shop.api.texts(customer.id)), "the order to be placed")
    assert shop.postgres.query("SELECT delivery_address FROM orders") == [(customer.address,)]
