"""The commands beside the service: exit codes, tables, JSON, CSV, dead letters, settings, help."""

import csv
import io
import os
import pathlib
import pty
import re
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
COMMANDS = ["run", "serve", "worker", "migrate", "chat", "simulate", "orders", "queue", "log", "funnel", "validate", "config",
            "healthcheck", "version"]
VERBS = {"orders": ["list", "show", "status", "csv"], "queue": ["counts", "dead", "show", "retry", "remove"]}
SUBCOMMANDS = [[c] for c in COMMANDS] + [[c, v] for c in VERBS for v in VERBS[c]]


# ---- help and mistakes ------------------------------------------------------------------------------

@pytest.mark.parametrize("words", SUBCOMMANDS, ids=" ".join)
def test_every_command_has_help_with_examples(chat2order, words):
    ended = chat2order(*words, "--help")
    assert ended.code == 0 and ended.err == ""
    assert "Usage: chat2order " + words[0] in ended.out
    examples = ended.out.split("\nExamples:\n")[1]
    assert "chat2order " + words[0] in examples


def test_help_lists_every_command(chat2order):
    for words in (["--help"], ["help"], ["-h"]):
        ended = chat2order(*words)
        assert ended.code == 0
        for command in COMMANDS:
            assert re.search(rf"^  {command} ", ended.out, re.M), command
    assert chat2order("help", "orders").out == chat2order("orders", "--help").out
    assert chat2order("orders", "help", "csv").out == chat2order("orders", "csv", "--help").out
    assert chat2order().code == 2


@pytest.mark.parametrize("words, says", [
    (["ordres"], "did you mean orders?"),
    (["--json", "orders"], "options go behind the command"),
    (["orders", "lsit"], "did you mean list?"),
    (["orders", "--limt", "3"], "did you mean --limit?"),
    (["orders", "show"], "NUMBER is missing"),
    (["orders", "show", "x"], '"x" is no order number'),
    (["orders", "status", "1", "done"], '"done" is no status; there are new|processing|completed|cancelled'),
    (["orders", "list", "--since", "yesterday"], "is no time"),
    (["orders", "list", "--status", "old"], "is none of new|processing|completed|cancelled"),
    (["orders", "csv", "--delimiter", ":"], "is none of ,|;"),
    (["queue", "retry"], "give the ids of dead letters, or --all"),
    (["queue", "retry", "1", "--all"], "not both"),
    (["queue", "remove", "1", "--kind", "reply"], "filters go with --all"),
    (["queue", "dead", "--kind", "letter"], "is none of message|reply"),
    (["config", "--port", "70000"], "from 0 to 65535 (port)"),
    (["config", "--worker-concurency", "5"], "did you mean --worker-concurrency?"),
    (["config", "--config", "/no/such/file"], "cannot open /no/such/file"),
    (["healthcheck", "--port", "0"], "--url"),
])
def test_mistakes_are_named_and_end_with_2(chat2order, words, says):
    ended = chat2order(*words)
    assert ended.code == 2 and ended.out == ""
    assert says in ended.err


def test_version(chat2order):
    assert re.fullmatch(r"chat2order \d+\.\d+\.\d+\n", chat2order("--version").out)
    versions = chat2order("version", "--json").json
    assert {"chat2order", "sqlite", "libcurl", "libmicrohttpd", "jansson", "simdjson", "openssl"} == set(versions)


def test_output_that_does_not_arrive_is_a_failure(program):
    with open("/dev/full", "w") as full:
        ended = subprocess.run([program.binary, "config"], env=program.environment({}), stdout=full,
                               stderr=subprocess.PIPE, text=True, timeout=60)
    assert ended.returncode == 1 and "cannot write to standard output" in ended.stderr


# ---- settings ---------------------------------------------------------------------------------------

def test_config_says_where_a_value_comes_from_and_hides_secrets(chat2order, program):
    file = program.folder / "shop.conf"
    file.write_text("# a shop\nCHAT2DESK_API_TOKEN=hush-hush\nWORKER_CONCURRENCY=7\nLOG_LEVEL=warn\n")
    ended = chat2order("config", "--config", file, "--log-level", "error", "--json", SEND_ATTEMPTS=9)
    shown = ended.json
    assert shown["WORKER_CONCURRENCY"] == {"value": 7, "source": f"file {file} line 3"[:95]}
    assert shown["LOG_LEVEL"] == {"value": "error", "source": "command line"}
    assert shown["SEND_ATTEMPTS"] == {"value": 9, "source": "environment"}
    assert shown["LEASE_MS"]["source"] == "default"
    assert shown["CHAT2DESK_API_TOKEN"]["value"] == "(set)"
    assert "hush" not in ended.out
    assert "hush" not in chat2order("config", "--config", file).out


def test_config_shows_no_login_of_a_url_in_the_wrong_place(chat2order):
    for name in ("REDIS_SENTINELS", "DATABASE_NAME", "PUBLIC_URL"):
        assert "hush" not in chat2order("config", **{name: "https://joe:hush@host/x"}).out


def test_validate_names_line_and_cure(chat2order, program):
    file = program.folder / "shop.conf"
    file.write_text("PORT=3000\nWORKER_CONCURENCY=7\n")
    ended = chat2order("validate", "--config", file)
    assert ended.code == 2
    assert f"{file} line 2: there is no setting WORKER_CONCURENCY; did you mean WORKER_CONCURRENCY?" in ended.err
    judged = chat2order("validate", "--config", file, "--json")
    assert judged.json["valid"] is False and judged.json["error"] in judged.err


def test_validate_accepts_the_built_in_form(chat2order):
    ended = chat2order("validate")
    assert ended.code == 0 and "form      ok" in ended.out
    judged = chat2order("validate", "--json", CHAT2DESK_API_TOKEN="t").json
    assert judged["valid"] is True and any("PUBLIC_URL" in note for note in judged["notes"])


def test_validate_names_the_place_in_a_broken_form(chat2order, program):
    form = program.folder / "form.yaml"
    form.write_text("name: x\nfields: [\n")
    ended = chat2order("validate", form)
    assert ended.code == 2 and "form.yaml" in ended.err and re.search(r"\d", ended.err)
    assert chat2order("validate", form, "--json").json["valid"] is False


# ---- without a service ------------------------------------------------------------------------------

@pytest.mark.parametrize("words", [["orders"], ["orders", "csv"], ["queue"], ["queue", "dead"], ["log"], ["funnel"]],
                         ids=" ".join)
def test_without_a_store_it_says_where_it_looked(chat2order, program, words):
    ended = chat2order(*words)
    assert ended.code == 3 and ended.out == ""
    assert str(program.data_dir) in ended.err and f"{program.data_dir}/demo" in ended.err
    assert "chat2order run" in ended.err and "--data-dir" in ended.err


def test_healthcheck_without_a_service(chat2order):
    ended = chat2order("healthcheck", "--timeout", "2")
    assert ended.code == 1 and "is the service running?" in ended.err


# ---- beside a running demo --------------------------------------------------------------------------

PHONE = "+996700123456"


def place_order(service, request_http, wait_until, name, address):
    """A customer's whole dialog, through the simulator; returns his id."""
    simulator = service.simulator_url + "/sim"
    customer = request_http("POST", simulator + "/customers", {"name": name}).json["customer"]["id"]

    def answers():
        events = request_http("GET", f"{simulator}/events?after=0&wait_ms=0&customer={customer}").json["events"]
        return [event for event in events if event["kind"] == "outbox"]

    for count, text in enumerate(["hello", address, PHONE, "3", "yes"], start=1):
        wait_until(lambda: len(answers()) >= count - 1, f"the answer before {text!r}")
        request_http("POST", simulator + "/messages", {"customer": customer, "text": text})
    wait_until(lambda: len(answers()) >= 5, "the order's number")
    return customer


@pytest.fixture
def shop(start_service, request_http, wait_until, chat2order):
    """A demo in which two customers have ordered."""
    service = start_service()
    for name, address in (("Ann", "Lenin street 5"), ("Bek", "=HYPERLINK(1) Mira 7")):
        place_order(service, request_http, wait_until, name, address)
    wait_until(lambda: len(chat2order("orders", "--json").json) == 2, "two orders")
    return service


def test_orders_of_the_demo_are_found_and_shown(shop, chat2order, program):
    listed = chat2order("orders")
    assert listed.code == 0 and f"the demo's store, in {program.data_dir}/demo" in listed.err
    lines = listed.out.splitlines()
    assert lines[0].split() == ["NUMBER", "PLACED", "STATUS", "QUANTITY", "PHONE", "CLIENT", "ADDRESS"]
    assert "Mira 7" in lines[1] and "Lenin street 5" in lines[2] and "\033" not in listed.out
    newest, oldest = chat2order("orders", "list", "--json").json
    assert (oldest["client_phone"], oldest["quantity"], oldest["status"]) == (PHONE, 3, "new")
    assert oldest["fields"]["address"] == "Lenin street 5"
    shown = chat2order("orders", "show", f"#{newest['id']}")
    assert "=HYPERLINK(1) Mira 7" in shown.out and PHONE in shown.out
    assert chat2order("orders", "show", oldest["id"], "--json").json == oldest


def test_orders_are_filtered_and_their_status_set(shop, chat2order):
    newest, oldest = chat2order("orders", "--json").json
    done = chat2order("orders", "status", oldest["id"], "completed")
    assert done.code == 0 and done.out == f"Order {oldest['id']} is completed.\n"
    assert [o["id"] for o in chat2order("orders", "--status", "completed", "--json").json] == [oldest["id"]]
    assert [o["id"] for o in chat2order("orders", "--client", newest["chat2desk_client_id"], "--json").json] == [
        newest["id"]]
    assert len(chat2order("orders", "--phone", PHONE, "--since", "1h", "--json").json) == 2
    assert chat2order("orders", "--until", "1h", "--json").json == []
    assert "No orders" in chat2order("orders", "--until", "1h").out
    assert len(chat2order("orders", "--limit", "1", "--json").json) == 1
    missing = chat2order("orders", "show", "999")
    assert missing.code == 1 and "there is no order 999" in missing.err
    assert chat2order("orders", "status", "999", "new").code == 1


def test_csv_for_spreadsheets_and_for_programs(shop, chat2order, program):
    file = program.folder / "orders.csv"
    assert chat2order("orders", "csv", "--delimiter", ";", "--output", file).code == 0
    raw = file.read_bytes()
    assert raw.startswith(b"\xef\xbb\xbf") and raw.count(b"\r\n") == 3 and raw.count(b"\n") == 3
    head, newest, oldest = csv.reader(io.StringIO(raw.decode("utf-8-sig"), newline=""), delimiter=";")
    row = dict(zip(head, newest))
    assert row["client_phone"] == f'="{PHONE}"' and row["quantity"] == "3"
    assert row["delivery_address"] == "'=HYPERLINK(1) Mira 7"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", row["created_at"])
    plain = chat2order("orders", "csv", "--plain").out
    assert dict(zip(head, list(csv.reader(io.StringIO(plain)))[1]))["client_phone"] == PHONE
    failed = chat2order("orders", "csv", "--output", "/no/such/folder/x.csv")
    assert failed.code == 1 and "/no/such/folder/x.csv" in failed.err


def test_queue_log_and_funnel_of_a_shop_at_rest(shop, chat2order, wait_until):
    wait_until(lambda: chat2order("queue", "--json").json["lanes_speaking"] == 0, "all replies accepted")
    counts = chat2order("queue", "counts", "--json").json
    assert all(counts[name] == 0 for name in ("waiting", "in_lanes", "active", "replies_waiting", "dead_messages"))
    assert "dead_replies" in chat2order("queue").out
    assert chat2order("queue", "dead").out == "No dead letters that match.\n"
    funnel = chat2order("funnel", "--json").json
    assert (funnel["completed"], funnel["dropped"]) == (2, 0)
    assert "100.0 %" in chat2order("funnel", "--since", "1h").out
    rows = chat2order("log", "--json", "--limit", "0").json
    assert len(rows) == 10 and all(row["success"] for row in rows)
    of_one = chat2order("log", rows[0]["client_id"], "--json").json
    assert [row["text"] for row in reversed(of_one)] == ["hello", "=HYPERLINK(1) Mira 7", PHONE, "3", "yes"]
    assert "WAITING_CONFIRMATION" in chat2order("log").out


def test_healthcheck_of_a_running_service(shop, chat2order):
    ended = chat2order("healthcheck")
    assert ended.code == 0 and ended.out.startswith("healthy")
    assert chat2order("healthcheck", "--json").json["status"] == "healthy"
    assert chat2order("healthcheck", "--url", shop.url).code == 0
    other = chat2order("healthcheck", "--url", shop.simulator_url)
    assert other.code == 1 and "another program" in other.err


# ---- dead letters -----------------------------------------------------------------------------------

@pytest.fixture
def dead_letters(start_service, chat2order, wait_until):
    """Replies to clients that Chat2Desk does not know are refused by it: three dead letters."""
    service = start_service()
    for client in (990001, 990002, 990003):
        body = {"client_id": client, "text": "hello", "message_id": f"{client}-1"}
        assert service.post(body).status == 200
    wait_until(lambda: len(dead(chat2order)) == 3, "three dead letters")
    return service


def dead(chat2order, *words):
    return chat2order("queue", "dead", "--json", *words).json


def test_dead_letters_are_listed_and_shown(dead_letters, chat2order):
    letters = dead(chat2order)
    assert {letter["kind"] for letter in letters} == {"reply"}
    assert [letter["client_id"] for letter in dead(chat2order, "--client", "990002")] == ["990002"]
    assert dead(chat2order, "--kind", "message") == []
    assert dead(chat2order, "--reason", "no such reason") == []
    assert len(dead(chat2order, "--reason", letters[0]["reason"][:12], "--since", "1h")) == 3
    assert len(dead(chat2order, "--limit", "2")) == 2
    table = chat2order("queue", "dead").out
    assert table.split()[:6] == ["ID", "DIED", "KIND", "CLIENT", "ATTEMPTS", "REASON"]
    assert chat2order("queue", "show", letters[0]["id"], "--json").json == letters[0]
    assert letters[0]["reason"] in chat2order("queue", "show", letters[0]["id"]).out
    assert chat2order("queue", "show", "999").code == 1
    assert "chat2order queue dead" in chat2order("queue").out


def test_dead_letters_are_retried(dead_letters, chat2order, wait_until):
    before = dead(chat2order)
    dry = chat2order("queue", "retry", "--all", "--dry-run")
    assert dry.code == 0 and dry.out == "3 would be retried.\n"
    assert dead(chat2order) == before
    unasked = chat2order("queue", "retry", "--all")
    assert unasked.code == 2 and "--yes" in unasked.err and dead(chat2order) == before
    assert chat2order("queue", "retry", before[0]["id"]).out == "1 of 1 retried.\n"
    wait_until(lambda: len(dead(chat2order)) == 3, "the reply to be refused again")
    report = chat2order("queue", "retry", "--all", "--client", "990003", "--yes", "--json").json
    assert (report["chosen"], report["retried"], report["not_found"]) == (1, 1, 0)
    gone = chat2order("queue", "retry", "999")
    assert gone.code == 1 and "No longer there: 1." in gone.out


def test_dead_letters_are_removed(dead_letters, chat2order):
    first, *others = dead(chat2order)
    assert chat2order("queue", "remove", first["id"]).code == 2
    assert chat2order("queue", "remove", first["id"], "--yes").out == "1 of 1 removed.\n"
    assert dead(chat2order) == others
    assert chat2order("queue", "remove", "--all", "--yes").out == "2 of 2 removed.\n"
    assert dead(chat2order) == []


def on_a_terminal(program, words, types, **settings):
    """Runs a command on a pseudo-terminal and types an answer; returns exit code and all it showed."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen([program.binary, *map(str, words)], stdin=theirs, stdout=theirs, stderr=theirs,
                               env=program.environment({"TERM": "xterm", **settings}), cwd=program.folder)
    os.close(theirs)
    os.write(ours, types.encode())
    shown = b""
    while True:
        try:
            piece = os.read(ours, 4096)
        except OSError:
            break
        if not piece:
            break
        shown += piece
    os.close(ours)
    return process.wait(timeout=30), shown.decode()


def test_removal_asks_on_a_terminal(dead_letters, chat2order, program):
    letter = dead(chat2order)[0]["id"]
    code, shown = on_a_terminal(program, ["queue", "remove", letter], "n\n")
    assert code == 1 and "Remove for good 1 dead letter? [y/N]" in shown and "Nothing was done." in shown
    code, shown = on_a_terminal(program, ["queue", "remove", letter], "y\n")
    assert code == 0 and "1 of 1 removed." in shown
    assert len(dead(chat2order)) == 2


def test_colour_only_on_a_terminal(dead_letters, program):
    assert "\033[1m" in on_a_terminal(program, ["queue", "dead"], "")[1]
    assert "\033" not in on_a_terminal(program, ["queue", "dead"], "", NO_COLOR="1")[1]
    assert "\033" not in on_a_terminal(program, ["queue", "dead"], "", TERM="dumb")[1]
    assert "\033" not in program.command("queue", "dead").out


# ---- documents agree with the program ---------------------------------------------------------------

def test_operation_manual_has_the_table_of_settings(chat2order):
    table = chat2order("config", "--manual", "markdown").out
    assert table in (ROOT / "docs" / "operation.md").read_text(), "run: chat2order config --manual markdown"


def test_man_page_names_every_command_and_setting(chat2order):
    page = (ROOT / "docs" / "man" / "chat2order.1").read_text()
    assert chat2order("config", "--manual", "mdoc").out in page, "run: chat2order config --manual mdoc"
    for words in SUBCOMMANDS:
        assert re.search(r"^\.It (Cm|Xo) " + words[0] + r"\b", page, re.M), words
    for command, verbs in VERBS.items():
        for verb in verbs:
            assert re.search(rf"^\.It Cm {command} {verb}\b", page, re.M), (command, verb)


def test_readme_names_commands_that_exist(chat2order):
    text = (ROOT / "README.md").read_text()
    named = re.findall(r"`(?:build/src/command/)?chat2order ([a-z]+)", text)
    assert set(named) == set(COMMANDS)
