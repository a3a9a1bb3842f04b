"""Disk full, files that can't be written, ports taken, the clock set back: a clear message, and nothing lost."""

import contextlib
import errno
import json
import os
import shutil
import socket
import sqlite3
import subprocess
import time
from types import SimpleNamespace

import pytest

from harness import Customer, in_parallel, is_summary, payload, post, say, wait_for
from test_customers import speak_in_order, wait_for_orders


def refuses_to_start(service, *words, **more):
    process = service.spawn(**more)
    out, _ = process.communicate(timeout=30)
    assert process.returncode not in (0, None)
    text = out.decode() + service.log()
    for word in words:
        assert word.lower() in text.lower(), f"{word!r} is not in: {text}"


def test_a_folder_in_place_of_the_database(shop):
    service = shop()
    os.makedirs(service.database)
    refuses_to_start(service, "chat2order.db", "not a file")


def test_a_file_in_place_of_the_folder(shop):
    service = shop()
    with open(os.path.join(service.folder, "data"), "w", encoding="utf-8"):
        pass
    refuses_to_start(service, "DATA_DIR")


def test_a_file_that_is_no_database(shop):
    service = shop()
    os.makedirs(os.path.dirname(service.database))
    with open(service.database, "wb") as file:
        file.write(b"this is not a database, and long enough to be looked at as one" * 100)
    refuses_to_start(service, "not a database")


def test_a_database_of_a_newer_version(shop):
    service = shop().start()
    service.stop()
    with sqlite3.connect(service.database) as database:
        database.execute("PRAGMA user_version=999")
    refuses_to_start(service, "999", "newer")


def test_a_second_service_is_refused(shop, tmp_path, api):
    service = shop().start()
    second = shop()
    second.log_path = os.path.join(second.folder, "second.log")
    refuses_to_start(second, "another chat2order")
    assert service.health()[0] == 200
    service.stop()


def test_a_port_that_is_taken(shop):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        refuses_to_start(shop(), str(taken.getsockname()[1]), "PORT", PORT=taken.getsockname()[1])


def test_a_form_that_is_broken(shop, tmp_path):
    form = tmp_path / "form.yaml"
    form.write_text("name: broken\nfields: [\n", encoding="utf-8")
    refuses_to_start(shop(), "form.yaml", DIALOG=form)


def test_a_setting_out_of_range(shop):
    refuses_to_start(shop(), "WORKER_CONCURRENCY", "1000", WORKER_CONCURRENCY=5000)


@pytest.fixture
def small_disk(tmp_path):
    place = tmp_path / "data"
    place.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(place)], check=False).returncode != 0:
        pytest.skip("may not mount a tmpfs")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def fill(path):
    """Takes every byte that is left on the disk."""
    file = os.open(path, os.O_WRONLY | os.O_CREAT)
    try:
        while True:
            os.write(file, b"x" * 4096)
    except OSError as error:
        assert error.errno == errno.ENOSPC
    finally:
        os.close(file)


def test_disk_full(shop, api, small_disk):
    service = shop().start()
    customer = Customer(1)
    speak_in_order(service, customer, customer.burst)
    wait_for(lambda: is_summary(api.last(customer.id), customer), "the summary")
    ballast = small_disk / "ballast"
    fill(ballast)
    refused = wait_for(lambda: (post(service.port, payload(customer.id + 1, "x" * 60000)) or (0,))[0] == 503, "a 503")
    assert refused
    assert service.process.poll() is None
    ballast.unlink()
    wait_for(lambda: service.health()[0] == 200, "recovery by itself")
    say(service, customer.id, "yes")
    wait_for_orders(service, [customer])
    service.stop()


def test_the_reserve_refuses_before_the_disk_is_full(shop, api):
    free = shutil.disk_usage("/tmp").free >> 20
    service = shop(DISK_RESERVE_MB=free * 2).start()
    wait_for(lambda: service.health()[0] == 503, "health to tell of it")
    status, answer = post(service.port, payload(1, "Hello"))
    assert status == 503 and not answer["success"]
    assert "DISK_RESERVE_MB" in json.dumps(service.health()[1]["reasons"])
    service.stop()


@pytest.fixture(name="clock")
def clock_fixture(tmp_path):
    """The service's wall clock: clock.environment starts it with one, clock.set("-3600s") moves it against the true time."""
    if shutil.which("faketime") is None:
        pytest.skip("needs faketime")
    if "sanitize" in os.environ.get("CHAT2ORDER_BUILD", ""):
        pytest.skip("a sanitizer's runtime must come first in the preload order")
    stamp = tmp_path / "clock"
    library = next(path for path in (
        "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1", "/usr/lib/aarch64-linux-gnu/faketime/libfaketimeMT.so.1")
        if os.path.exists(path))

    def set_to(offset):
        stamp.write_text(offset, encoding="utf-8")
    set_to("+0s")
    return SimpleNamespace(set=set_to, environment={
        "LD_PRELOAD": library, "FAKETIME_TIMESTAMP_FILE": stamp, "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1"})


def test_the_clock_set_forward(shop, api, clock):
    """What was learnt of Chat2Desk's clock before the jump would move every yes after it to an hour ago."""
    service = shop().start(**clock.environment)
    for number in range(4):
        speak_in_order(service, Customer(number), Customer(number).burst)
    known = service.query("SELECT length(offsets) FROM intake")
    assert known[0][0] > 0
    clock.set("+3600s")
    wait_for(lambda: service.query("SELECT length(offsets) FROM intake") == [(0,)], "the offsets to be forgotten")
    customer = Customer(9)
    speak_in_order(service, customer, customer.burst)
    wait_for(lambda: is_summary(api.last(customer.id), customer), "the summary")
    time.sleep(0.01)
    say(service, customer.id, "yes")
    wait_for_orders(service, [customer], 20)
    service.stop()


def test_the_database_held_by_another(shop, api):
    """Trouble of the store is no turn's fault: it spends no attempt, and takes no lease away."""
    service = shop().start()
    customers = [Customer(number) for number in range(20)]
    for customer in customers:
        speak_in_order(service, customer, customer.burst[:3])
    with contextlib.closing(sqlite3.connect(service.database, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        wait_for(lambda: service.health()[0] == 503, "health to tell of it")
        status, answer = post(service.port, payload(customers[0].id, "Hello?"))
        assert status == 503 and not answer["success"]
        other.execute("ROLLBACK")
    wait_for(lambda: service.health()[0] == 200, "health to be well again")
    in_parallel(lambda customer: speak_in_order(service, customer, customer.burst[3:]), customers)
    for customer in customers:
        wait_for(lambda: is_summary(api.last(customer.id), customer), "the summary")
    time.sleep(0.01)
    for customer in customers:
        say(service, customer.id, "yes")
    wait_for_orders(service, customers, 20)
    assert service.metric('turns_total{outcome="failed"}') == 0
    assert service.query("SELECT count(*) FROM dead_letters") == [(0,)]
    service.stop()


FAILING_SYNC = r'''
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>
int fdatasync(int fd)
{
	int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
	if (access(getenv("SYNC_FAILS_WHILE"), F_OK) != 0)
		return real(fd);
	errno = EIO;
	return -1;
}
'''


def test_a_disk_that_does_not_sync(shop, api, tmp_path):
    """Nobody can say what is on such a disk: nothing is answered 200, the service ends and says why; the next one goes on."""
    source, library, trouble = tmp_path / "sync.c", tmp_path / "sync.so", tmp_path / "trouble"
    source.write_text(FAILING_SYNC, encoding="utf-8")
    subprocess.run(["cc", "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True)
    service = shop().start(LD_PRELOAD=library, SYNC_FAILS_WHILE=trouble)
    customer = Customer(1)
    speak_in_order(service, customer, customer.burst[:3])
    trouble.touch()
    assert post(service.port, payload(customer.id, customer.phone)) is None
    assert service.process.wait(20) == 1
    service.process.stdout.close()
    assert "the disk did not take" in service.log() and "Input/output error" in service.log()
    trouble.unlink()
    service.start()
    speak_in_order(service, customer, customer.burst[3:])
    wait_for(lambda: is_summary(api.last(customer.id), customer), "the summary")
    time.sleep(0.01)
    say(service, customer.id, "yes")
    wait_for_orders(service, [customer], 20)
    service.stop()


def test_the_clock_set_back(shop, api, clock):
    service = shop().start(**clock.environment)
    customer = Customer(1)
    speak_in_order(service, customer, customer.burst)
    wait_for(lambda: is_summary(api.last(customer.id), customer), "the summary")
    clock.set("-3600s")
    wait_for(lambda: not service.health()[1]["checks"]["clock"], "the jump to be noticed")
    time.sleep(0.01)
    back = time.time() - 3600
    event = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(back + 3600))
    say(service, customer.id, "yes", event_time=event)
    wait_for_orders(service, [customer], 20)
    service.stop()


def test_health_is_json_for_machines(shop, api):
    service = shop().start()
    status, health = service.health()
    assert status == 200 and health["status"] == "healthy"
    assert {"message", "outbox"} <= set(health["checks"]["queues"])
    assert json.dumps(health)
    service.stop()
