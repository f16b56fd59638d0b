"""The primary is killed in the middle of writes and its synchronous standby promoted: every change that was acknowledged is there.
Then the database is put back to an earlier state: the nodes follow it, and what was revoked stays revoked."""

import shutil
import signal
import smtplib
import subprocess
import threading

from postgres import PATIENCE, join, make_node, make_pair, wait_for_all
from support import Failure, check, wait_until

SECONDS = 30


def works(node, key):
    session = smtplib.SMTP("127.0.0.1", node.plain, timeout=PATIENCE)
    try:
        session.login("run-1", key)
        return True
    except smtplib.SMTPAuthenticationError:
        return False
    finally:
        session.close()


def write_until(node, stopped, acknowledged):
    number = 0
    while not stopped.is_set():
        number += 1
        try:
            node.account(f"{node.folder.name}-{number}")
            acknowledged.append(f"{node.folder.name}-{number}")
        except Failure:
            pass  # it was refused, or nobody knows


def a_wait_for_the_standby_is_cut_short(nodes, primary, standby):
    """PostgreSQL then says that the commit is done, with a remark that it may not last: nobody is told that it is."""
    a = nodes[0]
    standby.stop("fast")
    writer = subprocess.Popen([a.postern, "--config", str(a.config), "account", "create", "waits"], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True)
    waiting = "FROM pg_stat_activity WHERE wait_event = 'SyncRep' AND query = 'COMMIT'"
    wait_until(lambda: primary.ask(f"SELECT count(*) {waiting}") != "0", "the commit waits for the standby", PATIENCE)
    primary.ask(f"SELECT pg_cancel_backend(pid) {waiting}")
    said, _ = writer.communicate(timeout=PATIENCE)
    check(writer.returncode == 1 and "it is not known whether" in said, f"exit {writer.returncode}: {said}")
    standby.start()
    wait_for_all(a)
    have = ["waits" in {row["name"] for row in node.json("account", "list")} for node in nodes]
    check(len(set(have)) == 1, f"the nodes disagree: {have}")
    a.account("after-that")
    wait_for_all(a)


def a_writer_that_stops_frees_the_others(nodes):
    """In the middle of a change, as a machine whose disk or memory stands still."""
    a, b = nodes[:2]
    stopped = threading.Event()
    made = []
    busy = threading.Thread(target=write_until, args=(b, stopped, made), daemon=True)
    busy.start()
    wait_until(lambda: made, "it writes", PATIENCE)
    b.process.send_signal(signal.SIGSTOP)
    try:
        a.account("meanwhile")
        said = {row["name"]: row for row in a.json("node", "list")["nodes"]}
        wait_until(lambda: {row["name"]: row for row in a.json("node", "list")["nodes"]}["b"]["is_silent"], "it is not heard of",
                   PATIENCE)
        check(not said["a"]["is_silent"], f"{said}")
    finally:
        b.process.send_signal(signal.SIGCONT)
        stopped.set()
    busy.join(PATIENCE)
    wait_for_all(a)
    check("meanwhile" in {row["name"] for row in b.json("account", "list")}, "it goes on where it stood")


def the_primary_is_killed(nodes, primary, standby):
    stopped = threading.Event()
    acknowledged = []
    writers = [threading.Thread(target=write_until, args=(node, stopped, acknowledged), daemon=True) for node in nodes[:2]]
    for writer in writers:
        writer.start()
    wait_until(lambda: len(acknowledged) >= 6, "the nodes write", PATIENCE)
    primary.stop("immediate")
    at_kill = len(acknowledged)
    standby.promote()
    wait_until(lambda: len(acknowledged) >= at_kill + 6, "the nodes write on the new primary", PATIENCE)
    stopped.set()
    for writer in writers:
        writer.join(PATIENCE)
        check(not writer.is_alive(), "a writer hangs")
    wait_for_all(nodes[0])
    for node in nodes:
        names = {row["name"] for row in node.json("account", "list")}
        missing = [name for name in acknowledged if name not in names]
        check(not missing, f"node {node.folder.name} lacks {missing}, which were acknowledged")
    lost = [line for node in nodes for line in (node.folder / "log").read_text().splitlines() if "cluster_history_lost" in line]
    check(not lost, f"no history was lost: {lost}")
    print(f"    the primary killed among {len(acknowledged)} changes: all of them are there", flush=True)


def an_earlier_state_comes_back(nodes, database):
    a, b = nodes[:2]
    a.account("team")
    revoked, kept = (a.key("team", "--test", "--name", name) for name in ("revoked", "kept"))
    ids = {row["name"]: row["id"] for row in a.json("key", "list", "team")}
    wait_for_all(a)
    database.stop("fast")
    database.run("cp", "-a", database.data, database.folder / "earlier")
    database.start()
    a.cli("key", "revoke", ids["revoked"])
    a.cli("suppression", "add", "team", "gone@example.net")
    a.account("lost")
    wait_for_all(a)

    database.stop("fast")
    shutil.rmtree(database.data)
    database.run("cp", "-a", database.folder / "earlier", database.data)
    database.start()
    wait_until(lambda: all("lost" not in {row["name"] for row in node.json("account", "list")} for node in nodes),
               "the nodes follow the history that there is", PATIENCE)
    wait_for_all(a)
    for node in nodes:
        check(not works(node, revoked), "a key that was revoked came back")
        check(works(node, kept), "a key that was not revoked is refused")
        wait_until(lambda: "gone@example.net" in node.cli("suppression", "list", "team"), "the suppression stays", PATIENCE)
    check(b.json("key", "show", ids["revoked"])["state"] == "revoked", "the revocation is not in the history")


def run(context):
    servers = []
    try:
        primary, standby = make_pair(servers)
        nodes = [make_node(context, name, [primary.port, standby.port]) for name in "abc"]
        a = nodes[0]
        check("ok" in a.cli("cluster", "check"), "the database is set up well")
        a.cli("cluster", "init")
        for node in nodes[1:]:
            join(a, node)
        for node in nodes:
            node.start()
        a_wait_for_the_standby_is_cut_short(nodes, primary, standby)
        a_writer_that_stops_frees_the_others(nodes)
        the_primary_is_killed(nodes, primary, standby)
        an_earlier_state_comes_back(nodes, standby)
        for node in nodes:
            node.stop()
    finally:
        for server in servers:
            server.remove()
