"""The same program in a process of its own, under another seed of hashes."""

import os
import subprocess
import sys


def elsewhere(program: str, hash_seed: str) -> str:
    """What it prints."""
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
