"""Bringing a source back, at every point and time, with and without what else there is. Judged by boto3."""
import datetime
import json
import os
import shutil
import signal
import time

import pytest
import world as world_module
from servers.process import is_sanitized
from test_put_get import peak
from test_run_multipart import upload
from world import EXTERNAL_ID, HEADERS, MIB, World, allow, document, listing, moment, pages

LONG = "long/" + "k" * 1015
DENIED = {"action": "error", "status": 403, "code": "AccessDenied"}


class Back(World):
    """A source, and a bucket to bring it back to: both are the source owner's, who has a profile."""

    def __init__(self, server, vaultferry):
        super().__init__(server, vaultferry)
        self.back = f"back-{self.tag}"
        self.source.create_bucket(Bucket=self.back)

    def config(self, *buckets, policy=None, select=None, vault=None, source=None, **top):
        return super().config(*buckets, policy=policy, select=select, vault=vault,
            source={"role_arn": None, "external_id": None, "profile": "source"} | (source or {}), **top)

    def pause(self):
        """The next point's time is another one."""
        self.later()
        time.sleep(0 if self.simulated else 1.6)

    def restore(self, bucket, *arguments, to=None, exit=0, config=None):
        to = f"s3://{self.back}/" if to is None else to
        return self.do("restore", "--source", bucket, "--to", to, *arguments, exit=exit, config=config)

    def seen(self, bucket, prefix=""):
        """{key: (bytes, headers, tags)} of what is in a bucket under a prefix."""
        found = {}
        for key in listing(self.source, bucket, prefix):
            answer = self.source.get_object(Bucket=bucket, Key=key)
            body = answer["Body"].read()
            tags = self.source.get_object_tagging(Bucket=bucket, Key=key)["TagSet"]
            found[key[len(prefix):]] = body, {name: answer.get(name) for name in HEADERS}, tags
        return found

    def backed_up(self, bucket, count=5):
        """A bucket with some objects after one run: what is in it."""
        self.fill(bucket, count)
        self.run()
        return self.seen(bucket)


@pytest.fixture
def world(server, vaultferry):
    yield Back(server, vaultferry)
    if server.name == "s3sim":
        server.control("POST", "/_s3sim/reset")


@pytest.fixture
def sim(s3sim, vaultferry):
    yield Back(s3sim, vaultferry)
    s3sim.control("POST", "/_s3sim/reset")


def numbers(report):
    return {name: report[name] for name in ("restored", "equal", "skipped", "thawing", "failed")}


def told(**more):
    return {"restored": 0, "equal": 0, "skipped": 0, "thawing": 0, "failed": 0} | more


# a history of five runs


def first(world, bucket):
    for i in range(8):
        world.put(bucket, f"docs/{i}", f"first {i}".encode(), ContentType="text/plain", Metadata={"n": str(i)},
            Tagging=f"n={i}")
    for key in ("a", "a/b", "a/b/c", "ü/é x", "plus+and%20", LONG, "empty"):
        world.put(bucket, key, b"" if key == "empty" else key.encode())
    for i in range(4):
        world.put(bucket, f"old/{i}")
    upload(world, bucket, "parts", 3, 5 * MIB, Metadata={"made": "of parts"})


def second(world, bucket):
    world.put(bucket, "docs/1", b"second 1", CacheControl="no-store")
    world.put(bucket, "docs/new")
    world.put(bucket, LONG, b"another")


def third(world, bucket):
    for key in ("docs/2", "docs/new", "a/b", LONG, "empty"):
        world.source.delete_object(Bucket=bucket, Key=key)


def fourth(world, bucket):
    world.put(bucket, "docs/2", b"made again")
    world.put(bucket, "a/b", b"made again too")
    world.put(bucket, LONG, b"long again")


def fifth(world, bucket):
    for i in range(4):
        world.source.copy_object(Bucket=bucket, Key=f"renamed/{i}", CopySource=f"{bucket}/old/{i}")
        world.source.delete_object(Bucket=bucket, Key=f"old/{i}")
    world.put(bucket, "docs/0", b"last")


def live_through(world, bucket):
    """Five runs: [(point, finished, what was in the bucket)]."""
    history = []
    for change in (first, second, third, fourth, fifth):
        change(world, bucket)
        point = world.run()["point"]
        history.append((point, world.seen(bucket)))
        world.pause()
    finished = {point.id: moment(point["finished"]) for point in world.vault.points(bucket)}
    return [(point, finished[point], seen) for point, seen in history]


def text_of(time):
    return time.isoformat().replace("+00:00", "Z")


def moments(history, points):
    """[(what --at says, what was there then)]: each point, where they are known, and times between."""
    soon = datetime.timedelta(seconds=0.4)  # the next run had not begun
    between = [(text_of(finished + soon), seen) for _, finished, seen in (history if not points else history[1:4:2])]
    return [(point, seen) for point, _, seen in history if points] + between


def restore_all(world, bucket, history, folder, *words, points=True, config=None):
    for i, (at, seen) in enumerate(moments(history, points)):
        prefix = f"{folder}{i}/"
        wanted = {key: what for key, what in seen.items() if len(prefix + key) <= 1024}
        lost = len(seen) - len(wanted)
        report = world.restore(bucket, "--at", at, *words, to=f"s3://{world.back}/{prefix}", config=config,
            exit=2 if lost else 0)
        assert world.seen(world.back, prefix) == wanted, (folder, at)
        assert numbers(report) == told(restored=len(wanted), failed=lost), report
        assert report["objects"] == len(seen) and report["bytes"] == sum(len(one[0]) for one in seen.values())
        assert report["point"] == (at if points and "T" in at and "-" not in at else report["point"])


def test_a_history_comes_back_at_each_point_and_between(world):
    """With state, without, from the vault alone after the source is gone, and after its points are gone."""
    bucket = world.bucket()
    history = live_through(world, bucket)
    config = world.config()
    restore_all(world, bucket, history, "with-", config=config)
    shutil.rmtree(world.vaultferry.state)
    restore_all(world, bucket, history, "without-", config=config)
    for key in listing(world.source, bucket):
        world.source.delete_object(Bucket=bucket, Key=key)
    world.source.delete_bucket(Bucket=bucket)
    alone = config | {"sources": []}
    words = ("--to-profile", "source")
    restore_all(world, bucket, history, "alone-", *words, config=alone)
    restore_all(world, bucket, history, "by-versions-", *words, "--from-versions", points=False, config=alone)
    world.vault.remove(f"points/{bucket}/")
    shutil.rmtree(world.vaultferry.state, ignore_errors=True)
    restore_all(world, bucket, history, "disaster-", *words, points=False, config=alone)
    report = world.restore(bucket, to=f"s3://{world.back}/", config=config)  # long keys have room here
    assert (report["point"], report["state"]) == (None, "versions")
    assert {key: what for key, what in world.seen(world.back).items() if not key.split("-")[0] in ("with", "without",
        "alone", "by", "disaster")} == history[-1][2]


@pytest.mark.tsan
def upload_bodies(world, bucket, key, bodies):
    number = world.source.create_multipart_upload(Bucket=bucket, Key=key)["UploadId"]
    parts = [{"PartNumber": i, "ETag": world.source.upload_part(Bucket=bucket, Key=key, UploadId=number, PartNumber=i,
        Body=body)["ETag"]} for i, body in enumerate(bodies, 1)]
    world.source.complete_multipart_upload(Bucket=bucket, Key=key, UploadId=number, MultipartUpload={"Parts": parts})


def test_parts_whose_etag_tells_nothing_are_compared_by_their_bytes(world):
    bucket, bodies = world.bucket(), [os.urandom(5 * MIB), os.urandom(5 * MIB), b"the end"]
    for key in ("one", "other"):
        upload_bodies(world, bucket, key, bodies)
    world.run()
    assert numbers(world.restore(bucket)) == told(restored=2)
    upload_bodies(world, world.back, "one", bodies[:1] + [bodies[1] + bodies[2]])  # the same bytes by other parts
    assert numbers(world.restore(bucket)) == told(equal=2)
    upload_bodies(world, world.back, "other", bodies[:1] + [b"x" * (len(bodies[1]) + len(bodies[2]))])
    report = world.restore(bucket, exit=2)
    assert numbers(report) == told(equal=1, skipped=1)
    assert [one["key"] for one in report["failures"]] == ["other"] and "another object" in report["failures"][0][
        "message"]
    assert numbers(world.restore(bucket, "--conflict", "overwrite"))["failed"] == 0
    assert world.seen(world.back) == world.seen(bucket)


def test_what_is_equal_is_left_alone(world):
    bucket = world.bucket()
    seen = world.backed_up(bucket, 12)
    assert numbers(world.restore(bucket)) == told(restored=12)
    before = {entry["Key"]: entry["LastModified"] for entry in pages(world.source, "list_objects_v2", "Contents",
        Bucket=world.back)}
    world.pause()
    assert numbers(world.restore(bucket)) == told(equal=12)
    world.source.delete_object(Bucket=world.back, Key="k003")
    assert numbers(world.restore(bucket)) == told(restored=1, equal=11)
    after = {entry["Key"]: entry["LastModified"] for entry in pages(world.source, "list_objects_v2", "Contents",
        Bucket=world.back)}
    assert [key for key in after if after[key] != before[key]] == ["k003"]
    assert world.seen(world.back) == seen


def test_a_prefix_comes_back_alone(world):
    bucket = world.bucket()
    for key in ("a", "a/1", "a/2", "b/1", "ab"):
        world.put(bucket, key)
    world.run()
    assert world.restore(bucket, "--prefix", "a/", to=f"s3://{world.back}/x-")["objects"] == 2
    assert sorted(listing(world.source, world.back)) == ["x-a/1", "x-a/2"]
    assert numbers(world.restore(bucket, "--prefix", "nothing")) == told()


def test_conflicts_are_skipped_overwritten_or_end_it(world):
    bucket = world.bucket()
    seen = world.backed_up(bucket)
    mine = {"k001": b"another length", "k003": b"K003"}  # the second one has the same length
    for key, body in mine.items():
        world.source.put_object(Bucket=world.back, Key=key, Body=body)
    report = world.restore(bucket, "--conflict", "fail", exit=2)
    assert "k00" in report["error"]["message"] and report["skipped"] >= 1
    report = world.restore(bucket, exit=2)
    assert report["skipped"] == 2 and report["restored"] + report["equal"] == 3 and report["failed"] == 0
    assert sorted(one["key"] for one in report["failures"]) == sorted(mine)
    for key, body in mine.items():
        assert world.source.get_object(Bucket=world.back, Key=key)["Body"].read() == body
    text = world.cli("restore", "--source", bucket, "--to", f"s3://{world.back}/")
    assert text.returncode == 2 and "k001" in text.stdout and "k003" in text.stdout
    assert numbers(world.restore(bucket, "--conflict", "overwrite")) == told(restored=2, equal=3)
    assert world.seen(world.back) == seen


def test_a_class_is_set_on_what_is_brought(sim):
    bucket = sim.bucket()
    sim.backed_up(bucket, 3)
    sim.restore(bucket, "--class", "STANDARD_IA")
    assert {entry["StorageClass"] for entry in pages(sim.source, "list_objects_v2", "Contents",
        Bucket=sim.back)} == {"STANDARD_IA"}


def test_a_dry_run_touches_nothing(world):
    bucket = world.bucket()
    seen = world.backed_up(bucket, 6)
    world.source.put_object(Bucket=world.back, Key="k001", Body=b"another")
    world.source.put_object(Bucket=world.back, Key="k002", Body=b"k002")
    before = listing(world.source, world.back), world.vault.versions()
    report = world.restore(bucket, "--dry-run", exit=0)
    assert (listing(world.source, world.back), world.vault.versions()) == before
    assert report["dry_run"] is True and report["objects"] == 6 and report["bytes"] == 24
    assert report["restored"] == 0 and report["equal"] == 1 and report["would_restore"] == 4
    assert report["would_skip"] == 1 and report["cost"]["currency"] == "USD"
    assert world.cli("restore", "--source", bucket, "--to", f"s3://{world.back}/", "--dry-run").returncode == 0
    folder = world.vaultferry.folder / "not-made"
    assert world.restore(bucket, "--dry-run", to=folder)["would_restore"] == len(seen)
    assert not folder.exists()


def test_a_folder_gets_each_object_as_a_file(world):
    bucket = world.bucket()
    for key in ("docs/1", "docs/2", "top", "ü/é"):
        world.put(bucket, key)
    world.run()
    folder = world.vaultferry.folder / "here"
    assert numbers(world.restore(bucket, to=folder)) == told(restored=4)
    assert {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()} == {
        key: key.encode() for key in ("docs/1", "docs/2", "top", "ü/é")}
    assert numbers(world.restore(bucket, to=folder)) == told(equal=4)
    (folder / "top").write_bytes(b"TOP")
    assert numbers(world.restore(bucket, to=folder, exit=2)) == told(equal=3, skipped=1)
    assert numbers(world.restore(bucket, "--conflict", "overwrite", to=folder)) == told(equal=3, restored=1)
    assert (folder / "top").read_bytes() == b"top"


def test_keys_that_cannot_be_files_are_named_and_lose_nothing_else(sim):
    bucket = sim.bucket()
    good = {f"good/{i}": b"x" for i in range(5)}
    bad = ["a", "a/b", "x" * 300]
    for key in [*good, *bad]:
        sim.put(bucket, key, b"x")
    sim.run()
    folder = sim.vaultferry.folder / "here"
    report = sim.restore(bucket, to=folder, exit=2)
    named = {one["key"] for one in report["failures"]}
    assert "x" * 300 in named and len(named & {"a", "a/b"}) == 1 and report["failed"] == 2
    assert report["restored"] == 6
    assert {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()} >= set(good)


# what goes wrong


def test_a_destination_that_is_denied_or_missing_is_told(world):
    bucket = world.bucket()
    world.backed_up(bucket, 3)
    report = world.restore(bucket, to="s3://no-such-bucket-anywhere/", exit=5)
    assert "no-such-bucket-anywhere" in report["error"]["message"]
    foreign = f"foreign-{world.tag}"
    world.owner.create_bucket(Bucket=foreign)
    report = world.restore(bucket, to=f"s3://{foreign}/", exit=5)
    assert foreign in report["error"]["message"]
    if world.simulated:  # to RGW, another tenant's bucket is none
        assert "--to-profile" in report["error"]["message"]
    report = world.restore(bucket, to=f"s3://{world.vault_bucket}/x", exit=1)
    assert "vault itself" in report["error"]["message"]


def test_it_writes_as_the_source_or_as_it_is_told(sim):
    """By the source's role, which may only read; then by a role that is named, with a config that knows no source."""
    bucket = sim.bucket()
    seen = sim.backed_up(bucket, 3)
    role = {"role_arn": sim.source_role, "external_id": EXTERNAL_ID, "profile": None}
    report = sim.restore(bucket, config=sim.config(source=role), exit=5)
    assert report["failed"] == 3 and report["failures"][0]["code"] == "AccessDenied"
    arn = f"arn:aws:iam::{sim.server.source_account}:role/bring-{sim.tag}"
    sim.server.control("POST", "/_s3sim/roles", {"account": sim.server.source_account, "name": f"bring-{sim.tag}",
        "trust": [f"arn:aws:iam::{sim.server.vault_account}:user/agent"],
        "policy": json.loads(document(allow(["s3:*"], f"arn:aws:s3:::{sim.back}", f"arn:aws:s3:::{sim.back}/*")))})
    alone = sim.config() | {"sources": [], "policies": {}}
    assert numbers(sim.restore(bucket, "--to-role", arn, config=alone)) == told(restored=3)
    assert sim.seen(sim.back) == seen


@pytest.mark.parametrize("words", [(), ("--to-region", "eu-central-1")])
def test_a_destination_in_another_region_is_found(sim, words):
    bucket = sim.bucket()
    sim.backed_up(bucket, 3)
    far = f"far-{sim.tag}"
    sim.server.control("POST", "/_s3sim/bucket", {"name": far, "account": sim.server.source_account,
        "region": "eu-central-1", "check_region": True})
    assert numbers(sim.restore(bucket, *words, to=f"s3://{far}/")) == told(restored=3)
    assert numbers(sim.restore(bucket, *words, to=f"s3://{far}/")) == told(equal=3)


def test_a_destination_that_is_full_is_told_and_it_goes_on_later(sim):
    bucket = sim.bucket()
    sim.backed_up(bucket, 5)
    full = {"bucket": sim.back, "action": "error", "status": 403, "code": "QuotaExceeded", "skip": 2}
    sim.faults(full | {"operation": "PutObject"}, full | {"operation": "CopyObject"})
    report = sim.restore(bucket, exit=2)
    assert report["restored"] > 0 and report["failed"] > 0 and report["failures"][0]["code"] == "QuotaExceeded"
    sim.heal()
    assert numbers(sim.restore(bucket))["failed"] == 0 and len(listing(sim.source, sim.back)) == 5


def test_a_destination_that_denies_writing_ends_it_and_it_goes_on_later(sim):
    bucket = sim.bucket()
    keys = sim.fill(bucket, 150)
    sim.run()
    sim.faults({"operation": "PutObject", "bucket": sim.back} | DENIED, {"operation": "CopyObject",
        "bucket": sim.back} | DENIED)
    report = sim.restore(bucket, exit=5)
    assert 100 <= report["failed"] < 150 and report["restored"] == 0
    assert "AccessDenied" in json.dumps(report["error"])
    sim.heal()
    assert numbers(sim.restore(bucket)) == told(restored=len(keys))


def test_objects_that_fail_are_named_and_come_the_next_time(sim):
    bucket = sim.bucket()
    sim.fill(bucket, 10)
    sim.run()
    sim.faults({"operation": "PutObject", "bucket": sim.back, "key_prefix": "k004"} | DENIED,
        {"operation": "CopyObject", "bucket": sim.back, "key_prefix": "k004"} | DENIED)
    report = sim.restore(bucket, exit=2)
    assert numbers(report) == told(restored=9, failed=1)
    assert [one["key"] for one in report["failures"]] == ["k004"] and report["failures"][0]["code"] == "AccessDenied"
    sim.heal()
    assert numbers(sim.restore(bucket)) == told(restored=1, equal=9)


@pytest.mark.parametrize("where", ["vault", "destination"])
def test_an_error_of_a_listing_never_looks_like_an_end(sim, where):
    bucket = sim.bucket()
    sim.fill(bucket, 5)
    sim.run()
    rule = {"bucket": sim.vault_bucket, "operation": "ListObjectVersions", "key_prefix": ""} if where == "vault" else {
        "bucket": sim.back, "operation": "ListObjectsV2"}
    sim.faults(rule | DENIED)
    report = sim.restore(bucket, exit=5)
    assert report["error"]["operation"] == rule["operation"]
    sim.heal()


def test_wrong_use_is_told(sim):
    bucket = sim.bucket()
    sim.backed_up(bucket, 1)
    to = f"s3://{sim.back}/"
    for words in ([], ["--source", bucket], ["--to", to], ["--source", "nobody", "--to", to],
            ["--source", bucket, "--to", ""], ["--source", bucket, "--to", "s3://"],
            ["--source", bucket, "--to", "gs://x/y"], ["--source", bucket, "--to", to, "--at", "yesterday"],
            ["--source", bucket, "--to", to, "--conflict", "ask"], ["--source", bucket, "--to", to, "--class", "COLD"],
            ["--source", bucket, "--to", to, "--thaw", "fast"], ["--source", bucket, "--to", to, "more"],
            ["--source", bucket, "--to", "folder", "--to-profile", "source"],
            ["--source", bucket, "--to", to, "--prefix", "x" * 1025]):
        assert sim.cli("restore", *words).returncode == 1, words
    assert listing(sim.source, sim.back) == {}


def test_a_point_that_lacks_something_says_so(sim):
    bucket = sim.bucket()
    sim.fill(bucket, 4)
    sim.run()
    sim.pause()
    sim.put(bucket, "new")
    sim.put(bucket, "k001", b"changed")
    sim.faults({"operation": "CopyObject", "key_prefix": f"data/{bucket}/new"} | DENIED)
    partial = sim.run(exit=2)["point"]
    sim.heal()
    result = sim.cli("--json", "restore", "--source", bucket, "--to", f"s3://{sim.back}/")
    assert result.returncode == 0 and result.json["state"] == "complete" and result.json["objects"] == 4
    assert [event for event in result.events if partial in event.get("message", "")]
    result = sim.cli("--json", "restore", "--source", bucket, "--to", f"s3://{sim.back}/p/", "--at", partial)
    assert (result.json["point"], result.json["state"], result.json["missing"]) == (partial, "partial", 1)
    assert [event for event in result.events if "lacks" in event.get("message", "")]
    assert sim.seen(sim.back, "p/")["k001"][0] == b"changed"


def test_a_stop_leaves_work_and_the_next_call_goes_on(sim):
    bucket = sim.bucket()
    keys = sim.fill(bucket, 200)
    sim.run()
    sim.latency(50, "PutObject", "CopyObject")
    child = sim.start("restore", "--source", bucket, "--to", f"s3://{sim.back}/")
    sim.wait_for(lambda: len(listing(sim.source, sim.back)) > 5)
    child.send_signal(signal.SIGTERM)
    report = sim.finish(child)
    sim.latency(0)
    assert report.returncode == 6, report
    there = len(listing(sim.source, sim.back))
    assert 5 < there < 200
    assert numbers(sim.restore(bucket)) == told(restored=len(keys) - there, equal=there)


# what is archived

HOUR = 3600


class Cold(Back):
    """A vault of which lifecycle rules have moved objects to archive classes. Its points are lost as well."""

    def freeze(self, bucket, count, class_="GLACIER"):
        """The vault's objects, some of them archived; returns what a restore has to bring."""
        objects = {f"cold/{i:03d}": f"cold {i}".encode() for i in range(count)} | {f"warm/{i}": b"w" for i in range(5)}
        for key, body in objects.items():
            self.owner.put_object(Bucket=self.vault_bucket, Key=f"data/{bucket}/{key}", Body=body,
                StorageClass=class_ if key.startswith("cold/") else "STANDARD", Metadata={"key": key},
                Tagging="kept=yes")
        return objects

    def words(self, bucket, *more):
        return ("restore", "--source", bucket, "--to", f"s3://{self.back}/", *more)

    def asked(self):
        return len(self.requests("RestoreObject"))

    def bodies(self):
        return {key: body for key, (body, _, _) in self.seen(self.back).items()}


@pytest.fixture
def cold(s3sim, vaultferry, monkeypatch):
    monkeypatch.setattr(world_module, "VAULT_ACTIONS", (*world_module.VAULT_ACTIONS, "s3:RestoreObject"))
    yield Cold(s3sim, vaultferry)
    s3sim.control("POST", "/_s3sim/reset")


def test_archived_objects_are_thawed_while_it_is_killed_and_moved(cold):
    bucket = cold.bucket()
    objects = cold.freeze(bucket, 30)
    cold.latency(50, "RestoreObject")
    child = cold.start(*cold.words(bucket))
    cold.wait_for(lambda: cold.asked() > 3)
    child.kill()
    child.wait()
    child = cold.start(*cold.words(bucket), state=cold.vaultferry.folder / "second")
    cold.wait_for(lambda: cold.asked() >= 30)
    child.kill()
    child.wait()
    cold.latency(0)
    report = cold.restore(bucket, "--no-wait", exit=6)
    assert report["thawing"] == 30 and report["restored"] + report["equal"] == 5
    assert cold.asked() <= 30 + 16  # what was under way at a kill is at most asked for twice
    cold.clock(13 * HOUR)
    result = cold.finish(cold.start(*cold.words(bucket), state=cold.vaultferry.folder / "third"))
    assert result.returncode == 0 and numbers(result.json) == told(restored=30, equal=5), result
    assert cold.bodies() == objects


def test_a_restore_waits_for_the_thaw(cold):
    bucket = cold.bucket()
    objects = cold.freeze(bucket, 3)
    child = cold.start(*cold.words(bucket, "--thaw", "standard"))
    cold.wait_for(lambda: len(listing(cold.source, cold.back)) == 5 and cold.asked() == 3)
    assert child.poll() is None
    cold.clock(6 * HOUR)
    result = cold.finish(child)
    assert result.returncode == 0 and numbers(result.json) == told(restored=8), result
    assert [event for event in result.events if event["event"] == "thaw-waiting" and event["thawing"] == 3]
    assert cold.bodies() == objects and cold.asked() == 3


def test_a_stop_while_it_waits_for_the_thaw_leaves_work(cold):
    bucket = cold.bucket()
    cold.freeze(bucket, 3, "DEEP_ARCHIVE")
    child = cold.start(*cold.words(bucket))
    cold.wait_for(lambda: len(listing(cold.source, cold.back)) == 5 and cold.asked() == 3)
    child.send_signal(signal.SIGTERM)
    result = cold.finish(child)
    assert result.returncode == 6 and result.json["thawing"] == 3, result


def test_a_thaw_is_priced_before_it_is_asked_for(cold):
    bucket = cold.bucket()
    cold.freeze(bucket, 4)
    report = cold.restore(bucket, "--dry-run")
    assert cold.asked() == 0 and report["would_thaw"] == 4 and report["would_restore"] == 9
    assert {tier["tier"] for tier in report["thaw"]} == {"bulk", "standard", "expedited"}
    text = cold.cli(*cold.words(bucket, "--dry-run")).stdout
    assert "bulk" in text and "standard" in text and "USD" in text


def test_a_thaw_that_is_refused_is_told(cold):
    bucket = cold.bucket()
    cold.freeze(bucket, 2)
    cold.faults({"operation": "RestoreObject"} | DENIED)
    report = cold.restore(bucket, exit=2)
    assert numbers(report) == told(restored=5, failed=2)
    assert {one["operation"] for one in report["failures"]} == {"RestoreObject"}


# many


@pytest.mark.slow
def test_a_hundred_thousand_objects_take_little_memory(sim, build_dir):
    sanitized = is_sanitized(build_dir / "vaultferry")
    count = 5000 if sanitized else 100000
    bucket = sim.bucket("many", count=count, size=16)
    sim.run()
    child = sim.start("restore", "--source", bucket, "--to", f"s3://{sim.back}/")
    resident, anonymous = peak(child)
    report = sim.finish(child)
    print(f"{count} objects: VmHWM {resident:.0f} MiB, anonymous {anonymous:.0f} MiB")
    assert report.returncode == 0 and numbers(report.json) == told(restored=count), report
    assert sanitized or anonymous <= 64


@pytest.mark.parametrize("lead", range(3))
def test_what_is_said_of_long_keys_is_cut_between_characters(sim, lead):
    bucket = sim.bucket()
    key = "x" * lead + "\u20ac" * 340
    sim.put(bucket, key)
    sim.run()
    back = sim.bucket("narrow")
    sim.faults({"operation": "*", "action": "error", "status": 403, "code": "AccessDenied", "bucket": back,
        "key_prefix": key[:3]})
    report = sim.do("restore", "--source", bucket, "--to", f"s3://{back}/", "--to-profile", "source", exit=5)
    assert [one["key"] for one in report["failures"]] == [key] and "AccessDenied" in report["failures"][0]["message"]
