"""What bench/run and bench/shared have in common: the load generator, processor time, the service's environment, the table."""

import contextlib
import json
import os
import pathlib
import resource
import subprocess
import sys
import time
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests" / "support"))
from servers import free_port  # noqa: E402,F401  (for both programs)

TOKEN = "0123456789abcdef0123456789abcd"


class Failed(Exception):
    """A measurement that could not be made, or whose result is wrong."""


def used_us(usage):
    return (usage.ru_utime + usage.ru_stime) * 1e6


def load(args, mode, *more):
    """One measurement of the load generator; `load_us` is its own processor time."""
    command = [str(args.load), mode, *map(str, more)]
    if args.signed and mode != "disk":
        command += ["--token", TOKEN]
    limit = 180 + 10 * args.seconds + args.messages / 500
    before = used_us(resource.getrusage(resource.RUSAGE_CHILDREN))
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, timeout=limit, check=False)
    if done.returncode != 0:
        raise Failed(f"{' '.join(command)} ended with {done.returncode}")
    return json.loads(done.stdout) | {"load_us": used_us(resource.getrusage(resource.RUSAGE_CHILDREN)) - before}


def beside(args, peer, measure):
    """What measure() returns, with the peer measured right before it, as often as there are rounds: the machine's speed changes, but
    less within a round. Sorted by their ratio."""
    rounds = [{"peer": load(args, peer, "--seconds", args.seconds), "ours": measure()} for _ in range(args.rounds)]
    return sorted(rounds, key=ratio)


def ratio(of_round):
    return of_round["ours"]["rate"] / of_round["peer"]["rate"]


def middle(rounds):
    return rounds[len(rounds) // 2]


def ratio_row(name, rounds, least, goal):
    """The middle ratio with the lowest and the highest; least None: no goal."""
    value, others = ratio(middle(rounds)), f" ({ratio(rounds[0]):.2f} to {ratio(rounds[-1]):.2f})" if len(rounds) > 1 else ""
    return f"  {name}", f"{value:.2f}{others}", goal if least else "", value >= least if least else None


def cpu_us(pid):
    """Processor time of a process so far, all of its threads."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) * 1e6 / os.sysconf("SC_CLK_TCK")


def environment(port, data, api_port, concurrency=50):
    """Of every process of the service. At the API's address there is nobody unless the load generator is told it."""
    return {
        "PATH": os.environ["PATH"], "HOST": "127.0.0.1", "PORT": str(port), "ADMIN_PORT": "0", "DATA_DIR": str(data),
        "CHAT2DESK_API_URL": f"http://127.0.0.1:{api_port}/v1", "CHAT2DESK_API_TOKEN": TOKEN, "CHAT2DESK_RATE_LIMIT": "0",
        "WORKER_CONCURRENCY": str(concurrency), "LOG_LEVEL": "warn", "LOG_FORMAT": "text",
    }


def wait_for_answer(port, processes, log):
    """Until the public port answers."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and all(p.poll() is None for p in processes):
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=2).close()
            return
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.05)
    raise Failed("the service does not start:\n" + tail(log))


def tail(log):
    return pathlib.Path(log.name).read_text(errors="replace")[-3000:]


def end(processes):
    for process in processes:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
    for process in processes:
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def add_arguments(parser):
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build", help="Meson's build folder (default: build)")
    parser.add_argument("--seconds", type=int, default=5, help="of each measurement (default: 5)")
    parser.add_argument("--rounds", type=int, default=3, help="of each pair of measurements; the middle ratio counts (default: 3)")
    parser.add_argument("--signed", action="store_true", help="webhooks carry Chat2Desk's signature")
    parser.add_argument("--json", action="store_true", help="all figures as JSON instead of the table")
    parser.add_argument("--strict", action="store_true", help="exit 1 when a goal is missed")


def parse(parser):
    args = parser.parse_args()
    args.binary, args.load = args.build / "src/command/chat2order", args.build / "bench/load"
    for program in (args.binary, args.load):
        if not program.exists():
            parser.error(f"{program} is not there: build with `meson setup build && ninja -C build`, or name --build")
    return args


def show(args, results, rows):
    """The exit code. rows: name, value, goal, and whether it is reached (None: no goal)."""
    if args.json:
        print(json.dumps(results, indent=2))
        return 0
    reached = True
    for name, value, goal, ok in rows:
        word = "" if ok is None else "ok" if ok else "MISSED"
        reached = reached and ok is not False
        print(f"{name:<38} {value:>24}   {goal:<18} {word}".rstrip())
    return 1 if args.strict and not reached else 0
