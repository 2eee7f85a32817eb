"""The systemd units: sound by systemd's own judgement, shut in, and their command lines are the program's."""
import os
import re
import shlex
import shutil
import subprocess

import pytest
from servers.server import REPOSITORY
from world import World

FOLDER = REPOSITORY / "deploy" / "systemd"
TIMERS = sorted(path.name for path in FOLDER.glob("*.timer"))


@pytest.fixture
def root(tmp_path, build_dir):
    """A machine with the units installed as the README says, and systemd's own targets."""
    place = tmp_path / "root"
    units = place / "usr/lib/systemd/system"
    units.mkdir(parents=True)
    (place / "lib").symlink_to("usr/lib")
    for folder in ("usr/bin", "usr/lib/vaultferry", "etc/vaultferry", "etc/systemd/system"):
        (place / folder).mkdir(parents=True)
    known = next(path for path in map(type(FOLDER), ("/usr/lib/systemd/system", "/lib/systemd/system"))
        if path.is_dir())
    for target in known.glob("*.target"):
        shutil.copy(target, units, follow_symlinks=True)
    for path in FOLDER.glob("vaultferry*"):
        if path.is_dir():
            shutil.copytree(path, units / path.name)
        else:
            shutil.copy(path, units)
    shutil.copy(build_dir / "vaultferry", place / "usr/bin")
    shutil.copy(FOLDER / "tell", place / "usr/lib/vaultferry")
    return place


def analyze(root, *arguments):
    result = subprocess.run(["systemd-analyze", f"--root={root}", "--man=no", *arguments], capture_output=True,
        text=True, timeout=120, env={"PATH": os.environ["PATH"], "SYSTEMD_COLORS": "0", "SYSTEMD_PAGER": "cat"})
    return result.returncode, result.stdout + result.stderr


def verified(root):
    instances = [f"vaultferry@{name}.service" for name in commands(root)]
    return analyze(root, "--recursive-errors=yes", "verify", *instances, *TIMERS, "vaultferry-tell@run.service")


def settings(root, instance):
    """Every value of each setting of an instance's [Service], drop-ins behind."""
    units = root / "usr/lib/systemd/system"
    found = {}
    for path in (units / "vaultferry@.service", *sorted((units / f"vaultferry@{instance}.service.d").glob("*.conf"))):
        section = None
        for line in path.read_text().splitlines():
            if line.startswith("["):
                section = line
            elif section == "[Service]" and "=" in line and not line.startswith("#"):
                found.setdefault(line.partition("=")[0], []).append(line.partition("=")[2])
    return found


def commands(root):
    """{instance: the words after the config}, as systemd would split them."""
    found = {}
    for timer in TIMERS:
        unit = re.search(r"^Unit=vaultferry@(\w+)\.service$", (FOLDER / timer).read_text(), re.MULTILINE).group(1)
        service = settings(root, unit)
        environment = dict(word.split("=", 1) for value in service["Environment"] for word in shlex.split(value))
        line, = service["ExecStart"]
        arguments = environment.get("ARGUMENTS", "").replace("%%", "%")
        words = line.replace("%i", unit).replace("$ARGUMENTS", arguments).split()
        assert words[:3] == ["/usr/bin/vaultferry", "-c", "/etc/vaultferry/config.json"]
        found[unit] = words[3:]
    assert sorted(found) == ["drill", "prune", "run", "status", "verify"]
    return found


def test_systemd_finds_nothing_wrong_with_the_units(root):
    assert verified(root) == (0, "")


@pytest.mark.parametrize("file, old, new, complaint", [
    ("vaultferry@.service", "ProtectSystem=strict", "ProtectSystem=very", "Failed to parse"),
    ("vaultferry@.service", "NoNewPrivileges", "NoMorePrivileges", "Unknown key"),
    ("vaultferry-tell@.service", "/usr/lib/vaultferry/tell", "/usr/lib/vaultferry/tall", "not executable"),
    ("vaultferry-drill.timer", "01..07", "1..77", "Failed to parse calendar"),
    ("vaultferry@run.service.d/arguments.conf", "[Service]", "[Services]", "Unknown section"),
])
def test_what_is_wrong_would_be_seen(root, file, old, new, complaint):
    path = root / "usr/lib/systemd/system" / file
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    code, output = verified(root)
    assert complaint in output, (code, output)


def test_units_are_shut_in(root):
    """systemd's own measure of exposure, from 0 (best) to 100."""
    code, output = analyze(root, "security", "--offline=true", "--threshold=15", "vaultferry@run.service")
    assert code == 0, output
    service = settings(root, "run")
    assert service["ProtectSystem"] == ["strict"] and service["StateDirectory"] == ["vaultferry"]
    environment = dict(word.split("=", 1) for value in service["Environment"] for word in shlex.split(value))
    assert environment["VAULTFERRY_STATE_DIR"] == "/var/lib/" + service["StateDirectory"][0]
    assert int(environment["VAULTFERRY_GRACE_SECONDS"]) + 5 <= int(service["TimeoutStopSec"][0])


def test_timers_make_up_for_what_was_missed():
    for timer in TIMERS:
        lines = (FOLDER / timer).read_text().splitlines()
        assert {"Persistent=true", "WantedBy=timers.target"} <= set(lines)
        assert any(line.startswith("RandomizedDelaySec=") for line in lines)
        name, = (line.partition("=")[2] for line in lines if line.startswith("OnCalendar="))
        code, output = analyze("/", "calendar", "--iterations=3", name)
        assert code == 0 and output.count("(in UTC)") + output.count("Iter") + output.count("Next elapse") > 0, output


@pytest.fixture
def sim(s3sim, vaultferry):
    yield World(s3sim, vaultferry)
    s3sim.control("POST", "/_s3sim/reset")


def test_program_understands_the_units_commands(sim, root):
    bucket = sim.bucket()
    sim.fill(bucket, 3)
    scratch = f"acme-scratch-{sim.tag}"
    sim.source.create_bucket(Bucket=scratch)
    lines = commands(root)
    config = sim.config(bucket, policy={"schedule": "cron(0 3 * * ? *)"})
    config["vault"]["prune_role_arn"] = sim.vault_role  # nothing is to be ended yet
    for name in ("run", "status", "verify", "drill", "prune"):
        words = [word.replace("acme-scratch", scratch) for word in lines[name]]
        assert words[0] == name
        if name == "drill":
            words += ["--to-profile", "source"]
        result = sim.cli(*words, config=config)
        assert result.returncode == 0, (words, result)


# who is told

@pytest.fixture
def tell(tmp_path):
    """tell(instance, **env): exit code, and what sendmail and aws got."""
    folder = tmp_path / "bin"
    folder.mkdir()

    def stand_in(name, body):
        path = folder / name
        path.write_text(f"#!/bin/sh\n{body}\n")
        path.chmod(0o755)
    stand_in("journalctl", 'echo "$@" >>"$TOLD/journal"; echo "acme: no access"')
    stand_in("sendmail", 'echo "$@" >"$TOLD/mail"; cat >>"$TOLD/mail"; exit "${MAIL_FAILS:-0}"')
    stand_in("aws", 'printf "%s\\n" "$@" >"$TOLD/sns"; exit "${AWS_FAILS:-0}"')

    def run(instance, **env):
        told = tmp_path / "told"
        shutil.rmtree(told, ignore_errors=True)
        told.mkdir()
        result = subprocess.run([FOLDER / "tell", instance], capture_output=True, text=True, timeout=30,
            env={"PATH": f"{folder}:/usr/bin:/bin", "TOLD": str(told)} | env)
        return result, {path.name: path.read_text() for path in told.iterdir()}
    return run


def test_failure_is_told_by_mail_and_topic(tell):
    result, told = tell("run", MONITOR_EXIT_STATUS="5", MONITOR_SERVICE_RESULT="exit-code", MAIL_TO="a@example.com",
        SNS_TOPIC_ARN="arn:aws:sns:eu-west-1:444455556666:t")
    assert result.returncode == 0, result
    head, _, body = told["mail"].partition("\n\n")
    assert head.startswith("-t\nTo: a@example.com\nSubject: vaultferry run on ") and "exit code 5, no access" in head
    assert body == "acme: no access\n" and "--unit=vaultferry@run.service" in told["journal"]
    words = told["sns"].splitlines()
    assert words[:4] == ["sns", "publish", "--topic-arn", "arn:aws:sns:eu-west-1:444455556666:t"]
    subject = words[words.index("--subject") + 1]
    assert len(subject) <= 100 and "exit code 5" in subject and words[-1] == "acme: no access"


def test_failure_that_cannot_be_told_is_a_failure(tell):
    result, told = tell("run", MONITOR_EXIT_STATUS="2")
    assert result.returncode == 1 and "nobody is told" in result.stderr and set(told) <= {"journal"}
    both = {"MAIL_TO": "a@example.com", "SNS_TOPIC_ARN": "arn:aws:sns:eu-west-1:444455556666:t"}
    result, told = tell("run", MAIL_FAILS="1", **both)
    assert result.returncode == 1 and "sns" in told
    result, told = tell("run", AWS_FAILS="254", MONITOR_SERVICE_RESULT="timeout", **both)
    assert result.returncode == 1 and "timeout" in told["mail"]
