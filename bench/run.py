#!/usr/bin/env python3
"""A small side-by-side of PID 1 programs: bench/run.py BINARY.

Compares BINARY with whatever of tini, dumb-init and supervisord is installed:
  start    a wrapper around `true`, from fork to the end, median of 30
  idle     PSS of the supervisor alone with 50 idle programs
  orphans  as PID 1 of a namespace: 2,000 orphans, seconds until none is left, zombies left after 10 s (needs root)
Standard library only. Numbers of a busy machine mean little: compare them within one run.
"""
import os
import pathlib
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

ORPHANS, PROGRAMS, ROUNDS, PATIENCE = 2000, 50, 30, 10
HERE = pathlib.Path(__file__).resolve()


def payload(out):
    """Runs inside of the namespace: makes orphans, then counts who is left dead below PID 1."""
    begin = time.monotonic()
    for _ in range(ORPHANS):
        pid = os.fork()
        if pid == 0:
            os.fork()  # the grandchild is nobody's but PID 1's
            os._exit(0)
        os.waitpid(pid, 0)
    left = zombies()
    while left and time.monotonic() - begin < PATIENCE:
        time.sleep(0.01)
        left = zombies()
    pathlib.Path(out).write_text(f"{time.monotonic() - begin:.2f} s, {left} left")


def zombies():
    count = 0
    for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            count += stat.read_text().rsplit(")", 1)[1].split()[0] == "Z"
        except OSError:
            pass
    return count


def pss(pid):
    rollup = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
    return next(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:"))


def config(folder, command, count):
    file = folder / "bench.conf"
    programs = "".join(
        f"[program:p{i}]\ncommand={command}\nautorestart=false\nstartsecs=0\nstdout_logfile=NONE\nstderr_logfile=NONE\n"
        for i in range(count)
    )
    file.write_text(
        f"[supervisord]\nnodaemon=true\nlogfile=/dev/null\nlogfile_maxbytes=0\npidfile={folder}/pid\n{programs}"
    )
    return str(file)


def start(argv):
    times = []
    for _ in range(ROUNDS):
        begin = time.monotonic()
        subprocess.run([*argv, "true"], check=True, stderr=subprocess.DEVNULL)
        times.append(time.monotonic() - begin)
    return f"{statistics.median(times) * 1000:.2f} ms"


def idle(argv, folder):
    child = subprocess.Popen([*argv, config(folder, "sleep 1000", PROGRAMS)],
                             stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        children = pathlib.Path(f"/proc/{child.pid}/task/{child.pid}/children")
        deadline = time.monotonic() + PATIENCE
        while len(children.read_text().split()) < PROGRAMS and time.monotonic() < deadline:
            time.sleep(0.05)
        time.sleep(1)
        return f"{pss(child.pid)} KB"
    except OSError:
        return "did not start"
    finally:
        child.send_signal(signal.SIGTERM)
        child.wait()


def orphans(argv, folder):
    if os.geteuid() != 0:
        return "needs root"
    out = folder / "orphans"
    work = [sys.executable, str(HERE), "payload", str(out)]
    tail = [config(folder, " ".join(work), 1)] if argv[-1] == "-c" else work
    child = subprocess.Popen(["unshare", "--pid", "--fork", "--mount-proc", "--kill-child", *argv, *tail],
                             stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 3 * PATIENCE
    while not (out.exists() and out.read_text()) and child.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
    child.kill()
    child.wait()
    return out.read_text() if out.exists() else "not done"


def main(ours):
    venv = HERE.parent.parent / ".venv" / "bin" / "supervisord"
    supervisord = str(venv) if venv.exists() else shutil.which("supervisord")
    peers = [
        ("ours, init", [ours, "--"], ("start", "orphans")),
        ("ours, run", [ours, "run", "-c"], ("idle", "orphans")),
        ("tini", [shutil.which("tini"), "--"], ("start", "orphans")),
        ("dumb-init", [shutil.which("dumb-init"), "--"], ("start", "orphans")),
        ("supervisord", [supervisord, "-n", "-c"], ("idle", "orphans")),
    ]
    scenarios = {"start": lambda argv, _: start(argv), "idle": idle, "orphans": orphans}
    print("| | start | PSS, 50 programs | 2,000 orphans |\n| --- | --- | --- | --- |")
    for name, argv, parts in peers:
        if not argv[0]:
            print(f"| {name} | not installed | | |")
            continue
        cells = []
        for key, body in scenarios.items():
            with tempfile.TemporaryDirectory(prefix="bench-") as folder:
                cells.append(body(argv, pathlib.Path(folder)) if key in parts else "–")
        print(f"| {name} | {' | '.join(cells)} |", flush=True)


if sys.argv[1:2] == ["payload"]:
    payload(sys.argv[2])
elif len(sys.argv) == 2:
    main(os.path.abspath(sys.argv[1]))
else:
    sys.exit(__doc__)
