"""The API fails: every reply arrives afterwards, in order, and nobody is drowned in answers."""

import json
import os
import threading
import time

from harness import Customer, in_parallel, is_summary, say, wait_for
from test_customers import wait_for_orders

AWAY_SECONDS = float(os.environ.get("CHAT2ORDER_TEST_AWAY_SECONDS", "8"))  # 60 in the long form


def test_api_away_in_the_middle_of_a_run(shop, api):
    service = shop(WORKER_CONCURRENCY=50).start()
    customers = [Customer(n) for n in range(60)]
    in_parallel(lambda c: say(service, c.id, "Hello"), customers)
    wait_for(lambda: len(api.by_client()) == len(customers), "the greetings")
    api.down()
    gone = time.monotonic()
    heard = {c.id: len(api.texts(c.id)) for c in customers}
    for index in (2, 3, 4):
        in_parallel(lambda c: say(service, c.id, c.burst[index]), customers)
    wait_for(lambda: not service.health()[1]["checks"]["api"], "health to tell of it")
    time.sleep(max(0, AWAY_SECONDS - (time.monotonic() - gone)))
    api.up()
    wait_for(lambda: all(is_summary(api.last(c.id), c) for c in customers), "the summaries", 60)
    assert max(len(api.texts(c.id)) - heard[c.id] for c in customers) <= 2
    wait_for(lambda: service.health()[1]["checks"]["api"], "health to be good again")
    in_parallel(lambda c: say(service, c.id, "yes"), customers)
    wait_for_orders(service, customers)
    assert service.query("SELECT count(*) FROM dead_letters") == [(0,)]
    service.stop()


def test_one_clients_trouble_is_his_own(shop, api):
    service = shop().start()
    unlucky, others = Customer(0), [Customer(n) for n in range(1, 10)]
    api.mode, api.only_for = 400, str(unlucky.id)
    say(service, unlucky.id, "Hello")
    in_parallel(lambda c: say(service, c.id, "Hello"), others)
    wait_for(lambda: all(api.texts(c.id) for c in others), "the others' greetings")
    wait_for(lambda: service.query("SELECT kind, client_id FROM dead_letters") == [(2, str(unlucky.id))], "the dead letter")
    api.mode = "ok"
    listed = service.command("queue", "retry", "--all", "--yes")
    assert listed.returncode == 0, listed.stderr
    wait_for(lambda: api.texts(unlucky.id), "the greeting that was retried")
    service.stop()


def test_accepted_but_cut_is_counted(shop, api):
    service = shop().start()
    customer = Customer(0)
    api.mode = "cut"
    say(service, customer.id, "Hello")
    wait_for(lambda: api.texts(customer.id), "the first POST")
    api.mode = "ok"
    wait_for(lambda: len(api.texts(customer.id)) > 1, "the second POST")
    wait_for(lambda: service.metric("replies_maybe_doubled_total") >= 1, "the count")
    with api.lock:
        ids = {reply for _, _, reply, _ in api.accepted}
    assert len(ids) == 1, "a reply keeps its id"
    service.stop()


def test_a_wrong_token_spends_nothing(shop, api):
    service = shop().start(CHAT2DESK_API_TOKEN="wrong")
    customers = [Customer(n) for n in range(5)]
    in_parallel(lambda c: say(service, c.id, "Hello"), customers)
    wait_for(lambda: not service.health()[1]["checks"]["api"], "health to tell of it")
    assert "token" in json.dumps(service.health()[1]["reasons"]).lower()
    assert "wrong" not in service.log().replace("wrong value", "")
    service.stop()
    service.start()
    wait_for(lambda: all(api.texts(c.id) for c in customers), "the greetings")
    assert service.query("SELECT count(*) FROM dead_letters") == [(0,)]
    service.stop()


def test_rate_limited_spends_nothing(shop, api):
    service = shop().start()
    customers = [Customer(n) for n in range(5)]
    api.mode = 429
    in_parallel(lambda c: say(service, c.id, "Hello"), customers)
    wait_for(lambda: service.metric("api_rate_limited_total") >= 1, "the 429")
    api.mode = "ok"
    wait_for(lambda: all(api.texts(c.id) for c in customers), "the greetings", 60)
    assert service.query("SELECT count(*) FROM dead_letters") == [(0,)]
    service.stop()


def test_our_own_rate_limit_holds(shop, api):
    service = shop(CHAT2DESK_RATE_LIMIT=20).start()
    customers = [Customer(n) for n in range(40)]
    in_parallel(lambda c: say(service, c.id, "Hello"), customers)
    wait_for(lambda: len(api.accepted) == 20, "the window to be used")
    threading.Event().wait(2)
    assert len(api.accepted) == 20
    service.kill()
    service.start()  # the window outlives the process
    threading.Event().wait(2)
    assert len(api.accepted) == 20
    service.stop()
