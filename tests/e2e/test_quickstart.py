"""deploy/quickstart on this machine, with the vaultferry under test: what it shows is true, and it leaves nothing."""
import os
import pathlib
import re
import shlex
import shutil
import signal
import subprocess

import boto3
import pytest
from botocore.config import Config
from servers.server import REPOSITORY
from world import Vault

pytestmark = pytest.mark.rgw
SCRIPT = REPOSITORY / "deploy" / "quickstart"


class Quickstart:
    def __init__(self, folder, build_dir):
        self.folder = folder
        self.env = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ} | {
            "VF_QUICKSTART_DIR": str(folder), "VF_QUICKSTART_BUILD": str(build_dir)}

    def __call__(self, *arguments, exit=0):
        # its server outlives it: output goes to a file, a pipe would stay open
        output = self.folder.with_suffix(".out")
        with output.open("w") as file:
            result = subprocess.run([SCRIPT, *arguments], env=self.env, stdin=subprocess.DEVNULL, stdout=file,
                stderr=subprocess.STDOUT, timeout=240)
        text = output.read_text()
        output.unlink()
        assert result.returncode == exit, text
        return text

    def settings(self, file):
        """The shell assignments of a file."""
        words = shlex.split((self.folder / file).read_text(), comments=True)
        return dict(word.split("=", 1) for word in words if "=" in word)

    def client(self, account):
        known = self.settings("ceph/env")
        return boto3.client("s3", endpoint_url=known["RGW_TLS_URL"], verify=known["RGW_CA"], region_name="us-east-1",
            aws_access_key_id=known[f"{account}_OWNER_KEY"], aws_secret_access_key=known[f"{account}_OWNER_SECRET"],
            config=Config(s3={"addressing_style": "path"}, proxies={}))

    def processes(self):
        found = []
        for path in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
            try:
                words = path.read_bytes().decode(errors="replace").split("\0")
            except OSError:
                continue
            found += [words] if any(f"{self.folder}/" in word for word in words) else []
        return found


@pytest.fixture
def quickstart(build_dir, tmp_path):
    # where tests/run looks for servers when it is interrupted
    name = "quickstart-" + os.environ.get("PYTEST_XDIST_WORKER", "main")
    folder = pathlib.Path(os.environ.get("VF_RGW_DIR", tmp_path)) / name
    made = Quickstart(folder, build_dir)
    yield made
    if folder.exists():
        made("--down")


def next_commands(text):
    """What the last lines say to type, without the end of it all."""
    lines = [line.strip() for line in text.rpartition("Type, for instance:")[2].splitlines() if line.startswith("    ")]
    assert lines[-1] == f"{SCRIPT} --down"
    return lines[:-1]


def test_quickstart_shows_the_whole_job_twice_and_leaves_nothing(quickstart):
    text = quickstart()
    for word in ("would copy 13", "copied 13", "copied again 1", "deleted 1", "restored 1 ", "equal already 12",
            "3 points", "0 problems", "as it was agreed"):
        assert word in text, (word, text)
    source, vault = quickstart.client("SRC"), quickstart.client("VAULT")
    keys = [f"invoices/{number:02d}.txt" for number in range(1, 13)] + ["contract.txt"]
    for key in keys:
        there = source.get_object(Bucket="acme-documents", Key=key)["Body"].read()
        assert there == (quickstart.folder / "documents" / key).read_bytes(), key
    reader = Vault(vault, "acme-vault")
    assert len(reader.points("acme-documents")) == 3
    assert reader.copies("acme-documents") == {f"data/acme-documents/{key}": 1 + (key == "contract.txt")
        for key in keys}
    assert reader.markers("acme-documents") == ["data/acme-documents/invoices/07.txt"]

    again = quickstart()
    assert "running already" in again and "== 1." not in again
    commands = next_commands(again)
    assert commands == next_commands(text) and len(commands) > 5
    shell = subprocess.run(["bash", "-euo", "pipefail", "-c", "\n".join(commands)], env=quickstart.env,
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120)
    assert shell.returncode == 0, shell
    assert "copied 2," in shell.stdout and "would copy 2," in shell.stdout  # the invoice that came back, too
    assert reader.read("data/acme-documents/new.txt") == b"new\n"
    assert "exit code 3" in shell.stdout and "restored 12 " in shell.stdout
    points = reader.points("acme-documents")
    assert [point["state"] for point in points] == ["complete"] * 4 + ["guarded", "complete"]
    assert len(points[-1].view) == 14
    assert (quickstart.folder / "restored" / "contract.txt").read_text() == "The contract, as it was agreed.\n"

    # a machine that was started anew has the folder, and no server
    pid = int((quickstart.folder / "ceph/run/gateway").read_text().split()[0])
    assert pid in [int(path.name) for path in pathlib.Path("/proc").glob("[0-9]*")]
    os.kill(pid, signal.SIGKILL)
    text = quickstart()
    assert "its server has ended" in text and "restored 1 " in text
    assert len(quickstart.processes()) == 3

    assert "stay" in quickstart("--down")
    assert quickstart.processes() == [] and not quickstart.folder.exists()
    assert "nothing to take down" in quickstart("--down")


def test_what_the_quickstart_did_not_make_is_left_alone(quickstart, tmp_path):
    quickstart.folder.mkdir(parents=True)
    (quickstart.folder / "thesis.txt").write_text("all of it")
    for arguments in ((), ("--down",)):
        assert "was not made by this script" in quickstart(*arguments, exit=1)
    assert [path.name for path in quickstart.folder.iterdir()] == ["thesis.txt"]
    shutil.rmtree(quickstart.folder)
    assert "usage" in quickstart("up", exit=1)
    quickstart.env["VF_QUICKSTART_DIR"] = str(tmp_path / "white space")
    assert "white space" in quickstart(exit=1)
    quickstart.env |= {"VF_QUICKSTART_DIR": str(tmp_path / "new"), "VF_QUICKSTART_BUILD": str(tmp_path)}
    assert "no vaultferry" in quickstart(exit=1)
    assert quickstart.processes() == []


def test_one_that_failed_says_how_to_go_on(quickstart, tmp_path):
    broken = tmp_path / "vaultferry"
    broken.write_text("#!/bin/sh\nexit 7\n")
    broken.chmod(0o755)
    well = quickstart.env["VF_QUICKSTART_BUILD"]
    quickstart.env["VF_QUICKSTART_BUILD"] = str(tmp_path)
    text = quickstart(exit=7)
    assert "did not come to its end (exit code 7)" in text and "--down" in text
    assert len(quickstart.processes()) == 3
    quickstart.env["VF_QUICKSTART_BUILD"] = well
    assert "removed" in quickstart("--down")
    assert quickstart.processes() == [] and not quickstart.folder.exists()


def test_its_packages_are_among_those_of_the_tests():
    text = SCRIPT.read_text()
    wanted = re.search(r"^packages=\((.*?)\)", text, re.MULTILINE | re.DOTALL).group(1).split()
    lines = (REPOSITORY / "tests" / "packages.txt").read_text().splitlines()
    known = {line.split()[0] for line in lines if line and not line.startswith("#")}
    assert len(wanted) > 10 and set(wanted) <= known
