"""Redis comes back without what was newest: what living processes had ended is in turn again, and goes on within seconds."""

import pytest

from harness import say, wait_for

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


def test_a_turn_that_had_ended_is_no_turn_of_a_living_worker(everysec_shop, api):
    """Its reply goes out again, since nobody can know, and is counted; the customer is answered within seconds."""
    shop = everysec_shop.start(workers=1)
    (worker,) = shop.workers
    say(shop, 71, "Hello")
    wait_for(lambda: len(api.texts(71)) == 1, "the first reply")
    wait_for(lambda: lane(shop, 71) == "0", "a lane at rest")
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
