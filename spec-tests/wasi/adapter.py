"""Dunlin for the test runner of the official wasi-testsuite:

    python3 test-runner/wasi_test_runner.py -t tests/rust/testsuite/wasm32-wasip1 -r PATH/TO/adapter.py

`DUNLIN` names the command, if it isn't on the path.
"""

import os
import shlex
import subprocess

# As a shell would split it.
DUNLIN = shlex.split(os.getenv("DUNLIN", "dunlin"))


def get_name():
    return "dunlin"


def get_version():
    # It prints its name, too.
    printed = subprocess.run(DUNLIN + ["--version"], encoding="UTF-8", capture_output=True, check=True)
    return printed.stdout.split()[1]


def get_wasi_versions():
    return ["wasm32-wasip1"]


def get_wasi_worlds():
    return ["wasi:cli/command"]


def compute_argv(test_path, config, *rest):
    """The runner has passed arguments, environment and directories one by one, then as a tuple, and now passes one
    directory, which becomes the root, in place of several with their names.
    """
    args, env, dirs = config if isinstance(config, tuple) else (config, *rest[:2])
    if dirs is None:
        dirs = []
    elif not isinstance(dirs, list):
        dirs = [(dirs, "/")]
    options = []
    for name, value in env.items():
        options += ["--env", f"{name}={value}"]
    for host, guest in dirs:
        options += ["--dir", f"{host}::{guest}"]
    return DUNLIN + ["run"] + options + [str(test_path)] + list(args)
