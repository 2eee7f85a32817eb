"""Large copies: in parts, faithful where that is asked for, never torn, resumed after a kill."""
import shutil
import time

import pytest
from world import GIB, KIB, World, listing


@pytest.fixture
def sim(s3sim, vaultferry):
    world = World(s3sim, vaultferry)
    yield world
    s3sim.control("POST", "/_s3sim/reset")


def compose(sim, bucket, key, origin, sizes, **arguments):
    """An object of the source made of parts that are copied from a synthetic one."""
    upload = sim.source.create_multipart_upload(Bucket=bucket, Key=key, **arguments)["UploadId"]
    parts, first = [], 0
    for number, size in enumerate(sizes, 1):
        part = sim.source.upload_part_copy(Bucket=bucket, Key=key, UploadId=upload, PartNumber=number,
            CopySource=origin,
            CopySourceRange=f"bytes={first}-{first + size - 1}")
        parts.append({"PartNumber": number, "ETag": part["CopyPartResult"]["ETag"]})
        first += size
    sim.source.complete_multipart_upload(Bucket=bucket, Key=key, UploadId=upload, MultipartUpload={"Parts": parts})


def upload(sim, bucket, key, count, size=64 * KIB, **arguments):
    """An object of the source uploaded in parts."""
    number = sim.source.create_multipart_upload(Bucket=bucket, Key=key, **arguments)["UploadId"]
    parts = []
    for n in range(1, count + 1):
        part = sim.source.upload_part(Bucket=bucket, Key=key, UploadId=number, PartNumber=n, Body=bytes([n]) * size)
        parts.append({"PartNumber": n, "ETag": part["ETag"]})
    sim.source.complete_multipart_upload(Bucket=bucket, Key=key, UploadId=number, MultipartUpload={"Parts": parts})


@pytest.fixture
def origin(sim):
    """A synthetic object of 6 GiB, in a bucket that is not backed up."""
    bucket = sim.bucket("origin", count=1, size=6 * GIB)
    sim.buckets.remove(bucket)
    return f"{bucket}/{next(iter(listing(sim.source, bucket)))}"


def faithful(sim):
    return sim.config(policy={"parts": "faithful"})


def vault_head(sim, bucket, key):
    return sim.owner.head_object(Bucket=sim.vault_bucket, Key=f"data/{bucket}/{key}")


@pytest.mark.parametrize("sizes", [[GIB * 3 // 2] * 4, [GIB, 3 * GIB, 2 * GIB], [4 * GIB, 2 * GIB]],
    ids=["even", "uneven", "two"])
def test_six_gib_are_copied_by_the_sources_own_parts(sim, origin, sizes):
    bucket = sim.bucket()
    compose(sim, bucket, "large", origin, sizes, ContentType="video/mp4", Metadata={"m": "1"}, Tagging="a=b&c=d")
    sim.forget_counts()
    report = sim.run()
    assert (report["copied"], report["bytes_copied"]) == (1, 6 * GIB)
    counts = sim.counts()
    assert counts["UploadPartCopy"] == len(sizes) and counts["CopyObject"] == 0
    assert all(one["headers"]["x-amz-copy-source-if-match"] for one in sim.requests("UploadPartCopy"))
    head, there = vault_head(sim, bucket, "large"), sim.source.head_object(Bucket=bucket, Key="large")
    for name in ("ETag", "ContentLength", "ContentType", "Metadata"):
        assert head[name] == there[name], name
    tags = sim.owner.get_object_tagging(Bucket=sim.vault_bucket, Key=f"data/{bucket}/large")["TagSet"]
    assert {tag["Key"]: tag["Value"] for tag in tags} == {"a": "b", "c": "d"}
    assert sim.vault.check(bucket)[-1].view["large"]["by"] == "etag"
    assert sim.run()["unchanged"] == 1


def test_six_gib_of_one_part_are_cut_and_compared_by_size(sim):
    bucket = sim.bucket(count=1, size=6 * GIB)
    report = sim.run()
    assert (report["copied"], report["bytes_copied"]) == (1, 6 * GIB)
    key, line = next(iter(sim.vault.check(bucket)[-1].view.items()))
    assert line["by"] == "size" and vault_head(sim, bucket, key)["ContentLength"] == 6 * GIB
    assert sim.run()["unchanged"] == 1


@pytest.mark.tsan
def test_small_objects_keep_their_parts_only_when_that_is_asked_for(sim):
    bucket = sim.bucket()
    sim.limits(min_part_size=1)
    upload(sim, bucket, "parts", 3, ContentType="text/css", Tagging="a=b")
    sim.put(bucket, "one")
    etag = listing(sim.source, bucket)["parts"][0]
    assert etag.endswith("-3")
    sim.run()
    sim.assert_same(bucket)
    assert vault_head(sim, bucket, "parts")["ETag"].strip('"') != etag  # by one request: one part
    sim.later()
    upload(sim, bucket, "parts", 3, ContentType="text/css", Tagging="a=b")
    sim.forget_counts()
    assert sim.run(config=faithful(sim))["recopied"] == 1
    assert sim.counts()["UploadPartCopy"] == 3 and sim.counts()["CopyObject"] == 0
    assert vault_head(sim, bucket, "parts")["ETag"].strip('"') == etag
    sim.assert_same(bucket)
    sim.vault.check(bucket)


@pytest.mark.tsan
def test_source_that_changes_between_parts_makes_no_torn_copy(sim):
    bucket = sim.bucket()
    sim.limits(min_part_size=1)
    upload(sim, bucket, "parts", 6)
    sim.faults({"operation": "UploadPartCopy", "skip": 3, "count": 1, "action": "mutate_overwrite"})
    report = sim.run(config=faithful(sim))
    assert sim.fired() == [1] and (report["copied"], report["failed"]) == (1, 0)
    assert sim.source.get_object(Bucket=bucket, Key="parts")["Body"].read().startswith(b"overwritten")
    sim.assert_same(bucket)
    assert list(sim.vault.copies(bucket).values()) == [1]
    sim.vault.check(bucket)
    assert "Uploads" not in sim.owner.list_multipart_uploads(Bucket=sim.vault_bucket)


def test_source_that_goes_between_parts_is_gone_and_leaves_no_upload(sim):
    bucket = sim.bucket()
    sim.limits(min_part_size=1)
    upload(sim, bucket, "parts", 6)
    sim.faults({"operation": "UploadPartCopy", "skip": 3, "count": 1, "action": "mutate_delete"})
    report = sim.run(config=faithful(sim))
    assert (report["copied"], report["failed"], report["gone"]) == (0, 0, 1)
    assert sim.vault.versions(f"data/{bucket}/") == []
    assert "Uploads" not in sim.owner.list_multipart_uploads(Bucket=sim.vault_bucket)


@pytest.mark.parametrize("fault", [dict(action="error", status=503), dict(action="reset"),
    dict(action="error_in_200", keep_alive=True),
    dict(action="lost_answer")], ids=lambda fault: fault["action"])
def test_parts_and_completions_that_fail_are_repeated(sim, fault):
    bucket = sim.bucket()
    sim.limits(min_part_size=1)
    upload(sim, bucket, "parts", 8)
    sim.faults({"operation": "UploadPartCopy", "skip": 1, "count": 3} | fault,
        {"operation": "CompleteMultipartUpload", "count": 1} | fault)
    report = sim.run(config=faithful(sim))
    assert sim.fired() == [3, 1] and (report["copied"], report["failed"]) == (1, 0)
    assert list(sim.vault.copies(bucket).values()) == [1]
    assert vault_head(sim, bucket, "parts")["ETag"] == sim.source.head_object(Bucket=bucket, Key="parts")["ETag"]
    sim.assert_same(bucket)
    assert "Uploads" not in sim.owner.list_multipart_uploads(Bucket=sim.vault_bucket)


def test_uploads_that_nobody_goes_on_with_are_aborted_others_are_left(sim):
    bucket = sim.bucket()
    sim.put(bucket, "k")
    for key in (f"data/{bucket}/stale", "data/another-source/theirs", "elsewhere"):
        sim.owner.create_multipart_upload(Bucket=sim.vault_bucket, Key=key)
    sim.run()
    left = [one["Key"] for one in sim.owner.list_multipart_uploads(Bucket=sim.vault_bucket)["Uploads"]]
    assert left == ["data/another-source/theirs", "elsewhere"]


def kill_in_the_middle(sim, bucket, parts):
    """A run that is killed when some parts are copied, and its upload is noted."""
    sim.latency(400, "UploadPartCopy")
    child = sim.start("run", config=faithful(sim) | {"limits": {"workers": 2}})
    sim.wait_for(lambda: sim.counts()["UploadPartCopy"] >= 9)
    child.kill()
    sim.vaultferry.finish(child)
    time.sleep(0.6)  # what was on its way is done as well, and counted to this run
    sim.latency(0)
    number, = sim.owner.list_multipart_uploads(Bucket=sim.vault_bucket)["Uploads"]
    done = sim.owner.list_parts(Bucket=sim.vault_bucket, Key=f"data/{bucket}/parts",
        UploadId=number["UploadId"]).get("Parts", [])
    assert 6 <= len(done) < parts
    return len(done)


def test_killed_copy_goes_on_where_it_was(sim):
    bucket = sim.bucket()
    sim.limits(min_part_size=1)
    upload(sim, bucket, "parts", 24, size=KIB)
    done = kill_in_the_middle(sim, bucket, 24)
    sim.forget_counts()
    report = sim.run(config=faithful(sim))
    assert (report["copied"], report["failed"]) == (1, 0)
    counts = sim.counts()
    assert counts["UploadPartCopy"] <= 24 - done and counts["ListParts"] >= 1 and counts["CreateMultipartUpload"] == 0
    assert vault_head(sim, bucket, "parts")["ETag"] == sim.source.head_object(Bucket=bucket, Key="parts")["ETag"]
    sim.assert_same(bucket)
    sim.vault.check(bucket)
    assert "Uploads" not in sim.owner.list_multipart_uploads(Bucket=sim.vault_bucket)


def test_killed_copy_of_a_source_that_changed_begins_anew(sim):
    bucket = sim.bucket()
    sim.limits(min_part_size=1)
    upload(sim, bucket, "parts", 24, size=KIB)
    kill_in_the_middle(sim, bucket, 24)
    sim.later()
    upload(sim, bucket, "parts", 5, size=2 * KIB)
    assert sim.run(config=faithful(sim))["copied"] == 1
    sim.assert_same(bucket)
    sim.vault.check(bucket)
    sim.run(config=faithful(sim))  # what was left of the first upload goes at the latest now
    assert "Uploads" not in sim.owner.list_multipart_uploads(Bucket=sim.vault_bucket)


def test_killed_copy_whose_state_is_lost_begins_anew_and_leaves_no_upload(sim):
    bucket = sim.bucket()
    sim.limits(min_part_size=1)
    upload(sim, bucket, "parts", 24, size=KIB)
    kill_in_the_middle(sim, bucket, 24)
    shutil.rmtree(sim.vaultferry.state)
    sim.clock(120)  # the lease has to run out
    assert sim.run(config=faithful(sim))["copied"] == 1
    assert "Uploads" not in sim.owner.list_multipart_uploads(Bucket=sim.vault_bucket)
    sim.clock(0)
    sim.assert_same(bucket)
