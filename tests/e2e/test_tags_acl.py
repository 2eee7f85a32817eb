"""What a listing does not show: tags that changed without their object, and ACLs. boto3 judges."""
import signal

import pytest
from world import READ_OBJECTS, World, document


@pytest.fixture
def world(server, vaultferry):
    return World(server, vaultferry)


@pytest.fixture
def sim(s3sim, vaultferry):
    world = World(s3sim, vaultferry)
    yield world
    s3sim.control("POST", "/_s3sim/reset")


LONG = "long/" + "x" * 1010


def tag(world, bucket, key, **tags):
    world.source.put_object_tagging(Bucket=bucket, Key=key,
        Tagging={"TagSet": [{"Key": name, "Value": value} for name, value in tags.items()]})


def tags_of(client, bucket, key):
    return {one["Key"]: one["Value"] for one in client.get_object_tagging(Bucket=bucket, Key=key)["TagSet"]}


def resync(world, *arguments, exit=0, config=None):
    sources = world.do("resync", "--tags", *arguments, exit=exit, config=config)["sources"]
    assert len(sources) == 1, sources
    return sources[0]


def told(report):
    return report["tags_compared"], report["tags_changed"], report["gone"], report["failed"]


@pytest.mark.tsan
def test_tags_that_changed_alone_are_carried_by_resync_tags(world):
    """Added, changed, taken away; no new version, no point; what is equal is not written."""
    bucket = world.bucket()
    keys = world.fill(bucket, 6)
    odd = "odd/\u00e4 +&=%.txt"
    world.put(bucket, LONG, Tagging="a=1")
    world.put(bucket, odd, Tagging="a=1&b=2")
    world.put(bucket, "gone")
    world.put(bucket, "untagged", Tagging="a=1")
    world.run()
    versions = {(one["Key"], one["VersionId"]) for one in world.vault.versions("data")}
    points = world.vault.points(bucket)
    tag(world, bucket, keys[0], team="x y", empty="")
    tag(world, bucket, LONG, a="2")
    tag(world, bucket, odd, b="2", a="1")
    tag(world, bucket, "untagged")
    world.source.delete_object(Bucket=bucket, Key="gone")
    live = world.vault.live(bucket)
    differ = [key for key in (*keys, LONG, odd, "untagged")
        if tags_of(world.source, bucket, key) != tags_of(world.owner, world.vault_bucket, live[key]["Key"])]
    assert {keys[0], LONG} <= set(differ) and (len(differ) == 3 or not world.simulated)  # RGW's copies carry no tags
    report = resync(world)
    assert (report["state"], report["point"]) == ("complete", None)
    assert told(report) == (9, len(differ), 1, 0)
    for key in (*keys, LONG, odd, "untagged"):
        assert tags_of(world.source, bucket, key) == tags_of(world.owner, world.vault_bucket, live[key]["Key"]), key
    assert tags_of(world.owner, world.vault_bucket, f"data/{bucket}/{keys[0]}") == {"team": "x y", "empty": ""}
    assert {(one["Key"], one["VersionId"]) for one in world.vault.versions("data")} == versions
    assert [point.id for point in world.vault.points(bucket)] == [point.id for point in points]
    assert told(resync(world)) == (9, 0, 1, 0)
    report = world.run()
    assert (report["copied"], report["deleted"]) == (0, 1)
    assert report["recopied"] == 0 or not world.simulated  # RGW gives an object whose tags are written another time


def test_prefix_and_source_bound_what_is_compared(sim):
    docs, mail = sim.bucket("docs"), sim.bucket("mail")
    for bucket in (docs, mail):
        for key in ("a/1", "a/2", "a0", "b/1"):
            sim.put(bucket, key)
    sim.do("run")
    sim.forget_counts()
    report = resync(sim, "--source", docs, "--prefix", "a/")
    assert told(report) == (2, 0, 0, 0) and report["source"] == docs
    assert sim.counts()["GetObjectTagging"] == 4 and sim.counts()["PutObjectTagging"] == 0
    assert sorted(one["key"] for one in sim.requests("GetObjectTagging", docs)) == ["a/1", "a/2"]


def test_thousands_are_compared_two_requests_each_and_under_the_lease(sim):
    bucket = sim.bucket("many", count=2345, shape="uuid")
    sim.run()
    sim.forget_counts()
    assert told(resync(sim)) == (2345, 0, 0, 0)
    assert sim.counts()["GetObjectTagging"] == 2 * 2345
    assert any(one["key"].startswith(f"lease/{bucket}/") for one in sim.requests("PutObject"))


def test_tags_that_cannot_be_read_are_failures_that_name_the_object(sim):
    """On either side; the others are compared."""
    bucket = sim.bucket()
    keys = sim.fill(bucket, 5)
    sim.run()
    tag(sim, bucket, keys[4], x="1")
    sim.faults({"operation": "GetObjectTagging", "bucket": bucket, "key": keys[1], "action": "error", "status": 403,
        "code": "AccessDenied"}, {"operation": "GetObjectTagging", "key": f"data/{bucket}/{keys[2]}", "action": "error",
        "status": 403, "code": "AccessDenied"})
    report = resync(sim, exit=2)
    assert told(report) == (3, 1, 0, 2) and report["state"] == "partial"
    assert sorted(one["key"] for one in report["failures"]) == keys[1:3]
    assert {one["operation"] for one in report["failures"]} == {"GetObjectTagging"}
    sim.heal()
    assert told(resync(sim)) == (5, 0, 0, 0)


def test_copy_that_the_vault_lost_is_a_failure(sim):
    bucket = sim.bucket()
    sim.fill(bucket, 3)
    sim.run()
    sim.vault.remove(f"data/{bucket}/k001")
    report = resync(sim, exit=2)
    assert [one["key"] for one in report["failures"]] == ["k001"]


def test_object_under_a_delete_marker_counts_as_gone(sim):
    bucket = sim.bucket(versioned=True)
    sim.fill(bucket, 3)
    sim.run()
    sim.source.delete_object(Bucket=bucket, Key="k001")
    assert told(resync(sim)) == (2, 0, 1, 0)


def test_source_without_tags_by_policy_is_not_compared(sim):
    bucket = sim.bucket()
    sim.put(bucket, "a", Tagging="x=1")
    config = sim.config(policy={"tags": "skip"})
    sim.run(config=config)
    sim.forget_counts()
    report = resync(sim, config=config)
    assert report["state"] == "skipped" and "skip" in report["warnings"][0]
    assert sim.counts()["GetObjectTagging"] == 0
    assert tags_of(sim.owner, sim.vault_bucket, f"data/{bucket}/a") == {}


def test_stop_leaves_the_rest_and_says_so(sim):
    bucket = sim.bucket("many", count=5000, shape="uuid")
    sim.run()
    sim.latency(20, "GetObjectTagging")
    child = sim.start("resync", "--tags")
    sim.wait_for(lambda: len(sim.requests("GetObjectTagging", bucket)) > 50)
    child.send_signal(signal.SIGTERM)
    result = sim.finish(child)
    assert result.returncode == 6, result
    assert 0 < result.json["sources"][0]["tags_compared"] < 5000
    sim.latency(0)
    assert told(resync(sim)) == (5000, 0, 0, 0)


def test_killed_run_is_still_looked_after_when_tags_were_compared_in_between(sim):
    """What the killed run copied and did not record is adopted by the next run, not copied again."""
    bucket = sim.bucket()
    sim.fill(bucket, 3)
    sim.run()
    keys = sim.fill(bucket, 60, "new")
    sim.latency(100, "CopyObject")
    child = sim.start("run")
    sim.wait_for(lambda: len(sim.requests("CopyObject", sim.vault_bucket)) > 20)
    child.kill()
    child.wait()
    sim.latency(0)
    resync(sim)
    report = sim.run()
    assert report["adopted"] > 0
    assert max(sim.vault.copies(bucket).values()) == 1
    assert set(keys) <= set(sim.vault.live(bucket))


def test_words_exclude_each_other(sim):
    sim.bucket()
    result = sim.cli("resync", "--tags", "--recopy")
    assert result.returncode == 1 and "--tags" in result.stderr
