"""An idempotency key is one in the whole cluster: asked at three nodes at once, over HTTP and SMTP, there is one message; a node
that is killed in the middle leaves none twice; and what two nodes took while nobody could be asked is told afterwards."""

import concurrent.futures
import http.client
import smtplib
import time

from postgres import PATIENCE, Postgres, join, make_node, nodes_of, wait_for_all
from support import check, wait_until

SECONDS = 45
ROUNDS = 25
AWAY = (OSError, http.client.HTTPException)  # a node that was killed


def post(node, key, name, subject=None):
    """(status, id or code)"""
    status, answer, headers = node.request("POST", "/v1/emails", {
        "from": "sender@example.org", "to": "someone@example.net", "subject": subject or name, "text": "Hello"},
        key=key, headers={"Idempotency-Key": name})
    return status, answer.get("id") if status == 200 else answer.get("code") or answer.get("name")


def post_until_told(node, key, name, subject=None):
    """The answer that is not "later"."""
    until = time.monotonic() + PATIENCE
    while True:
        answer = post(node, key, name, subject)
        if answer[0] != 503:
            return answer
        check(time.monotonic() < until, f"{name} is put off for ever: {answer}")
        time.sleep(0.1)


def id_of(node, key, name):
    status, said = post_until_told(node, key, name)
    check(status == 200, f"{status} {said}")
    return said


def submit(node, key, name):
    """The reply to the content, over SMTP."""
    with smtplib.SMTP("127.0.0.1", node.plain, timeout=PATIENCE) as session:
        session.login("run-1", key)
        session.mail("sender@example.org")
        session.rcpt("someone@example.net")
        code, text = session.data(f"From: sender@example.org\r\nTo: someone@example.net\r\nSubject: {name}\r\n"
                                  f"Idempotency-Key: {name}\r\n\r\nHello\r\n".encode())
        return code, text.decode()


def messages_of(nodes, key, prefix):
    """How many of these subjects there are, on all nodes."""
    count = 0
    for node in nodes:
        after = ""
        while after is not None:
            status, page, _ = node.request("GET", "/v1/emails?limit=100" + (after and f"&after={after}"), key=key)
            check(status == 200, f"{status} {page}")
            count += sum(row["subject"].startswith(prefix) for row in page["data"])
            after = page.get("next")
    return count


def at_once(nodes, call):
    with concurrent.futures.ThreadPoolExecutor(len(nodes)) as pool:
        return list(pool.map(call, nodes))


def one_key_at_three_nodes(nodes, key):
    times = []
    for n in range(ROUNDS):
        started = time.monotonic()
        ids = at_once(nodes, lambda node: id_of(node, key, f"http-{n}"))
        times.append(time.monotonic() - started)
        check(len(set(ids)) == 1, f"one key, several messages: {ids}")
    times.sort()
    print(f"    one key at three nodes at once, {ROUNDS} times: one message each; p50 {times[len(times) // 2] * 1000:.0f} ms, "
          f"worst {times[-1] * 1000:.0f} ms", flush=True)
    for n in range(ROUNDS // 5):
        replies = at_once(nodes, lambda node: submit(node, key, f"smtp-{n}"))
        taken = {text for code, text in replies if code == 250}
        check(len(taken) == 1 and all(code in (250, 451) for code, _ in replies), f"{replies}")
        wait_until(lambda: all(submit(node, key, f"smtp-{n}")[0] == 250 for node in nodes), "it is stored", PATIENCE)
        again = [submit(node, key, f"smtp-{n}") for node in nodes]
        check({text for _, text in again} == taken, f"{again} after {taken}")
    counts = messages_of(nodes, key, "http-"), messages_of(nodes, key, "smtp-")
    check(counts == (ROUNDS, ROUNDS // 5), f"a message is there twice: {counts}")


def another_content_is_a_conflict(nodes, key):
    a, b, c = nodes
    status, first = post(a, key, "conflict")
    check(status == 200, f"{status} {first}")
    for node in (b, c):
        check(post_until_told(node, key, "conflict") == (200, first), "the same again is the first")
        status, code = post_until_told(node, key, "conflict", "another subject")
        check((status, code) == (409, "idempotency_conflict"), f"{status} {code}")
    check(submit(a, key, "conflict-smtp")[0] == 250, "refused")


def a_replay_takes_no_quota(nodes, key):
    a, b, _ = nodes
    a.cli("account", "set-plan", "quota", "--per-day", "1")
    wait_for_all(a)
    first = post(a, key, "quota")
    check(first[0] == 200, f"{first}")
    check(post_until_told(b, key, "quota") == first, "what used the quota up is answered where it is asked again")
    status, code = post_until_told(b, key, "quota-more")
    check(status == 429, f"{status} {code}")


def a_node_is_killed(nodes, key):
    """Whatever it was doing with a key: one message, or none yet."""
    a, b, c = nodes
    for cycle in range(3):
        names = [f"kill-{cycle}-{n}" for n in range(40)]

        def call(name):
            try:
                return post(c, key, name)
            except AWAY:
                return None

        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            pending = [pool.submit(call, name) for name in names]
            wait_until(lambda: sum(one.done() for one in pending) >= 8 + 6 * cycle, "it takes some", PATIENCE)
            c.kill()
            told = [one.result() for one in pending]
        statuses = [post(a, key, name) for name in names]
        for name, before, now in zip(names, told, statuses):
            check(now[0] in (200, 503), f"{name}: {before}, then {now}")
            if before and before[0] == 200:
                check(now in (before, (503, now[1])), f"{name} was {before} and is {now}")
        c.start()
        ids = {}
        for name, before in zip(names, told):
            ids[name] = id_of(b, key, name)
            check(not before or before[0] != 200 or before[1] == ids[name], f"{name}: {before}, then {ids[name]}")
        put_off = sum(status == 503 for status, _ in statuses)
        print(f"    killed after {sum(1 for one in told if one and one[0] == 200)} of {len(names)} answers: "
              f"{put_off} put off until it was back", flush=True)
    check(messages_of(nodes, key, "kill-") == 3 * 40, "a message is there twice, or not at all")


def a_node_is_gone(nodes, key, database):
    """It may have stored the message of a key that it had claimed: nobody else takes it until the operator says that it is gone."""
    a, b, c = nodes
    check(post(c, key, "gone")[0] == 200, "refused")
    node = nodes_of(a)["c"]["id"]
    wait_until(lambda: database.ask(f"SELECT count(*) FROM postern.idempotency WHERE node = {node} AND NOT is_done") == "0",
               "it is settled", PATIENCE)
    c.kill()
    # As if it had died one step before.
    database.ask(f"UPDATE postern.idempotency SET is_done = false WHERE node = {node} "
                 f"AND at = (SELECT max(at) FROM postern.idempotency WHERE node = {node})")
    status, said = post(a, key, "gone")
    check(status == 503, f"{status} {said}")
    wait_until(lambda: nodes_of(a)["c"]["is_silent"], "it is not heard of", PATIENCE)
    a.cli("node", "remove", "c")
    first = id_of(a, key, "gone")
    check(post_until_told(b, key, "gone") == (200, first), "the other node does not know")


def nobody_can_be_asked(a, b, key, database):
    database.stop()
    one, other = post(a, key, "alone"), post(b, key, "alone")
    check(one[0] == 200 and other[0] == 200 and one != other, f"mail does not wait for the database: {one} {other}")
    check(post(a, key, "alone") == one, "each knows its own")
    only = post(a, key, "only-here")
    database.start()
    wait_until(lambda: b"postern_cluster_duplicates_total 1" in
               a.request("GET", "/metrics")[1] + b.request("GET", "/metrics")[1], "the second one is told", PATIENCE)
    wait_until(lambda: post(b, key, "only-here") == only, "the other hears of what was taken alone", PATIENCE)


def run(context):
    database = Postgres()
    try:
        database.start()
        hop = context.sink().start()
        a, b, c = nodes = [make_node(context, name, [database.port], next_hop_port=hop.port) for name in "abc"]
        a.account("first")
        key = a.key("first", "--test", "--name", "key")
        a.cli("account", "set-plan", "first", "--per-second", "unlimited")
        a.account("quota", "--mode", "production")
        live = a.key("quota", "--live", "--name", "key")
        a.cli("cluster", "init")
        for node in (b, c):
            join(a, node)
        for node in nodes:
            node.start()
        wait_for_all(a)
        one_key_at_three_nodes(nodes, key)
        another_content_is_a_conflict(nodes, key)
        a_replay_takes_no_quota(nodes, live)
        a_node_is_killed(nodes, key)
        a_node_is_gone(nodes, key, database)
        nobody_can_be_asked(a, b, key, database)
        for node in (a, b):
            node.stop()
    finally:
        database.remove()
