"""What a listing does not show: tags that changed without their object, and ACLs. boto3 judges."""
import signal
import xml.etree.ElementTree as ET

import pytest
from world import World


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


NAMESPACE = "{http://s3.amazonaws.com/doc/2006-03-01/}"
RECORD = {"acl": "record"}


def grants_of_line(text):
    """(who, permission) of an ACL as a change line has it."""
    root = ET.fromstring(text)
    assert root.tag == f"{NAMESPACE}AccessControlPolicy"
    grants = []
    for grant in root.iter(f"{NAMESPACE}Grant"):
        grantee = grant.find(f"{NAMESPACE}Grantee")
        who = next(
    found.text for found in (
        grantee.find(f"{NAMESPACE}{name}") for name in (
            "URI", "ID")) if found is not None)
        grants.append((who, grant.find(f"{NAMESPACE}Permission").text))
    return sorted(grants)


def grants_of_source(world, bucket, key):
    return sorted((grant["Grantee"].get("URI") or grant["Grantee"]["ID"], grant["Permission"])
        for grant in world.source.get_object_acl(Bucket=bucket, Key=key)["Grants"])


def test_acl_is_kept_in_the_change_line_where_the_policy_records_it(world):
    """That of every object which is copied, as boto3 reads it; the chain stays whole."""
    bucket = world.bucket()
    for key in ("private", "public", LONG, "odd/\u00e4 +&=%.txt"):
        world.put(bucket, key)
    world.source.put_object_acl(Bucket=bucket, Key="public", ACL="public-read")
    config = world.config(policy=RECORD)
    report = world.run(config=config)
    assert (report["copied"], report["without_acl"], report["warnings"]) == (4, 0, [])
    view = world.vault.check(bucket)[-1].view
    for key, line in view.items():
        assert grants_of_line(line["acl"]) == grants_of_source(world, bucket, key), key
    assert len(grants_of_line(view["public"]["acl"])) == 2
    world.later()
    world.put(bucket, "private", b"new")
    world.source.put_object_acl(Bucket=bucket, Key="private", ACL="public-read")
    assert world.run(config=config)["recopied"] == 1
    assert len(grants_of_line(world.vault.check(bucket)[-1].view["private"]["acl"])) == 2
    world.assert_same(bucket, tags=world.simulated)
    assert world.do("resync", config=config)["sources"][0]["failed"] == 0


def test_acl_costs_a_request_for_each_copy_and_none_without_the_policy(sim):
    bucket = sim.bucket()
    sim.fill(bucket, 20)
    sim.forget_counts()
    sim.run()
    assert sim.counts()["GetObjectAcl"] == 0
    assert not any("acl" in line for line in sim.vault.check(bucket)[-1].view.values())
    config = sim.config(policy=RECORD)
    sim.run(config=config)
    assert sim.counts()["GetObjectAcl"] == 0
    sim.later()
    sim.put(bucket, "k003", b"new")
    sim.run(config=config)
    assert [one["key"] for one in sim.requests("GetObjectAcl", bucket)][-1:] == ["k003"]
    assert sim.counts()["GetObjectAcl"] == 1


def test_acl_that_may_not_be_read_is_one_warning_and_no_failure(sim):
    bucket = sim.bucket()
    sim.fill(bucket, 5)
    sim.faults({"operation": "GetObjectAcl", "skip": 2, "count": 0,
               "action": "error", "status": 403, "code": "AccessDenied"})
    config = sim.config(policy=RECORD)
    result = sim.cli("--json", "run", config=config)
    assert result.returncode == 0, result
    report = result.json["sources"][0]
    assert (report["state"], report["copied"], report["without_acl"]) == ("complete", 5, 3)
    assert len(report["warnings"]
               ) == 1 and "3 objects" in report["warnings"][0] and "s3:GetObjectAcl" in report["warnings"][0]
    assert len([event for event in result.events if event["event"] == "acl-not-read"]) == 1
    assert sum("acl" in line for line in sim.vault.check(bucket)[-1].view.values()) == 2


def test_acl_that_is_larger_than_a_line_may_hold_is_left_out(sim):
    """The bound is 16 KiB; just below it the whole ACL is kept, to the byte."""
    bucket = sim.bucket()
    for key, count in (("fits", 60), ("large", 100)):
        sim.put(bucket, key)
        owner = {"ID": sim.server.source_account, "DisplayName": '"\u00e4\\'}
        grant = {"Grantee": {"Type": "CanonicalUser", "ID": "f" * 64}, "Permission": "READ_ACP"}
        sim.source.put_object_acl(
    Bucket=bucket, Key=key, AccessControlPolicy={
        "Owner": owner, "Grants": [grant] * count})
    report = sim.run(config=sim.config(policy=RECORD))
    assert (report["copied"], report["without_acl"]) == (2, 1)
    view = sim.vault.check(bucket)[-1].view
    assert "acl" not in view["large"]
    assert 8000 < len(view["fits"]["acl"]) <= 16384 and len(grants_of_line(view["fits"]["acl"])) == 60
    assert '"\u00e4\\' in ET.fromstring(view["fits"]["acl"]).find(f"{NAMESPACE}Owner/{NAMESPACE}DisplayName").text
