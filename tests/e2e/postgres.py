"""PostgreSQL for stories: Debian's server binaries as an unprivileged user, each in a folder of its own; and a door between a node
and its database that can be shut."""

import os
import pathlib
import pwd
import shutil
import socket
import subprocess
import tempfile
import threading

from support import Failure, check, free_port, wait_until

PATIENCE = 60  # ends a hang


def binaries():
    found = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin/postgres"))
    check(found, "there is no PostgreSQL server: scripts/deps test installs it")
    return found[-1].parent


class Postgres:
    """A server; `of`: the one that it is a standby of. What ends stories ends it as well (stop)."""

    def __init__(self, of=None):
        self.bin = binaries()
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="postern-pg-"))
        self.data = self.folder / "data"
        self.port = free_port()
        self.as_user = []
        if os.getuid() == 0:
            user = pwd.getpwnam("postgres")
            os.chown(self.folder, user.pw_uid, user.pw_gid)
            self.as_user = ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
        if of is None:
            self.command("initdb", "-D", self.data, "-U", "postern", "--auth=trust", "--no-sync", "--encoding=UTF8",
                         "--locale=C")
        else:
            self.command("pg_basebackup", "-D", self.data, "-R", "-X", "stream", "-c", "fast", "-d",
                         f"host=127.0.0.1 port={of.port} user=postern application_name=standby")
        # The last word on a setting counts. Small buffers: several run beside each other.
        self.set(port=self.port, listen_addresses="'127.0.0.1'", unix_socket_directories="''", shared_buffers="16MB",
                 max_connections=40, wal_keep_size="64MB", synchronous_standby_names="''")

    def set(self, **settings):
        with open(self.data / "postgresql.conf", "a", encoding="ascii") as file:
            file.writelines(f"{name} = {value}\n" for name, value in settings.items())

    def run(self, *words):
        done = subprocess.run([*self.as_user, *map(str, words)], cwd=self.folder, capture_output=True, text=True,
                              timeout=PATIENCE * 2)
        check(done.returncode == 0, f"{words[0]}: {done.stdout}{done.stderr}")

    def command(self, name, *words):
        self.run(self.bin / name, *words)

    def start(self):
        self.command("pg_ctl", "-D", self.data, "-l", self.folder / "log", "-w", "-t", PATIENCE, "start")
        return self

    def stop(self, mode="immediate"):
        if (self.data / "postmaster.pid").exists():
            subprocess.run([*self.as_user, str(self.bin / "pg_ctl"), "-D", str(self.data), "-m", mode, "-w", "stop"],
                           cwd=self.folder, capture_output=True, timeout=PATIENCE, check=False)

    def promote(self):
        self.command("pg_ctl", "-D", self.data, "-w", "-t", PATIENCE, "promote")

    def reload(self):
        self.command("pg_ctl", "-D", self.data, "reload")

    def ask(self, statement):
        done = subprocess.run([str(self.bin / "psql"), "-X", "-A", "-t", "-h", "127.0.0.1", "-p", str(self.port), "-U", "postern",
                               "-d", "postgres", "-c", statement], capture_output=True, text=True, timeout=PATIENCE)
        if done.returncode != 0:
            raise Failure(f"psql: {done.stderr}")
        return done.stdout.strip()

    def remove(self):
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


def make_pair(servers):
    """A primary and its synchronous standby; `servers` gets each as it is made."""
    primary = Postgres()
    servers.append(primary)
    primary.start()
    standby = Postgres(of=primary)
    servers.append(standby)
    standby.start()
    primary.set(synchronous_standby_names="'standby'")
    primary.reload()
    wait_until(lambda: primary.ask("SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'") == "1",
               "the standby is synchronous", PATIENCE)
    return primary, standby


class Door:
    """A TCP proxy. Shut: what is sent goes nowhere, and nobody is told; as a cable that is pulled out."""

    def __init__(self, to):
        self.to = to  # a port; may be changed
        self.is_open = threading.Event()
        self.is_open.set()
        self.listener = socket.create_server(("127.0.0.1", free_port()))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            client, _ = self.listener.accept()
            threading.Thread(target=self.connect, args=(client,), daemon=True).start()

    def connect(self, client):
        self.is_open.wait()
        try:
            server = socket.create_connection(("127.0.0.1", self.to), timeout=PATIENCE)
        except OSError:
            client.close()
            return
        server.settimeout(None)
        threading.Thread(target=self.carry, args=(server, client), daemon=True).start()
        self.carry(client, server)

    def carry(self, source, sink):
        try:
            while data := source.recv(65_536):
                self.is_open.wait()
                sink.sendall(data)
        except OSError:
            pass
        for end in (source, sink):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def shut(self):
        self.is_open.clear()

    def open(self):
        self.is_open.set()


def make_node(context, name, database_ports, extra="", **options):
    """A relay that is configured as a node; it has neither made a cluster nor joined one."""
    hosts = ",".join("127.0.0.1" for _ in database_ports)
    where = f"host={hosts} port={','.join(map(str, database_ports))} dbname=postgres user=postern"
    return context.relay(name, extra=f'cluster_database = "{where}"\ncluster_node = "{name}"\n{extra}', **options)


def join(first, node):
    """With the key file of the first node, as an operator copies it."""
    data = node.folder / "data"
    data.mkdir(mode=0o700, exist_ok=True)
    shutil.copy(first.folder / "data" / "dkim-seal.key", data / "dkim-seal.key")
    node.cli("cluster", "join")


def nodes_of(node):
    return {row["name"]: row for row in node.json("node", "list")["nodes"]}


def wait_for_all(node):
    wait_until(lambda: all(row["behind"] == 0 and not row["is_silent"] for row in nodes_of(node).values()),
               "every node is at the head", PATIENCE)
