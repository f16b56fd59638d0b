#!/usr/bin/env python3
"""Runs the end-to-end stories: one folder each (tNN_name/story.py with a function `run(context)`), each with its own relay.

Three run side by side, since most of a story's time is waiting. A story that takes long says so with a line `SECONDS = …`:
those start first.

Where one story of many fails, it is played once more, by itself: machines that are slow for a moment are met, and a run of all is
long. What it said stays above, and the last line names it. What a sanitizer or a check of ours said fails the run all the same,
and so do two.

usage: run.py [--postern BINARY] [--without STORY] [--jobs COUNT] [STORY …]
"""

import argparse
import concurrent.futures
import contextlib
import faulthandler
import importlib.util
import os
import pathlib
import queue
import re
import signal
import subprocess
import sys
import tempfile
import time
import traceback

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import support  # noqa: E402


FOR_GOOD = re.compile(r"(Address|Leak|Thread)Sanitizer|runtime error:|postern: bug:|terminate called")  # no matter of time
STORY_SECONDS = 600  # ends a hang, with where it hung; four times what the longest story takes under the sanitizers


class Context:
    def __init__(self, postern, folder):
        self.postern = postern
        self.folder = pathlib.Path(folder)
        self.started = []

    def relay(self, name="relay", **options):
        folder = self.folder / name
        folder.mkdir(exist_ok=True)
        relay = support.Relay(self.postern, folder, **options)
        self.started.append(relay)
        return relay

    def sink(self, *options, name="sink", port=None):
        sink = support.Sink(self.folder / name, *options, port=port)
        self.started.append(sink)
        return sink

    def stop(self):
        for thing in self.started:
            thing.stop()


def load(folder):
    spec = importlib.util.spec_from_file_location(folder.name, folder / "story.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def run_story(folder, postern):
    with tempfile.TemporaryDirectory(prefix="postern-e2e-") as scratch:
        context = Context(postern, scratch)
        try:
            load(folder).run(context)
            context.stop()
            return True
        except Exception:  # a story's failure is reported and the next one runs
            traceback.print_exc()
            for thing in context.started:
                if isinstance(thing, support.Relay) and thing.process:
                    print(thing.errors(), file=sys.stderr)
                    thing.process.kill()
                if isinstance(thing, support.Sink):
                    thing.stop()
            return False


def run_here(folder, postern):
    started = time.monotonic()
    passed = run_story(folder, postern)
    print(f"  {folder.name}: {'ok' if passed else 'FAILED'} ({time.monotonic() - started:.1f} s)", flush=True)
    return passed


def run_apart(folder, postern, slots):
    """→ whether it passed, and whether another try may tell more. With ports of its own. A story that hangs has failed, and shows
    where."""
    slot = slots.get()
    try:
        status, said = play_in_session(folder, postern, slot)
    finally:
        slots.put(slot)
    if status is None:
        print(f"  {folder.name}: FAILED: it hung, see above", flush=True)
    return status == 0, status != 0 and not FOR_GOOD.search(said)


def play_in_session(folder, postern, slot):
    """→ the exit status, None for a hang, and what was said; what the story leaves running ends with it and holds nobody up."""
    command = [sys.executable, "-u", __file__, "--postern", str(postern), "--jobs", "1", folder.name]
    with tempfile.TemporaryFile("w+", errors="replace") as said:
        story = subprocess.Popen(command, env={**os.environ, "POSTERN_E2E_SLOT": str(slot)}, stdout=said,
                                 stderr=subprocess.STDOUT, start_new_session=True)
        with contextlib.suppress(subprocess.TimeoutExpired):
            story.wait(STORY_SECONDS)
        status = story.poll()
        if status is None:
            os.kill(story.pid, signal.SIGUSR1)  # it shows where its threads are
            with contextlib.suppress(subprocess.TimeoutExpired):
                story.wait(5)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(story.pid, signal.SIGKILL)
        story.wait()
        said.seek(0)
        text = said.read()
        print(text, end="", flush=True)
    return status, text


def expected_seconds(folder):
    said = re.search(r"^SECONDS = (\d+)", (folder / "story.py").read_text(), re.MULTILINE)
    return int(said.group(1)) if said else 0


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--postern", default=str(support.ROOT / "build/asan/app/postern"))
    parser.add_argument("--without", action="append", default=[], help="a story that another binary plays")
    parser.add_argument("--jobs", type=int, default=3, choices=range(1, support.SLOTS + 1), help="stories at once")
    parser.add_argument("stories", nargs="*")
    arguments = parser.parse_args()
    faulthandler.register(signal.SIGUSR1)
    support.install_peers()
    here = pathlib.Path(__file__).parent
    postern = pathlib.Path(arguments.postern).resolve()
    folders = sorted(p.parent for p in here.glob("t[0-9][0-9]_*/story.py"))
    chosen = [f for f in folders if not arguments.stories or any(s in f.name for s in arguments.stories)]
    chosen = [f for f in chosen if not any(s in f.name for s in arguments.without)]
    if arguments.jobs == 1 or len(chosen) == 1:
        passed = [run_here(folder, postern) for folder in chosen]
        return 0 if passed and all(passed) else 1
    chosen.sort(key=expected_seconds, reverse=True)
    slots = queue.SimpleQueue()
    for slot in range(arguments.jobs):
        slots.put(slot)
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        outcomes = list(pool.map(lambda folder: run_apart(folder, postern, slots), chosen))
    failed = [folder for folder, (passed, _) in zip(chosen, outcomes) if not passed]
    unsteady = [folder for folder, (_, may_try) in zip(chosen, outcomes) if may_try]
    if len(failed) == 1 and failed == unsteady:
        print(f"  {failed[0].name}: once more, by itself", flush=True)
        if run_apart(failed[0], postern, slots)[0]:
            print(f"{len(chosen)} passed; UNSTEADY, see its first failure above: {failed[0].name}")
            return 0
    print(f"{len(chosen) - len(failed)} passed, {len(failed)} failed")
    return 1 if failed or not chosen else 0


if __name__ == "__main__":
    status = main()
    sys.stdout.flush()
    os._exit(status)  # a story that failed may have left threads that wait for what never comes
