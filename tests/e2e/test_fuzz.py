"""A short run of the benchmark with damaged files; the long one is `benchmarks/fuzz.py`."""

import os
import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "fuzz.py"


def test_damaged_files_of_real_encoders(tmp_path):
    command = [sys.executable, SCRIPT, "--cases", "500", "--seed", "7", "--keep", tmp_path]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=300, env={**os.environ, "OMP_NUM_THREADS": "1"}
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "500 cases in" in done.stdout
    assert ": 0 crashed, hung, grew or failed unclearly" in done.stdout
    assert list(tmp_path.iterdir()) == []
