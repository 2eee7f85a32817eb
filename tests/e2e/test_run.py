"""The run, judged by boto3: what is in the source is in the vault, once, and the chain of points says so."""
import json
import shutil
import signal

import pytest
from world import Counts, World, listing


@pytest.fixture
def world(server, vaultferry):
    return World(server, vaultferry)


@pytest.fixture
def sim(s3sim, vaultferry):
    world = World(s3sim, vaultferry)
    yield world
    s3sim.control("POST", "/_s3sim/reset")


RICH = dict(ContentType="text/plain; charset=utf-8", ContentEncoding="gzip", ContentLanguage="de, en",
    ContentDisposition='attachment; filename="a b.txt"', CacheControl="no-cache, max-age=60",
    Expires="Thu, 01 Dec 2050 16:00:00 GMT", Metadata={"who": "me", "note": "a  b"}, Tagging="team=x%20y&empty=")


def counted(report):
    return {name: report[name] for name in ("copied", "recopied", "adopted", "deleted", "archived", "failed")}


def only(**expected):
    return dict.fromkeys(("copied", "recopied", "adopted", "deleted", "archived", "failed"), 0) | expected


@pytest.mark.tsan
def test_three_buckets_are_carried_by_roles_as_in_production(world):
    """Selected by a glob with one excluded; then nothing; then exactly what was added, changed or deleted."""
    buckets = [world.bucket(f"acme-{name}") for name in ("docs", "media", "mail")]
    left_out = world.bucket("acme-logs")
    world.put(left_out, "not-this")
    for bucket in buckets:
        world.put(bucket, "plain")
        world.put(bucket, "rich", b"\x1f\x8b rich", **RICH)
        world.put(bucket, "empty", b"")
        world.put(bucket, "folder/", b"")
        world.put(bucket, "large", bytes(range(256)) * 4096)
        world.fill(bucket, 20, f"{bucket}/")
    config = world.config(f"acme-*-{world.tag}", select={"exclude_buckets": ["acme-logs-*"]})

    first = {one["source"]: one for one in world.do("run", config=config)["sources"]}
    assert sorted(first) == sorted(buckets)
    for bucket in buckets:
        assert counted(first[bucket]) == only(copied=25) and first[bucket]["state"] == "complete"
        assert first[bucket]["bytes_copied"] == sum(size for _, size in listing(world.source, bucket).values())
        world.assert_same(bucket)
        world.vault.check(bucket)
    assert world.vault.versions(f"data/{left_out}") == []
    before = {bucket: world.vault.copies(bucket) for bucket in buckets}

    if world.simulated:
        world.forget_counts()
    for one in world.do("run", config=config)["sources"]:
        assert counted(one) == only() and one["unchanged"] == 25
    assert {bucket: world.vault.copies(bucket) for bucket in buckets} == before
    if world.simulated:
        assert world.counts()["CopyObject"] == world.counts()["HeadObject"] == 0
        assert [len(world.requests("ListObjectsV2", bucket)) for bucket in buckets] == [1, 1, 1]

    world.later()
    docs, media, mail = buckets
    world.put(docs, "added")
    world.put(docs, "plain", b"PLAIN")
    world.source.delete_object(Bucket=docs, Key="empty")
    world.source.copy_object(Bucket=media, Key="rich", CopySource={"Bucket": media, "Key": "rich"},
        MetadataDirective="REPLACE",
        Metadata={"who": "another"}, ContentType="text/html")
    if world.simulated:
        world.forget_counts()
    third = {one["source"]: one for one in world.do("run", config=config)["sources"]}
    assert counted(third[docs]) == only(copied=1, recopied=1, deleted=1)
    assert counted(third[media]) == only(recopied=1)
    assert counted(third[mail]) == only()
    if world.simulated:
        assert world.counts()["CopyObject"] == 3
        assert world.counts()["DeleteObjects"] == 1
    assert world.vault.markers(docs) == [f"data/{docs}/empty"]
    assert world.vault.copies(docs)[f"data/{docs}/plain"] == 2
    for bucket in buckets:
        world.assert_same(bucket)
        points = world.vault.check(bucket)
        assert len(points) == 3 and points[0].view != {}
    # what was overwritten and deleted is still there, under the version that the first point names
    for key, body in (("plain", b"plain"), ("empty", b"")):
        version = world.vault.points(docs)[0].view[key]["vault"]
        assert world.vault.read(f"data/{docs}/{key}", version) == body


def test_unchanged_pass_costs_a_list_a_thousand_objects(sim):
    bucket = sim.bucket("many", count=4000, shape="prefixes")
    assert sim.run()["copied"] == 4000
    sim.forget_counts()
    report = sim.run()
    assert (report["unchanged"], counted(report)) == (4000, only())
    lists = len(sim.requests("ListObjectsV2", bucket))
    assert 4 <= lists <= 4 + 2 * 8
    assert sim.counts()["CopyObject"] == sim.counts()["HeadObject"] == 0
    # no page of the vault's objects: only points and leases are looked at
    assert not any("prefix=data" in one["target"] for one in sim.requests("ListObjectVersions"))
    sim.server.control("POST", "/_s3sim/synthetic", {"bucket": bucket, "generation": 2, "changed_share": 0.01,
        "deleted_share": 0.005})
    sim.forget_counts()
    report = sim.run()
    there = listing(sim.source, bucket)
    assert report["deleted"] == 4000 - len(there) > 10
    assert 20 < report["recopied"] == sim.counts()["CopyObject"]
    assert sim.counts()["HeadObject"] <= report["deleted"]
    points = sim.vault.check(bucket)
    assert {key: (line["etag"], line["size"]) for key, line in points[-1].view.items()} == there


def test_website_redirect_is_carried(sim):
    bucket = sim.bucket()
    sim.source.put_bucket_website(Bucket=bucket, WebsiteConfiguration={"IndexDocument": {"Suffix": "index.html"}})
    sim.put(bucket, "old", WebsiteRedirectLocation="/new", ContentType="text/html", Metadata={"m": "1"}, Tagging="a=b")
    sim.put(bucket, "plain", ContentType="text/html", Metadata={"m": "2"})
    assert counted(sim.run()) == only(copied=2)
    sim.assert_same(bucket)
    assert sim.owner.head_object(Bucket=sim.vault_bucket, Key=f"data/{bucket}/old")["WebsiteRedirectLocation"] == "/new"


def test_lost_state_folder_copies_nothing_again(world):
    bucket = world.bucket()
    world.fill(bucket, 60)
    world.run()
    before = world.vault.copies(bucket)
    shutil.rmtree(world.vaultferry.state)
    report = world.run()
    assert counted(report) == only() and report["unchanged"] == 60
    world.later()
    world.put(bucket, "k000", b"anew")
    world.source.delete_object(Bucket=bucket, Key="k001")
    shutil.rmtree(world.vaultferry.state)
    assert counted(world.run()) == only(recopied=1, deleted=1)
    assert world.vault.copies(bucket) == before | {f"data/{bucket}/k000": 2}
    assert len(world.vault.check(bucket)) == 3


def test_lost_points_and_state_copy_nothing_again_that_can_be_adopted(world):
    bucket = world.bucket()
    world.fill(bucket, 40)
    world.run()
    before = world.vault.copies(bucket)
    world.vault.remove(f"points/{bucket}/")
    shutil.rmtree(world.vaultferry.state)
    world.later()
    world.put(bucket, "k005", b"K005")
    report = world.run()
    assert counted(report) == only(adopted=39, recopied=1)
    assert world.vault.copies(bucket) == before | {f"data/{bucket}/k005": 2}
    assert counted(world.run()) == only()
    world.vault.check(bucket)
    world.assert_same(bucket)


def test_lost_points_with_the_state_kept_copy_nothing_again(world):
    bucket = world.bucket()
    world.fill(bucket, 10)
    world.run()
    before = world.vault.copies(bucket)
    world.vault.remove(f"points/{bucket}/")
    report = world.run()
    assert report["copied"] == report["recopied"] == 0
    assert world.vault.copies(bucket) == before
    world.vault.check(bucket)


def test_source_that_may_not_be_adopted_is_copied_again(sim):
    """The same size is not enough where the ETag differs and the vault's copy is not a minute younger."""
    bucket = sim.bucket()
    sim.put(bucket, "same", b"one")
    sim.put(bucket, "swapped", b"one")
    sim.run()
    sim.vault.remove(f"points/{bucket}/")
    shutil.rmtree(sim.vaultferry.state)
    sim.put(bucket, "swapped", b"two")
    assert counted(sim.run()) == only(adopted=1, recopied=1)
    sim.assert_same(bucket)


@pytest.mark.tsan
def test_two_runs_at_once_one_works_the_other_is_refused(world, tmp_path):
    bucket = world.bucket()
    world.fill(bucket, 40 if world.simulated else 100)
    if world.simulated:
        world.latency(400, "CopyObject")
    config = world.config() | {"limits": {"workers": 8 if world.simulated else 1}}
    children = [world.start("run", state=tmp_path / f"state{n}", config=config) for n in range(2)]
    results = [world.finish(child) for child in children]
    assert sorted(result.returncode for result in results) == [0, 4], results
    done, refused = sorted(results, key=lambda result: result.returncode)
    assert done.json["sources"][0]["copied"] == len(listing(world.source, bucket))
    assert refused.json["sources"][0]["state"] == "skipped" and refused.json["sources"][0]["copied"] == 0
    assert set(world.vault.copies(bucket).values()) == {1}
    assert len(world.vault.check(bucket)) == 1


def test_state_folder_in_use_is_refused(sim):
    bucket = sim.bucket()
    sim.fill(bucket, 20)
    sim.latency(300, "CopyObject")
    child = sim.start("run")
    sim.wait_for(lambda: sim.counts()["CopyObject"])
    assert sim.run(exit=4)["state"] == "skipped"
    assert sim.finish(child).returncode == 0
    assert set(sim.vault.copies(bucket).values()) == {1}


def test_archived_sources_are_told_not_failed(world):
    bucket = world.bucket()
    world.put(bucket, "warm")
    for name in ("GLACIER", "DEEP_ARCHIVE"):
        world.put(bucket, name, StorageClass=name)
    report = world.run()
    assert counted(report) == only(copied=1, archived=2)
    assert report["state"] == "complete" and report["exit"] == 0
    assert sorted(world.vault.live(bucket)) == ["warm"]
    assert world.vault.check(bucket)[0]["did"]["archived"] == 2
    # a copy that the vault has is kept when its source moves to an archive class
    world.later()
    world.put(bucket, "warm", b"warm", StorageClass="GLACIER")
    assert world.run()["deleted"] == 0
    assert sorted(world.vault.live(bucket)) == ["warm"]


def test_key_that_is_excluded_later_is_marked_as_deleted(world):
    bucket = world.bucket()
    for key in ("a/keep", "tmp/one", "tmp/two", "b/x.part"):
        world.put(bucket, key)
    assert world.run()["copied"] == 4
    config = world.config(select={"exclude_keys": ["tmp/*", "*.part"]})
    report = world.run("--accept", bucket, config=config)
    assert counted(report) == only(deleted=3)
    assert sorted(world.vault.live(bucket)) == ["a/keep"]
    assert len(world.vault.check(bucket)) == 2
    assert counted(world.run()) == only(copied=3)
    world.assert_same(bucket)


def test_only_the_selected_prefixes_are_carried(world):
    bucket = world.bucket()
    for key in ("a/1", "a/2", "b/1", "c/1", "c", "d/1"):
        world.put(bucket, key)
    assert counted(world.run(config=world.config(select={"prefixes": ["a/", "c/"]}))) == only(copied=3)
    assert sorted(world.vault.live(bucket)) == ["a/1", "a/2", "c/1"]
    # outside of the prefixes now: as if the source had it no longer
    assert counted(world.run(config=world.config(select={"prefixes": ["a/", "d/"]}))) == only(copied=1, deleted=1)
    assert sorted(world.vault.live(bucket)) == ["a/1", "a/2", "d/1"]
    world.vault.check(bucket)


def test_prefixes_that_are_no_longer_selected_are_marked_by_the_thousand(sim):
    bucket = sim.bucket(count=3300, shape="prefixes")
    sim.run()
    config = sim.config(select={"prefixes": ["dir-0000001/"]})
    plan = sim.do("plan", config=config)["sources"][0]
    assert (plan["would_delete"], plan["unchanged"]) == (2300, 1000)
    assert sim.run(config=config, exit=3)["deleted"] == 0  # it is most of the bucket: to be accepted
    assert counted(sim.run("--accept", bucket, config=config)) == only(deleted=2300)
    assert {key.split("/")[0] for key in sim.vault.live(bucket)} == {"dir-0000001"}
    assert counted(sim.run(config=config)) == only()


def test_named_source_keeps_its_folder_when_the_bucket_changes_its_name(world):
    one, two = world.bucket("one"), world.bucket("two")
    world.put(one, "k")
    world.put(two, "k")
    name = f"docs-{world.tag}"
    assert counted(world.run(config=world.config(one, source={"name": name}))) == only(copied=1)
    report = world.run(config=world.config(two, source={"name": name}))
    assert report["source"] == name and report["copied"] == report["deleted"] == 0
    points = world.vault.check(name)
    assert [point["bucket"] for point in points] == [one, two]


def test_vault_prefix_holds_everything(world):
    bucket = world.bucket()
    world.put(bucket, "k")
    world.run(config=world.config(vault={"prefix": "backups/acme/"}))
    assert {entry["Key"].split("/")[2] for entry in world.vault.versions()} == {"data", "points", "lease"}
    assert all(entry["Key"].startswith("backups/acme/") for entry in world.vault.versions())


def stop_in_the_middle(sim, bucket, signals):
    sim.latency(150, "CopyObject")
    child = sim.start("run")
    sim.wait_for(lambda: sim.counts()["CopyObject"] >= 12)
    for number in signals:
        child.send_signal(number)
    result = sim.finish(child)
    sim.latency(0)
    return result


@pytest.mark.tsan
@pytest.mark.parametrize("signals", [[signal.SIGTERM], [signal.SIGINT], [signal.SIGTERM, signal.SIGTERM]],
    ids=["term", "int", "twice"])
def test_signal_in_the_middle_ends_in_order_and_the_next_run_completes(sim, signals):
    bucket = sim.bucket()
    keys = sim.fill(bucket, 120)
    sim.forget_counts()
    result = stop_in_the_middle(sim, bucket, signals)
    assert result.returncode == 6, result
    report = result.json["sources"][0]
    done = report["copied"]
    assert 0 < done < len(keys)
    if len(signals) == 1:
        assert report["state"] == "partial"
        points = sim.vault.points(bucket)
        assert points[-1]["state"] == "partial" and len(points[-1].view) == done
        assert set(points[-1].view) <= set(sim.vault.live(bucket))
    report = sim.run()
    # a second signal breaks off what is in flight, log and point included: some may be there without a line
    assert report["state"] == "complete" and report["copied"] + report["adopted"] + done == len(keys)
    copies = sim.vault.copies(bucket)
    assert len(copies) == len(keys) and sum(copies.values()) - len(keys) <= (0 if len(signals) == 1 else 8)
    sim.vault.check(bucket)
    sim.assert_same(bucket)


def test_window_is_no_failure_of_the_sources_that_were_not_begun(sim):
    """A signal while the first eight of ten sources run: the others are skipped, and said to be."""
    for n in range(10):
        bucket = sim.bucket(f"b{n}")
        sim.fill(bucket, 3)
    sim.latency(700, "CopyObject")
    child = sim.start("run", config=sim.config() | {"limits": {"workers": 2}})
    sim.wait_for(lambda: sim.counts()["CopyObject"] >= 2)
    child.send_signal(signal.SIGTERM)
    result = sim.finish(child)
    assert result.returncode == 6
    states = Counts()
    for report in result.json["sources"]:
        states[report["state"]] += 1
        assert report["exit"] == (0 if report["state"] == "complete" else 6), report
    assert sum(states.values()) == 10 and states["skipped"] >= 2
    sim.latency(0)
    assert sum(report["copied"] for report in sim.do("run")["sources"]) <= 28
    assert all(sim.vault.check(bucket)[-1]["state"] == "complete" for bucket in sim.buckets)


def test_points_are_a_chain_whose_files_add_up(world):
    """Six runs with changes: each view is what boto3 listed after that run, read from the logs alone."""
    bucket = world.bucket(versioned=True)
    seen = []
    for round in range(6):
        world.later()
        for n in range(8):
            world.put(bucket, f"k{(round * 3 + n) % 16:02d}", f"{round} {n}".encode())
        if round:
            world.source.delete_object(Bucket=bucket, Key=f"k{round * 3:02d}")
        report = world.run()
        seen.append(listing(world.source, bucket))
        assert report["objects"] == len(seen[-1]) and report["state"] == "complete"
    points = world.vault.check(bucket)
    assert len(points) == 6
    for point, then in zip(points, seen):
        assert {key: (line["etag"], line["size"]) for key, line in point.view.items()} == then
        assert point["state"] == "complete" and point["walk_ended"]
    versions = {entry["VersionId"]: entry for entry in world.vault.versions(f"data/{bucket}/")}
    for point in points:
        for key, line in point.view.items():
            assert versions[line["vault"]]["Key"] == f"data/{bucket}/{key}"
    # points of a versioned source name the source's versions, where the server tells them
    if world.simulated:
        assert all(line["version"] for line in points[-1].view.values())
    configuration = points[-1]["configuration"]
    assert "Statement" in json.dumps(configuration["policy"]) and "Enabled" in json.dumps(configuration["versioning"])
    assert points[-1]["policy"]["delete_after_days"] == 35
