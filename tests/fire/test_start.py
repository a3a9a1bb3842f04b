"""Processes that start while a server is away: who takes messages in does so at once, and all of it goes on by itself."""

import os
import signal
import time

import pytest

from harness import payload, post, wait_for
from shared_shop import check_each_message_once, check_replies_in_order
from test_bad_days import refuses_to_start

CLIENTS, TEXTS = 6, 5


def ids_of(client):
    return range(client * 1000, client * 1000 + TEXTS)


CLIENT_IDS = range(40_000_001, 40_000_001 + CLIENTS)


def write_all(process):
    """Each client writes some messages, and each is answered 200 at its first delivery."""
    for number in range(TEXTS):
        for client in CLIENT_IDS:
            answer = post(process.port, payload(client, f"a text {number}", message_id=ids_of(client)[number]))
            assert answer is not None and answer[0] == 200, answer


def logged(shop):
    """0 while there are no tables yet."""
    return int(shop.postgres.psql("shop", "SELECT count(*) FROM message_logs").stdout or 0)


def check_all_in_order(shop, api):
    wanted = [message for client in CLIENT_IDS for message in ids_of(client)]
    wait_for(lambda: logged(shop) >= len(wanted), "all messages", 60)
    check_each_message_once(shop, wanted)
    for client in CLIENT_IDS:
        rows = shop.query(f"SELECT message_id FROM message_logs WHERE client_id='{client}' ORDER BY id")
        assert [int(message) for message, in rows] == list(ids_of(client))
        wait_for(lambda who=client: api.texts(who), "an answer")
    check_replies_in_order(api)


def spool_of(process):
    return os.listdir(os.path.join(process.folder, "data", "spool"))


def reason_of(process, check, part=""):
    """The status of /health and its reason for this check, as soon as the keeper's round has told one with this part."""
    def told():
        status, health = process.health()
        return [(status, reason) for reason in health["reasons"] if reason["check"] == check and part in reason["reason"]]
    return wait_for(told, f"health to tell of {check} {part}")[0]


def test_serve_while_redis_is_away(shared_shop, api):
    shop = shared_shop
    shop.postgres.start()
    serve = shop.serve = shop.make("serve").start()
    write_all(serve)
    status, reason = reason_of(serve, "redis", str(shop.redis.port))
    assert status == 200 and not reason["grave"]  # the spool takes
    wait_for(lambda: serve.metric("spool_messages") == CLIENTS * TEXTS, "metrics to tell of the spool")
    wait_for(lambda: serve.metric("spool_oldest_seconds") > 0, "its oldest message to grow old")
    assert serve.metric("spool_bytes") > 0
    assert serve.metric('redis_errors_total{error="UNREACHABLE"}') > 0
    shop.redis.start()
    shop.make("worker").start()
    check_all_in_order(shop, api)
    shop.wait_at_rest()
    wait_for(lambda: serve.health()[1]["checks"]["redis"], "health to be well")
    wait_for(lambda: serve.metric("spool_oldest_seconds") == 0, "the spool to be empty")
    serve.stop()
    assert spool_of(serve) == []
    assert "waiting for the store" in serve.log()


def test_worker_tells_what_it_waits_for(shared_shop):
    shop = shared_shop
    worker = shop.make("worker").start()
    worker.port = worker.admin_port
    status, reason = reason_of(worker, "redis")
    assert status == 503 and reason["grave"]
    shop.redis.start()
    status, reason = reason_of(worker, "postgres", str(shop.postgres.port))
    assert status == 503 and reason["grave"]
    shop.postgres.start()
    wait_for(lambda: worker.health()[0] == 200, "health to be well")
    worker.stop()


def test_run_while_postgres_is_away(shared_shop, api):
    shop = shared_shop
    shop.redis.start()
    run = shop.serve = shop.make("run").start()
    write_all(run)
    status, reason = reason_of(run, "postgres", str(shop.postgres.port))
    assert status == 503 and reason["grave"]
    assert api.calls == 0
    shop.postgres.start()
    check_all_in_order(shop, api)
    shop.wait_at_rest()
    wait_for(lambda: run.health()[0] == 200, "health to be well")
    run.stop()


def test_run_while_both_are_away(shared_shop, api):
    shop = shared_shop
    run = shop.serve = shop.make("run").start()
    write_all(run)
    shop.redis.start()
    shop.postgres.start()
    check_all_in_order(shop, api)
    run.stop()
    assert spool_of(run) == []


@pytest.mark.parametrize("role", ["serve", "run", "worker"])
def test_stopped_while_it_waits(shared_shop, api, role):
    """At once, with nothing lost: the next start on the machine has what was spooled."""
    shop = shared_shop
    process = shop.make(role).start()
    if role != "worker":
        write_all(process)
    wait_for(lambda: "waiting for the store" in process.log(), "it to wait")
    began = time.monotonic()
    process.stop()
    assert time.monotonic() - began < 3
    if role == "worker":
        return
    shop.redis.start()
    shop.postgres.start()
    shop.serve = process.start()
    if role == "serve":
        shop.make("worker").start()
    check_all_in_order(shop, api)
    process.stop()


def test_a_fault_that_is_seen_late(shared_shop):
    """The server that was waited for is another shop's: the start ends as it would have at once, and keeps what it took."""
    shop = shared_shop
    shop.redis.start()
    shop.redis.call("HSET", "c2o:meta", "layout", "2")
    refuses_to_start(shop.make("serve"), "layout 2")
    shop.redis.kill()
    serve = shop.make("serve").start()
    write_all(serve)
    shop.redis.start()
    assert serve.process.wait(20) not in (0, -signal.SIGABRT, -signal.SIGSEGV)
    serve.process.stdout.close()
    assert "layout 2" in serve.log()
    assert shop.redis.call("EXISTS", "bull:messages:wait") == "0"
    assert spool_of(serve) != []


@pytest.mark.parametrize("library", ["with its library", "without it"])
def test_worker_while_memory_is_full(shared_shop, api, library):
    """What waits in a Redis at its maxmemory can only become less by a worker: it must be able to start there."""
    shop = shared_shop.start(workers=1)
    shop.workers[0].stop()
    write_all(shop.serve)
    assert shop.redis.call("LLEN", "bull:messages:wait") == str(CLIENTS * TEXTS)
    shop.redis.call("CONFIG", "SET", "maxmemory", "1")  # of which all is used, whatever is taken away
    if library == "without it":
        shop.redis.call("FUNCTION", "FLUSH")
        shop.redis.call("SCRIPT", "FLUSH")
    assert shop.redis.call("SET", "one", "more").startswith("OOM")
    worker = shop.make("worker").start()
    check_all_in_order(shop, api)
    shop.wait_at_rest()
    worker.stop()


@pytest.mark.parametrize("server", ["redis", "postgresql"])
def test_lost_connections_are_counted(shared_shop, server):
    shop = shared_shop
    shop.redis.start()
    shop.postgres.start()
    run = shop.make("run").start()
    wait_for(lambda: run.metric(f'store_connections_total{{server="{server}"}}') > 0, "connections")
    wait_for(lambda: run.health()[0] == 200, "health to be well")
    assert run.metric(f'store_connections_lost_total{{server="{server}"}}') == 0
    made = run.metric(f'store_connections_total{{server="{server}"}}')
    gone = shop.redis if server == "redis" else shop.postgres
    gone.kill()
    wait_for(lambda: run.health()[0] == 503, "health to tell of it")
    gone.start()
    wait_for(lambda: run.health()[0] == 200, "health to be well again")
    assert run.metric(f'store_connections_lost_total{{server="{server}"}}') > 0
    assert run.metric(f'store_connections_total{{server="{server}"}}') > made
    errors = "redis_errors_total" if server == "redis" else "postgres_errors_total"
    assert run.metric(f'{errors}{{error="UNREACHABLE"}}') > 0
    run.stop()
