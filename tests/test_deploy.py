"""The files for containers, Slurm and Kubernetes: linted, and run as far as this machine can."""

import json
import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import jsonschema
import kubernetes_validate
import pytest
import yaml

from chatbot.cli import cli
from chatbot.cluster import Cluster

ROOT = Path(__file__).parents[1]
DEPLOY = ROOT / "deploy"
TOOLS = Path(sys.executable).parent


def linted(tool, *arguments):
    """What a linter from PyPI says; it stands beside the interpreter."""
    path = shutil.which(tool, path=TOOLS)
    if path is None:
        pytest.skip(f"{tool} is not made for this system")
    done = subprocess.run([path, *arguments], cwd=ROOT, capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


def parsed(arguments):
    """The options of `chatbot train` on a command line; refuses one that it has not."""
    return cli.commands["train"].make_context("train", list(arguments)).params


# The container.


def test_the_container_file_is_as_its_linter_likes_it(tmp_path):
    assert linted("hadolint", "deploy/Containerfile") == (0, "")
    bad = tmp_path / "Containerfile"
    bad.write_text("FROM python\nRUN cd /src\n")
    assert linted("hadolint", str(bad))[0] == 1


def test_what_the_container_file_copies_is_there():
    lines = (DEPLOY / "Containerfile").read_text("utf-8").splitlines()
    names = [name for line in lines if line.startswith("COPY") for name in line.split()[1:-1]]
    assert len(names) == 4
    allowed = (DEPLOY / "Containerfile.dockerignore").read_text("utf-8").splitlines()
    for name in names:
        assert (ROOT / name).exists()
        assert f"!{name}" in allowed


def test_the_container_is_built_and_answers(tmp_path):
    engines = [one for one in ("docker", "podman") if shutil.which(one)]
    at_hand = [one for one in engines if not subprocess.call([one, "info"], stdout=-3, stderr=-3)]
    if not at_hand:
        pytest.skip("no container engine is at hand")
    build = [at_hand[0], "build", "-f", "deploy/Containerfile", "-t", "chatbot-test", "."]
    subprocess.run(build, cwd=ROOT, check=True)
    run = [at_hand[0], "run", "--rm", "chatbot-test"]
    assert "build-vocab" in subprocess.run(run, capture_output=True, text=True, check=True).stdout


# Slurm.


def test_the_slurm_script_is_as_its_linter_likes_it(tmp_path):
    assert linted("shellcheck", "deploy/slurm.sh") == (0, "")
    bad = tmp_path / "bad.sh"
    bad.write_text("#!/bin/bash\necho $1\n")
    assert linted("shellcheck", str(bad))[0] == 1


STAND_INS = {
    # What Slurm's own commands do, as far as the script asks: names of the nodes, one task on each.
    "scontrol": """
        if [ "$1" = show ]; then printf 'node%s\\n' 1 2 3; else echo "$@" >>"$OUT/requeued"; fi
    """,
    "srun": """
        [ "$1" = --cpus-per-task=16 ] || exit 9  # srun no longer takes it over from sbatch
        while [ "${1#--}" != "$1" ]; do shift; done
        for SLURM_PROCID in 0 1 2; do export SLURM_PROCID; "$@" || code=$?; done; exit ${code:-0}
    """,
    "chatbot": """
        echo "$TF_CONFIG" >"$OUT/config-$SLURM_PROCID"
        printf '%s\\n' "$@" >"$OUT/arguments-$SLURM_PROCID"
        exit ${LEAVES:-0}
    """,
}


@pytest.fixture
def job(tmp_path):
    """(exit code of every worker, arguments) -> exit code of the script under stand-ins."""
    for name, script in STAND_INS.items():
        path = tmp_path / name
        path.write_text(f"#!/bin/bash\n{script}")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
    slurm = {"SLURM_JOB_NODELIST": "node[1-3]", "SLURM_JOB_ID": "812", "SLURM_CPUS_PER_TASK": "16"}

    def run(leaves, *arguments):
        more = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "OUT": str(tmp_path)}
        env = {**os.environ, **slurm, **more, "LEAVES": str(leaves)}
        return subprocess.call([DEPLOY / "slurm.sh", *arguments], env=env)

    return run


def test_every_task_of_slurm_knows_all_workers_and_its_place(job, tmp_path):
    given = ("--model", "/shared/our model", "--batch", "4000")
    assert job(0, *given) == 0
    for number in range(3):
        text = (tmp_path / f"config-{number}").read_text("utf-8")
        cluster = Cluster.of({"TF_CONFIG": text})
        assert cluster.addresses == ("node1:20812", "node2:20812", "node3:20812")
        assert cluster.index == number
        arguments = (tmp_path / f"arguments-{number}").read_text("utf-8").splitlines()
        assert arguments[0] == "train"
        params = parsed(arguments[1:])
        assert (params["distribute"], params["threads"]) == ("multi-worker", 16)
        assert (params["model"], params["batch"]) == (Path("/shared/our model"), 4000)
    assert not (tmp_path / "requeued").exists()


@pytest.mark.parametrize(("leaves", "again"), [(143, True), (1, False)])
def test_a_job_that_was_told_to_stop_is_queued_again(job, tmp_path, leaves, again):
    assert job(leaves) == leaves
    assert (tmp_path / "requeued").exists() == again
    if again:
        assert (tmp_path / "requeued").read_text() == "requeue 812\n"


# Kubernetes.

OPERATOR = {
    "type": "object",
    "additionalProperties": False,
    "required": ["apiVersion", "kind", "metadata", "spec"],
    "properties": {
        "apiVersion": {"const": "kubeflow.org/v1"},
        "kind": {"const": "TFJob"},
        "metadata": {"type": "object", "required": ["name"]},
        "spec": {
            "type": "object",
            "additionalProperties": False,
            "required": ["tfReplicaSpecs"],
            "properties": {
                "runPolicy": {
                    "type": "object",
                    "additionalProperties": False,
                    "properties": {"cleanPodPolicy": {"enum": ["None", "Running", "All"]}},
                },
                "tfReplicaSpecs": {
                    "type": "object",
                    "additionalProperties": False,
                    "required": ["Worker"],
                    "properties": {
                        "Worker": {
                            "type": "object",
                            "additionalProperties": False,
                            "required": ["template"],
                            "properties": {
                                "replicas": {"type": "integer", "minimum": 1},
                                "restartPolicy": {
                                    "enum": ["Always", "OnFailure", "Never", "ExitCode"]
                                },
                                "template": {"type": "object", "required": ["spec"]},
                            },
                        }
                    },
                },
            },
        },
    },
}
"""What of the operator's TFJob (kubeflow.org/v1) the file uses."""


def documents():
    return list(yaml.safe_load_all((DEPLOY / "kubernetes.yaml").read_text("utf-8")))


def pod(job):
    """The pod that the operator makes of a worker."""
    template = job["spec"]["tfReplicaSpecs"]["Worker"]["template"]
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "worker-0"}, **template}


def test_volume_and_pods_are_as_kubernetes_has_them():
    volume, job = documents()
    for one in (volume, pod(job)):
        kubernetes_validate.validate(one, "1.31", strict=True)
    wrong = pod(job)
    wrong["spec"]["containers"][0]["resources"]["requests"]["mem"] = ["2Gi"]
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, "1.31", strict=True)


def test_the_job_is_as_the_operator_has_it():
    _, job = documents()
    jsonschema.validate(job, OPERATOR)
    (container,) = pod(job)["spec"]["containers"]
    # By this name it finds the container, by this port's name the port of the addresses.
    assert container["name"] == "tensorflow"
    assert container["ports"] == [{"name": "tfjob-port", "containerPort": 2222}]


def test_the_volume_is_the_one_that_the_pods_mount():
    volume, job = documents()
    spec = pod(job)["spec"]
    (claim,) = (one["persistentVolumeClaim"]["claimName"] for one in spec["volumes"])
    assert claim == volume["metadata"]["name"]
    (container,) = spec["containers"]
    params = parsed(container["args"][1:])
    assert params["distribute"] == "multi-worker"
    assert str(params["model"]).startswith(container["volumeMounts"][0]["mountPath"])


def test_what_the_operator_tells_every_pod_is_understood():
    hosts = [f"chatbot-worker-{n}.default.svc:2222" for n in range(4)]
    told = {
        "cluster": {"worker": hosts},
        "task": {"type": "worker", "index": 3},
        "environment": "cloud",
    }
    cluster = Cluster.of({"TF_CONFIG": json.dumps(told)})
    assert (cluster.addresses, cluster.index) == (tuple(hosts), 3)
