"""The examples of docs/scale/, and the formula of what an archive costs."""

import importlib.util
import json
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "docs" / "scale"

_NAMES = {"type": "object", "additionalProperties": {"type": "string"}}
# Of Kubernetes' batch/v1 Job what the example uses; a name that is misspelt is refused.
JOB = {
    "type": "object",
    "additionalProperties": False,
    "required": ["apiVersion", "kind", "metadata", "spec"],
    "properties": {
        "apiVersion": {"const": "batch/v1"},
        "kind": {"const": "Job"},
        "metadata": {"type": "object", "required": ["name"]},
        "spec": {
            "type": "object",
            "additionalProperties": False,
            "required": ["template"],
            "properties": {
                "completionMode": {"enum": ["Indexed", "NonIndexed"]},
                "completions": {"type": "integer", "minimum": 1},
                "parallelism": {"type": "integer", "minimum": 1},
                "backoffLimit": {"type": "integer", "minimum": 0},
                "template": {
                    "type": "object",
                    "additionalProperties": False,
                    "required": ["spec"],
                    "properties": {
                        "metadata": {"type": "object", "properties": {"labels": _NAMES}},
                        "spec": {
                            "type": "object",
                            "additionalProperties": False,
                            "required": ["containers", "restartPolicy"],
                            "properties": {
                                "restartPolicy": {"enum": ["Never", "OnFailure"]},
                                "containers": {
                                    "type": "array",
                                    "minItems": 1,
                                    "items": {
                                        "type": "object",
                                        "additionalProperties": False,
                                        "required": ["name", "image"],
                                        "properties": {
                                            "name": {"type": "string", "pattern": "^[a-z0-9-]+$"},
                                            "image": {"type": "string"},
                                            "command": {"type": "array", "items": {"type": "string"}},
                                            "envFrom": {"type": "array"},
                                            "resources": {
                                                "type": "object",
                                                "additionalProperties": False,
                                                "properties": {"requests": _NAMES, "limits": _NAMES},
                                            },
                                            "volumeMounts": {
                                                "type": "array",
                                                "items": {"required": ["name", "mountPath"]},
                                            },
                                        },
                                    },
                                },
                                "volumes": {"type": "array", "items": {"required": ["name"]}},
                            },
                        },
                    },
                },
            },
        },
    },
}


@pytest.fixture(scope="module")
def cost():
    spec = importlib.util.spec_from_file_location("cost", ROOT / "benchmarks" / "cost.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    import sys

    sys.modules["cost"] = module  # where its dataclass looks for its annotations
    spec.loader.exec_module(module)
    return module.cost


def test_a_million_photographs_on_cores(cost):
    found = cost(1_000_000, 0.08, core_hour=0.04, utilisation=0.8, per_request=1e-6)
    assert found.machine_hours == pytest.approx(27.78, abs=0.01)
    assert found.computing == pytest.approx(1.111, abs=0.001)
    assert found.requests == pytest.approx(2.0)
    assert found.total == pytest.approx(3.111, abs=0.001)


def test_on_a_gpu_the_slower_of_both_decides(cost):
    fast = cost(3600, 0.16, machine_hour=2, cores=16, gpu_seconds=0.004, utilisation=1)
    assert fast.machine_hours == pytest.approx(0.01)  # the cores
    slow = cost(3600, 0.16, machine_hour=2, cores=80, gpu_seconds=0.004, utilisation=1)
    assert slow.machine_hours == pytest.approx(0.004)  # the GPU
    assert slow.computing == pytest.approx(0.008)


@pytest.mark.parametrize(
    "prices",
    [{}, {"core_hour": 1, "machine_hour": 1}, {"core_hour": 1, "utilisation": 0}, {"core_hour": 1, "cores": 0}],
)
def test_a_cost_without_sense_is_refused(cost, prices):
    with pytest.raises(ValueError, match=r"either core_hour|utilisation"):
        cost(1, 1, **prices)


def test_the_cluster_file_is_one_of_rays():
    jsonschema = pytest.importorskip("jsonschema", reason="jsonschema is not installed: pip install '.[cluster]'")
    found = importlib.util.find_spec("ray")
    if found is None or not found.submodule_search_locations:
        pytest.skip("Ray is not installed: pip install '.[cluster]'")
    schema = Path(found.submodule_search_locations[0], "autoscaler", "ray-schema.json")
    given = yaml.safe_load((EXAMPLES / "cluster.yaml").read_text())
    jsonschema.validate(given, json.loads(schema.read_text()))
    assert given["head_node_type"] in given["available_node_types"]
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(given | {"max_worker": 3}, json.loads(schema.read_text()))


def test_the_slurm_script_is_one_of_bash():
    path = EXAMPLES / "photochrom.slurm"
    assert subprocess.run(["bash", "-n", path], capture_output=True, text=True).stderr == ""
    text = path.read_text()
    assert text.startswith("#!/bin/bash\n")
    assert "#SBATCH --ntasks-per-node=1\n" in text


def test_the_job_is_one_of_kubernetes():
    jsonschema = pytest.importorskip("jsonschema", reason="jsonschema is not installed: pip install '.[cluster]'")
    given = yaml.safe_load((EXAMPLES / "job.yaml").read_text())
    jsonschema.validate(given, JOB)
    pod = given["spec"]["template"]["spec"]
    mounted = {mount["name"] for mount in pod["containers"][0]["volumeMounts"]}
    assert mounted == {volume["name"] for volume in pod["volumes"]}
    if shutil.which("kubeconform"):
        subprocess.run(["kubeconform", "-strict", EXAMPLES / "job.yaml"], check=True)
