"""How large an installation is: the runtime in a fresh virtual environment, with its largest packages.

python benchmarks/install.py
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from bench import begin

ROOT = Path(__file__).resolve().parent.parent


def megabytes(path: Path) -> float:
    return sum(f.stat().st_size for f in path.rglob("*") if f.is_file() and not f.is_symlink()) / 1e6


def main() -> None:
    begin("about a minute, with downloads from the package index")
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        pip = [f"{folder}/bin/python", "-m", "pip", "install", "--quiet", "--constraint", str(ROOT / "constraints.txt")]
        site = next(Path(folder, "lib").glob("python*")) / "site-packages"
        before = megabytes(site)
        subprocess.run([*pip, str(ROOT)], check=True)
        parts = sorted(((megabytes(p), p.name) for p in site.iterdir() if p.is_dir()), reverse=True)
        print(f"{'photochrom and what it needs':<32}{megabytes(site) - before:>7.0f} MB")
        for size, name in parts[:6]:
            print(f"  {name:<30}{size:>7.0f} MB")


if __name__ == "__main__":
    main()
