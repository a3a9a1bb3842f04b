"""Redis comes back without what was newest: what living processes had ended is in turn again, and goes on within seconds."""

import pytest

from harness import say, wait_for
from servers import Redis

SECONDS = 10  # of a worker that hangs only after 60


@pytest.fixture
def everysec_shop(shared_shop):
    shared_shop.redis.appendfsync = "everysec"
    return shared_shop


def lane(shop, client):
    return shop.redis.call("HGET", f"c2o:lane:{client}", "s")


def held(shop, client):
    """When the lane's turn was taken, with " a" behind it when it is alone; empty where it is in none."""
    return shop.redis.call("HGET", f"c2o:held:{lane(shop, client)[2:18]}", client)


def forget_the_finish_of(shop, client, begin, is_taken):
    """Redis forgets that the turn was finished which begin() begins, and what came of it."""
    lock = shop.postgres.lock("c2o_clients")
    begin()
    wait_for(lambda: is_taken(held(shop, client)), "the turn")
    shop.redis.keep()
    lock.let_go()


def greet(shop, client):
    """A customer's first message, answered; his lane is at rest."""
    say(shop, client, "Hello")
    wait_for(lambda: len(shop.api.texts(client)) == 1, "the first reply")
    wait_for(lambda: lane(shop, client) == "0", "a lane at rest")


def test_a_turn_that_had_ended_is_no_turn_of_a_living_worker(everysec_shop, api):
    """Its reply goes out again, since nobody can know, and is counted; the customer is answered within seconds."""
    shop = everysec_shop.start(workers=1)
    (worker,) = shop.workers
    greet(shop, 71)
    forget_the_finish_of(shop, 71, lambda: say(shop, 71, "12 Main Street"), is_taken=bool)
    wait_for(lambda: len(api.texts(71)) == 2, "the second reply")
    wait_for(lambda: lane(shop, 71) == "0", "a lane at rest")
    shop.redis.roll_back()
    wait_for(lambda: len(api.texts(71)) == 3, "the reply that may have been lost", SECONDS)
    say(shop, 71, "+996555123456")
    wait_for(lambda: "How many" in api.last(71), "the answer to what he says then", SECONDS)
    shop.wait_at_rest()
    told = api.texts(71)
    assert len(told) == 4 and told[1] == told[2]
    assert worker.metric("replies_maybe_doubled_total") == 1
    assert worker.metric('store_rolled_back_total{server="redis"}') == 1
    assert worker.metric("turns_recorded_total") == 0
    assert shop.query("SELECT version FROM c2o_clients") == [("3",)]


def test_a_claim_that_had_ended_is_no_claim_of_a_living_sender(everysec_shop, api):
    """It would end by itself, but only after SEND_TIMEOUT_MS and LEASE_MS."""
    shop = everysec_shop.start(workers=0)
    worker = shop.make("worker")
    worker.settings["SEND_TIMEOUT_MS"] = 60000
    worker.start()
    api.mode = "hang"
    say(shop, 72, "Hello")
    wait_for(lambda: shop.redis.call("LLEN", "bull:outbox:active") == "1", "the claim")
    shop.redis.keep()
    api.down()
    api.mode = "ok"
    api.up()
    wait_for(lambda: api.texts(72), "the reply")
    wait_for(lambda: lane(shop, 72) == "0", "a lane at rest")
    shop.redis.roll_back()
    wait_for(lambda: len(api.texts(72)) == 2, "the reply that may have been lost", SECONDS)
    shop.wait_at_rest()
    assert worker.metric("replies_maybe_doubled_total") >= 1


def test_an_alone_turn_that_had_ended_stops_no_worker(everysec_shop, api):
    shop = everysec_shop.start(workers=0)
    say(shop, 73, "Hello")
    first = shop.make("worker").start(CRASH_AT="stepped")
    wait_for(first.is_dead, "a worker to die in the turn")
    second = shop.make("worker")
    forget_the_finish_of(shop, 73, second.start, is_taken=lambda taken: taken.endswith(" a"))
    wait_for(lambda: api.texts(73), "the reply")
    wait_for(lambda: lane(shop, 73) == "0", "a lane at rest")
    shop.redis.roll_back()
    say(shop, 74, "Hello")
    wait_for(lambda: api.texts(74), "the answer to another customer", SECONDS)
    shop.wait_at_rest()
    assert len(api.texts(73)) == 2
    assert second.metric("replies_maybe_doubled_total") == 1


def put_back(shop, queue):
    """Bull's resume."""
    script = ("if redis.call('EXISTS', KEYS[1]) == 1 then redis.call('RENAME', KEYS[1], KEYS[3]) end"
              " return redis.call('DEL', KEYS[2])")
    shop.redis.call("EVAL", script, 3, f"bull:{queue}:paused", f"bull:{queue}:meta-paused", f"bull:{queue}:wait")


def flush_and_restore(shop, client):
    """The reply that may have been lost goes out once more."""
    before = len(shop.api.texts(client))
    shop.redis.call("FLUSHALL")
    wait_for(lambda: shop.redis.call("HGET", "c2o:meta", "epoch"), "Redis to be restored")
    wait_for(lambda: len(shop.api.texts(client)) == before + 1, "the restored reply")
    wait_for(lambda: lane(shop, client) == "0", "a lane at rest")
    wait_for(lambda: not shop.redis.call("HGET", "c2o:meta", "audit"), "the audit to end")


def test_an_old_reply_is_in_doubt_also_after_flushall(everysec_shop, api):
    """FLUSHALL takes what tells one run of Redis from another; a roll-back after it is none of a new store's first run."""
    shop = everysec_shop.start(workers=1)
    (worker,) = shop.workers
    greet(shop, 75)
    flush_and_restore(shop, 75)
    told, doubled = len(api.texts(75)), worker.metric("replies_maybe_doubled_total")
    shop.redis.call("SET", "bull:outbox:meta-paused", "1")
    say(shop, 75, "12 Main Street")
    wait_for(lambda: shop.redis.call("LLEN", "bull:outbox:paused") == "1", "a reply that waits")
    shop.redis.keep()
    put_back(shop, "outbox")
    wait_for(lambda: len(api.texts(75)) == told + 1, "the second reply")
    wait_for(lambda: lane(shop, 75) == "0", "a lane at rest")
    say(shop, 75, "+996555123456")
    wait_for(lambda: len(api.texts(75)) == told + 2, "the third reply")
    wait_for(lambda: lane(shop, 75) == "0", "a lane at rest")
    shop.redis.roll_back()
    put_back(shop, "outbox")
    wait_for(lambda: shop.redis.call("HGET", "c2o:meta", "doubt"), "doubt", SECONDS)
    wait_for(lambda: len(api.texts(75)) == told + 3, "the reply that may have been lost", SECONDS)
    wait_for(lambda: shop.counts()["replies_waiting"] == 0 and lane(shop, 75) == "0", "a lane at rest")
    sent = api.texts(75)[told:]
    assert sent[1] == sent[2] != sent[0], sent  # the last one, not one that it has overtaken
    assert worker.metric("replies_maybe_doubled_total") == doubled + 1
    assert shop.counts()["dead_replies"] == 1  # the one overtaken


def test_own_connections_are_no_bull_workers_after_flushall(everysec_shop, api):
    shop = everysec_shop.start(workers=1)
    (worker,) = shop.workers
    greet(shop, 76)
    flush_and_restore(shop, 76)
    worker.port = worker.admin_port
    assert "Bull worker" not in str(worker.health())
    shop.make("worker").start()
    assert shop.redis.call("HLEN", "c2o:workers") == "2"


def test_older_data_in_a_living_redis_is_a_roll_back(everysec_shop, api):
    """REPLICAOF an older copy, then NO ONE: the same run of the server, at the same address."""
    shop = everysec_shop.start(workers=1)
    (worker,) = shop.workers
    redis, copy = shop.redis, Redis("no", repl_diskless_sync_delay=0)
    redis.call("CONFIG", "SET", "repl-diskless-sync-delay", "0")
    greet(shop, 77)
    lock = shop.postgres.lock("c2o_clients")
    say(shop, 77, "12 Main Street")
    wait_for(lambda: held(shop, 77), "the turn")
    in_turn = lane(shop, 77)
    copy.start()
    try:
        copy.call("REPLICAOF", "127.0.0.1", redis.port)
        wait_for(lambda: copy.call("HGET", "c2o:lane:77", "s") == in_turn, "the copy")
        copy.call("REPLICAOF", "NO", "ONE")
        lock.let_go()
        wait_for(lambda: len(api.texts(77)) == 2, "the second reply")
        wait_for(lambda: lane(shop, 77) == "0", "a lane at rest")
        redis.call("REPLICAOF", "127.0.0.1", copy.port)
        wait_for(lambda: lane(shop, 77) == in_turn, "the older data")
        wait_for(lambda: "READONLY" in redis.call("INFO", "errorstats"), "a call to be refused")
        redis.call("REPLICAOF", "NO", "ONE")
    finally:
        copy.remove()
    wait_for(lambda: len(api.texts(77)) == 3, "the reply that may have been lost", SECONDS)
    say(shop, 77, "+996555123456")
    wait_for(lambda: "How many" in api.last(77), "the answer to what he says then", SECONDS)
    shop.wait_at_rest()
    assert worker.metric("replies_maybe_doubled_total") == 1
