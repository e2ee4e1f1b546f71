#!/usr/bin/env python3
"""Moves a corpus of programs between processors and tiers, at random points, and compares each with an undisturbed run.

    targets/moves.py [OPTIONS] [PROGRAM]...      # programs of the corpus whose names contain one of these; all if none is given

Each program runs undisturbed first. Then it runs again from snapshot to snapshot, each time in another process: the command and how it
compiles are chosen at random. What it prints, how it ends (a trap with its backtrace), its files and its fuel, to the unit, must be
the same.

    --points N       how often each program moves: 100, or 6 with --sample
    --sample         few points in few programs, as on each change
    --command CMD    a command that takes part; repeat it. By default the build machine's own, and those of targets/aarch64.sh,
                     targets/armv7.sh and targets/riscv64.sh under qemu, as far as they have been built
    --no-jit CMD     the same, for a build without a compiler
    --seed N         for the random points; it is printed
    --extra NAME='RUN-OPTIONS MODULE ARGS'
                     another program; {dir} is a folder of its own, whose files are compared

Exit codes: 0 all is the same; 1 something differs; 2 wrong usage; 3 no command was built.
"""

import argparse
import json
import os
import random
import re
import shlex
import shutil
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
# More than any program of the corpus uses.
ENOUGH = 10**13
# All that is called becomes machine code; what is hot does; nothing does.
TIERS = [["--jit", "sync", "--jit-threshold", "0"], ["--jit", "sync"], ["--jit", "off"]]
# What dunlin says between two stages; what the program itself says may come before it on the same line.
STOPPED = re.compile(rb"dunlin: out of fuel: .* used up\n(wasm backtrace:\n( +.*\n)*\n?)?")
WARNING = re.compile(rb"dunlin: warning: .* has changed\n")

TRAPS = {
    "division": """(func $div (param i32 i32) (result i32) (local i32)
            (loop $again (local.set 2 (i32.add (local.get 2) (i32.const 3)))
                (br_if $again (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
            (i32.div_s (local.get 2) (local.get 1)))
        (func (export "f") (param i32 i32) (result i32) (call $div (local.get 0) (local.get 1)))""",
    "depth": """(func $f (export "f") (param i32 i32) (result i32)
        (i32.add (i32.const 1) (call $f (local.get 0) (local.get 1))))""",
    "thrown": """(tag $e (param i32)) (func $g (param i32)
            (if (i32.eqz (local.get 0)) (then (throw $e (i32.const 7)))) (call $g (i32.sub (local.get 0) (i32.const 1))))
        (func (export "f") (param i32 i32)
            (loop $again (block $caught (result i32)
                    (try_table (catch $e $caught) (call $g (i32.const 9))) (unreachable))
                (drop) (br_if $again (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
            (throw $e (i32.const 5)))""",
}


def corpus(work):
    """Names, and what comes after `dunlin run OPTIONS`."""
    wasm = lambda *path: os.path.join(ROOT, *path)
    with open(wasm("benches/src/workloads.rs"), encoding="utf-8") as table:
        rows = re.findall(r'^ *workload!\("(\w+)",[^,]*, ([0-9_]+) =>', table.read(), re.M)
    programs = {}
    for name, n in rows:
        module = wasm("benches/workloads/wasm", name + ".wasm")
        programs["workload " + name] = ["--invoke", "run", module, n.replace("_", "")]
    traps = ["trap " + how for how in ("memory", "divide", "null", "stack", "abort")]
    for line in ["hello", "wc", *traps, "nqueens 8", "mandel 60", "json"]:
        name, *args = line.split()
        programs["example " + line] = [wasm("examples/wasm", name + ".wasm"), *args]
    programs["example cp"] = ["--dir", "{dir}::/", wasm("examples/wasm/cp.wasm"), "/input", "/copy"]
    programs["example throws"] = [wasm("examples/exceptions/throws.wasm")]
    for name, text in TRAPS.items():
        module = os.path.join(work, name + ".wat")
        with open(module, "w", encoding="utf-8") as file:
            file.write(f"(module {text})")
        programs["trap " + name] = ["--invoke", "f", module, "5000", "0"]
    return programs


class Place:
    """A command, and whether it has a compiler."""

    def __init__(self, command, compiles):
        self.command, self.compiles = command, compiles


class Program:
    def __init__(self, name, words, work):
        self.name, self.words, self.work = name, words, work
        self.report = {}

    def begin(self):
        """A folder as it was at first, and the input from its beginning."""
        self.dir = os.path.join(self.work, "dir")
        shutil.rmtree(self.dir, ignore_errors=True)
        os.mkdir(self.dir)
        lines = b"".join(b"one two, three %d\n" % i for i in range(2000))
        with open(os.path.join(self.dir, "input"), "wb") as file:
            file.write(lines)
        self.input = os.open(os.path.join(self.dir, "input"), os.O_RDONLY)
        self.printed = self.said = b""

    def run(self, place, tier, fuel, *options):
        report = os.path.join(self.work, "report")
        if os.path.exists(report):
            os.remove(report)
        words = [word.replace("{dir}", self.dir) for word in self.words]
        tier = tier if place.compiles else []
        line = [*place.command, "run", "--fuel", str(fuel), "--report", report, *tier, *options, *words]
        ended = subprocess.run(line, stdin=self.input, capture_output=True, check=False)
        self.printed += ended.stdout
        self.said += ended.stderr
        refused = f"moves.py: {shlex.join(line)}: {ended.stderr.decode()}"
        if not os.path.exists(report):
            sys.exit(refused)
        with open(report, encoding="utf-8") as file:
            self.report = json.load(file)
        # It didn't begin.
        if self.report["fuel_used"] is None:
            sys.exit(refused)
        return self.report["fuel_used"]

    def ended(self):
        os.close(self.input)
        files = {}
        for folder, _, names in os.walk(self.dir):
            for name in names:
                with open(os.path.join(folder, name), "rb") as file:
                    files[name] = file.read()
        said = WARNING.sub(b"", STOPPED.sub(b"", self.said))
        return self.report["outcome"], self.report["exit_code"], self.printed, said, files

    def undisturbed(self, place):
        self.begin()
        fuel = self.run(place, TIERS[-1], ENOUGH)
        return fuel, self.ended()

    def moved(self, places, points, chance):
        self.begin()
        snap = os.path.join(self.work, "app.snap")
        options = ["--snapshot", snap, "--snapshot-on", "fuel"]
        used, moves, went = 0, 0, set()
        for point in [*points, None]:
            place, tier = chance.choice(places), chance.choice(TIERS)
            went.add((id(place), tuple(tier)))
            # Where too little is left for what comes next, it stops before it: so it may already be at the next point.
            fuel = ENOUGH if point is None else max(point - used, 1)
            used += self.run(place, tier, fuel, *options)
            if self.report["outcome"] != "out of fuel":
                break
            if b"no snapshot" in self.said:
                sys.exit(f"moves.py: {self.name}: {self.said.decode()}")
            options = ["--resume", snap, "--snapshot", snap, "--snapshot-on", "fuel"]
            moves += 1
        return used, self.ended(), moves, went


def places(given):
    found = []
    for command in given.command:
        found.append(Place(shlex.split(command), True))
    for command in given.no_jit:
        found.append(Place(shlex.split(command), False))
    if found:
        return found
    target = os.environ.get("CARGO_TARGET_DIR", os.path.join(ROOT, "target"))
    for emulator, folder, compiles in [
        ([], "", True),
        (["qemu-aarch64-static"], "aarch64-unknown-linux-musl", True),
        (["qemu-arm-static", "-L", "/usr/arm-linux-gnueabihf"], "armv7-unknown-linux-gnueabihf", False),
        (["qemu-riscv64-static", "-L", "/usr/riscv64-linux-gnu"], "riscv64gc-unknown-linux-gnu", False),
    ]:
        command = os.path.join(target, folder, "release/dunlin")
        if os.access(command, os.X_OK) and (not emulator or shutil.which(emulator[0])):
            found.append(Place([*emulator, command], compiles))
    return found


def main():
    parser = argparse.ArgumentParser(usage=__doc__, add_help=True)
    parser.add_argument("--points", type=int)
    parser.add_argument("--sample", action="store_true")
    parser.add_argument("--command", action="append", default=[])
    parser.add_argument("--no-jit", action="append", default=[])
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--extra", action="append", default=[])
    parser.add_argument("programs", nargs="*")
    given = parser.parse_args()
    where = places(given)
    if not where:
        print("moves.py: there is no command: cargo build --release -p dunlin-cli", file=sys.stderr)
        return 3
    seed = given.seed if given.seed is not None else random.randrange(2**32)
    count = given.points or (6 if given.sample else 100)
    print(f"seed {seed}, {count} points each, between {', '.join(shlex.join(place.command) for place in where)}")
    chance = random.Random(seed)
    failures = total = 0
    with tempfile.TemporaryDirectory() as work:
        programs = corpus(work)
        for extra in given.extra:
            name, line = extra.split("=", 1)
            programs[name] = shlex.split(line)
        names = [name for name in programs if not given.programs or any(part in name for part in given.programs)]
        if given.sample:
            names = sorted(chance.sample(names, min(8, len(names))))
        for name in names:
            program = Program(name, programs[name], work)
            fuel, whole = program.undisturbed(where[0])
            points = sorted(chance.randrange(1, max(fuel, 2)) for _ in range(count))
            used, ended, moves, went = program.moved(where, points, chance)
            total += moves
            kinds = ["outcome", "exit code", "output", "what was said", "files"]
            differs = [kind for kind, was, now in zip(kinds, whole, ended) if was != now]
            if used != fuel:
                differs.append(f"fuel ({used} instead of {fuel})")
            failures += bool(differs)
            verdict = f"DIFFERS: {', '.join(differs)}" if differs else "the same"
            print(f"{name}: {fuel} fuel, {moves} moves, {len(went)} kinds of places, {whole[0]}: {verdict}", flush=True)
            if differs:
                print(program.said.decode(errors="replace"), file=sys.stderr)
    print(f"{len(names)} programs, {total} moves, {failures} differ")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
