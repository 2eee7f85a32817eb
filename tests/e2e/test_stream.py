"""Copies whose bytes pass through vaultferry: two stores, or two accounts of which neither reads the other's."""
import hashlib

import pytest
from test_run_keys import ODD, long_keys, path_of
from world import MIB, World, listing, raw

RICH = dict(ContentType="text/plain; charset=utf-8", ContentEncoding="gzip", ContentLanguage="de, en",
    ContentDisposition='attachment; filename="a b.txt"', CacheControl="no-cache, max-age=60",
    Expires="Thu, 01 Dec 2050 16:00:00 GMT", Metadata={"who": "me", "note": "a  b"}, Tagging="team=x%20y&empty=")


class Apart(World):
    """The source in one store, the vault in another: nobody sees both."""

    def __init__(self, source_server, vault_server, vaultferry):
        self.here = None if source_server is vault_server else World(source_server, vaultferry)
        super().__init__(vault_server, vaultferry)
        if self.here is None:  # one store for both: a world of its own would reset it
            self.here = World.__new__(World)
            vars(self.here).update(vars(self))
        self.source = self.here.source
        self.buckets = self.here.buckets

    def bucket(self, *arguments, **options):
        bucket = self.here.bucket(*arguments, **options)
        self.source.delete_bucket_policy(Bucket=bucket)  # which grants the vault's role what it does not need here
        return bucket

    def config(self, *buckets, policy=None, source=None, **top):
        config = super().config(*buckets, policy=policy, **top)
        config["sources"] = self.here.config(*buckets, source={"copy": "stream"} | (source or {}))["sources"]
        return config

    def later(self, seconds=3):
        self.here.later(seconds)


def data(size, seed=b"x"):
    """Bytes of which no two parts are equal."""
    block = b"".join(hashlib.sha256(seed + i.to_bytes(4, "big")).digest() for i in range(4096))
    return b"".join(i.to_bytes(8, "big") + block[8:] for i in range(size // len(block) + 1))[:size]


def multipart(client, bucket, key, *sizes, **arguments):
    upload = client.create_multipart_upload(Bucket=bucket, Key=key, **arguments)["UploadId"]
    parts = []
    for number, size in enumerate(sizes, 1):
        answer = client.upload_part(Bucket=bucket, Key=key, UploadId=upload, PartNumber=number,
            Body=data(size, str(number).encode()))
        parts.append({"PartNumber": number, "ETag": answer["ETag"]})
    client.complete_multipart_upload(Bucket=bucket, Key=key, UploadId=upload, MultipartUpload={"Parts": parts})


def pair(source, vault):
    mark = pytest.mark.rgw if "rgw" in (source, vault) else pytest.mark.s3sim
    return pytest.param((source, vault), id=f"{source}-to-{vault}", marks=mark)


@pytest.fixture(params=[pair("s3sim", "s3sim"), pair("s3sim", "rgw"), pair("rgw", "s3sim")])
def apart(request, vaultferry):
    source, vault = (request.getfixturevalue(name) for name in request.param)
    yield Apart(source, vault, vaultferry)
    if "s3sim" in request.param:
        request.getfixturevalue("s3sim").control("POST", "/_s3sim/reset")


@pytest.fixture
def sim(s3sim, vaultferry):
    yield Apart(s3sim, s3sim, vaultferry)
    s3sim.control("POST", "/_s3sim/reset")


def compared(apart, bucket):
    """{key: what the record says the copy was compared by}."""
    return {key: line.get("by") for key, line in apart.vault.check(bucket)[-1].view.items()}


def uploads(apart):
    return apart.owner.list_multipart_uploads(Bucket=apart.vault_bucket).get("Uploads", [])


@pytest.mark.tsan
def test_objects_of_all_sizes_are_carried_between_two_stores(apart):
    """From nothing to many parts, around the 5 MiB of S3's smallest part; then nothing is to be done."""
    bucket = apart.bucket()
    sizes = {"empty": 0, "one": 1, "below": 5 * MIB - 1, "at": 5 * MIB, "above": 5 * MIB + 1, "whole": 8 * MIB,
        "parts": 8 * MIB + 1, "many": 40 * MIB + 12345}
    for name, size in sizes.items():
        apart.put(bucket, name, data(size, name.encode()))
    multipart(apart.source, bucket, "own-parts", 6 * MIB, 6 * MIB, 5 * MIB + 3)
    multipart(apart.source, bucket, "odd-parts", 5 * MIB, 7 * MIB, 1)
    report = apart.run()
    assert report["state"] == "complete" and report["copied"] == len(sizes) + 2
    apart.assert_same(bucket)
    by = compared(apart, bucket)
    assert [by[name] for name in sizes] == ["etag"] * 6 + ["checksum"] * 2
    there = apart.vault.live(bucket)
    for name in ("own-parts", "odd-parts"):
        if by[name] == "etag":  # a store that tells the parts of its objects
            assert there[name]["ETag"].strip('"') == listing(apart.source, bucket)[name][0]
    assert uploads(apart) == []
    again = apart.run()
    assert again["unchanged"] == len(sizes) + 2 and again["copied"] == again["recopied"] == 0


@pytest.mark.slow
def test_a_hundred_mebibytes_are_carried_between_two_stores(apart):
    bucket = apart.bucket()
    apart.put(bucket, "large", data(100 * MIB))
    assert apart.run()["copied"] == 1
    apart.assert_same(bucket)


def test_headers_metadata_and_tags_are_carried_between_two_stores(apart):
    bucket = apart.bucket()
    apart.put(bucket, "small", b"\x1f\x8b rich", **RICH)
    apart.put(bucket, "large", data(9 * MIB), **RICH)
    apart.put(bucket, "page", b"", WebsiteRedirectLocation="/other")
    assert apart.run()["copied"] == 3
    apart.assert_same(bucket, tags=apart.simulated)
    if not apart.simulated:  # RGW loses the tags that a multipart upload is begun with
        there = apart.owner.get_object_tagging(Bucket=apart.vault_bucket, Key=f"data/{bucket}/small")["TagSet"]
        assert {tag["Key"]: tag["Value"] for tag in there} == {"team": "x y", "empty": ""}
    apart.later()
    apart.put(bucket, "small", b"\x1f\x8b rich", **RICH | {"Metadata": {"who": "another"}})
    assert apart.run()["recopied"] == 1
    apart.assert_same(bucket, tags=apart.simulated)


def test_odd_and_long_keys_are_carried_between_two_stores(apart):
    bucket = apart.bucket()
    keys = ODD + long_keys(bucket)
    for key in keys:
        raw(apart.here.server, "PUT", bucket, key, apart.here.server.source_owner, body=key.encode())
    report = apart.run()
    assert (report["copied"], report["failed"]) == (len(keys), 0)
    for key in keys:
        there = raw(apart.server, "GET", apart.vault_bucket, path_of(bucket, key), apart.server.vault_owner)
        assert there == key.encode(), ascii(key)
    assert sorted(apart.vault.check(bucket)[-1].view) == sorted(keys)


def test_each_side_is_spoken_to_with_its_own_credentials(sim):
    bucket = sim.bucket()
    sim.put(bucket, "small")
    sim.put(bucket, "large", data(20 * MIB))
    sim.run()
    for operation, where in (("GetObject", bucket), ("GetObjectTagging", bucket), ("PutObject", sim.vault_bucket),
            ("UploadPart", sim.vault_bucket)):
        callers = {request["caller"] for request in sim.requests(operation, where)}
        role = sim.here.source_role if where == bucket else sim.vault_role
        assert len(callers) == 1 and role.split("/")[-1] in callers.pop(), operation
    for operation in ("GetObject", "GetObjectTagging"):
        assert sim.requests(operation, sim.vault_bucket) == []
    assert sim.counts()["CopyObject"] == sim.counts()["UploadPartCopy"] == 0


@pytest.mark.parametrize("size", [1000, 20 * MIB])
def test_an_object_that_changes_while_it_is_read_is_carried_as_it_is_then(sim, size):
    bucket = sim.bucket()
    sim.put(bucket, "hot", data(size))
    sim.faults({"operation": "GetObject", "bucket": bucket, "key": "hot", "count": 1, "skip": 1 if size > MIB else 0,
        "action": "mutate_overwrite"})
    report = sim.run()
    assert sim.fired() == [1]
    sim.heal()
    assert (report["copied"], report["failed"]) == (1, 0)
    sim.assert_same(bucket)
    sim.vault.check(bucket)
    assert uploads(sim) == []


@pytest.mark.parametrize("size", [1000, 20 * MIB])
def test_an_object_that_goes_while_it_is_read_is_no_failure(sim, size):
    bucket = sim.bucket()
    sim.put(bucket, "going", data(size))
    sim.put(bucket, "stays")
    sim.faults({"operation": "GetObject", "bucket": bucket, "key": "going", "count": 1, "action": "mutate_delete"})
    report = sim.run()
    sim.heal()
    assert (report["copied"], report["gone"], report["failed"]) == (1, 1, 0)
    assert sorted(sim.vault.live(bucket)) == ["stays"] and uploads(sim) == []


@pytest.mark.parametrize("size", [1000, 20 * MIB])
def test_an_archived_object_is_reported_and_not_failed(sim, size):
    bucket = sim.bucket()
    sim.put(bucket, "cold", data(size), StorageClass="GLACIER")
    report = sim.run()
    assert (report["archived"], report["failed"], report["state"]) == (1, 0, "complete")
    assert sim.vault.live(bucket) == {} and uploads(sim) == []


@pytest.mark.parametrize("action", [
    {"operation": "GetObject", "action": "truncate", "bytes": 1000},
    {"operation": "GetObject", "action": "reset"},
    {"operation": "UploadPart", "action": "reset"},
    {"operation": "UploadPart", "action": "lost_answer"},
    {"operation": "PutObject", "key_prefix": "data/", "action": "lost_answer"},
    {"operation": "CompleteMultipartUpload", "action": "lost_answer"},
    {"operation": "CompleteMultipartUpload", "action": "error_in_200", "code": "InternalError"},
], ids=lambda rule: f"{rule['operation']}-{rule['action']}")
def test_what_breaks_off_on_the_way_is_sent_again_whole(sim, action):
    bucket = sim.bucket()
    sim.put(bucket, "small", data(100000))
    sim.put(bucket, "large", data(20 * MIB))
    sim.faults(action | {"count": 2})
    assert sim.run()["failed"] == 0
    assert sim.fired() == [2 if action["operation"] in ("GetObject", "UploadPart") else 1] or sim.fired() == [2]
    sim.heal()
    sim.assert_same(bucket)
    sim.vault.check(bucket)
    assert uploads(sim) == []


def test_tags_that_may_not_be_read_fail_or_are_counted_by_policy(sim):
    bucket = sim.bucket()
    sim.put(bucket, "small", Tagging="a=b")
    sim.put(bucket, "large", data(9 * MIB), Tagging="a=b")
    denied = {"operation": "GetObjectTagging", "bucket": bucket}
    denied |= {"action": "error", "status": 403, "code": "AccessDenied"}
    sim.faults(denied)
    report = sim.run(exit=2)
    assert sorted(failure["operation"] for failure in report["failures"]) == ["GetObjectTagging"] * 2
    assert sim.vault.live(bucket) == {} and uploads(sim) == []
    report = sim.run(config=sim.config(policy={"tags": "best-effort"}))
    assert (report["copied"], report["failed"]) == (2, 0)
    sim.heal()
    sim.assert_same(bucket, tags=False)


def test_a_large_object_is_gone_on_with_after_a_kill(sim):
    """What a killed run has uploaded is not read again."""
    bucket = sim.bucket()
    sim.put(bucket, "large", data(80 * MIB))
    sim.latency(300, "UploadPart")
    child = sim.start("run", config=sim.config(limits={"workers": 1}))
    sim.wait_for(lambda: sim.counts()["UploadPart"] >= 4)
    child.kill()
    child.wait()
    sim.latency(0)
    before = len(sim.requests("GetObject", bucket))
    report = sim.run()
    assert (report["copied"], report["failed"]) == (1, 0)
    assert 0 < len(sim.requests("GetObject", bucket)) - before < 10
    sim.assert_same(bucket)
    assert uploads(sim) == []
