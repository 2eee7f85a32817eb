"""Streams into the vault and objects out of it: put and get, judged by boto3."""
import datetime
import os
import signal
import subprocess
import sys
import time

import pytest
from servers.process import is_sanitized
from test_stream import data
from world import MIB, World


MUCH = "head -c 30000000 /dev/zero"  # some parts


def child_of(process):
    return int(subprocess.run(["pgrep", "-P", str(process.pid)], capture_output=True, check=True).stdout)


class Streams(World):
    """A vault and a stream source."""

    def config(self, *buckets, policy=None, **top):
        config = super().config(*buckets, policy=policy, **top)
        stream = {"name": "dumps", "kind": "stream", "policy": "documents"}
        config["sources"] = [stream, *(config["sources"] if self.buckets else [])]
        return config

    def put_stream(self, name, body=b"", command=None, exit=0, config=None):
        words = ["put", "--source", "dumps", name, *(["--", *command] if command else [])]
        result = self.vaultferry("--json", *words, config=config or self.config(), env=self.env, input=body)
        self.judged(result)
        assert result.returncode == exit, result
        return result.json

    def get(self, source, key, *arguments, exit=0, config=None):
        words = ["get", "--source", source, key, *arguments]
        result = self.vaultferry(*words, config=config or self.config(), env=self.env)
        assert result.returncode == exit, result
        return result.stdout_bytes if exit == 0 else result

    def producing(self, name, script, after="exec sleep 60"):
        """A put whose command has done `script`, and is at what comes after."""
        script = f"{script}; echo ready >&2; {after}"
        child = self.start("put", "--source", "dumps", name, "--", "sh", "-c", script)
        self.wait_for(lambda: b"ready" in child.files[1].read_bytes())
        return child

    def nothing(self, versions=0, points=0):
        """No object, no point and no upload beyond these."""
        assert len(self.vault.versions("data")) == versions
        assert len(self.vault.points("dumps")) == points
        assert self.owner.list_multipart_uploads(Bucket=self.vault_bucket).get("Uploads", []) == []


@pytest.fixture
def world(server, vaultferry):
    return Streams(server, vaultferry)


@pytest.fixture
def sim(s3sim, vaultferry):
    yield Streams(s3sim, vaultferry)
    s3sim.control("POST", "/_s3sim/reset")


@pytest.mark.tsan
def test_streams_of_all_lengths_come_into_the_vault(world):
    sizes = {"empty": 0, "small": 5000, "one-part": 8 * MIB, "and-a-byte": 8 * MIB + 1, "parts": 30 * MIB + 17}
    for count, (name, size) in enumerate(sizes.items(), 1):
        report = world.put_stream(name, data(size, name.encode()))
        assert (report["source"], report["name"], report["bytes"]) == ("dumps", name, size)
        assert report["parts"] == max(1, -(-size // (8 * MIB)))
        points = world.vault.check("dumps")
        assert len(points) == count and points[-1].id == report["point"] and points[-1]["state"] == "complete"
        line = points[-1].view[name]
        assert (line["size"], line["vault"], line["by"], line["did"]) == (size, report["version"], "checksum", "copied")
    live = world.vault.live("dumps")
    assert sorted(live) == sorted(sizes)
    for name, size in sizes.items():
        assert world.vault.read(live[name]["Key"]) == data(size, name.encode())
    again = world.put_stream("small", b"another")
    assert world.vault.check("dumps")[-1].view["small"]["did"] == "recopied"
    assert world.vault.read("data/dumps/small", again["version"]) == b"another"
    world.nothing(versions=len(sizes) + 1, points=len(sizes) + 1)


def test_a_commands_output_comes_into_the_vault(world):
    report = world.put_stream("numbers", command=["sh", "-c", "seq 1 2000000; echo warned >&2"])
    assert world.vault.read("data/dumps/numbers") == b"".join(b"%d\n" % i for i in range(1, 2000001))
    assert report["parts"] == 2
    assert world.put_stream("spaces", command=["printf", "%s|", "a b", "$HOME", "*"])["bytes"] == 12
    assert world.vault.read("data/dumps/spaces") == b"a b|$HOME|*|"
    assert world.put_stream("by-stdin", b"typed", command=["cat"])["bytes"] == 5
    world.vault.check("dumps")


def test_odd_and_long_names_are_names(world):
    names = ["a b", "../up", "//", "ü/é", "new\nline", "x" * 1024, "é" * 512, "%2F", "+"]
    for name in names:
        world.put_stream(name, name.encode())
    assert sorted(world.vault.check("dumps")[-1].view) == sorted(names)
    for name in names:
        assert world.get("dumps", name) == name.encode()
    for name in ("", "x" * 1025):
        world.put_stream(name, b"", exit=1)
    told = world.put_stream("no UTF-8: \udcff", b"", exit=1)
    assert told["name"] == "no UTF-8: ?" and "UTF-8" in told["error"]["message"]


@pytest.mark.parametrize("script, said", [
    ("exit 3", "exit code 3"),
    ("echo some; exit 1", "exit code 1"),
    ("head -c 30000000 /dev/zero; exit 1", "exit code 1"),
    ("kill -9 $$", "signal 9"),
    ("head -c 30000000 /dev/zero; kill -9 $$", "signal 9"),
])
def test_a_command_that_fails_leaves_nothing(world, script, said):
    report = world.put_stream("dump", command=["sh", "-c", script], exit=2)
    assert said in report["error"]["message"] and report["point"] is None
    world.nothing()
    world.put_stream("dump", b"good")
    before = world.vault.check("dumps")
    world.put_stream("dump", command=["sh", "-c", script], exit=2)
    world.nothing(versions=1, points=1)
    assert world.vault.check("dumps")[-1].view == before[-1].view


def test_a_command_that_does_not_exist_is_wrong_use(sim):
    assert "not found" in sim.put_stream("dump", command=["no-such-command-here"], exit=1)["error"]["message"]
    other = {"name": "other", "kind": "stream", "policy": "documents"}
    sim.put_stream("dump", exit=1, config=sim.config() | {"sources": [other]})
    for words in (["put"], ["put", "x"], ["put", "--source", "dumps"], ["put", "--source", "dumps", "a", "b"],
            ["put", "--source", "dumps", "a", "--"]):
        assert sim.cli(*words).returncode == 1, words
    sim.nothing()


@pytest.mark.parametrize("first", ["true", MUCH], ids=["at-its-start", "within-its-parts"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_put_that_is_stopped_leaves_nothing(world, first, number):
    child = world.producing("dump", first)
    child.send_signal(number)
    began = time.monotonic()
    result = world.finish(child)
    assert result.returncode == 6 and time.monotonic() - began < 25, result
    world.nothing()
    assert world.put_stream("dump", b"good")["exit"] == 0


@pytest.mark.parametrize("first", ["printf begun", MUCH], ids=["before-a-part", "among-parts"])
def test_a_put_that_is_late_leaves_nothing(world, first):
    result = world.cli("--json", "put", "--source", "dumps", "dump", "--deadline", "1s", "--", "sh", "-c",
        f"{first}; exec sleep 60")
    assert result.returncode == 6 and "stopped" in result.json["error"]["message"], result
    world.nothing()
    assert world.put_stream("dump", b"good")["exit"] == 0


@pytest.mark.parametrize("hangs", ["UploadPart", "CreateMultipartUpload", "ListObjectVersions"])
def test_a_put_whose_upload_hangs_is_ended_by_its_deadline(sim, hangs):
    sim.faults({"operation": hangs, "action": "stall", "ms": 60000, "bucket": sim.vault_bucket})
    began = time.monotonic()
    result = sim.vaultferry("--json", "put", "--source", "dumps", "dump", "--deadline", "1s", "--", "sh", "-c", MUCH,
        config=sim.config(), env=sim.env | {"VAULTFERRY_GRACE_SECONDS": 4})
    assert result.returncode == 6 and time.monotonic() - began < 25, result
    sim.heal()
    assert sim.vault.versions("data") == [] and sim.vault.points("dumps") == []
    assert sim.put_stream("dump", b"good")["exit"] == 0
    sim.nothing(versions=1, points=1)


@pytest.mark.slow
def test_a_put_has_the_policys_window_unless_it_is_given_a_deadline(sim):
    config = sim.config(policy={"completion_window_minutes": 1, "start_window_minutes": 1})
    sim.put_stream("dump", command=["sh", "-c", "echo begun; exec sleep 90"], exit=6, config=config)
    sim.nothing()
    result = sim.cli("--json", "put", "--source", "dumps", "dump", "--deadline", "2m", "--", "sh", "-c", "sleep 65",
        config=config)
    assert result.returncode == 0, result
    sim.nothing(versions=1, points=1)


@pytest.mark.parametrize("deadline", ["soon", "0s"])
def test_a_deadline_that_makes_no_sense_is_wrong_use(sim, deadline):
    result = sim.cli("put", "--source", "dumps", "dump", "--deadline", deadline)
    assert result.returncode == 1 and f'--deadline "{deadline}"' in result.stderr


def test_what_a_killed_put_left_goes_with_the_next(world):
    child = world.producing("dump", MUCH)
    producer = child_of(child)
    child.kill()
    child.wait()
    os.kill(producer, signal.SIGKILL)
    assert len(world.owner.list_multipart_uploads(Bucket=world.vault_bucket).get("Uploads", [])) == 1
    world.put_stream("other", b"good")
    world.nothing(versions=1, points=1)
    world.vault.check("dumps")


def test_a_producer_that_is_killed_leaves_nothing(world):
    """Not the put: the command that writes into it, half-way."""
    child = world.producing("dump", MUCH)
    os.kill(child_of(child), signal.SIGKILL)
    result = world.finish(child)
    assert result.returncode == 2 and "signal 9" in result.json["error"]["message"]
    world.nothing()


def test_two_puts_of_one_source_do_not_meet(world):
    child = world.producing("one", "true", "sleep 5; echo done")
    words = ["--state-dir", world.vaultferry.folder / "elsewhere", "--json", "put", "--source", "dumps", "two"]
    held = world.vaultferry(*words, config=world.config(), env=world.env, input=b"x")
    assert held.returncode == 4, held
    assert world.put_stream("two", b"x", exit=4)["error"]
    assert world.finish(child).returncode == 0
    world.put_stream("two", b"x")
    assert sorted(world.vault.check("dumps")[-1].view) == ["one", "two"]


@pytest.mark.parametrize("rule", [
    {"operation": "UploadPart", "action": "lost_answer"},
    {"operation": "CompleteMultipartUpload", "action": "lost_answer"},
    {"operation": "CompleteMultipartUpload", "action": "error_in_200", "code": "InternalError"},
    {"operation": "UploadPart", "action": "reset"},
], ids=lambda rule: f"{rule['operation']}-{rule['action']}")
def test_what_breaks_off_on_the_way_is_sent_again(sim, rule):
    sim.faults(rule | {"count": 1})
    sim.put_stream("dump", data(30 * MIB))
    assert sim.fired() == [1]
    sim.heal()
    assert sim.vault.read("data/dumps/dump") == data(30 * MIB)
    sim.vault.check("dumps")
    sim.nothing(versions=1, points=1)


@pytest.mark.parametrize("operation", ["CreateMultipartUpload", "UploadPart", "CompleteMultipartUpload"])
def test_an_upload_that_is_refused_leaves_nothing(sim, operation):
    sim.faults({"operation": operation, "action": "error", "status": 403, "code": "AccessDenied"})
    report = sim.put_stream("dump", data(30 * MIB), exit=5)
    sim.heal()
    assert report["error"]["operation"] == operation
    sim.nothing()


def test_run_and_status_know_streams_as_they_are(world):
    """run leaves them alone; points and status show them as any other source."""
    bucket = world.bucket()
    world.put(bucket, "k")
    world.put_stream("dump", b"x")
    assert [one["source"] for one in world.do("run")["sources"]] == [bucket]
    assert len(world.vault.points("dumps")) == 1
    assert {point["source"] for point in world.do("points")["points"]} == {bucket, "dumps"}
    status = {one["source"]: one["state"] for one in world.do("status")["sources"]}
    assert status == {bucket: "complete", "dumps": "complete"}


# get

READING = {"operation": "GetObject", "key": "data/dumps/dump"}


def at(point, seconds=0):
    """A time in the form that --at takes, so long after a point had finished."""
    moment = datetime.datetime.fromisoformat(point["finished"].replace("Z", "+00:00"))
    return (moment + datetime.timedelta(seconds=seconds)).isoformat()


def test_a_stream_comes_back_as_it_was_at_each_point(world):
    bodies = [data(30 * MIB + 17), b"second", b""]
    points = []
    for body in bodies:
        world.put_stream("dump", body)
        points = world.vault.check("dumps")
        world.later(2)
        time.sleep(0 if world.simulated else 1.1)
    world.put_stream("other", b"o")
    assert world.get("dumps", "dump") == world.get("dumps", "dump", "--at", "latest") == bodies[2]
    assert world.get("dumps", "dump", "--at", "1s") == bodies[2]
    for point, body in zip(points, bodies):
        assert world.get("dumps", "dump", "--at", point.id) == body
        assert world.get("dumps", "dump", "--at", at(point)) == body
    assert world.get("dumps", "dump", "--at", at(points[1], -0.001)) == bodies[0]
    world.get("dumps", "dump", "--at", at(points[0], -0.001), exit=5)
    world.get("dumps", "dump", "--at", "3d", exit=5)
    world.get("dumps", "other", "--at", points[2].id, exit=5)
    assert world.get("dumps", "other") == b"o"
    for wrong in ("yesterday", "20261120T030000", "2026-11-20", "0h", ""):
        world.get("dumps", "dump", "--at", wrong, exit=1)


def test_objects_of_a_bucket_come_back_without_its_account(world):
    """Through copies, changes and deletions; the source's account gone, another machine, no state."""
    bucket = world.bucket()
    world.put(bucket, "changing", b"one")
    world.put(bucket, "going", b"here")
    world.put(bucket, "x" * 1020, b"long")
    config = world.config()
    config["sources"] = config["sources"][1:]
    world.do("run", config=config)
    world.later()
    time.sleep(0 if world.simulated else 1.1)  # a point's time is rounded up to a second's end
    world.put(bucket, "changing", b"two")
    world.source.delete_object(Bucket=bucket, Key="going")
    world.do("run", config=config)
    first, second = world.vault.check(bucket)
    config["sources"][0]["endpoint"] = "http://127.0.0.1:9"
    config["sources"][0]["copy"] = "stream"
    world.vaultferry.state = world.vaultferry.folder / "nothing-here"
    get = lambda *words, exit=0: world.get(bucket, *words, exit=exit, config=config)
    assert get("changing") == b"two" and get("changing", "--at", first.id) == b"one"
    assert get("x" * 1020) == b"long"
    assert get("going", "--at", first.id) == b"here"
    assert "deleted" in get("going", exit=5).stderr
    assert "no such object" in get("never", exit=5).stderr
    assert not world.vaultferry.state.exists()
    world.get("nobody", "x", exit=1, config=config)
    # the same from a full file alone, and from the versions alone
    world.vault.remove(f"points/{bucket}/")
    assert get("changing") == b"two"
    assert get("changing", "--at", at(first)) == b"one" and get("going", "--at", at(first)) == b"here"
    get("going", exit=5)
    document = world.cli("--json", "get", "--source", bucket, "never", config=config).json
    assert document["exit"] == 5 and "no such object" in document["error"]["message"]
    get("changing", "--at", first.id, exit=5)


def test_damaged_points_are_told_and_the_versions_asked(world):
    world.put_stream("dump", b"first")
    world.later(2)
    time.sleep(0 if world.simulated else 1.1)
    world.put_stream("other", b"o")
    first, _ = world.vault.check("dumps")
    world.vault.remove(f"points/dumps/{first.id}/")
    result = world.vaultferry("get", "--source", "dumps", "dump", config=world.config(), env=world.env)
    assert (result.returncode, result.stdout_bytes) == (2, b"first"), result
    assert first.id in result.stderr and "verify" in result.stderr


def test_each_byte_comes_once_over_connections_that_break(sim):
    body = data(20 * MIB)
    sim.put_stream("dump", body)
    cut = {"count": 4, "action": "truncate", "bytes": 3 * MIB + 11}
    sim.faults(READING | cut, READING | {"count": 1, "action": "reset"},
        READING | {"count": 1, "action": "error", "status": 503, "code": "SlowDown"})
    assert sim.get("dumps", "dump") == body
    assert sim.fired() == [4, 1, 1]
    sim.heal()


def test_what_is_cut_for_good_is_told_as_cut(sim):
    sim.put_stream("dump", data(20 * MIB))
    denied = READING | {"action": "error", "status": 403, "code": "AccessDenied"}
    sim.faults(READING | {"count": 1, "action": "truncate", "bytes": MIB}, denied)
    result = sim.get("dumps", "dump", exit=2)
    assert "cut off after 1048576 bytes" in result.stderr and result.stdout_bytes == data(20 * MIB)[:MIB]
    sim.faults(denied)
    assert sim.get("dumps", "dump", exit=5).stdout_bytes == b""
    sim.heal()


def test_an_output_that_is_full_or_closed_is_told(sim):
    sim.put_stream("dump", data(5 * MIB))
    command = sim.vaultferry.command(["get", "--source", "dumps", "dump"], sim.config())
    environment = sim.vaultferry.environment(sim.env)
    with open("/dev/full", "wb") as full:
        result = subprocess.run(command, env=environment, stdout=full, stderr=subprocess.PIPE, timeout=60)
    assert result.returncode == 2 and b"no space left" in result.stderr, result
    child = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    child.stdout.read(1000)
    child.stdout.close()
    errors = child.stderr.read()
    assert child.wait(60) == 2 and b"closed it" in errors, errors
    child.stderr.close()


def test_an_archived_object_is_not_given(sim):
    bucket = sim.bucket()
    sim.put(bucket, "k", b"body")
    config = sim.config()
    config["sources"] = config["sources"][1:]
    sim.do("run", config=config)
    sim.owner.copy_object(Bucket=sim.vault_bucket, Key=f"data/{bucket}/k", StorageClass="GLACIER",
        CopySource={"Bucket": sim.vault_bucket, "Key": f"data/{bucket}/k"}, MetadataDirective="COPY")
    sim.vault.remove(f"points/{bucket}/")
    assert "archive" in sim.get(bucket, "k", exit=5).stderr


PRODUCER = """
import os, sys
block = os.urandom(1 << 20)
for i in range(int(sys.argv[1])):
    os.write(1, i.to_bytes(8, "big") + block[8:])
"""
CONSUMER = """
import os, sys
sum = 0
while True:
    piece = os.read(0, 1 << 20)
    if not piece:
        break
    sum += len(piece)
print(sum)
"""


def peak(child):
    """The most memory that a process held: (resident, of it anonymous at the last look), in MiB."""
    most = anonymous = 0
    while child.poll() is None:
        try:
            with open(f"/proc/{child.pid}/status") as status:
                fields = dict(line.split(":", 1) for line in status)
            most = max(most, int(fields["VmHWM"].split()[0]))
            anonymous = max(anonymous, int(fields["RssAnon"].split()[0]))
        except (OSError, KeyError):
            pass
        time.sleep(0.05)
    return most / 1024, anonymous / 1024


@pytest.mark.parametrize("mebibytes", [1024, pytest.param(20480, marks=pytest.mark.slow)])
def test_a_long_stream_takes_little_memory(sim, build_dir, mebibytes):
    sanitized = is_sanitized(build_dir / "vaultferry")  # is slow, and its memory says nothing
    mebibytes = 128 if sanitized else mebibytes
    sim.server.control("POST", "/_s3sim/bucket", {"name": sim.vault_bucket, "metadata_only": True})
    environment = sim.vaultferry.environment(sim.env)
    words = ["--json", "put", "--source", "dumps", "dump", "--", sys.executable, "-c", PRODUCER, str(mebibytes)]
    child = sim.start(*words[1:])
    resident, anonymous = peak(child)
    report = sim.finish(child)
    assert report.returncode == 0 and report.json["bytes"] == mebibytes << 20, report
    parts = report.json["parts"]
    print(f"put of {mebibytes} MiB: {parts} parts, VmHWM {resident:.0f} MiB, anonymous {anonymous:.0f} MiB")
    assert sanitized or resident <= 128
    sim.vault.remove("points/")  # of which the bucket has kept as little as of the stream: get goes by the versions
    consumer = subprocess.Popen([sys.executable, "-c", CONSUMER], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    words = ["get", "--source", "dumps", "dump"]
    child = subprocess.Popen(sim.vaultferry.command(words, sim.config()), env=environment, stdout=consumer.stdin)
    consumer.stdin.close()
    resident, anonymous = peak(child)
    assert child.returncode == 0
    assert int(consumer.stdout.read()) == mebibytes << 20
    consumer.stdout.close()
    assert consumer.wait() == 0
    print(f"get of {mebibytes} MiB: VmHWM {resident:.0f} MiB, anonymous {anonymous:.0f} MiB")
    assert sanitized or resident <= 128
