"""verify: whatever is done to the vault with its owner's rights is found and named, and what is well is well."""
import collections
import contextlib
import json
import os
import pathlib
import shutil
import signal
import subprocess
import time

import pytest
from servers.process import is_sanitized
from test_stream import data, multipart
from world import KIB, MIB, World, listing

LONG = "long/" + "k" * 1010


class Vaults(World):
    """A vault with a history, and hands in it."""

    def config(self, *buckets, policy=None, **top):
        config = super().config(*buckets, policy=policy, **top)
        stream = {"name": "dumps", "kind": "stream", "policy": "documents"}
        config["sources"] = [*config["sources"], stream] if self.buckets else [stream]
        return config

    def verify(self, *arguments, exit=0, config=None, **expected):
        """The document, of which no problem is expected unless named: {problem: how often}."""
        document = self.do("verify", *arguments, exit=exit, config=config)
        found = collections.Counter(problem["problem"] for problem in document["problems"])
        wanted = {name.replace("_", "-"): count for name, count in expected.items()}
        assert found == wanted, document
        assert document["problem_count"] == sum(wanted.values())
        return document

    def found(self, problem, key, *arguments, source=None, **others):
        """Verify ends with 2, and names the problem at this key; `others` are problems that come with it."""
        expected = {problem.replace("-", "_"): 1} | others
        document = self.verify(*arguments, exit=2, **expected)
        named = [one for one in document["problems"] if one["problem"] == problem]
        assert [one["key"] for one in named] == [key], named
        assert named[0]["source"] == (source or self.buckets[0]) and named[0]["detail"]
        return named[0]["detail"]

    def history(self, runs=3):
        """Objects that were changed, deleted and made again, a large one and a long one, in so many points."""
        bucket = self.bucket()
        self.fill(bucket, 12)
        self.put(bucket, LONG)
        multipart(self.source, bucket, "large", 5 * MIB, 100 * KIB)
        for run in range(runs):
            self.later()
            if run:
                self.put(bucket, "k001", f"changed {run}".encode())
                self.source.delete_object(Bucket=bucket, Key=f"k00{run + 1}")
            if run > 1:
                self.put(bucket, "k002", b"again")
            self.run(bucket_of(bucket))
        self.later(400)  # the runs are over for long
        return bucket

    def run(self, *arguments, exit=0, config=None):
        sources = self.do("run", *arguments, exit=exit, config=config)["sources"]
        return [one for one in sources if one["source"] != "dumps"][0]

    def data(self, bucket, key):
        return f"data/{bucket}/{key}"

    def overwrite(self, key, body=b"foreign"):
        return self.owner.put_object(Bucket=self.vault_bucket, Key=key, Body=body)["VersionId"]

    def mark(self, key):
        self.owner.delete_object(Bucket=self.vault_bucket, Key=key)

    def drop(self, key, version=None):
        """Deletes versions for good: all of them, or one."""
        for entry in self.vault.versions(key):
            if entry["Key"] == key and version in (None, entry["VersionId"]):
                self.owner.delete_object(Bucket=self.vault_bucket, Key=key, VersionId=entry["VersionId"])

    def replace(self, key, body):
        """As if it had always been so."""
        self.drop(key)
        self.owner.put_object(Bucket=self.vault_bucket, Key=key, Body=body)

    def versions_of(self, key):
        """The newest first."""
        found = [entry for entry in self.vault.versions(key) if entry["Key"] == key]
        return sorted(found, key=lambda entry: (entry["IsLatest"], entry["LastModified"]), reverse=True)

    def points_of(self, bucket):
        return sorted({entry["Key"].split("/")[2] for entry in self.vault.versions(f"points/{bucket}/")
            if entry["Key"].endswith("/point.json")})

    def file(self, bucket, index, name="point.json"):
        return f"points/{bucket}/{self.points_of(bucket)[index]}/{name}"

    def lose_state(self):
        shutil.rmtree(self.vaultferry.state)


def bucket_of(bucket):
    return f"--source={bucket}"


@pytest.fixture
def world(server, vaultferry):
    return Vaults(server, vaultferry)


@pytest.fixture
def sim(s3sim, vaultferry):
    yield Vaults(s3sim, vaultferry)
    s3sim.control("POST", "/_s3sim/reset")


def notes(document, source=0):
    return {note["note"]: note["count"] for note in document["sources"][source]["notes"]}


@pytest.mark.tsan
def test_a_vault_that_is_well_has_no_problem(world):
    bucket = world.history()
    document = world.verify()
    one = document["sources"][0]
    assert (one["source"], one["points"], one["checked"]) == (bucket, 3, len(listing(world.source, bucket)))
    assert document["checked"] == one["checked"] and document["bytes_read"] == 0 and notes(document) == {}
    recorded = {(line["key"], line["vault"]) for point in world.vault.points(bucket) for line in point.view.values()}
    assert one["versions"] == len(recorded)
    whole = world.verify("--read-data")["sources"][0]
    assert whole["read"] == len(recorded)
    compared = whole["compared"]
    assert compared["by_etag"] + compared["by_checksum"] + compared["by_size"] == len(recorded)
    assert compared["by_etag"] >= len(recorded) - 1
    assert whole["bytes_read"] == sum({(line["key"], line["vault"]): line["size"]
        for point in world.vault.points(bucket) for line in point.view.values()}.values())
    world.lose_state()
    assert world.verify()["checked"] == one["checked"]


def test_objects_that_were_tampered_with_are_named(world):
    bucket = world.history()
    world.overwrite(world.data(bucket, "k005"))
    assert "no run has written it" in world.found("foreign-version", "k005")
    world.drop(world.data(bucket, "k005"), world.versions_of(world.data(bucket, "k005"))[0]["VersionId"])
    world.verify()
    world.mark(world.data(bucket, "k006"))
    world.found("foreign-delete-marker", "k006")
    world.drop(world.data(bucket, "k006"), [entry for entry in world.versions_of(world.data(bucket, "k006"))
        if entry["Marker"]][0]["VersionId"])
    world.verify()
    world.overwrite(world.data(bucket, "planted"))
    world.found("foreign-object", "planted")
    world.drop(world.data(bucket, "planted"))
    deleted = world.data(bucket, "k003")
    assert world.versions_of(deleted)[0]["Marker"]
    back = world.overwrite(deleted)
    world.found("foreign-version", "k003")
    world.drop(deleted, back)
    world.drop(deleted, world.versions_of(deleted)[0]["VersionId"])  # the marker that a run has put
    world.found("marker-missing", "k003")
    world.mark(deleted)  # as dead as before
    world.drop(world.data(bucket, "k004"))
    assert "is gone" in world.found("version-missing", "k004")


def test_an_old_version_that_a_point_needs_is_missed(world):
    bucket = world.history()
    versions = world.versions_of(world.data(bucket, "k001"))
    assert len(versions) == 3
    world.drop(world.data(bucket, "k001"), versions[2]["VersionId"])
    assert "1 older version is gone" in world.found("version-missing", "k001")


def test_the_name_of_a_long_key_is_looked_at(world):
    bucket = world.history()
    name = world.vault.versions(f"names/{bucket}/")[0]["Key"]
    world.overwrite(name, b"another key")
    world.found("name-changed", LONG)
    world.replace(name, LONG.encode()[:-1] + b"x")
    world.found("name-changed", LONG)
    world.drop(name)
    world.found("name-missing", LONG)
    world.replace(name, LONG.encode())
    world.verify()
    world.drop(world.vault.versions(f"data-long/{bucket}/")[0]["Key"])
    world.found("version-missing", LONG)


def test_points_that_were_tampered_with_are_named(world):
    bucket = world.history(4)
    newest = json.loads(world.vault.read(world.file(bucket, -1)))
    second = world.file(bucket, 1)
    good = world.vault.read(second)
    changed = json.dumps(json.loads(good) | {"objects": 1}).encode()

    world.overwrite(second, changed)  # over the good one, which restores go on reading
    assert "oldest version" in world.found("point-rewritten", second)
    world.drop(second, world.versions_of(second)[0]["VersionId"])
    world.mark(second)
    world.found("point-hidden", second)
    world.drop(second, world.versions_of(second)[0]["VersionId"])
    world.verify()

    future = json.dumps(newest | {"point": "20990101T000000Z", "files": [], "started": "2099-01-01T00:00:00Z",
        "finished": "2099-01-01T00:00:01Z", "predecessor": {"point": newest["point"],
            "sha256": world.vault.points(bucket)[-1].sha256}}).encode()
    forged = f"points/{bucket}/20990101T000000Z/point.json"
    world.overwrite(forged, future)
    world.found("point-future", forged, point_forged=1)
    world.drop(forged)

    world.drop(second)
    assert "20" in world.found("point-missing", second)


def test_a_point_that_no_run_wrote_does_not_add_up(world):
    bucket = world.history(2)
    newest = world.vault.points(bucket)[-1]
    finished = newest["finished"][:17]
    id = newest.id[:13] + f"{int(newest.id[13:15]) + 1:02d}Z" if newest.id[13:15] != "59" else newest.id[:13] + "59Z"
    path = f"points/{bucket}/{id}/point.json"
    text = dict(newest.json) | {"point": id, "files": [], "predecessor": {"point": newest.id, "sha256": newest.sha256},
        "objects": newest["objects"] - 5, "by_class": {"STANDARD": {"objects": newest["objects"] - 5,
            "bytes": newest["bytes"]}}}
    world.overwrite(path, json.dumps(text).encode())
    assert finished
    document = world.do("verify", exit=2)
    assert {one["problem"] for one in document["problems"]} <= {"totals", "point-forged"}
    assert {one["key"] for one in document["problems"]} == {path}
    assert "totals" in {one["problem"] for one in document["problems"]}
    text["predecessor"] = {"point": newest.id, "sha256": "0" * 64}
    world.replace(path, json.dumps(text).encode())
    problems = [one["problem"] for one in world.do("verify", exit=2)["problems"]]
    assert "point-changed" in problems


def test_the_newest_point_put_anew_is_known_to_the_state_folder(world):
    bucket = world.history()
    newest = world.file(bucket, -1)
    world.replace(newest, json.dumps(json.loads(world.vault.read(newest))).encode())  # other bytes of the same meaning
    assert "this state folder" in world.found("point-changed", newest)


def test_points_that_were_taken_away_are_known_to_the_state_folder(world):
    bucket = world.history()
    newest = world.file(bucket, -1)
    world.drop(newest)
    assert "taken away" in world.found("point-missing", newest)


def test_a_predecessor_put_anew_breaks_the_chain(world):
    bucket = world.history()
    first = world.file(bucket, 0)
    text = json.loads(world.vault.read(first))
    world.replace(first, json.dumps(text | {"finished": text["started"]}).encode())
    world.found("point-changed", first)
    world.replace(first, b"{}")
    found = {one["problem"] for one in world.do("verify", exit=2)["problems"]}
    assert found == {"point-damaged"}


def test_logs_and_full_files_that_were_tampered_with_are_named(world):
    bucket = world.history()
    log = world.file(bucket, 1, "changes-0001.ndjson.zst")
    good = world.vault.read(log)

    world.overwrite(log, b"x" * len(good))
    world.found("log-rewritten", log)
    world.replace(log, good[:-1] + bytes([good[-1] ^ 1]))  # of the same size
    world.found("log-changed", log)
    world.replace(log, good[:-7])
    assert "bytes" in world.found("log-changed", log)
    world.drop(log)
    document = world.do("verify", exit=2)
    assert [one["problem"] for one in document["problems"]] == ["log-missing"]  # and none of what it recorded
    world.replace(log, good)
    world.verify()

    world.vault.remove(f"points/{bucket}/")  # the next run writes all that it finds as a full file
    world.lose_state()
    world.later(200)
    world.run(bucket_of(bucket))
    full = [entry["Key"] for entry in world.vault.versions(f"points/{bucket}/") if "full-" in entry["Key"]]
    world.verify("--read-data")
    good = world.vault.read(full[0])
    world.replace(full[0], good[:-5])
    world.found("full-changed", full[0])
    world.replace(full[0], good[:-1] + bytes([good[-1] ^ 1]))
    world.found("full-changed", full[0], "--read-data")


def test_bytes_that_were_damaged_in_place_are_found_when_they_are_read(sim):
    bucket = sim.history()
    sim.vaultferry("--json", "put", "--source", "dumps", "stream", config=sim.config(), env=sim.env,
        input=data(20 * MIB))
    versions = sim.versions_of(sim.data(bucket, "k001"))
    damaged = [("k007", sim.data(bucket, "k007"), None, 3), ("k001", sim.data(bucket, "k001"),
        versions[1]["VersionId"], 1), ("large", sim.data(bucket, "large"), None, 5 * MIB + 7),
        ("stream", "data/dumps/stream", None, 9 * MIB)]
    sim.verify("--read-data")
    for _, path, version, offset in damaged:
        sim.server.control("POST", "/_s3sim/damage", {"bucket": sim.vault_bucket, "key": path,
            "offset": offset} | ({"version": version} if version else {}))
    sim.verify()  # nothing that a listing shows
    document = sim.verify("--read-data", exit=2, bytes_changed=4)
    assert sorted(problem["key"] for problem in document["problems"]) == sorted(key for key, *_ in damaged)


def test_bytes_that_cannot_be_read_are_named(sim):
    bucket = sim.history()
    sim.faults({"operation": "GetObject", "key": sim.data(bucket, "k009"), "action": "error", "status": 403,
        "code": "AccessDenied"})
    sim.verify()
    assert "AccessDenied" in sim.found("unreadable", "k009", "--read-data")


def test_an_answer_that_breaks_off_is_gone_on_with(sim):
    bucket = sim.history()
    sim.faults({"operation": "GetObject", "key": sim.data(bucket, "large"), "action": "truncate", "count": 2})
    assert sim.verify("--read-data")["sources"][0]["compared"]["by_size"] == 0
    assert sim.fired() == [2]


def test_archived_objects_are_counted_and_no_problem(sim):
    bucket = sim.history()
    sim.faults({"operation": "GetObject", "key": sim.data(bucket, "k009"), "action": "error", "status": 403,
        "code": "InvalidObjectState"})
    assert sim.verify("--read-data")["sources"][0]["archived"] == 1


@pytest.mark.parametrize("read", [[], ["--read-data"]])
def test_subsets_share_nothing_and_are_all(world, read):
    bucket = world.bucket()
    world.fill(bucket, 40)
    world.put(bucket, LONG)
    world.run()
    parts = [world.verify(f"--subset={n}/7", *read)["sources"][0] for n in range(1, 8)]
    assert sum(part["checked"] for part in parts) == 41
    assert max(part["checked"] for part in parts) < 20
    assert sum(part["read"] for part in parts) == (41 if read else 0)
    sample = world.verify("--sample", "25%", *read)["checked"]
    assert sample < 30 and world.verify("--sample", "25%")["checked"] == sample
    world.drop(world.data(bucket, "k017"))
    world.overwrite(world.data(bucket, "k018"))
    found = [problem["key"] for n in range(1, 4)
        for problem in world.cli("--json", "verify", f"--subset={n}/3").json["problems"]]
    assert sorted(found) == ["k017", "k018"]


def test_wrong_use_is_told(sim):
    sim.bucket()
    for words in (["--subset", "0/3"], ["--subset", "4/3"], ["--subset", "x"], ["--sample", "0%"], ["--sample", "5"],
            ["--sample", "101%"], ["--sample", "5%", "--subset", "1/2"], ["word"], ["--unknown"], ["--source"],
            ["--source", "nobody"]):
        assert sim.cli("verify", *words).returncode == 1, words


def test_people_get_a_line_a_problem_and_one_a_source(world):
    bucket = world.history()
    result = world.cli("verify")
    assert result.returncode == 0
    assert result.stdout.splitlines()[0].startswith(f"{bucket}: 3 points, ") and ": 0 problems" in result.stdout
    world.drop(world.data(bucket, "k004"))
    result = world.cli("verify")
    assert result.returncode == 2
    assert f"{bucket}: version-missing: k004: version" in result.stdout and ": 1 problem\n" in result.stdout


def test_a_source_without_points_is_no_fault_and_a_foreign_object_there_is(world):
    bucket = world.bucket()
    assert world.verify()["sources"][0]["point"] is None
    world.overwrite(world.data(bucket, "planted"))
    world.found("foreign-object", "planted")


def test_a_history_of_all_that_a_run_can_do_is_well(sim):
    """Kills, failures, a guard, two machines, streams, a lost state folder: nothing of it is a problem."""
    bucket, other = sim.bucket(), sim.bucket("second")
    config = sim.config(bucket, other)
    streamed = dict(config["sources"][0], select={"buckets": [other]}, copy="stream")
    config["sources"][0]["select"]["buckets"] = [bucket]
    config["sources"].append(streamed)
    sim.fill(bucket, 30)
    sim.fill(other, 10)
    sim.put(bucket, LONG)
    sim.put(other, LONG)
    sim.put(other, "much", data(9 * MIB))
    multipart(sim.source, bucket, "large", 5 * MIB, 5 * MIB, 5 * KIB)

    def well(*arguments):
        document = sim.verify(*arguments, config=config)
        assert len(document["sources"]) == 3
        return document

    def changes(*keys):
        sim.later()
        for key in keys:
            sim.put(bucket, key, f"{key} {sim.passed}".encode())

    def go(exit=0, state=None):
        child = sim.start("run", config=config, state=state)
        result = sim.finish(child)
        assert result.returncode == exit, result

    def kill(operation, state=None, **where):
        """A run that is killed when the operation was done and not answered."""
        sim.faults({"operation": operation, "action": "stall", "ms": 20000} | where)
        child = sim.start("run", config=config, state=state)
        sim.wait_for(lambda: sim.fired() == [1])
        child.kill()
        child.wait()
        sim.heal()

    kill("CopyObject", skip=20, count=1)
    well()
    go()
    well()
    sim.later()
    sim.vaultferry("put", "--source", "dumps", "dump", config=config, env=sim.env, input=b"x" * 100000)
    for key in ("k001", "k002"):
        sim.source.delete_object(Bucket=bucket, Key=key)
    go()
    changes("k001", "k003")  # made again
    go()
    well("--read-data")
    # copied by a run that was killed, gone at the source before the next one: nobody records it
    changes("brief", "k004")
    kill("PutObject", key_prefix=f"points/{bucket}/", count=1)
    sim.source.delete_object(Bucket=bucket, Key="brief")
    well()
    shutil.rmtree(sim.vaultferry.state)
    sim.later(100)  # its lease is dead
    go()
    assert notes(well())["left-by-unfinished-run"] == 1
    # deleted by a run that was killed, made again
    sim.later()
    sim.source.delete_object(Bucket=bucket, Key="k005")
    kill("PutObject", key_prefix=f"points/{bucket}/", count=1)
    well()
    changes("k005")
    go()
    # failures, a partial point
    changes("k006", "k007")
    sim.faults({"operation": "CopyObject", "key": f"data/{bucket}/k006", "action": "error", "status": 403,
        "code": "AccessDenied"})
    go(exit=2)
    sim.heal()
    well()
    # the guard
    for key in listing(sim.source, bucket):
        if key.startswith("k01"):
            sim.source.delete_object(Bucket=bucket, Key=key)
    config["policies"]["documents"]["guard"] = {}
    go(exit=3)
    well()
    config["policies"]["documents"]["guard"] = {"changed": "100%", "deleted": "100%"}
    go()
    well()
    # another machine, then the first one again
    sim.later(200)
    changes("k008")
    go(state=sim.vaultferry.folder / "elsewhere")
    assert notes(well())["manifest"] == 1
    changes("k009")
    go()
    # without its state; all copied again
    shutil.rmtree(sim.vaultferry.state)
    sim.later()
    go()
    well()
    result = sim.cli("resync", "--recopy", config=config)
    assert result.returncode == 0
    sim.later(400)
    whole = well("--read-data")["sources"]
    assert all(one["compared"]["by_size"] <= 3 and one["read"] for one in whole)
    # and with all of it, a hand in it is still seen
    sim.overwrite(sim.data(bucket, "k008"))
    sim.verify(exit=2, config=config, foreign_version=1)


def test_a_run_that_goes_on_meanwhile_is_no_problem(sim):
    bucket = sim.history()
    for number in range(5):
        sim.put(bucket, f"new{number}")
    sim.put(bucket, "k005", b"changed")
    sim.source.delete_object(Bucket=bucket, Key="k006")
    sim.faults({"operation": "PutObject", "key_prefix": f"points/{bucket}/", "action": "stall", "ms": 2000,
        "count": 1})
    child = sim.start("run", bucket_of(bucket))
    sim.wait_for(lambda: sim.fired() == [1])
    document = sim.verify()
    assert notes(document)["run-going-on"] >= 1 and notes(document)["left-by-unfinished-run"] == 7
    sim.heal()
    assert sim.finish(child).returncode == 0
    assert notes(sim.verify()) == {}


def test_a_signal_ends_it_with_what_was_seen(sim):
    bucket = sim.history()
    sim.drop(sim.data(bucket, "k004"))
    sim.faults({"operation": "GetObject", "key_prefix": f"data/{bucket}/k", "action": "stall", "ms": 1000})
    child = sim.start("verify", "--read-data")
    sim.wait_for(lambda: sum(sim.fired()) > 1)
    child.send_signal(signal.SIGTERM)
    result = sim.finish(child)
    assert result.returncode == 2 and result.json["problems"], result  # 2 says more than 6
    sim.heal()
    sim.faults({"operation": "ListObjectVersions", "action": "stall", "ms": 500})
    child = sim.start("verify")
    sim.wait_for(lambda: sum(sim.fired()) > 0)
    child.send_signal(signal.SIGTERM)
    result = sim.finish(child)
    assert result.returncode == 6, result


def test_it_writes_nothing_and_asks_no_object_singly(sim):
    bucket = sim.history()
    before = {(entry["Key"], entry["VersionId"]) for entry in sim.vault.versions()}
    sim.forget_counts()
    sim.verify()
    counts = sim.counts()
    assert {(entry["Key"], entry["VersionId"]) for entry in sim.vault.versions()} == before
    assert counts["HeadObject"] == counts["PutObject"] == counts["DeleteObject"] == 0
    assert counts["ListObjectVersions"] <= 10 and counts["GetObject"] <= 3 * 2 + 2
    assert not [name for name in os.listdir(sim.vaultferry.state) if name.startswith("verify")]
    assert bucket


def test_a_vault_that_cannot_be_listed_is_no_vault_that_is_well(sim):
    sim.history()
    sim.faults({"operation": "ListObjectVersions", "action": "error", "status": 403, "code": "AccessDenied"})
    document = sim.do("verify", exit=5)
    assert "ListObjectVersions" in json.dumps(document["sources"][0]["error"])
    assert document["error"] == document["sources"][0]["error"]


def test_a_manifest_that_differs_is_named(world, build_dir):
    bucket = world.history()
    state = world.vaultferry.state / bucket

    def edit(*words):
        subprocess.run([build_dir / "tools" / "agent_manifest", state, *words], check=True)

    saved = world.vaultferry.folder / "saved"
    shutil.copytree(state, saved)
    for words, problem, key in ((("put", "k005", "another-version"), "manifest-differs", "k005"),
            (("put", LONG, "v", "5"), "manifest-differs", LONG), (("remove", "k006"), "manifest-lacks", "k006"),
            (("remove", LONG), "manifest-lacks", LONG), (("put", "zzz", "v", "1"), "manifest-extra", "zzz"),
            (("put", "a", "v", "1"), "manifest-extra", "a")):
        edit(*words)
        assert "resync" in world.found(problem, key)
        shutil.rmtree(state)
        shutil.copytree(saved, state)
    world.verify()
    (state / "manifest.mdb").write_bytes(b"nonsense" * 1000)
    assert notes(world.verify())["manifest"] == 1


def test_what_a_prune_has_removed_is_not_missed(world):
    bucket = world.history()
    before = world.points_of(bucket)
    log = world.file(bucket, -1, "changes-0001.ndjson.zst")
    good = world.vault.read(log)
    world.drop(log)  # a run that cannot rely on the points writes full files
    world.lose_state()
    world.later(200)
    world.put(bucket, "k001", b"the last one")
    world.run(bucket_of(bucket), exit=2)
    world.replace(log, good)
    world.verify()
    # a point that is forgotten needs nothing
    old = world.versions_of(world.data(bucket, "k001"))[-1]["VersionId"]
    world.drop(world.data(bucket, "k001"), old)
    world.found("version-missing", "k001")
    first = min(before)
    world.overwrite(f"points/{bucket}/{first}/forgotten.json", b"{}")
    world.verify()
    # all points before the one with full files go, and that one says so
    path = world.file(bucket, -1)
    newest = json.loads(world.vault.read(path))
    assert any(file["name"].startswith("full-") for file in newest["files"])
    for point in world.points_of(bucket)[:-1]:
        world.vault.remove(f"points/{bucket}/{point}/")
    world.lose_state()
    world.found("point-missing", f"points/{bucket}/{newest['predecessor']['point']}/point.json")
    newest["root"] = {"point": newest["point"], "removed": newest["predecessor"]}
    world.replace(path, json.dumps(newest).encode())
    for entry in world.versions_of(world.data(bucket, "k001"))[1:]:
        world.drop(world.data(bucket, "k001"), entry["VersionId"])
    assert world.verify("--read-data")["sources"][0]["points"] == 1
    world.overwrite(world.data(bucket, "k009"))
    world.found("foreign-version", "k009")


def test_a_vault_with_a_prefix_is_looked_at_below_it(sim):
    bucket = sim.bucket()
    config = sim.config(vault={"prefix": "deep/down/"})
    sim.fill(bucket, 5)
    sim.put(bucket, LONG)
    sim.run(config=config)
    assert sim.verify("--read-data", config=config)["checked"] == 6
    sim.overwrite("deep/down/" + sim.data(bucket, "k001"))
    sim.drop("deep/down/" + sim.data(bucket, "k002"))
    sim.overwrite(sim.data(bucket, "k003"))  # none of this vault
    sim.verify(exit=2, config=config, foreign_version=1, version_missing=1)


def test_many_objects_take_little_memory(sim, build_dir):
    """More lines than are sorted in memory."""
    sanitized = is_sanitized(build_dir / "vaultferry")  # is slow, and its memory says nothing
    count = 2000 if sanitized else 22000
    bucket = sim.bucket("many", count=count, shape="long-prefix", size=[0, 400])
    sim.run()
    child = sim.start("verify")
    memory = 0
    while child.poll() is None:
        with contextlib.suppress(OSError):
            status = pathlib.Path(f"/proc/{child.pid}/status").read_text()
            memory = max([memory, *(int(line.split()[1]) for line in status.splitlines() if "VmHWM" in line)])
        time.sleep(0.01)
    document = sim.finish(child).json
    assert document["exit"] == 0 and document["checked"] == count
    assert document["sources"][1]["source"] == bucket
    assert sanitized or 0 < memory < 64 * 1024


def test_what_else_lies_under_points_is_no_problem(world):
    bucket = world.history()
    folder = world.file(bucket, 1).rsplit("/", 1)[0]
    world.overwrite(f"{folder}/drill-20261121T030000Z.json", b"{}")
    world.verify()
    world.overwrite(f"{folder}/notes.txt")
    assert notes(world.verify())["foreign-file"] == 1
    world.overwrite(world.file(bucket, 0), world.vault.read(world.file(bucket, 0)))  # the same content once more
    world.verify()
    world.overwrite(f"{folder}/drill-20261121T030000Z.json", b"[]")
    world.found("record-rewritten", f"{folder}/drill-20261121T030000Z.json")
