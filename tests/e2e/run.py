#!/usr/bin/env python3
"""Runs the end-to-end stories: one folder each (tNN_name/story.py with a function `run(context)`), each with its own relay.

usage: run.py [--postern BINARY] [--without STORY] [STORY …]
"""

import argparse
import importlib.util
import pathlib
import sys
import tempfile
import time
import traceback

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import support  # noqa: E402


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


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--postern", default=str(support.ROOT / "build/asan/app/postern"))
    parser.add_argument("--without", action="append", default=[], help="a story that another binary plays")
    parser.add_argument("stories", nargs="*")
    arguments = parser.parse_args()
    support.install_peers()
    here = pathlib.Path(__file__).parent
    folders = sorted(p.parent for p in here.glob("t[0-9][0-9]_*/story.py"))
    chosen = [f for f in folders if not arguments.stories or any(s in f.name for s in arguments.stories)]
    chosen = [f for f in chosen if not any(s in f.name for s in arguments.without)]
    failed = 0
    for folder in chosen:
        started = time.monotonic()
        passed = run_story(folder, pathlib.Path(arguments.postern).resolve())
        failed += not passed
        print(f"  {folder.name}: {'ok' if passed else 'FAILED'} ({time.monotonic() - started:.1f} s)", flush=True)
    print(f"{len(chosen) - failed} passed, {failed} failed")
    return 1 if failed or not chosen else 0


if __name__ == "__main__":
    sys.exit(main())
