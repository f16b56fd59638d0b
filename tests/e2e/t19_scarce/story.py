"""Too few descriptors, too little memory, too few threads: connections are shed at once and without a busy loop, what was
acknowledged is kept, and the relay recovers by itself when there is room again. A start that gets too little says so and ends."""

import contextlib
import os
import pathlib
import re
import resource
import smtplib
import socket
import subprocess
import time

from support import PLAIN_MESSAGE, check, is_listening, wait_until

SPARE = 12          # descriptors beyond those that the relay has at rest
FLOOD = 80
MEMORY_FLOOD = 900
MEMORY_STEPS_MIB = (16, 8, 2, 0)  # of address space beyond what the relay has at rest
CGROUP_SPARE_MIB = 1
LIMITS_OF_DATA_MIB = (4, 16, 32, 64, 96, 128, 160, 200, 400)
LIMITS_OF_THREADS = (1, 2, 6, 12, 18, 24, 30, 34, 36, 100)
CGROUPS = (("/sys/fs/cgroup/memory", "memory.limit_in_bytes"), ("/sys/fs/cgroup", "memory.max"))  # version 1, version 2


def descriptors(relay):
    return len(os.listdir(f"/proc/{relay.process.pid}/fd"))


def cpu_seconds(relay):
    fields = open(f"/proc/{relay.process.pid}/stat").read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def address_space(relay):
    return int(re.search(r"VmSize:\s+(\d+)", open(f"/proc/{relay.process.pid}/status").read())[1]) * 1024


def limit(relay, which, soft):
    """Of the running process; the hard limit stays, so that it can be lifted again. One that has just ended has none."""
    with contextlib.suppress(ProcessLookupError):
        hard = resource.prlimit(relay.process.pid, which)[1]
        resource.prlimit(relay.process.pid, which, (soft if soft is not None else hard, hard))


def log_in(relay, key):
    client = smtplib.SMTP("127.0.0.1", relay.plain, timeout=300)
    client.login("app", key)
    return client


def submit(client, recipient="someone@example.net"):
    """→ the id of an acknowledged message, or None."""
    if client.mail("sender@example.org")[0] != 250 or client.rcpt(recipient)[0] != 250:
        client.rset()
        return None
    code, text = client.data(PLAIN_MESSAGE)
    return text.decode().split()[-1] if code == 250 else None


class Flood:
    """Many connections that stay; what each was told first."""

    def __init__(self, port, count):
        self.sockets, self.greeted, self.told, self.hung_up = [], 0, 0, 0
        for _ in range(count):
            connection = socket.create_connection(("127.0.0.1", port), timeout=60)
            self.sockets.append(connection)
            try:
                first = connection.recv(512)
            except ConnectionResetError:
                first = b""
            check(first in (b"",) or first[:4] in (b"220 ", b"421 "), f"a flooding client was told {first}")
            self.greeted += first.startswith(b"220")
            self.told += first.startswith(b"421")
            self.hung_up += not first

    def shed(self):
        return self.told + self.hung_up

    def close(self):
        for connection in self.sockets:
            connection.close()


def serves_again(relay, key):
    """→ the id of a message that it acknowledged. One that has ended for lack of memory is started, as its unit would do."""
    def one_session():
        if relay.process.poll() is not None:
            check_why_it_ended(relay)
            relay.start()
        try:
            with contextlib.closing(log_in(relay, key)) as client:
                return submit(client)
        except (smtplib.SMTPException, OSError):
            return None
    return wait_until(one_session, "the relay serves again without a restart")


def check_why_it_ended(relay):
    """The kernel's SIGKILL within a small group, or an allocation that failed."""
    check(relay.process.returncode == -9 or "bad_alloc" in relay.errors(), f"the relay ended for another reason: {relay.errors()}")


def descriptors_run_out(relay, sink, key):
    client = log_in(relay, key)
    acknowledged = [submit(client)]
    relay.settled(acknowledged[0])
    limit(relay, resource.RLIMIT_NOFILE, descriptors(relay) + SPARE)
    flood = Flood(relay.plain, FLOOD)
    check(0 < flood.greeted <= SPARE + 2, f"{flood.greeted} of {FLOOD} were greeted with {SPARE} descriptors to spare")
    check(flood.told > 0, f"nobody was told 421: {flood.hung_up} were hung up on")
    # A session that is there goes on, and what it is told counts.
    acknowledged += [submit(client) for _ in range(5)]
    check(all(acknowledged), "a session under way cannot submit while descriptors lack")
    # More connections than can be accepted knock all the time: that costs no whole processor.
    used, started = cpu_seconds(relay), time.monotonic()
    knocks = 0
    while time.monotonic() - started < 3:
        with socket.socket() as knock:
            knock.settimeout(5)
            knock.connect(("127.0.0.1", relay.http if knocks % 2 else relay.plain))
            knocks += 1
            time.sleep(0.02)
    busy = (cpu_seconds(relay) - used) / (time.monotonic() - started)
    check(busy < 0.7, f"the relay used {busy:.0%} of a processor while it had no descriptors")
    flood.close()
    acknowledged.append(serves_again(relay, key))
    limit(relay, resource.RLIMIT_NOFILE, None)
    lines = (relay.folder / "log").read_text().count("accept_failed")
    check(1 <= lines < 40, f"{lines} lines about a stretch without descriptors")
    for message_id in acknowledged:
        relay.cli("queue", "retry", "--all")
        relay.settled(message_id)
    check(len(sink.messages()) >= len(acknowledged), "an acknowledged message did not reach the next hop")
    client.quit()
    print(f"    descriptors: {flood.greeted} of {FLOOD} greeted, {flood.told} told 421, {flood.hung_up} hung up on, "
          f"{busy:.0%} of a processor, {len(acknowledged)} acknowledged and delivered")


def flood_and_submit(relay, client):
    """→ (the flood or None, an acknowledged id or None); either may find the relay gone."""
    flood = found = None
    try:
        flood = Flood(relay.plain, MEMORY_FLOOD)
        found = submit(client)
    except (smtplib.SMTPServerDisconnected, OSError):
        pass
    return flood, found


def flood_and_recover(relay, client, key, acknowledged):
    """→ what came of the flood, in words. What was acknowledged meanwhile and afterwards is added."""
    flooded = relay.process
    flood, found = flood_and_submit(relay, client)
    acknowledged += [found] if found else []
    client.close()
    if flood:
        flood.close()
    limit(relay, resource.RLIMIT_AS, None)
    acknowledged.append(serves_again(relay, key))
    if relay.process is not flooded:
        return "ended and started again"
    return f"{flood.greeted} greeted, {flood.shed()} shed" if flood else "shed"


def memory_runs_out(relay, sink, key):
    """Memory that lacks for a connection sheds it; where an allocation fails that cannot be done without, the process ends as the
    OOM killer would end it, and its unit starts it again: nothing that was acknowledged is lost by either."""
    before = len(sink.messages())
    acknowledged, told = [], []
    for spare in MEMORY_STEPS_MIB:
        client = log_in(relay, key)
        limit(relay, resource.RLIMIT_AS, address_space(relay) + spare * 1024 * 1024)
        told.append(f"{spare} MiB: " + flood_and_recover(relay, client, key, acknowledged))
    for message_id in acknowledged:
        relay.settled(message_id)
    check(len(sink.messages()) - before >= len(acknowledged), "an acknowledged message did not reach the next hop")
    check(relay.request("GET", "/healthz")[0] == 200, "HTTP does not answer any more")
    print(f"    memory: {'; '.join(told)}; {len(acknowledged)} acknowledged and delivered")


@contextlib.contextmanager
def cgroup(process, spare):
    """The process in a group of its own that may take `spare` octets more than it has; None where groups cannot be made."""
    for parent, limit_file in CGROUPS:
        group = pathlib.Path(parent) / f"postern-t19-{os.getpid()}"
        try:
            group.mkdir()
        except OSError:
            continue
        try:
            try:
                (group / limit_file).write_text(str(spare))  # what it has stays charged to where it came from
                (group / "cgroup.procs").write_text(str(process.pid))
            except OSError:
                continue
            yield group
            with contextlib.suppress(OSError):  # it may have ended
                (pathlib.Path(parent) / "cgroup.procs").write_text(str(process.pid))
            return
        finally:
            wait_until(lambda: not (group / "cgroup.procs").read_text(), "the group is empty")
            group.rmdir()
    yield None


def a_tiny_cgroup(relay, sink, key):
    """Within a group of little memory the kernel ends the relay where a limit of address space lets it shed: what was acknowledged
    is kept either way."""
    before = len(sink.messages())
    acknowledged = []
    with cgroup(relay.process, CGROUP_SPARE_MIB * 1024 * 1024) as group:
        if group is None:
            print("    cgroup: none can be made here")
            return
        client = log_in(relay, key)
        flood, found = flood_and_submit(relay, client)
        acknowledged += [found] if found else []
        client.close()
        if flood:
            flood.close()
    grouped = relay.process
    acknowledged.append(serves_again(relay, key))
    for message_id in acknowledged:
        relay.settled(message_id)
    check(len(sink.messages()) - before >= len(acknowledged), "an acknowledged message did not reach the next hop")
    print(f"    cgroup: {CGROUP_SPARE_MIB} MiB to spare: " + ("goes on" if relay.process is grouped
                                                              else "ended by the kernel and started again") +
          f"; {len(acknowledged)} acknowledged and delivered")


def start_once(relay, key, limit, prepare):
    """A start that is refused says why, and ends before it listens; one that is not serves."""
    relay.process = subprocess.Popen([relay.postern, "--config", str(relay.config), "serve"], stderr=subprocess.PIPE, text=True,
                                     preexec_fn=prepare)
    wait_until(lambda: relay.process.poll() is not None or is_listening(relay.plain), f"{limit}: it listens or ends")
    if relay.process.poll() is None:
        check(submit(log_in(relay, key)), f"{limit}: it listens and does not serve")
        relay.stop()
        return "served"
    said = relay.process.stderr.read().strip()
    check(relay.process.returncode == 1 and said, f"{limit}: ended with {relay.process.returncode}: {said}")
    return "refused"


@contextlib.contextmanager
def thread_group():
    """A group that bounds threads: its folder, or None where none can be made."""
    for parent in ("/sys/fs/cgroup/pids", "/sys/fs/cgroup"):
        group = pathlib.Path(parent) / f"postern-t19-threads-{os.getpid()}"
        try:
            group.mkdir()
        except OSError:
            continue
        try:
            yield group if (group / "pids.max").exists() else None
            return
        finally:
            wait_until(lambda: not (group / "cgroup.procs").read_text(), "the group is empty")
            group.rmdir()
    yield None


def starts_under_limits(relay, key):
    outcomes = []
    for mib in LIMITS_OF_DATA_MIB:
        size = mib * 1024 * 1024
        outcomes.append(start_once(relay, key, f"RLIMIT_DATA {mib} MiB",
                                   lambda size=size: resource.setrlimit(resource.RLIMIT_DATA, (size, size))))
    with thread_group() as group:
        for most in LIMITS_OF_THREADS if group else ():
            def enter(most=most):
                (group / "pids.max").write_text(str(most))
                (group / "cgroup.procs").write_text(str(os.getpid()))
            outcomes.append(start_once(relay, key, f"pids.max {most}", enter))
    check({"served", "refused"} == set(outcomes), f"starts under limits: {outcomes}")
    print(f"    starts: {outcomes.count('refused')} refused, {outcomes.count('served')} served"
          f"{'' if group else '; no group that bounds threads can be made'}")


def run(context):
    sink = context.sink().start()
    relay = context.relay(next_hop_port=sink.port, extra="retry_initial_seconds = 1\nretry_max_seconds = 2")
    relay.account("app", "--mode", "production")
    key = relay.key("app", "--live")
    relay.start()
    descriptors_run_out(relay, sink, key)
    memory_runs_out(relay, sink, key)
    a_tiny_cgroup(relay, sink, key)
    relay.stop()
    starts_under_limits(relay, key)
