"""Who may include whom: rooms of ours, the libraries within them, and headers that are not ours (docs/architecture.md)."""

import functools
import re

from tree import ROOT, listed

# Room → rooms that it may include beside itself. `app` may include all; tests and bench/ are no rooms.
ROOMS = {
    "core": set(),
    "net": {"core"},
    "dns": {"core", "net"},
    "lmdb": {"core"},
    "store": {"core", "lmdb"},
    "cluster": {"core", "lmdb", "store"},
    "sandbox": {"core"},
    "auth": {"core", "store"},
    "smtp": {"core"},
    "http": {"core", "net"},
    "mime": {"core"},
    "web": {"core", "http", "mime"},
    "domains": {"core", "store", "dns", "mime"},
    "mx": {"core", "net", "dns", "http"},
    "provenance": {"core", "net", "dns", "mime"},
    "reports": {"core", "mime"},
    "relay": {"core", "net", "dns", "smtp", "store", "sandbox", "domains", "mime", "mx", "reports"},
    "submission": {"core", "net", "smtp", "store", "auth", "sandbox", "domains", "mime", "relay"},
    "reception": {"core", "net", "dns", "smtp", "store", "auth", "sandbox", "domains", "mime", "provenance", "relay", "submission"},
    "events": {"core", "net", "dns", "store", "auth", "mime", "relay"},
    "api": {"core", "net", "dns", "store", "auth", "sandbox", "mime", "domains", "smtp", "http", "web", "mx", "relay", "submission",
            "reception", "events"},
    "lab": {"core", "net", "store", "auth", "sandbox", "http", "mime", "web", "relay", "submission", "events", "api"},
    "operation": {"core", "net", "store", "auth", "http", "relay", "submission", "events", "api", "lab"},
    "sendmail": {"core", "net", "mime", "smtp"},
    "app": None,
}

# What a room may include of another whose whole is not for it.
ONLY = {("submission", "relay"): {"route", "suppression", "run_book"}, ("events", "relay"): {"failure_class", "run_listener"}}

# The only files of smtp/ that know sockets. trace_header formats an instant that it is given.
SMTP_SHELL = {"connection", "server", "client_connection", "submission_handler"}
IMPURE = re.compile(r"core/(log|random)\.h")

# Headers that are neither ours nor plain C++, with the rooms or files that may include them. What stands in no row is a library
# that nobody has decided for.
FOREIGN = [
    (r"boost/asio.*", {"net", "dns", "http", "mx", "provenance", "relay", "submission", "reception", "events", "api", "lab",
                       "app/route_probe", "sendmail/delivery",
                       "app/delivery_probe", "app/delivery_trace", "app/health_probe", "app/message_probe"}),
    (r"boost/beast.*", {"http", "events/webhook_client"}),
    (r"boost/json.*", {"reports", "events", "api", "lab", "operation", "app"}),
    (r"boost/url.*", {"http/target", "events/webhook_target"}),
    (r"boost/(system/.*|assert/.*|throw_exception\.hpp)", {"core"}),
    (r"boost/crc\.hpp", {"http/gzip", "auth/api_key"}),
    (r"openssl/.*", {"net", "auth", "cluster", "domains", "provenance", "events", "app/certificate_check"}),
    (r"lmdb\.h", {"lmdb"}),
    (r"libpq-fe\.h", {"cluster/postgres"}),
    (r"spdlog/.*", {"core/log"}),
    (r"prometheus/.*", {"core/metrics"}),
    (r"unbound\.h", {"dns/unbound_context"}),
    (r"idn2\.h", {"core/idna"}),
    (r"re2/.*", {"relay/failure_class", "relay/shaping", "reception/notice", "reception/returned_mail"}),
    (r"iconv\.h", {"core/header_text"}),
    (r"nmmintrin\.h", {"store/crc32c"}),
    (r"pthread\.h", {"net/runtime"}),
    # Of the C library what C++ has not: explicit_bzero, timegm, mkstemp.
    (r"(string|time|stdlib)\.h", set(ROOMS)),
    (r"gmime/.*", {"mime"}),
    (r"dkim\.h", {"domains"}),
    (r"expat\.h", {"reports/aggregate_report"}),
    (r"zlib\.h", {"reports/unpack"}),
    (r"argon2\.h", {"auth"}),
    (r"jwt\.h", {"auth"}),
    (r"toml\+\+/.*", {"app", "lab/toml_json"}),
    (r"CLI/.*", {"app"}),
    (r"(sys/socket|netinet/.*|arpa/.*|netdb|net/if|ifaddrs|sys/un|poll)(\.h)?",
     {"core/ip_address", "core/log", "net", "dns", "store/checkup", "cluster/postgres", "app"}),
    (r"(unistd|fcntl|termios|pwd|grp|syslog|dirent|signal|malloc|features|sys/(?!socket|un).*|linux/.*)(\.h)?",
     {"core/descriptor", "core/files", "core/log", "core/random", "net", "dns", "lmdb", "store", "auth", "domains", "app",
      "sendmail/outbox"}),
    # Chance has one source, core/random; threads have a home where something waits.
    (r"random", set()),
    (r"(thread|mutex|shared_mutex|condition_variable|future|stop_token)",
     {"core", "net", "dns", "lmdb", "store", "cluster", "auth", "http", "domains", "relay", "submission", "reception", "events",
      "api", "app"}),
    (r"(iostream|cstdio|print)", {"core", "store/backup", "app"}),
    (r"(filesystem|fstream)", {"core", "net", "dns", "lmdb", "store", "auth", "domains", "web/pages", "app",
                              "sendmail/outbox"}),
]
FOREIGN = [(re.compile(pattern), places) for pattern, places in FOREIGN]

INCLUDE = re.compile(r'^#include (?:"([^"]+)"|<([^>]+)>)', re.M)


def check_foreign(path, header):
    room, stem = path.parts[0], f"{path.parts[0]}/{path.stem}"
    row = next((places for pattern, places in FOREIGN if pattern.fullmatch(header)), None)
    if row is None:
        if "/" in header or "." in header:
            yield f"{path}: <{header}> is of no library that has a room (tests/lint/rooms.py)"
        return
    is_pure_file = room == "smtp" and path.stem not in SMTP_SHELL
    may = room in row or stem in row or (room == "smtp" and not is_pure_file and "net" in row)
    if not may:
        yield f"{path}: <{header}> is not for {room}/ (tests/lint/rooms.py)"


def check_ours(path, included):
    room, stem = path.parts[0], path.stem
    other, _, name = included.partition("/")
    if other not in ROOMS or other == room or ROOMS[room] is None:
        return
    is_shell = room == "smtp" and stem in SMTP_SHELL
    if other not in ROOMS[room] | ({"net"} if is_shell else set()):
        yield f"{path}: {room}/ may not include {other}/"
    elif (room, other) in ONLY and name.removesuffix(".h") not in ONLY[room, other]:
        yield f"{path}: {room}/ may include of {other}/ only {', '.join(sorted(ONLY[room, other]))}"


def check_file(path, text):
    room = path.parts[0]
    if room not in ROOMS:
        return
    for ours, foreign in INCLUDE.findall(text):
        yield from check_ours(path, ours) if ours else check_foreign(path, foreign)
        is_protocol = room == "smtp" and path.stem not in SMTP_SHELL
        asks_clock = is_protocol and path.stem != "trace_header" and ours == "core/clock.h"
        if asks_clock or ((is_protocol or room in ("sandbox", "mime")) and IMPURE.fullmatch(ours)):
            yield f"{path}: what is pure may not include {ours}"


def libraries():
    """(stem → its library, library → the libraries that it links), from the rooms' CMakeLists.txt."""
    of, links = {}, {}
    for room in ROOMS:
        listing = ROOT / room / "CMakeLists.txt"
        if not listing.exists():
            continue
        text = re.sub(r"#.*", "", listing.read_text())
        for name, body in re.findall(r"postern_library\((\w+)([^)]*)\)", text):
            sources, _, linked = body.partition("LINK")
            of |= {f"{room}/{stem}": name for stem in re.findall(r"(\w+)\.cc", sources)}
            links[name] = set(re.findall(r"postern_(\w+)", linked))
        for name, body in re.findall(r"add_library\(postern_(\w+) STATIC([^)]*)\)", text):
            of |= {f"{room}/{stem}": name for stem in re.findall(r"(\w+)\.cc", body)}
            links.setdefault(name, set())
        for name, body in re.findall(r"target_link_libraries\(postern_(\w+)([^)]*)\)", text):
            links[name] = links.get(name, set()) | set(re.findall(r"postern_(\w+)", body))
    return of, links


def check_libraries(paths):
    """A library reaches, through whatever headers, only what the libraries that it links define."""
    of, links = libraries()
    texts = {str(p): (ROOT / p).read_text() for p in paths if p.parts[0] in ROOMS}
    includes = {name: [i for i, _ in INCLUDE.findall(text) if i] for name, text in texts.items()}

    @functools.cache
    def linked(library):
        found = {library}
        for other in links.get(library, ()):
            found |= linked(other) if other != library else set()
        return frozenset(found)

    def reached(name):
        seen, waiting = {}, [(i, name) for i in includes.get(name, ())]
        while waiting:
            header, by = waiting.pop()
            if header in seen:
                continue
            seen[header] = by
            waiting += [(i, header) for i in includes.get(header, ())]
        return seen

    for name in sorted(texts):
        if not name.endswith(".cc"):
            continue
        library = of.get(name.removesuffix(".cc"))
        if library is None:
            if name != "app/main.cc":
                yield f"{name}: no CMakeLists.txt names it"
            continue
        for header, by in sorted(reached(name).items()):
            owner = of.get(header.removesuffix(".h"))
            if owner and owner not in linked(library):
                yield f"{name}: {header} (through {by}) is of the library {owner}, which {library} does not link"


def check_listing():
    """Every room that docs/architecture.md has is one, and the other way round."""
    page = ROOT / "docs/architecture.md"
    named = set(re.findall(r"^\| `(\w+)/` \|", page.read_text(), re.M))
    for room in sorted(set(ROOMS) - named):
        yield f"docs/architecture.md: its table has no {room}/"
    for room in sorted(named - set(ROOMS) - {"tests", "conf", "bench", "docs", "scripts", "cmake", "dashboard"}):
        yield f"docs/architecture.md: {room}/ is no room (tests/lint/rooms.py)"
    for room in sorted(ROOMS):
        if (ROOT / room).is_dir() and not (ROOT / room / "README.md").exists():
            yield f"{room}/: has no README.md"
