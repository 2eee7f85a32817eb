"""The image of deploy/Dockerfile, without a docker: its packages, and its steps in folders made by debootstrap."""
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import time

import pytest
from servers.server import REPOSITORY
from world import World

DOCKERFILE = REPOSITORY / "deploy" / "Dockerfile"
NOT_LIBRARIES = {"ca-certificates", "tzdata"}
IN_THE_BASE = {"libc6", "libgcc-s1"}


def stages():
    """Instructions of each stage as (name, value), with continued lines joined and comments left out."""
    lines = [line for line in DOCKERFILE.read_text().splitlines() if not line.lstrip().startswith("#")]
    found = []
    for line in "\n".join(lines).replace("\\\n", " ").splitlines():
        name, _, value = line.partition(" ")
        if name == "FROM":
            found.append([])
        if found and name:
            found[-1].append((name, re.sub(r"\s+", " ", value.strip())))
    return found


def packages(stage):
    text = next(value for name, value in stage if name == "RUN" and "apt-get install" in value)
    return text.partition("--no-install-recommends ")[2].partition(" &&")[0].split()


def value_of(stage, name):
    return next(value for known, value in stage if known == name)


def test_packages_that_run_it_are_those_that_it_is_linked_with(build_dir):
    needed = subprocess.run(["readelf", "--dynamic", build_dir / "vaultferry"], capture_output=True, text=True,
        check=True).stdout
    names = re.findall(r"\(NEEDED\).*\[(.*)\]", needed)
    assert "libcurl.so.4" in names
    found = subprocess.run(["ldd", build_dir / "vaultferry"], capture_output=True, text=True, check=True).stdout
    wanted = set()
    for name in names:
        path = re.search(rf"^\s*{re.escape(name)} => (\S+)", found, re.MULTILINE)
        if not path:  # the loader
            continue
        # dpkg knows a library by the path of its package, before or after /usr was merged
        places = [path.group(1), "/usr" + path.group(1), path.group(1).removeprefix("/usr")]
        owner = subprocess.run(["dpkg-query", "-S", *places], capture_output=True, text=True).stdout
        wanted |= {line.split(":")[0] for line in owner.splitlines()}
    listed = packages(stages()[1])
    assert len(listed) == len(set(listed))
    assert set(listed) - NOT_LIBRARIES == wanted - IN_THE_BASE


def test_packages_that_build_it_are_those_of_the_readme():
    text = (REPOSITORY / "README.md").read_text()
    commands = re.findall(r"^sudo apt-get install ((?:.*\\\n)*.*)$", text, re.MULTILINE)
    assert packages(stages()[0]) == commands[0].replace("\\\n", " ").split()


def test_image_has_no_rights_and_ends_in_order():
    image = stages()[1]
    assert value_of(image, "USER") == "10001" and "--uid 10001" in value_of(image, "RUN")
    assert value_of(image, "STOPSIGNAL") == "SIGTERM"
    assert json.loads(value_of(image, "ENTRYPOINT")) == ["/usr/bin/vaultferry"]
    assert value_of(image, "VOLUME") == "/state" and "VAULTFERRY_STATE_DIR=/state" in value_of(image, "ENV")
    for stage in stages():
        assert value_of(stage, "FROM").startswith("debian:12-slim${DIGEST}")


def in_root(root, *command, **options):
    return subprocess.run(["chroot", root, *command], capture_output=True, text=True, timeout=900, **options)


def debootstrap(root, names, cache):
    result = subprocess.run(["debootstrap", "--variant=minbase", f"--cache-dir={cache}", "--include=" + ",".join(names),
        "bookworm", root], capture_output=True, text=True, timeout=900)
    assert result.returncode == 0, result.stdout[-3000:] + result.stderr


def shell_of(stage, after):
    """The commands of a RUN, from the one on that follows `after`."""
    text = next(value for name, value in stage if name == "RUN" and after in value)
    return text[text.index(after):]


def read_only(root, state, environment):
    """A command prefix: as the image's user, the root read-only but for /state, processes and devices as in docker."""
    script = ('mount --make-rprivate / && mount --bind "$1" "$1" && mount --bind "$2" "$1/state" '
        '&& mount -t proc proc "$1/proc" && mount -o remount,bind,ro "$1" && shift 2 && exec "$@"')
    words = [f"{name}={value}" for name, value in environment.items()]
    return ["unshare", "--mount", "sh", "-c", script, "sh", root, state, "chroot", root, "setpriv", "--reuid=10001",
        "--regid=10001", "--clear-groups", "--no-new-privs", "--bounding-set=-all", "--inh-caps=-all", "env", "-i",
        *words]


@pytest.fixture
def image(tmp_path):
    """The image as two folders made it: (root, state). Some minutes, and root."""
    if os.geteuid() != 0:
        pytest.skip("only root makes folders with debootstrap")
    building, root, cache = (tmp_path / name for name in ("building", "root", "cache"))
    cache.mkdir()
    build, final = stages()
    debootstrap(building, packages(build), cache)
    for name, value in build:
        if name == "COPY":
            here, there = value.split()
            place = building / there.strip("/")
            if (REPOSITORY / here).is_dir():
                shutil.copytree(REPOSITORY / here, place)
            else:
                place.mkdir(parents=True, exist_ok=True)
                shutil.copy(REPOSITORY / here, place)
    result = in_root(building, "sh", "-c", shell_of(build, "cmake -S"))
    assert result.returncode == 0, result.stdout[-3000:] + result.stderr
    debootstrap(root, packages(final), cache)
    result = in_root(root, "sh", "-c", shell_of(final, "useradd"))
    assert result.returncode == 0, result
    here, there = value_of(final, "COPY").removeprefix("--from=build ").split()
    shutil.copy(building / here.strip("/"), root / there.strip("/"))
    yield root, root / "state"
    for each in (building, root, cache):
        shutil.rmtree(each)


@pytest.mark.slow
def test_image_runs_read_only_without_rights(image, s3sim, vaultferry):
    root, state = image
    world = World(s3sim, vaultferry)
    bucket = world.bucket()
    world.fill(bucket, 5)
    final = stages()[1]
    base = dict(word.split("=", 1) for word in shlex.split(value_of(final, "ENV"))) | {
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "AWS_EC2_METADATA_DISABLED": "true",
        "VAULTFERRY_CONFIG_JSON": json.dumps(world.config(bucket, policy={"schedule": "cron(0 3 * * ? *)",
            "timezone": "Europe/Berlin"}))} | world.env
    entry = json.loads(value_of(final, "ENTRYPOINT"))

    def run(*arguments, command=entry):
        return subprocess.run([*read_only(root, state, base), *command, *arguments], capture_output=True, text=True,
            timeout=120)

    assert run("version").stdout.startswith("vaultferry ")
    refused = run("/made", command=["touch"])
    assert refused.returncode == 1 and "Read-only file system" in refused.stderr
    health = ["sh", "-c", value_of(final, "HEALTHCHECK").partition(" CMD ")[2]]
    assert run(command=health).returncode == 1
    result = run("--json", "run", "--due")
    assert result.returncode == 0, result
    assert json.loads(result.stdout)["sources"][0]["copied"] == 5
    world.assert_same(bucket)
    assert run(command=health).returncode == 0, run("status", "--max-age", "26h")
    world.put(bucket, "k003", b"new")
    assert json.loads(run("--json", "run").stdout)["sources"][0]["recopied"] == 1
    assert json.loads(run("--json", "verify", "--read-data").stdout)["problems"] == []

    # what docker and ECS send; the time until they kill is not waited for
    world.latency(400, "CopyObject")
    world.fill(bucket, 300, "later")
    child = subprocess.Popen([*read_only(root, state, base), *entry, "--json", "run"], stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL)
    world.wait_for(lambda: len(world.requests("CopyObject", world.vault_bucket)) > 10)
    time.sleep(0.2)
    child.send_signal(signal.SIGTERM)
    output, _ = child.communicate(timeout=60)
    assert child.returncode == 6, output
    assert json.loads(output)["sources"][0]["state"] == "partial"
