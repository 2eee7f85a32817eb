"""Copies come to lie in colder classes: moved by the agent, or by the service, which the sweep learns. Judged by boto3:
what a listing and HEAD say, what lies under every version, and what comes back."""
import http.client
import http.server
import os
import random
import shutil
import subprocess
import threading
import time
import urllib.parse

import pytest
import world as world_module
from test_restore import HOUR, LONG, Back
from test_policy import Least
from test_run_multipart import compose, upload
from world import GIB, listing, pages

DAY = 24 * HOUR
MOTO_KEYS = ("vaultkeyvaultkey", "secretsecretsecret")
GRANTED = ("s3:RestoreObject", "s3:GetObjectVersionTagging")
# the ages of an example policy, and what lies where by then
TIERS = [{"after_days": 30, "class": "STANDARD_IA"}, {"after_days": 90, "class": "GLACIER"},
    {"after_days": 365, "class": "DEEP_ARCHIVE"}]
AGES = {0: "STANDARD", 10: "STANDARD", 29: "STANDARD", 31: "STANDARD_IA", 60: "STANDARD_IA", 89: "STANDARD_IA",
    91: "GLACIER", 200: "GLACIER", 366: "DEEP_ARCHIVE", 1000: "DEEP_ARCHIVE"}
BODY = b"0123456789abcdef" * 1024
RICH = {"ContentType": "text/x", "ContentEncoding": "gzip", "CacheControl": "no-cache", "Metadata": {"who": "me"},
    "Tagging": "team=a&kept=yes"}


class Moving(Back, Least):
    """A source whose objects have ages, and a policy whose agent moves."""

    def __init__(self, server, vaultferry, build_dir):
        super().__init__(server, vaultferry)
        self.ahead = 0  # where s3sim's clock is put back to
        self.tool = build_dir / "tools" / "agent_manifest"

    def tiers(self, tiers=TIERS, transitions="agent", policy=None, **top):
        return self.config(policy={"tiers": tiers, "transitions": transitions, "min_size": 0,
            "delete_after_days": 2555} | (policy or {}), **top)

    def aged(self, bucket, key, days, body=BODY, **arguments):
        self.clock(-days * DAY)
        self.put(bucket, key, body, **arguments)
        self.clock(0)

    def warm(self, ages=AGES, **arguments):
        """A bucket with an object of each age, copied when no policy had tiers."""
        bucket = self.bucket()
        for days in ages:
            self.aged(bucket, f"age/{days:04d}", days, f"{days} days".encode() * 1000, **arguments)
        report = self.run()
        assert report["copied"] == len(ages) and set(report["by_class"]) == {"STANDARD"}
        return bucket

    def manifest(self, bucket):
        """{key: (class, version)} of the manifest."""
        result = subprocess.run([self.tool, self.vaultferry.state / bucket, "list"], check=True, capture_output=True)
        return {key: (class_, version) for class_, version, key in (line.split(" ", 2)
            for line in result.stdout.decode().splitlines())}

    def classes(self, bucket):
        """{key: class}: listing, HEAD and manifest have to agree."""
        live, known = self.vault.live(bucket), self.manifest(bucket)
        found = {}
        for key, entry in live.items():
            head = self.owner.head_object(Bucket=self.vault_bucket, Key=entry["Key"], VersionId=entry["VersionId"])
            found[key] = entry["StorageClass"]
            assert (head.get("StorageClass", "STANDARD"), entry["VersionId"]) == known[key], key
            assert known[key][0] == found[key], key
        assert sorted(live) == sorted(known)
        return found

    def path(self, bucket, key):
        return f"data/{bucket}/{key}"

    def head(self, path, **arguments):
        return self.owner.head_object(Bucket=self.vault_bucket, Key=path, **arguments)

    def comes_back(self, bucket, seen, *arguments):
        """A restore brings exactly what was seen; thaws, where that takes time, are waited for by the clock."""
        for key in list(self.seen(self.back)):
            self.source.delete_object(Bucket=self.back, Key=key)
        words = ("restore", "--source", bucket, "--to", f"s3://{self.back}/", "--no-wait", *arguments)
        result = self.cli("--json", *words)
        if result.returncode == 6 and self.simulated:
            assert result.json["thawing"] > 0
            self.clock(80 * HOUR)
            result = self.cli("--json", *words)
            self.clock(self.ahead)
        assert result.returncode == 0, result
        assert self.seen(self.back) == seen


def make(server, vaultferry, build_dir, monkeypatch):
    monkeypatch.setattr(world_module, "VAULT_ACTIONS", (*world_module.VAULT_ACTIONS, *GRANTED))
    return Moving(server, vaultferry, build_dir)


@pytest.fixture
def world(server, vaultferry, build_dir, monkeypatch):
    yield make(server, vaultferry, build_dir, monkeypatch)
    if server.name == "s3sim":
        server.control("POST", "/_s3sim/reset")


@pytest.fixture
def sim(s3sim, vaultferry, build_dir, monkeypatch):
    yield make(s3sim, vaultferry, build_dir, monkeypatch)
    s3sim.control("POST", "/_s3sim/reset")


@pytest.fixture
def origin(sim):
    """A synthetic object of 6 GiB, in a bucket that is not backed up."""
    bucket = sim.bucket("origin", count=1, size=6 * GIB)
    sim.buckets.remove(bucket)
    return f"{bucket}/{next(iter(listing(sim.source, bucket)))}"


def numbers(report):
    return {name: report[name] for name in ("moved", "thawing", "move_failed", "reclassed", "failed") if report[name]}


@pytest.mark.tsan
def test_ten_ages_go_through_four_classes_and_come_back_at_each_point(sim):
    bucket = sim.warm(Metadata={"m": "1"}, Tagging="a=b")
    first = sim.vault.check(bucket)[-1].id
    seen = sim.seen(bucket)
    report = sim.run(config=sim.tiers())
    assert numbers(report) == {"moved": 7} and report["state"] == "complete" and report["exit"] == 0
    assert sim.classes(bucket) == {f"age/{days:04d}": name for days, name in AGES.items()}
    points = sim.vault.check(bucket)
    moved = {key: line for key, line in points[-1].view.items() if line["did"] == "moved"}
    assert len(moved) == 7 and {line["from"] for line in moved.values()} == {"STANDARD"}
    assert all(line["by"] == "etag" for line in moved.values())
    assert points[-1]["did"]["moved"] == 7 and points[-1]["did"]["failed"] == 0
    assert numbers(sim.run(config=sim.tiers())) == {}
    sim.comes_back(bucket, seen)
    sim.comes_back(bucket, seen, "--at", first)
    assert sim.do("verify", "--source", bucket, config=sim.tiers())["problems"] == []


def test_what_belongs_to_a_copy_moves_with_it_and_its_old_version_stays(sim):
    bucket = sim.bucket()
    sim.source.put_bucket_website(Bucket=bucket, WebsiteConfiguration={"IndexDocument": {"Suffix": "index.html"}})
    for key, more in (("rich", RICH), (LONG, {"Metadata": {"long": "1"}}), ("old page", RICH | {
            "WebsiteRedirectLocation": "/there"}), ("empty", {"Body": b""})):
        sim.aged(bucket, key, 40, **({"body": more.pop("Body")} if "Body" in more else {}), **more)
    before = {key: line["vault"] for key, line in (sim.run(), sim.vault.check(bucket)[-1].view)[1].items()}
    seen = sim.seen(bucket)
    assert numbers(sim.run(config=sim.tiers())) == {"moved": 4}
    assert set(sim.classes(bucket).values()) == {"STANDARD_IA"}
    sim.assert_same(bucket)
    view = sim.vault.check(bucket)[-1].view
    for key, version in before.items():
        assert view[key]["vault"] != version and sim.vault.live(bucket)[key]["VersionId"] == view[key]["vault"]
    assert set(sim.vault.copies(bucket).values()) == {2} and sim.vault.markers(bucket) == []
    source = sim.requests("CopyObject", sim.vault_bucket)[-4:]
    assert all("versionId=" in one["headers"]["x-amz-copy-source"] and one["headers"]["if-match"] for one in source)
    sim.comes_back(bucket, seen)


def test_objects_that_change_or_go_at_the_source_are_not_moved_as_they_were(sim):
    bucket = sim.bucket()
    for key in ("kept", "changed", "gone"):
        sim.aged(bucket, key, 400)
    sim.run()
    sim.later()
    sim.put(bucket, "changed", b"anew")
    sim.source.delete_object(Bucket=bucket, Key="gone")
    report = sim.run(config=sim.tiers())
    assert numbers(report) == {"moved": 1} and (report["recopied"], report["deleted"]) == (1, 1)
    assert sim.classes(bucket) == {"kept": "DEEP_ARCHIVE", "changed": "STANDARD"}
    assert sim.vault.copies(bucket) == {sim.path(bucket, "kept"): 2, sim.path(bucket, "changed"): 2,
        sim.path(bucket, "gone"): 1}


def test_copies_that_strangers_wrote_over_or_hid_are_left_and_named(sim):
    bucket = sim.bucket()
    for key in ("fine", "hidden", "longer", "removed", "same size", "twin"):
        sim.aged(bucket, key, 40)
    sim.run()
    old = {key: entry["VersionId"] for key, entry in sim.vault.live(bucket).items()}
    put = sim.owner.put_object
    put(Bucket=sim.vault_bucket, Key=sim.path(bucket, "longer"), Body=b"x" * 50000)
    put(Bucket=sim.vault_bucket, Key=sim.path(bucket, "same size"), Body=b"x" * len(BODY))
    put(Bucket=sim.vault_bucket, Key=sim.path(bucket, "twin"), Body=BODY, Metadata={"other": "1"})
    put(Bucket=sim.vault_bucket, Key=sim.path(bucket, "removed"), Body=BODY)
    sim.owner.delete_object(Bucket=sim.vault_bucket, Key=sim.path(bucket, "removed"), VersionId=old["removed"])
    sim.owner.delete_object(Bucket=sim.vault_bucket, Key=sim.path(bucket, "hidden"))
    report = sim.run(exit=2, config=sim.tiers())
    assert numbers(report) == {"moved": 1, "move_failed": 5} and report["state"] == "complete"
    assert {one["key"]: one["code"] for one in report["failures"]} == {"hidden": "NotThere", "removed": "NotThere",
        "longer": "Overwritten", "same size": "Overwritten", "twin": "Overwritten"}
    point = sim.vault.points(bucket)[-1]
    assert point["state"] == "complete" and point["missing"] == {"count": 0, "list": []}
    assert set(sim.vault.copies(bucket).values()) == {1, 2}  # of the strangers' none was copied
    assert point.view["fine"]["class"] == "STANDARD_IA"
    assert all(point.view[key]["vault"] == old[key] for key in old if key != "fine")
    problems = {one["key"]: one["problem"] for one in sim.do("verify", "--source", bucket, exit=2)["problems"]}
    assert set(problems) == {"hidden", "removed", "longer", "same size"}  # the twin's bytes are the same
    # copied again they are ours, and lie where their age says
    sim.do("resync", "--recopy", "--source", bucket, config=sim.tiers())
    assert set(sim.classes(bucket).values()) == {"STANDARD_IA"}


def test_overwritten_between_the_look_and_the_copy_is_left(sim):
    bucket = sim.bucket()
    sim.aged(bucket, "k", 40)
    sim.run()
    sim.latency(1500, "CopyObject")
    child = sim.start("run", config=sim.tiers())
    sim.wait_for(lambda: sim.requests("HeadObject", sim.vault_bucket))
    sim.owner.put_object(Bucket=sim.vault_bucket, Key=sim.path(bucket, "k"), Body=b"a stranger's")
    result = sim.finish(child)
    sim.latency(0)
    assert result.returncode == 2, result
    assert numbers(result.json["sources"][0]) == {"move_failed": 1}
    assert sim.vault.read(sim.path(bucket, "k")) == b"a stranger's"


def test_killed_before_it_was_recorded_a_move_is_found_and_not_made_again(sim):
    bucket = sim.warm({40 + i: "STANDARD_IA" for i in range(8)})
    sim.faults({"operation": "CopyObject", "key_prefix": f"data/{bucket}/", "skip": 3, "action": "stall", "ms": 5000,
        "count": 0})
    config = sim.tiers() | {"limits": {"workers": 1}}
    child = sim.start("run", config=config)
    sim.wait_for(lambda: len(sim.requests("CopyObject", sim.vault_bucket)) >= 8 + 3)
    child.kill()
    child.wait()
    sim.heal()
    made = sum(sim.vault.copies(bucket).values()) - 8
    assert 3 <= made < 8
    # and once more, in another state folder
    for state in (sim.vaultferry.state, None):
        if state is None:
            shutil.rmtree(sim.vaultferry.state)
        report = sim.run(config=config)
        assert numbers(report) == ({"moved": 8} if state else {})
        assert set(sim.vault.copies(bucket).values()) == {2}
    assert set(sim.classes(bucket).values()) == {"STANDARD_IA"}
    sim.vault.check(bucket)
    assert sim.do("verify", "--source", bucket, config=config)["problems"] == []


@pytest.mark.parametrize("how", ["plain", "kms", "parts"])
def test_what_a_killed_run_left_is_told_from_what_a_stranger_wrote(sim, how):
    """Also where the ETag of each copy is another one: under a KMS key, and where parts became one."""
    vault = {"encryption": {"kms_key_id": f"arn:aws:kms:us-east-1:{sim.server.vault_account}:key/k"}}
    words = {"vault": vault} if how == "kms" else {"policy": {"parts": "faithful"}} if how == "parts" else {}
    sim.limits(min_part_size=1024)
    bucket = sim.bucket()
    sim.clock(-40 * DAY)
    for key in ("ours", "theirs"):
        upload(sim, bucket, key, 3, Metadata={"m": "1"}) if how == "parts" else sim.put(bucket, key, BODY,
            Metadata={"m": "1"})
    sim.clock(0)
    sim.run(config=sim.config(**words))
    for key, more in (("ours", {}), ("theirs", {"MetadataDirective": "REPLACE", "Metadata": {"m": "2"}})):
        entry = sim.vault.live(bucket)[key]
        source = {"Bucket": sim.vault_bucket, "Key": entry["Key"], "VersionId": entry["VersionId"]}
        sim.owner.copy_object(Bucket=sim.vault_bucket, Key=entry["Key"], CopySource=source, StorageClass="STANDARD_IA",
            **more, **({"ServerSideEncryption": "aws:kms"} if how == "kms" else {}))
    report = sim.run(exit=2, config=sim.tiers(**({"vault": vault} if how == "kms" else {})))
    assert numbers(report) == {"moved": 1, "move_failed": 1}
    assert [(one["key"], one["code"]) for one in report["failures"]] == [("theirs", "Overwritten")]
    assert set(sim.vault.copies(bucket).values()) == {2}
    known = sim.manifest(bucket)
    assert (known["ours"][0], known["theirs"][0]) == ("STANDARD_IA", "STANDARD")


def test_answers_that_are_lost_make_no_move_twice(sim):
    bucket = sim.warm({40 + i: "STANDARD_IA" for i in range(6)})
    sim.faults({"operation": "CopyObject", "key_prefix": f"data/{bucket}/", "probability": 0.5, "seed": 3,
        "action": "error", "status": 500, "code": "InternalError", "perform": True})
    sim.cli("--json", "run", config=sim.tiers())
    sim.heal()
    sim.run(config=sim.tiers())
    assert set(sim.classes(bucket).values()) == {"STANDARD_IA"}
    assert sim.do("verify", "--source", bucket, config=sim.tiers())["problems"] == []
    assert numbers(sim.run(config=sim.tiers())) == {}


def test_limits_cut_moves_and_later_runs_go_on(sim):
    bucket = sim.warm({40 + i: "STANDARD_IA" for i in range(10)})
    config = sim.tiers() | {"limits": {"workers": 2}}
    size = len(b"40 days") * 1000
    report = sim.run("--max-bytes", 3 * size, exit=6, config=config)
    assert report["state"] == "complete" and 3 <= report["moved"] <= 4
    moved = report["moved"]
    for most in range(20, 60, 3):  # until what is left over for moves suffices for one
        report = sim.run("--max-requests", most, exit=6, config=config)
        if report["moved"]:
            break
    assert report["state"] == "complete" and 0 < report["moved"] < 10 - moved
    moved += report["moved"]
    assert numbers(sim.run(config=config)) == {"moved": 10 - moved}
    assert set(sim.vault.copies(bucket).values()) == {2}


def test_new_objects_are_copied_before_old_ones_are_moved(sim):
    bucket = sim.warm({40 + i: "STANDARD_IA" for i in range(10)})
    sim.fill(bucket, 10, "zz")
    sim.forget_counts()
    report = sim.run(config=sim.tiers())
    assert (report["copied"], report["moved"]) == (10, 10)
    targets = [one["target"] for one in sim.requests("CopyObject", sim.vault_bucket)][-20:]
    assert all("/zz" in target for target in targets[:10]) and all("/age/" in target for target in targets[10:])


def test_a_role_that_may_not_move_is_told_and_not_tried_a_million_times(sim):
    bucket = sim.bucket("many", count=400, shape="flat-number", age_days=[40, 50])
    assert sim.run()["copied"] == 400
    sim.faults({"operation": "CopyObject", "action": "error", "status": 403, "code": "AccessDenied"})
    report = sim.run(exit=2, config=sim.tiers())
    assert report["state"] == "complete" and report["failed"] == report["moved"] == 0
    assert 100 <= report["move_failed"] < 120 and len(report["warnings"]) == 1 and "denied" in report["warnings"][0]
    assert "AccessDenied" in report["failures"][0]["message"] and "STANDARD_IA" in report["failures"][0]["message"]
    assert sim.vault.points(bucket)[-1]["missing"]["count"] == 0
    sim.heal()
    assert set(sim.vault.copies(bucket).values()) == {1}
    assert numbers(sim.run(config=sim.tiers())) == {"moved": 400}


def test_more_than_fits_into_memory_is_moved_in_the_order_of_the_manifest(sim):
    """4 MiB of keys are kept while the bucket is listed; here are more."""
    bucket = sim.bucket("many", count=7600, shape="long-prefix", age_days=[40, 50])
    assert sim.run()["copied"] == 7600
    report = sim.run("--max-requests", 300, exit=6, config=sim.tiers())
    assert report["state"] == "complete" and report["moved"] > 50
    moved = [key for key, (class_, _) in sorted(sim.manifest(bucket).items()) if class_ == "STANDARD_IA"]
    assert len(moved) == report["moved"]
    first = sorted(sim.manifest(bucket))[:len(moved) + 10]
    assert set(moved) <= set(first)  # with eight workers, nearly the first ones


def test_nothing_is_moved_while_the_guard_stands(sim):
    bucket = sim.warm({40 + i: "STANDARD_IA" for i in range(30)})
    for i in range(20):
        sim.source.delete_object(Bucket=bucket, Key=f"age/{40 + i:04d}")
    report = sim.run(exit=3, config=sim.tiers(policy={"guard": {"changed": "30%", "deleted": "10%"}}))
    assert report["state"] == "guarded" and report["moved"] == 0
    assert set(sim.vault.copies(bucket).values()) == {1}


def test_small_objects_stay_where_auto_says_that_they_cost_less(sim):
    bucket = sim.bucket()
    for key, size in (("small", 1000), ("large", 1 << 20)):
        sim.aged(bucket, key, 400, bytes(size))
    sim.run()
    config = sim.tiers(policy={"min_size": "auto"})
    assert numbers(sim.run(config=config)) == {"moved": 1}
    assert sim.classes(bucket) == {"small": "STANDARD", "large": "DEEP_ARCHIVE"}
    sim.forget_counts()
    assert numbers(sim.run(config=config)) == {} and sim.counts()["HeadObject"] == 0


def test_rules_of_the_service_or_a_lock_leave_nothing_to_the_agent(sim):
    bucket = sim.warm({400: "DEEP_ARCHIVE"})
    assert numbers(sim.run(config=sim.tiers(transitions="lifecycle"))) == {}
    assert set(sim.vault.copies(bucket).values()) == {1}
    result = sim.cli("config", "check", config=sim.tiers(vault={"lock": {"days": 35}}))
    assert result.returncode == 1 and "agent" in result.stderr


def test_plan_says_what_would_be_moved_and_moves_nothing(sim):
    bucket = sim.warm()
    plan = sim.do("plan", "--list", config=sim.tiers())["sources"][0]
    assert (plan["would_move"], plan["would_copy"], plan["would_recopy"], plan["unchanged"]) == (7, 0, 0, 10)
    assert {one["key"]: one["class"] for one in plan["actions"]} == {f"age/{days:04d}": name
        for days, name in AGES.items() if name != "STANDARD"}
    assert {one["action"] for one in plan["actions"]} == {"move"}
    after = {name: list(AGES.values()).count(name) for name in set(AGES.values())}
    assert {name: one["objects"] for name, one in plan["by_class_after"].items()} == after
    assert set(sim.vault.copies(bucket).values()) == {1}
    report = sim.run(config=sim.tiers())
    assert report["moved"] == 7 and {name: one["objects"] for name, one in report["by_class"].items()} == after
    assert sim.do("plan", config=sim.tiers())["sources"][0]["would_move"] == 0


def test_points_before_and_after_a_move_hold_the_same_objects(sim):
    bucket = sim.warm({40: "STANDARD_IA", 400: "DEEP_ARCHIVE"}, **RICH)
    before = sim.vault.check(bucket)[-1].id
    sim.pause()
    after = sim.run(config=sim.tiers())["point"]
    listed = {at: {one["key"]: (one["size"], one["etag"], one["class"]) for one in sim.do("ls", "--source", bucket,
        "--at", at)["objects"]} for at in (before, after)}
    assert {key: one[:2] for key, one in listed[before].items()} == {key: one[:2] for key, one in listed[after].items()}
    assert {one[2] for one in listed[before].values()} == {"STANDARD"}
    assert {one[2] for one in listed[after].values()} == {"STANDARD_IA", "DEEP_ARCHIVE"}
    changes = sim.do("diff", "--source", bucket, before, after)
    assert changes["added"] == changes["changed"] == changes["removed"] == []
    # without points, the versions alone tell the same; without a manifest, the points do
    assert len(sim.do("ls", "--source", bucket, "--from-versions")["objects"]) == 2
    known = sim.manifest(bucket)
    shutil.rmtree(sim.vaultferry.state)
    assert numbers(sim.run(config=sim.tiers())) == {} and sim.manifest(bucket) == known
    sim.vault.remove(f"points/{bucket}/")
    shutil.rmtree(sim.vaultferry.state)
    assert numbers(sim.run(config=sim.tiers())) == {} and sim.manifest(bucket) == known
    assert set(sim.vault.copies(bucket).values()) == {2}


# archive classes


def test_glacier_is_thawed_first_and_moved_by_a_later_run(sim):
    bucket = sim.bucket()
    for key in ("a", "b"):
        sim.aged(bucket, key, 200, Metadata={"m": key}, Tagging="t=1")
    config = sim.tiers()
    sim.run(config=config)
    seen = sim.seen(bucket)
    assert set(sim.classes(bucket).values()) == {"GLACIER"}
    deeper = sim.tiers([{"after_days": 30, "class": "STANDARD_IA"}, {"after_days": 90, "class": "DEEP_ARCHIVE"}])
    report = sim.run(config=deeper)
    assert numbers(report) == {"thawing": 2} and report["state"] == "complete"
    assert len(sim.requests("RestoreObject")) == 2
    shutil.rmtree(sim.vaultferry.state)  # what is under way is asked of the service
    assert numbers(sim.run(config=deeper)) == {"thawing": 2} and len(sim.requests("RestoreObject")) == 2
    assert sim.head(sim.path(bucket, "a"))["Restore"] == 'ongoing-request="true"'
    sim.clock(13 * HOUR)
    assert numbers(sim.run(config=deeper)) == {"moved": 2} and len(sim.requests("RestoreObject")) == 2
    assert set(sim.classes(bucket).values()) == {"DEEP_ARCHIVE"}
    assert sim.head(sim.path(bucket, "b"))["Metadata"] == {"m": "b"}
    lines = sim.vault.check(bucket)[-1].view
    assert {line["from"] for line in lines.values()} == {"GLACIER"}
    # never upwards
    assert numbers(sim.run(config=sim.tiers(TIERS[:1]))) == {}
    sim.ahead = 13 * HOUR
    sim.comes_back(bucket, seen)


def test_a_refused_thaw_is_named(sim):
    bucket = sim.bucket()
    sim.aged(bucket, "k", 200)
    sim.run(config=sim.tiers())
    sim.faults({"operation": "RestoreObject", "action": "error", "status": 403, "code": "AccessDenied"})
    report = sim.run(exit=2, config=sim.tiers([{"after_days": 90, "class": "DEEP_ARCHIVE"}]))
    assert numbers(report) == {"move_failed": 1} and "s3:RestoreObject" in report["failures"][0]["message"]


def rules(bucket, tiers=TIERS):
    """Lifecycle rules that do what the tiers say, for all versions."""
    moves = [{"Days": one["after_days"], "StorageClass": one["class"]} for one in tiers]
    before = [{"NoncurrentDays": one["Days"], "StorageClass": one["StorageClass"]} for one in moves]
    return {"Rules": [{"ID": f"vaultferry-{n}", "Status": "Enabled", "Filter": {"Prefix": f"{folder}/"}, "Transitions":
        moves, "NoncurrentVersionTransitions": before} for n, folder in enumerate(("data", "data-long"))]}


def test_auto_is_the_agents_where_the_vault_has_no_rules(sim):
    bucket = sim.warm({40: "STANDARD_IA"})
    config = sim.tiers(transitions="auto")
    sim.owner.put_bucket_lifecycle_configuration(Bucket=sim.vault_bucket, LifecycleConfiguration=rules(bucket))
    assert numbers(sim.run(config=config)) == {}
    sim.owner.put_bucket_lifecycle_configuration(Bucket=sim.vault_bucket,
        LifecycleConfiguration=rules(bucket, TIERS[:1]))
    assert numbers(sim.run(config=config)) == {}  # others than the policy asks for: told, and left alone
    sim.faults({"operation": "GetBucketLifecycleConfiguration", "bucket": sim.vault_bucket, "action": "error",
        "status": 403, "code": "AccessDenied"})
    assert numbers(sim.run(config=config)) == {} and sim.fired() == [1]
    sim.heal()
    sim.owner.delete_bucket_lifecycle(Bucket=sim.vault_bucket)
    assert numbers(sim.run(config=config)) == {"moved": 1}
    # tiers that no rules can do
    soon = [{"after_days": 1, "class": "STANDARD_IA"}, {"after_days": 3, "class": "DEEP_ARCHIVE"}]
    sim.owner.put_bucket_lifecycle_configuration(Bucket=sim.vault_bucket,
        LifecycleConfiguration={"Rules": [{"ID": "other", "Status": "Enabled", "Filter": {"Prefix": "lease/"},
            "Expiration": {"Days": 200}}]})
    assert numbers(sim.run(config=sim.tiers(soon, transitions="auto"))) == {"moved": 1}
    assert sim.classes(bucket) == {"age/0040": "DEEP_ARCHIVE"}


def test_sweep_learns_what_rules_have_moved(sim):
    bucket = sim.warm(Metadata={"m": "1"})
    config = sim.tiers(transitions="lifecycle")
    sim.owner.put_bucket_lifecycle_configuration(Bucket=sim.vault_bucket, LifecycleConfiguration=rules(bucket))
    moved = {f"age/{days:04d}": name for days, name in AGES.items()}
    for key, name in moved.items():
        sim.server.control("POST", "/_s3sim/class", {"bucket": sim.vault_bucket, "key": sim.path(bucket, key),
            "class": name})
    # a stranger's version says nothing of the recorded one
    sim.later()
    sim.owner.put_object(Bucket=sim.vault_bucket, Key=sim.path(bucket, "age/0000"), Body=b"0 days" * 1000,
        StorageClass="GLACIER")
    before = sim.vault.files(bucket)
    sim.forget_counts()
    report = sim.run(config=config)
    assert numbers(report) == {"reclassed": 7} and report["unchanged"] == 10 and sim.counts()["CopyObject"] == 0
    known = sim.manifest(bucket)
    assert {key: name for key, (name, _) in known.items()} == moved
    expected = {name: list(AGES.values()).count(name) for name in set(AGES.values())}
    assert {name: one["objects"] for name, one in report["by_class"].items()} == expected
    status = sim.do("status", config=config)["sources"][0]
    assert {name: one["objects"] for name, one in status["by_class"].items()} == expected
    assert not any("changes-" in path for path in set(sim.vault.files(bucket)) - set(before))  # no line tells of it
    assert numbers(sim.run(config=config)) == {}


def test_sweep_sees_all_in_thirty_runs_and_costs_a_request(sim):
    bucket = sim.bucket("many", count=2500, shape="flat-number")
    assert sim.run()["copied"] == 2500
    config = sim.tiers(transitions="lifecycle")
    paths = sorted(entry["Key"] for entry in sim.vault.live(bucket).values())
    for path in (paths[5], paths[1500], paths[2499]):
        sim.server.control("POST", "/_s3sim/class", {"bucket": sim.vault_bucket, "key": path, "class": "STANDARD_IA"})
    swept = lambda: len([one for one in sim.requests("ListObjectsV2", sim.vault_bucket)
        if "prefix=data" in one["target"]])
    sim.forget_counts()
    for times, found in enumerate((1, 1, 1, 0), 1):
        assert numbers(sim.run(config=config)) == ({"reclassed": 1} if found else {})
        assert swept() == times
    assert sim.counts()["CopyObject"] == sim.counts()["HeadObject"] == 0
    sim.run()  # a policy without tiers has nothing to learn
    assert swept() == 4


def test_a_sweep_that_is_denied_is_told_and_the_run_goes_on(sim):
    bucket = sim.warm({40: "STANDARD_IA"})
    sim.faults({"operation": "ListObjectsV2", "bucket": sim.vault_bucket, "action": "error", "status": 403,
        "code": "AccessDenied"})
    result = sim.cli("--json", "run", config=sim.tiers(transitions="lifecycle"))
    assert result.json["sources"][0]["state"] in ("complete", "skipped"), result
    sim.heal()
    assert sim.run(config=sim.tiers(transitions="lifecycle"))["state"] == "complete"
    assert set(sim.vault.copies(bucket).values()) == {1}


# by parts


@pytest.mark.parametrize("sizes", [[GIB * 3 // 2] * 4, [GIB, 3 * GIB, 2 * GIB]], ids=["even", "uneven"])
def test_six_gib_move_by_their_own_parts_and_keep_the_etag(sim, origin, sizes):
    bucket = sim.bucket()
    sim.clock(-40 * DAY)
    compose(sim, bucket, "large", origin, sizes, ContentType="video/mp4", Metadata={"m": "1"}, Tagging="a=b&c=d")
    sim.clock(0)
    sim.run()
    before = sim.head(sim.path(bucket, "large"))
    sim.forget_counts()
    assert numbers(sim.run(config=sim.tiers())) == {"moved": 1}
    assert sim.counts()["UploadPartCopy"] == len(sizes) and sim.counts()["CopyObject"] == 0
    assert sim.classes(bucket) == {"large": "STANDARD_IA"}
    head = sim.head(sim.path(bucket, "large"))
    for name in ("ETag", "ContentLength", "ContentType", "Metadata"):
        assert head[name] == before[name], name
    tags = sim.owner.get_object_tagging(Bucket=sim.vault_bucket, Key=sim.path(bucket, "large"))["TagSet"]
    assert {tag["Key"]: tag["Value"] for tag in tags} == {"a": "b", "c": "d"}
    assert sim.vault.check(bucket)[-1].view["large"]["by"] == "etag"
    assert sim.do("verify", "--source", bucket)["problems"] == []


def test_a_move_by_parts_goes_on_after_a_kill(sim, origin):
    bucket = sim.bucket()
    sim.clock(-40 * DAY)
    compose(sim, bucket, "large", origin, [GIB] * 6, Metadata={"m": "1"})
    sim.clock(0)
    sim.run()
    config = sim.tiers() | {"limits": {"workers": 2}}
    sim.faults({"operation": "UploadPartCopy", "skip": 3, "action": "stall", "ms": 8000})
    sim.forget_counts()
    child = sim.start("run", config=config)
    sim.wait_for(lambda: sim.counts()["UploadPartCopy"] >= 3)
    time.sleep(1.5)  # what was noted is committed
    child.kill()
    child.wait()
    sim.heal()
    sim.forget_counts()
    assert numbers(sim.run(config=config)) == {"moved": 1}
    assert sim.counts()["CreateMultipartUpload"] == 0 and sim.counts()["UploadPartCopy"] <= 4
    assert sim.classes(bucket) == {"large": "STANDARD_IA"} and sim.vault.copies(bucket) == {
        sim.path(bucket, "large"): 2}
    assert sim.owner.list_multipart_uploads(Bucket=sim.vault_bucket).get("Uploads", []) == []


def test_a_copy_of_many_parts_stays_faithful_where_the_policy_says_so(sim):
    sim.limits(min_part_size=1024)
    bucket = sim.bucket()
    sim.clock(-40 * DAY)
    upload(sim, bucket, "parts", 3)
    sim.clock(0)
    faithful = {"parts": "faithful"}
    sim.run(config=sim.config(policy=faithful))
    etag = sim.head(sim.path(bucket, "parts"))["ETag"]
    assert numbers(sim.run(config=sim.tiers(policy=faithful))) == {"moved": 1}
    head = sim.head(sim.path(bucket, "parts"))
    assert head["ETag"] == etag and head["StorageClass"] == "STANDARD_IA"
    # else it becomes one part, and its size is what is compared
    deep = [{"after_days": 30, "class": "GLACIER_IR"}]
    assert numbers(sim.run(config=sim.tiers(deep))) == {"moved": 1}
    assert sim.vault.check(bucket)[-1].view["parts"]["by"] == "size"
    assert sim.do("verify", "--source", bucket, "--read-data")["problems"] == []


# other judges


def test_copies_go_through_all_classes_one_after_the_other(world):
    """By ages of 0 days, as nobody can set RGW's clock: each run finds the next class in its policy."""
    bucket = world.bucket()
    for key, more in (("plain", {}), ("rich", RICH), ("a b/ü", {})):
        world.put(bucket, key, BODY, **more)
    world.grant_documents(bucket, config=world.tiers())  # and no right more
    points = {"STANDARD": world.run()["point"]}
    seen = world.seen(bucket)
    for name in ("STANDARD_IA", "GLACIER", "DEEP_ARCHIVE"):
        world.pause()
        report = world.run(config=world.tiers([{"after_days": 0, "class": name}]))
        if report["thawing"]:  # not on RGW, which thaws nothing and reads all
            world.ahead = 13 * HOUR
            world.clock(world.ahead)
            report = world.run(config=world.tiers([{"after_days": 0, "class": name}]))
        assert numbers(report) == {"moved": 3}
        points[name] = report["point"]
        assert set(world.classes(bucket).values()) == {name}
    view = world.vault.check(bucket)[-1].view
    assert {(line["from"], line["class"]) for line in view.values()} == {("GLACIER", "DEEP_ARCHIVE")}
    assert set(world.vault.copies(bucket).values()) == {4}
    for point in points.values():
        world.comes_back(bucket, seen, "--at", point)
    assert world.do("verify", "--source", bucket)["problems"] == []
    shutil.rmtree(world.vaultferry.state)
    assert numbers(world.run(config=world.tiers([{"after_days": 0, "class": "DEEP_ARCHIVE"}]))) == {}
    assert set(world.classes(bucket).values()) == {"DEEP_ARCHIVE"}


@pytest.mark.rgw
def test_sweep_learns_what_a_real_servers_rules_have_moved(rgw, vaultferry, build_dir, monkeypatch):
    """A day of RGW's lifecycle is 2 s here."""
    world = make(rgw, vaultferry, build_dir, monkeypatch)
    for other in world.owner.list_buckets()["Buckets"]:  # the rules of other tests would take their share of the pass
        world.owner.delete_bucket_lifecycle(Bucket=other["Name"])
    bucket = world.bucket()
    world.fill(bucket, 3)
    world.run()
    rule = {"ID": "soon", "Status": "Enabled", "Filter": {"Prefix": f"data/{bucket}/"},
        "Transitions": [{"Days": 1, "StorageClass": "GLACIER"}]}
    world.owner.put_bucket_lifecycle_configuration(Bucket=world.vault_bucket, LifecycleConfiguration={"Rules": [rule]})
    world.wait_for(lambda: {one["StorageClass"] for one in world.vault.live(bucket).values()} == {"GLACIER"}, 240)
    world.owner.delete_bucket_lifecycle(Bucket=world.vault_bucket)
    assert {class_ for class_, _ in world.manifest(bucket).values()} == {"STANDARD"}
    report = world.run(config=world.tiers(transitions="lifecycle"))
    assert numbers(report) == {"reclassed": 3} and set(report["by_class"]) == {"GLACIER"}
    assert set(world.classes(bucket).values()) == {"GLACIER"}
    world.comes_back(bucket, world.seen(bucket))


class Relay(http.server.BaseHTTPRequestHandler):
    """moto, but for a key marker, which it takes for a key that is there: it is given the last one before it."""
    protocol_version = "HTTP/1.1"
    there = client = None

    def marked(self):
        """The path with a key marker of a key that exists, or none."""
        path, _, query = self.path.partition("?")
        words = dict(urllib.parse.parse_qsl(query, keep_blank_values=True))
        if "key-marker" not in words or "version-id-marker" in words:
            return self.path
        marker = words.pop("key-marker")
        entries = pages(self.client, "list_object_versions", "Versions", Bucket=path.strip("/"), Prefix=words["prefix"])
        before = [entry["Key"] for entry in entries if entry["Key"] <= marker]
        return f"{path}?{urllib.parse.urlencode(words | ({'key-marker': max(before)} if before else {}))}"

    def forward(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        link = http.client.HTTPConnection(self.there, timeout=30)
        link.request(self.command, self.marked(), body, dict(self.headers))
        answer = link.getresponse()
        text = answer.read()
        self.send_response_only(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in ("content-length", "transfer-encoding", "connection"):
                self.send_header(name, value)
        self.send_header("Content-Length", answer.getheader("Content-Length") if self.command == "HEAD" else len(text))
        self.end_headers()
        self.wfile.write(text)
        link.close()

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = forward

    def log_message(self, *_):
        pass


@pytest.fixture
def relayed(moto):
    """The URL of a moto that is relayed."""
    relay = http.server.ThreadingHTTPServer(("127.0.0.1", 0), type("ToMoto", (Relay,),
        {"there": moto.url.split("//")[1], "client": moto.client(*MOTO_KEYS)}))
    relay.daemon_threads = True
    thread = threading.Thread(target=relay.serve_forever, args=(0.05,))
    thread.start()
    yield f"http://127.0.0.1:{relay.server_port}"
    relay.shutdown()
    thread.join()
    relay.server_close()


class Cloud:
    """moto: a source and a vault of one account, as nobody else knows thaws and archive classes there."""

    def __init__(self, moto, vaultferry, url):
        moto.reset()
        self.client, self.vaultferry, self.url = moto.client(*MOTO_KEYS), vaultferry, url
        for bucket in ("docs", "vault", "back"):
            self.client.create_bucket(Bucket=bucket)
        self.client.put_bucket_versioning(Bucket="vault", VersioningConfiguration={"Status": "Enabled"})

    def __call__(self, *words, tiers=None, exit=0):
        there = {"region": "us-east-1", "endpoint": self.url, "path_style": True}
        policy = {"guard": world_module.NO_GUARD} | ({"tiers": tiers, "transitions": "agent", "min_size": 0} if tiers
            else {})
        config = {"vault": {"bucket": "vault"} | there, "sources": [{"select": {"buckets": ["docs"]},
            "policy": "p"} | there], "policies": {"p": policy}}
        env = {"AWS_ACCESS_KEY_ID": MOTO_KEYS[0], "AWS_SECRET_ACCESS_KEY": MOTO_KEYS[1]}
        result = self.vaultferry("--json", *words, config=config, env=env)
        assert result.returncode == exit, result
        return result.json["sources"][0] if words[0] == "run" else result.json

    def head(self, key):
        return self.client.head_object(Bucket="vault", Key=f"data/docs/{key}")


def test_classes_and_thaws_as_others_understand_them(moto, relayed, vaultferry):
    cloud = Cloud(moto, vaultferry, relayed)
    for key, more in (("plain", {}), ("rich", RICH)):
        cloud.client.put_object(Bucket="docs", Key=key, Body=BODY, **more)
    assert cloud("run")["copied"] == 2
    for name in ("STANDARD_IA", "GLACIER"):
        assert numbers(cloud("run", tiers=[{"after_days": 0, "class": name}])) == {"moved": 2}
        assert {cloud.head(key)["StorageClass"] for key in ("plain", "rich")} == {name}
    deep = [{"after_days": 0, "class": "DEEP_ARCHIVE"}]
    reports = [cloud("run", tiers=deep)]
    while "moved" not in numbers(reports[-1]) and len(reports) < 4:  # moto thaws at once, or at the second look
        assert numbers(reports[-1]) == {"thawing": 2}
        reports.append(cloud("run", tiers=deep))
    assert len(reports) > 1 and numbers(reports[-1]) == {"moved": 2}
    for key, more in (("plain", {}), ("rich", RICH)):
        head = cloud.head(key)
        assert head["StorageClass"] == "DEEP_ARCHIVE" and head["ETag"] == cloud.client.head_object(Bucket="docs",
            Key=key)["ETag"]
        assert head["Metadata"] == more.get("Metadata", {})
        cloud.client.restore_object(Bucket="vault", Key=f"data/docs/{key}", RestoreRequest={"Days": 1})
        tags = cloud.client.get_object_tagging(Bucket="vault", Key=f"data/docs/{key}")["TagSet"]  # moto: if thawed
        assert {tag["Key"]: tag["Value"] for tag in tags} == ({"team": "a", "kept": "yes"} if more else {})
    assert numbers(cloud("run", tiers=deep)) == {}


@pytest.mark.kills
def test_random_kills_lose_no_copy_and_move_nothing_twice(sim):
    """Through four classes; what one killed run made is what the next one finds, also without its state folder."""
    dice = random.Random(20261121)
    kills = max(1, int(os.environ.get("VF_KILLS", "50")) // 8)
    sim.limits(min_part_size=1024)
    bucket = sim.bucket()
    for n in range(30):
        sim.put(bucket, f"k{n:02d}", BODY, Metadata={"n": str(n)})
    for n in range(3):
        upload(sim, bucket, f"parts{n}", 4)
    sim.run(config=sim.config(policy={"parts": "faithful"}))
    seen = sim.seen(bucket)
    sim.latency(5, "CopyObject", "HeadObject", "UploadPartCopy")
    again = 0
    for stage, name in enumerate(("STANDARD_IA", "INTELLIGENT_TIERING", "GLACIER_IR", "DEEP_ARCHIVE"), 1):
        config = sim.tiers([{"after_days": 0, "class": name}], policy={"parts": "faithful"}, limits={"workers": 3})
        for _ in range(kills):
            sim.later()
            sim.forget_counts()
            child = sim.start("run", config=config)
            most = dice.randint(1, 150)
            sim.wait_for(lambda: sum(sim.counts().values()) >= most or child.poll() is not None)
            child.kill()
            child.wait()
            time.sleep(0.1)  # what is under way arrives
            if dice.random() < 0.3:
                shutil.rmtree(sim.vaultferry.state, ignore_errors=True)
        sim.later(100)  # the lease of a killed run is over
        sim.run(config=config)
        assert set(sim.classes(bucket).values()) == {name}
        again = sum(sim.vault.copies(bucket).values()) - (stage + 1) * 33
        sim.vault.check(bucket)
    assert sim.do("verify", "--source", bucket, config=config)["problems"] == []
    assert again == 0
    sim.ahead = sim.passed + 50 * HOUR
    sim.latency(0)
    sim.comes_back(bucket, seen)
