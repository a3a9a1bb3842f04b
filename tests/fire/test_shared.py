"""Several processes on Redis and PostgreSQL, and whatever may befall any of them: every order once, replies in order.

CHAT2ORDER_TEST_LONG=1: Redis is away for 30 s instead of 8, and more befalls the workers.
"""

import itertools
import os
import random
import threading
import time

import pytest

from harness import Customer, in_parallel, is_summary, payload, post, say, wait_for
from shared_shop import LEASE_MS, WORKERS, check_each_message_once, check_replies_in_order
from test_crashes import confirm
from test_customers import speak_in_order, wait_for_orders

LONG = os.environ.get("CHAT2ORDER_TEST_LONG") == "1"
CUSTOMERS = 500
OUTAGE_S = 30 if LONG else 8
LONGER_THAN_LEASE_S = 2 * LEASE_MS / 1000


# ---- troubles ----

class Troubles(threading.Thread):
    """All of them, in a random order, one after the other."""

    def __init__(self, shop, seed, rounds):
        super().__init__()
        self.shop, self.random, self.rounds = shop, random.Random(seed), rounds
        self.error = None

    def a_worker(self):
        return self.random.choice(self.shop.workers)

    def worker_killed(self):
        worker = self.a_worker()
        worker.kill()
        time.sleep(self.random.uniform(0, 1))
        worker.start()

    def worker_frozen(self):
        worker = self.a_worker()
        worker.freeze()
        time.sleep(LONGER_THAN_LEASE_S)
        worker.thaw()

    def worker_stopped_in_a_transaction(self):
        worker = self.a_worker()
        worker.kill()
        worker.start(STOP_AT="pg_sent:3")
        wait_for(worker.is_stopped, "a worker to stop inside its transaction", 20)
        time.sleep(LONGER_THAN_LEASE_S)
        worker.thaw()

    def redis_killed(self):
        self.shop.redis.kill()
        time.sleep(self.random.uniform(0, 1))
        self.shop.redis.start()

    def postgres_killed(self):
        self.shop.postgres.kill()
        time.sleep(self.random.uniform(0, 1))
        self.shop.postgres.start()

    def intake_killed(self):
        self.shop.serve.kill()
        self.shop.serve.start()

    def run(self):
        all_of_them = [self.worker_killed, self.worker_killed, self.worker_frozen, self.redis_killed, self.postgres_killed,
                       self.intake_killed] * self.rounds
        self.random.shuffle(all_of_them)
        all_of_them.insert(self.random.randrange(3), self.worker_stopped_in_a_transaction)  # while there is load
        try:
            for trouble in all_of_them:
                time.sleep(self.random.uniform(0.2, 1.0))
                trouble()
        except BaseException as error:  # told by finish()
            self.error = error

    def finish(self):
        self.join()
        if self.error is not None:
            raise self.error


# ---- 500 customers ----

def order_something(shop, api, customer):
    speak_in_order(shop, customer, customer.burst)
    wait_for(lambda: is_summary(api.last(customer.id), customer), f"the summary; heard {api.texts(customer.id)}", 120)
    confirm(shop, api, customer)


def check_all_is_well(shop, api, customers):
    wait_for_orders(shop, customers, 120)
    shop.wait_at_rest()
    assert shop.query("SELECT dialog_id FROM orders GROUP BY dialog_id HAVING count(*)>1") == []
    unapplied = set(shop.query("SELECT text, error_reason FROM message_logs WHERE NOT success"))
    assert unapplied <= {("yes", "said before the question was shown")}  # to a summary that nobody knows was accepted
    assert shop.query("SELECT message_id FROM message_logs GROUP BY message_id HAVING count(*)>1") == []
    check_replies_in_order(api)
    told = api.by_client()
    assert all(any("is placed" in text for text in told[str(c.id)]) for c in customers)


@pytest.mark.slow
def test_500_customers_through_all_troubles(shared_shop, api):
    shop = shared_shop.start()
    customers = [Customer(n) for n in range(CUSTOMERS)]
    seed = int(os.environ.get("CHAT2ORDER_TEST_SEED", random.randrange(1 << 32)))
    print(f"CHAT2ORDER_TEST_SEED={seed}")
    troubles = Troubles(shop, seed, rounds=3 if LONG else 1)
    troubles.start()
    in_parallel(lambda c: order_something(shop, api, c), customers, threads=48)
    while troubles.is_alive():  # each of them must meet customers who order
        customers.append(Customer(len(customers)))
        order_something(shop, api, customers[-1])
    troubles.finish()
    check_all_is_well(shop, api, customers)
    for process in [shop.serve, *shop.workers]:
        process.stop()


@pytest.mark.slow
def test_500_customers_in_peace(shared_shop, api):
    shop = shared_shop.start()
    customers = [Customer(n) for n in range(CUSTOMERS)]
    in_parallel(lambda c: order_something(shop, api, c), customers, threads=48)
    check_all_is_well(shop, api, customers)
    assert all(worker.metric('turns_total{outcome="finished"}') > 0 for worker in shop.workers)
    assert shop.metric('turns_total{outcome="lease_lost"}') == 0
    assert shop.metric("replies_maybe_doubled_total") == 0
    assert len(shop.workers) == WORKERS


def test_three_workers_hold_five_turns_each(shared_shop, api):
    """Not one more, whoever waits; and all who wait are answered then."""
    shop = shared_shop.start(workers=1)
    shop.workers.pop().stop()  # it has made the tables
    customers = range(31_000_000, 31_000_040)
    in_parallel(lambda client: say(shop, client, "Hello"), customers)
    lock = shop.postgres.lock("c2o_clients")
    shop.workers = [shop.make("worker").start() for _ in range(WORKERS)]
    wait_for(lambda: shop.counts()["lanes_in_turn"] == 5 * WORKERS, "15 turns")
    most = 0
    until = time.monotonic() + LEASE_MS / 1000  # they are held by beats, and no further one is taken
    while time.monotonic() < until:
        counts = shop.counts()
        most = max(most, counts["lanes_in_turn"])
    lock.let_go()
    assert (most, counts["active"], counts["waiting"]) == (5 * WORKERS, 5 * WORKERS, len(customers) - 5 * WORKERS)
    wait_for(lambda: all(len(api.texts(client)) == 1 for client in customers), "all answers")
    shop.wait_at_rest()
    assert shop.metric('turns_total{outcome="lease_lost"}') == 0


# ---- one worker stopped at the worst moment, another goes on ----

def go_on_without(shop, api, customer, stopped):
    """A second worker answers the customer; then the stopped one wakes, and its finish changes nothing."""
    second = shop.make("worker").start()
    wait_for(lambda: api.texts(customer.id), "an answer by the second worker", 30)
    stopped.thaw()
    wait_for(lambda: turns_ended(stopped) == 1, "the end of the first one's finish")
    shop.wait_at_rest()
    assert len(api.texts(customer.id)) == 1
    assert shop.query("SELECT success FROM message_logs") == [("t",)]
    assert shop.query("SELECT version FROM c2o_clients") == [("1",)]
    return second


def turns_ended(worker):
    return sum(worker.metric(f'turns_total{{outcome="{outcome}"}}') for outcome in ("finished", "failed", "lease_lost"))


def test_stopped_inside_an_open_transaction(shared_shop, api):
    shop, customer = shared_shop.start(workers=0), Customer(1)
    first = shop.make("worker").start(STOP_AT="pg_sent")
    say(shop, customer.id, "Hello")
    wait_for(first.is_stopped, "the worker to stop inside its transaction")
    second = go_on_without(shop, api, customer, first)
    assert first.metric('turns_total{outcome="lease_lost"}') == 1  # refused on both servers
    assert second.metric('turns_total{outcome="finished"}') == 1


def test_stopped_between_the_two_servers(shared_shop, api):
    """What it committed stands: another finishes it as recorded, and it hears that all is done."""
    shop, customer = shared_shop.start(workers=0), Customer(1)
    first = shop.make("worker").start(STOP_AT="pg_committed")
    say(shop, customer.id, "Hello")
    wait_for(first.is_stopped, "the worker to stop behind its commit")
    second = go_on_without(shop, api, customer, first)
    assert second.metric("turns_recorded_total") == 1


def test_killed_between_the_two_servers(shared_shop, api):
    shop, customer = shared_shop.start(workers=0), Customer(1)
    first = shop.make("worker").start(CRASH_AT="pg_committed")
    say(shop, customer.id, "Hello")
    wait_for(first.is_dead, "the worker to die behind its commit")
    second = shop.make("worker").start()
    wait_for(lambda: api.texts(customer.id), "the answer", 30)
    shop.wait_at_rest()
    assert len(api.texts(customer.id)) == 1
    assert second.metric("turns_recorded_total") == 1
    assert shop.query("SELECT version FROM c2o_clients") == [("1",)]


# ---- Redis away ----

class Chatter:
    """Clients that write numbered messages, each as soon as the last one was answered 200."""

    CLIENTS = 40

    def __init__(self, shop):
        self.shop, self.done = shop, threading.Event()
        self.accepted = {30_000_000 + n: [] for n in range(self.CLIENTS)}
        self.slowest_s, self.refused = 0.0, 0
        self.threads = [threading.Thread(target=self.write, args=(client,)) for client in self.accepted]
        for thread in self.threads:
            thread.start()

    def is_accepted(self, body):
        """Posts until it is answered 200; False when it is time to stop first."""
        while True:
            began = time.monotonic()
            answer = post(self.shop.port, body)
            if answer is not None and answer[0] == 200:
                self.slowest_s = max(self.slowest_s, time.monotonic() - began)
                return True
            self.refused += answer is not None
            if self.done.wait(0.1):
                return False

    def write(self, client):
        for number in itertools.count(client * 10_000):
            if not self.is_accepted(payload(client, f"a text {number}", message_id=number)):
                return
            self.accepted[client].append(number)
            if self.done.wait(0.05):
                return

    def stop(self):
        self.done.set()
        for thread in self.threads:
            thread.join()

    def count(self):
        return sum(map(len, self.accepted.values()))


def check_all_was_worked_on(shop, api, chatter):
    wait_for(lambda: int(shop.query("SELECT count(*) FROM message_logs")[0][0]) >= chatter.count(), "all messages", 90)
    shop.wait_at_rest(90)
    check_each_message_once(shop, itertools.chain(*chatter.accepted.values()))
    for client, numbers in chatter.accepted.items():
        rows = shop.query(f"SELECT message_id FROM message_logs WHERE client_id='{client}' ORDER BY id")
        assert [int(message) for message, in rows] == numbers, f"the messages of {client} were worked on out of order"
    check_replies_in_order(api)


@pytest.mark.slow
def test_redis_away_under_load(shared_shop, api):
    shop = shared_shop.start()
    chatter = Chatter(shop)
    wait_for(lambda: chatter.count() > 200, "some load")
    shop.redis.kill()
    before = chatter.count()
    time.sleep(OUTAGE_S)  # the outage itself
    taken = chatter.count() - before
    status, health = shop.serve.health()
    shop.redis.start()
    wait_for(lambda: chatter.count() > before + taken + 200, "load that goes on")
    chatter.stop()
    check_all_was_worked_on(shop, api, chatter)
    assert taken > OUTAGE_S * Chatter.CLIENTS, "intake did not go on while Redis was away"
    assert status == 200, health
    assert chatter.refused == 0
    assert chatter.slowest_s < 4
    shop.serve.stop()
    assert os.listdir(os.path.join(shop.serve.folder, "data", "spool")) == []


@pytest.mark.slow
def test_intake_killed_while_redis_is_away(shared_shop, api):
    shop = shared_shop.start()
    chatter = Chatter(shop)
    wait_for(lambda: chatter.count() > 200, "some load")
    shop.redis.kill()
    before = chatter.count()
    wait_for(lambda: chatter.count() > before + 300, "messages in the spool")
    shop.serve.kill()
    shop.redis.start()
    shop.serve.start()
    before = chatter.count()
    wait_for(lambda: chatter.count() > before + 100, "load that goes on")
    chatter.stop()
    wait_for(lambda: int(shop.query("SELECT count(*) FROM message_logs")[0][0]) >= chatter.count(), "all messages", 90)
    shop.wait_at_rest(90)
    logged = {message for message, in shop.query("SELECT message_id FROM message_logs")}
    assert {str(n) for n in itertools.chain(*chatter.accepted.values())} <= logged
    assert shop.query("SELECT message_id FROM message_logs GROUP BY message_id HAVING count(*)>1") == []
    check_replies_in_order(api)
