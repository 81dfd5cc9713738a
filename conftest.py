"""What of the package is not collected for its docstrings: what needs an extra that is not installed."""

from importlib.util import find_spec

collect_ignore_glob = [] if find_spec("pyarrow") else ["src/photochrom/cluster/*"]
