"""The vault at a point and at a time: ls and diff, from points and from versions alone, judged by boto3."""
import datetime
import hashlib
import json
import os
import select
import shutil
import subprocess
import time

import pytest
import zstandard
from servers.process import is_sanitized
from world import World, listing, moment

LONG = "long/" + "k" * 1015  # its path in the vault is longer than a key may be
FOLLOWING = "long/" + "k" * 1000


class History(World):
    """Runs and what the source held after each, as boto3 listed it."""

    def __init__(self, server, vaultferry):
        super().__init__(server, vaultferry)
        self.points = []  # (id, finished, {key: (etag, size)})

    def alone(self):
        """The config reduced to the vault."""
        config = self.config("unused")
        return {"vault": config["vault"]}

    def tick(self):
        """Times have whole seconds: what happens next happens later."""
        self.later()
        if not self.simulated:
            time.sleep(2)  # the end of a point is rounded up

    def record(self, bucket):
        report = self.run()
        assert report["state"] == "complete"
        point = self.vault.points(bucket)[-1]
        assert report["point"] == point.id
        self.points.append((point.id, point["finished"], listing(self.source, bucket)))
        self.tick()

    def remove(self, bucket, *keys):
        for key in keys:
            self.source.delete_object(Bucket=bucket, Key=key)

    def make(self, bucket):
        """Adds, overwrites, deletes, deletes followed by a new object, a renamed prefix, long keys."""
        for key in ("a", "a/b", "b", "c", "../../etc/x", "ü ß", LONG, FOLLOWING, "old/1", "old/2", "quote\"\\"):
            self.put(bucket, key)
        self.record(bucket)
        self.put(bucket, "a", b"overwritten")
        self.put(bucket, LONG, b"overwritten")
        self.put(bucket, "d")
        self.remove(bucket, "b", "c")
        self.record(bucket)
        self.put(bucket, "c", b"made again")
        self.remove(bucket, LONG)
        self.record(bucket)
        for name in "12":
            self.source.copy_object(Bucket=bucket, Key=f"new/{name}",
                CopySource={"Bucket": bucket, "Key": f"old/{name}"})
            self.remove(bucket, f"old/{name}")
        self.put(bucket, LONG, b"made again")
        self.record(bucket)
        self.remove(bucket, "a", "a/b", FOLLOWING)
        self.put(bucket, "z", b"")
        self.record(bucket)

    def ls(self, bucket, *arguments, exit=0, config=None):
        document = self.do("ls", "--source", bucket, *arguments, exit=exit, config=config)
        keys = [item["key"] for item in document["objects"]]
        assert keys == sorted(keys, key=str.encode)
        assert document["total"] == {"objects": len(keys),
            "bytes": sum(item["size"] for item in document["objects"])}
        return document

    @staticmethod
    def content(document):
        return {item["key"]: (item["etag"], item["size"]) for item in document["objects"]}

    def assert_history(self, bucket, each=1, config=None):
        """At each point and at times between, from points and from versions."""
        for number, (point, finished, expected) in enumerate(self.points[::each]):
            between = (moment(finished) + datetime.timedelta(milliseconds=300)).isoformat().replace("+00:00", "Z")
            seen = []
            for at in (point, finished, between):
                seen.append(self.ls(bucket, "--at", at, config=config))
                assert (seen[-1]["point"], seen[-1]["state"]) == (point, "complete")
                assert not seen[-1]["from_versions"]
                seen.append(self.ls(bucket, "--at", at, "--from-versions", config=config))
                assert seen[-1]["from_versions"] and seen[-1]["point"] is None
            versions = None
            for document in seen:
                assert self.content(document) == expected, (number, document["from_versions"])
                now = {item["key"]: item["version"] for item in document["objects"]}
                assert versions in (None, now) and all(now.values())
                versions = now
            for key, version in versions.items():
                there = self.owner.head_object(Bucket=self.vault_bucket, Key=self.path(bucket, key),
                    VersionId=version)
                assert (there["ETag"].strip('"'), there["ContentLength"]) == expected[key]

    def path(self, bucket, key):
        live = f"data/{bucket}/{key}"
        if len(live.encode()) <= 1024:
            return live
        return f"data-long/{bucket}/{hashlib.sha256(key.encode()).hexdigest()}"

    def views(self):
        return list((self.vaultferry.state / ".views").glob("*"))


@pytest.fixture
def world(server, vaultferry):
    return History(server, vaultferry)


@pytest.fixture
def sim(s3sim, vaultferry):
    yield History(s3sim, vaultferry)
    s3sim.control("POST", "/_s3sim/reset")


def test_time_right_after_a_run_means_that_run(world):
    """Also with deletions, and after a put, whose times in the vault are known to the second only."""
    bucket, times = world.bucket(), []
    now = lambda: datetime.datetime.now(datetime.timezone.utc).isoformat()
    config = world.config(bucket)
    config["sources"].append({"name": "dumps", "kind": "stream", "policy": "documents"})
    for _ in range(3):  # ids run ahead of the clock
        world.do("run", config=config)
    for turn in range(3):
        world.put(bucket, "changing", f"turn {turn}".encode())
        world.put(bucket, f"only{turn}", b"x")
        if turn > 0:
            world.source.delete_object(Bucket=bucket, Key=f"only{turn - 1}")
        world.do("run", config=config)
        times.append(now())
    for turn in range(3):
        put = world.vaultferry("put", "--source", "dumps", "d", config=config, env=world.env,
            input=f"dump {turn}".encode())
        assert put.returncode == 0, put
        times.append(now())
    get = lambda source, key, at: world.cli("get", "--source", source, key, "--at", at, config=config).stdout_bytes
    for turn in range(3):
        keys = [one["key"] for one in world.do("ls", "--source", bucket, "--at", times[turn], config=config)["objects"]]
        assert keys == ["changing", f"only{turn}"], (times, world.do("points", config=config))
        assert get(bucket, "changing", times[turn]) == f"turn {turn}".encode()
        assert get("dumps", "d", times[3 + turn]) == f"dump {turn}".encode()


def test_every_point_of_a_history_is_the_same_from_points_and_from_versions(world):
    bucket = world.bucket()
    world.make(bucket)
    world.assert_history(bucket)
    assert world.views() == []
    shutil.rmtree(world.vaultferry.state)
    for key in listing(world.source, bucket):
        world.remove(bucket, key)
    world.source.delete_bucket(Bucket=bucket)
    world.assert_history(bucket, each=2, config=world.alone())


def diff(before, after):
    """What boto3 saw: {list: keys}."""
    return {"added": sorted(after.keys() - before.keys(), key=str.encode),
        "changed": sorted((key for key in after if key in before and after[key] != before[key]), key=str.encode),
        "removed": sorted(before.keys() - after.keys(), key=str.encode)}


def test_diff_names_what_came_changed_and_went(world):
    bucket = world.bucket()
    world.make(bucket)
    steps = world.points
    for (a, _, before), (b, _, after) in [*zip(steps, steps[1:]), (steps[0], steps[-1]), (steps[-1], steps[1])]:
        for option in ([], ["--from-versions"]):
            document = world.do("diff", "--source", bucket, a, b, *option)
            keys = {name: [item["key"] for item in document[name]] for name in ("added", "changed", "removed")}
            assert keys == diff(before, after), (a, b, option)
            assert document["total"] == {name: len(found) for name, found in keys.items()}
            assert (document["a"]["point"], document["b"]["point"]) == ((None, None) if option else (a, b))
            for item in document["added"] + document["changed"]:
                assert (item["etag"], item["size"]) == after[item["key"]]
            for item in document["removed"]:
                assert (item["etag"], item["size"]) == before[item["key"]]
    assert diff(steps[0][2], steps[-1][2])["changed"] and world.views() == []
    same = world.do("diff", "--source", bucket, "latest", "latest")
    assert same["total"] == {"added": 0, "changed": 0, "removed": 0}
    text = world.cli("diff", "--source", bucket, steps[0][0], steps[1][0]).stdout.splitlines()
    assert [line[0] for line in text] == ["~", "-", "-", "+", "~"] and text[0].endswith(" a")


def test_text_and_prefix(sim):
    bucket = sim.bucket()
    sim.make(bucket)
    point, _, expected = sim.points[0]
    for prefix in ("", "a", "a/", "long/", "old/", "none/", LONG, "x" * 1024):
        wanted = {key: value for key, value in expected.items() if key.startswith(prefix)}
        for option in ([], ["--from-versions"]):
            assert sim.content(sim.ls(bucket, "--at", point, "--prefix", prefix, *option)) == wanted
    lines = sim.cli("ls", "--source", bucket, "--at", point).stdout.splitlines()
    assert len(lines) == len(expected) and any(line.endswith('quote\\"\\\\') for line in lines)
    assert all(int(line.split()[1]) >= 0 and line.split()[2] == "STANDARD" for line in lines)


@pytest.mark.parametrize("words", [("ls",), ("ls", "--source", "no-such"), ("ls", "--source"), ("ls", "x"),
    ("ls", "--source", "S", "--at", "yesterday"), ("diff", "--source", "S"), ("diff", "--source", "S", "a"),
    ("diff", "--source", "S", "1h", "2h", "3h"), ("diff", "1h", "2h"), ("diff", "--source", "S", "1h", "soon")])
def test_wrong_use_is_told(sim, words):
    bucket = sim.bucket()
    result = sim.cli("--json", *(bucket if word == "S" else word for word in words))
    assert result.returncode == 1 and result.json["error"]["message"], result


def test_config_without_sources_only_reads(sim):
    bucket = sim.bucket()
    sim.put(bucket, "a")
    sim.record(bucket)
    alone = sim.alone()
    for command in (["run"], ["plan"], ["resync"]):
        result = sim.cli("--json", *command, config=alone)
        assert result.returncode == 1 and "no \"sources\"" in result.json["error"]["message"], result
    assert sim.do("points", config=alone)["points"][0]["source"] == bucket
    assert sim.cli("get", "--source", bucket, "a", config=alone).stdout == "a"
    # behind delete markers, as somebody who empties a vault leaves it
    for entry in sim.vault.versions("points/") + sim.vault.versions("data/"):
        sim.owner.delete_object(Bucket=sim.vault_bucket, Key=entry["Key"])
    point, finished, expected = sim.points[0]
    assert sim.content(sim.ls(bucket, "--at", point, config=alone)) == expected
    sim.vault.remove("points/")
    assert sim.content(sim.ls(bucket, "--at", finished, config=alone)) == expected
    assert sim.ls(bucket, config=alone)["objects"] == []
    result = sim.cli("--json", "ls", "--source", bucket, "--at", point, config=alone)
    assert result.returncode == 5 and f"has no point {point}" in result.json["error"]["message"]


@pytest.mark.tsan
def test_point_that_lacks_something_says_so(sim):
    bucket = sim.bucket()
    sim.fill(bucket, 10)
    sim.record(bucket)
    complete = sim.points[0][0]
    for key in ("k001", "new"):
        sim.put(bucket, key, b"later")
    sim.faults({"operation": "CopyObject", "key_prefix": f"data/{bucket}/new", "action": "error", "status": 403,
        "code": "AccessDenied"})
    partial = sim.run(exit=2)["point"]
    sim.heal()
    sim.tick()
    document = sim.ls(bucket)
    assert (document["point"], document["state"]) == (complete, "complete")
    assert document["passed_over"] == {"point": partial, "state": "partial"}
    document = sim.ls(bucket, "--at", partial)
    assert (document["point"], document["state"], document["missing_count"]) == (partial, "partial", 1)
    assert [(item["key"], item["code"]) for item in document["missing"]] == [("new", "AccessDenied")]
    assert document["walk_ended"] and document["passed_over"] is None
    assert sim.content(document)["k001"][1] == 5 and "new" not in sim.content(document)
    said = sim.cli("ls", "--source", bucket, "--at", partial).events
    assert [event["event"] for event in said] == ["point-partial"] and '"new"' in said[0]["message"]
    assert [event["event"] for event in sim.cli("ls", "--source", bucket).events] == ["point-passed-over"]
    strict = sim.config(policy={"guard": {"changed": "30%", "deleted": "10%", "at_least": 2}})
    sim.remove(bucket, *(f"k00{number}" for number in range(2, 8)))
    guarded = sim.run(exit=3, config=strict)["point"]
    document = sim.ls(bucket, "--at", guarded)
    assert document["state"] == "guarded" and len(document["objects"]) >= 10
    said = sim.cli("ls", "--source", bucket, "--at", guarded).events
    assert said[0]["event"] == "point-guarded"


def test_damaged_points_fall_back_to_the_versions(sim):
    bucket = sim.bucket()
    sim.make(bucket)
    first, second, third = (point for point, _, _ in sim.points[:3])

    def doubtful(at, expected):
        result = sim.cli("--json", "ls", "--source", bucket, "--at", at)
        assert result.returncode == 2 and result.json["doubtful"] and result.json["from_versions"], result
        assert sim.content(result.json) == expected
        assert [event["event"] for event in result.events] == ["points-damaged"]

    sim.vault.remove(f"points/{bucket}/{second}/changes-0001")
    assert not sim.ls(bucket, "--at", first)["doubtful"]
    doubtful(second, sim.points[1][2])
    doubtful(third, sim.points[2][2])
    doubtful("latest", sim.points[4][2])
    text = sim.cli("ls", "--source", bucket)
    assert text.returncode == 2 and len(text.stdout.splitlines()) == len(sim.points[4][2])
    path = f"points/{bucket}/{third}/point.json"
    sim.vault.remove(path)
    sim.owner.put_object(Bucket=sim.vault_bucket, Key=path, Body=b"no point")
    doubtful("latest", sim.points[4][2])
    result = sim.cli("--json", "diff", "--source", bucket, first, "latest")
    assert result.returncode == 2 and not result.json["a"]["doubtful"] and result.json["b"]["doubtful"]
    assert [item["key"] for item in result.json["removed"]] == diff(sim.points[0][2], sim.points[4][2])["removed"]


def write_log(world, bucket, lines):
    """Makes the source's only point say these lines."""
    point = world.vault.points(bucket)[0]
    header = {"format": 1, "kind": "changes", "source": bucket, "point": point.id, "number": 1}
    text = b"".join(json.dumps(line).encode() + b"\n" for line in [header, *lines])
    text += json.dumps({"lines": len(lines), "sha256": hashlib.sha256(text).hexdigest()}).encode() + b"\n"
    packed = zstandard.ZstdCompressor().compress(text)
    file = {"name": "changes-0001.ndjson.zst", "lines": len(lines), "bytes": len(packed),
        "sha256": hashlib.sha256(packed).hexdigest()}
    written = point.json | {"files": [file]}
    world.vault.remove(f"points/{bucket}/")
    for name, body in ((file["name"], packed), ("point.json", json.dumps(written).encode())):
        world.owner.put_object(Bucket=world.vault_bucket, Key=f"points/{bucket}/{point.id}/{name}", Body=body)


@pytest.mark.parametrize("count", [3, 150])
def test_versions_that_a_point_does_not_name_are_found_by_their_time(sim, count):
    """Few are asked for one by one, many by one listing; a long key is always asked for."""
    bucket = sim.bucket()
    keys = [*sim.fill(bucket, count), LONG]
    sim.put(bucket, LONG)
    sim.record(bucket)
    point, _, expected = sim.points[0]
    lines = sorted(sim.vault.points(bucket)[0].view.values(), key=lambda line: line["key"].encode())
    versions = {line["key"]: line["vault"] for line in lines}
    for key in ("k001", "k002", LONG):  # newer versions, of which one is a deletion
        sim.owner.put_object(Bucket=sim.vault_bucket, Key=sim.path(bucket, key), Body=b"newer")
    sim.owner.delete_object(Bucket=sim.vault_bucket, Key=sim.path(bucket, "k001"))
    write_log(sim, bucket, [{name: value for name, value in line.items() if name != "vault"} for line in lines])
    sim.forget_counts()
    document = sim.ls(bucket, "--at", point)
    assert sim.content(document) == expected
    assert {item["key"]: item["version"] for item in document["objects"]} == versions
    listings = sim.counts()["ListObjectVersions"]
    assert listings < 20 if count > 100 else listings >= count + 1, listings
    sim.vault.remove(f"data/{bucket}/k002")
    found = {item["key"]: item["version"] for item in sim.ls(bucket, "--at", point)["objects"]}
    assert found.pop("k002") is None and found == {key: versions[key] for key in found}


def test_many_objects_take_little_memory_and_a_killed_view_leaves_nothing(sim, build_dir):
    sanitized = is_sanitized(build_dir / "vaultferry")
    count = 10000 if sanitized else 100000
    bucket = sim.bucket()
    sim.put(bucket, "a")
    sim.record(bucket)
    line = sim.vault.points(bucket)[0].view["a"]
    lines = [line | {"key": f"folder/{number * 7919 % count:08d}/object", "vault": f"{number:032x}"}
        for number in range(count)]
    write_log(sim, bucket, lines)
    reader, writer = os.pipe()  # nobody reads yet: the view stays open, with all of it in its index
    child = subprocess.Popen(sim.vaultferry.command(["ls", "--source", bucket], sim.config()), stdout=writer,
        stderr=subprocess.DEVNULL, env=sim.vaultferry.environment(sim.env))
    os.close(writer)
    sim.vaultferry.children.append(child)
    anonymous = 0
    while not select.select([reader], [], [], 0.02)[0]:
        fields = dict(text.split(":", 1) for text in open(f"/proc/{child.pid}/status"))
        anonymous = max(anonymous, int(fields.get("RssAnon", "0").split()[0]) / 1024)
    assert os.read(reader, 1) and len(sim.views()) == 1
    print(f"a view of {count} objects: anonymous {anonymous:.0f} MiB")
    assert sanitized or anonymous < 64
    assert len(sim.ls(bucket)["objects"]) == count and len(sim.views()) == 1  # of the living nothing is taken
    child.kill()
    child.wait()
    os.close(reader)
    assert len(sim.views()) == 1
    sim.ls(bucket, "--prefix", "folder/00000001/")
    assert sim.views() == []


def test_output_that_breaks_and_a_signal_end_it_in_order(sim):
    bucket = sim.bucket()
    sim.put(bucket, "a")
    sim.record(bucket)
    line = sim.vault.points(bucket)[0].view["a"]
    write_log(sim, bucket, [line | {"key": f"{number:06d}"} for number in range(20000)])
    for name in ("closed", "stopped"):
        child = subprocess.Popen(sim.vaultferry.command(["--json", "ls", "--source", bucket], sim.config()),
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=sim.vaultferry.environment(sim.env))
        sim.vaultferry.children.append(child)
        begun = child.stdout.read(1000)
        if name == "closed":
            child.stdout.close()
            said = child.stderr.read()
            assert child.wait(60) == 7 and b"standard output" in said, said
        else:
            child.terminate()
            rest, said = child.communicate(timeout=60)
            assert child.returncode == 6 and json.loads(begun + rest)["exit"] == 6, said
        assert sim.views() == []


def test_index_that_finds_no_room_is_a_clear_error(sim):
    bucket = sim.bucket()
    sim.put(bucket, "a")
    sim.record(bucket)
    line = sim.vault.points(bucket)[0].view["a"]
    write_log(sim, bucket, [line | {"key": f"{number:06d}"} for number in range(20000)])
    command = sim.vaultferry.command(["--json", "ls", "--source", bucket], sim.config())
    result = subprocess.run(["sh", "-c", 'ulimit -f 1000; exec "$@"', "sh", *command], capture_output=True,
        env=sim.vaultferry.environment(sim.env))
    message = json.loads(result.stdout)["error"]["message"]
    assert result.returncode == 7 and "does not fit" in message and "--state-dir" in message, result
    assert sim.views() == []


def test_recorded_acls_outlive_logs_and_state(sim, build_dir):
    bucket = sim.bucket()
    config = sim.config(policy={"acl": "record"})
    for key in ("public", "private", "gone", "kept", LONG):
        sim.put(bucket, key)
    sim.source.put_object_acl(Bucket=bucket, Key="public", ACL="public-read")
    sim.run(config=config)
    shutil.rmtree(sim.vaultferry.state)
    sim.vault.remove("points/")  # so that the next run writes a full file
    sim.tick()
    assert sim.run(config=config)["adopted"] == 5
    point = sim.vault.points(bucket)[0]
    text = sim.vault.files(bucket)[f"{point.id}/full-0001.ndjson.zst"]
    full = {line["key"]: line for line in sim.vault.lines(bucket, f"{point.id}/full-0001.ndjson.zst", text)}
    assert full["public"]["acl"].count("<Grant>") == 2 and full[LONG]["acl"].count("<Grant>") == 1

    def acls(config=None):
        return {item["key"]: item.get("acl", "").count("<Grant>") for item in sim.ls(bucket, config=config)["objects"]}

    assert acls() == {"public": 2, "private": 1, "gone": 1, "kept": 1, LONG: 1}
    sim.tick()
    sim.put(bucket, "private", b"now public")
    sim.source.put_object_acl(Bucket=bucket, Key="private", ACL="public-read")
    sim.remove(bucket, "gone")
    shutil.rmtree(sim.vaultferry.state)  # the manifest comes from the full file
    sim.run(config=config)
    sim.tick()
    assert acls() == {"public": 2, "private": 2, "kept": 1, LONG: 1}
    sim.put(bucket, "gone", b"again, without")
    sim.put(bucket, "public", b"without")
    sim.run()
    sim.tick()
    assert acls() == {"public": 0, "private": 2, "kept": 1, "gone": 0, LONG: 1}
    if is_sanitized(build_dir / "vaultferry"):
        return  # so many runs take too long
    shutil.rmtree(sim.vaultferry.state)
    for number in range(32):  # until a full file is due, from a manifest that a full file and logs have made
        sim.put(bucket, "kept", b"%d" % number)
        sim.run(config=config)
        sim.later()
    fulls = [path for path in sim.vault.files(bucket) if "full-" in path]
    assert len(fulls) == 2
    lines = sim.vault.lines(bucket, fulls[1], sim.vault.files(bucket)[fulls[1]])
    assert {line["key"]: line.get("acl", "").count("<Grant>") for line in lines} == acls() == {"public": 0,
        "private": 2, "kept": 1, "gone": 0, LONG: 1}
