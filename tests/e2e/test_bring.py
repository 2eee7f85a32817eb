"""How one object is carried out of the vault: by the destination's own copy where it may read the vault, else through
vaultferry; with all that belongs to it, and compared. Judged by boto3."""

import pytest
from test_restore import Back
from test_stream import RICH, Apart, data, multipart, pair
from world import HEADERS, MIB, document, listing

READ_VAULT = ["s3:GetObject", "s3:GetObjectVersion", "s3:GetObjectTagging", "s3:GetObjectVersionTagging"]


@pytest.fixture
def world(server, vaultferry):
    yield Back(server, vaultferry)
    if server.name == "s3sim":
        server.control("POST", "/_s3sim/reset")


@pytest.fixture
def sim(s3sim, vaultferry):
    yield Back(s3sim, vaultferry)
    s3sim.control("POST", "/_s3sim/reset")


def rich_bucket(world):
    bucket = world.bucket()
    world.put(bucket, "rich", b"content", **RICH)
    world.put(bucket, "empty", b"", Metadata={"only": "metadata"})
    for size in (5 * MIB - 1, 5 * MIB, 5 * MIB + 1, 9 * MIB):
        world.put(bucket, f"size {size}", data(size), Metadata={"size": str(size)})
    if world.simulated:  # RGW denies copies of parts across accounts, and does not tell where parts end
        multipart(world.source, bucket, "parts", 6 * MIB, 5 * MIB, 1, **RICH)
    world.run(config=world.config(bucket, policy={"parts": "faithful"}))
    return bucket


def etags(world, bucket):
    return {key: etag for key, (etag, _) in listing(world.source, bucket).items()}


def let_the_owner_read_the_vault(sim):
    """The account of the sources may read the vault: then its principal copies by itself."""
    allowed = {"Effect": "Allow", "Action": READ_VAULT, "Resource": [f"arn:aws:s3:::{sim.vault_bucket}/*"],
        "Principal": {"AWS": f"arn:aws:iam::{sim.server.source_account}:root"}}
    sim.owner.put_bucket_policy(Bucket=sim.vault_bucket, Policy=document(allowed))


def test_all_that_belongs_to_an_object_comes_back_through_vaultferry(world):
    bucket = rich_bucket(world)
    report = world.restore(bucket)
    assert (report["restored"], report["failed"]) == (7 if world.simulated else 6, 0)
    assert world.seen(world.back) == world.seen(bucket)
    assert etags(world, world.back) == etags(world, bucket)
    assert not world.source.list_multipart_uploads(Bucket=world.back).get("Uploads")


def test_server_side_copies_carry_the_same(sim):
    bucket = rich_bucket(sim)
    let_the_owner_read_the_vault(sim)
    sim.forget_counts()
    assert sim.restore(bucket)["restored"] == 7
    counts = sim.counts()
    assert counts["CopyObject"] == 6 and counts["UploadPartCopy"] == 3 and counts["UploadPart"] == 0
    assert not [one for one in sim.requests("GetObject", sim.vault_bucket) if one["key"].startswith("data/")]
    assert sim.seen(sim.back) == sim.seen(bucket)
    assert etags(sim, sim.back) == etags(sim, bucket)


def test_principal_that_may_not_read_the_vault_asks_once_or_so(sim):
    bucket = sim.bucket()
    sim.fill(bucket, 40)
    sim.run(config=sim.config(bucket))
    sim.forget_counts()
    config = sim.config(bucket, limits={"workers": 2})
    assert sim.restore(bucket, config=config)["restored"] == 40
    assert sim.counts()["CopyObject"] <= 2


def test_website_redirects_come_back(sim):
    bucket = sim.bucket()
    sim.source.put_bucket_website(Bucket=bucket, WebsiteConfiguration={"IndexDocument": {"Suffix": "index.html"}})
    sim.put(bucket, "moved", b"", WebsiteRedirectLocation="/there")
    sim.run()
    let_the_owner_read_the_vault(sim)
    sim.restore(bucket)
    assert sim.source.head_object(Bucket=sim.back, Key="moved")["WebsiteRedirectLocation"] == "/there"


def test_recorded_acls_are_put_back(world):
    bucket = world.bucket()
    world.put(bucket, "public", b"x", ACL="public-read")
    world.put(bucket, "private", b"x")
    config = world.config(bucket, policy={"acl": "record"})
    world.run(config=config)
    assert world.restore(bucket, config=config)["restored"] == 2

    def grants(where, key):
        found = world.source.get_object_acl(Bucket=where, Key=key)["Grants"]
        return sorted((grant["Permission"], grant["Grantee"].get("URI") or grant["Grantee"]["ID"]) for grant in found)

    for key in ("public", "private"):
        assert grants(world.back, key) == grants(bucket, key)
    assert any("AllUsers" in who for _, who in grants(world.back, "public"))


def test_acl_that_the_destination_refuses_costs_no_object(sim):
    bucket = sim.bucket()
    sim.put(bucket, "k", b"x", ACL="public-read")
    config = sim.config(bucket, policy={"acl": "record"})
    sim.run(config=config)
    sim.faults({"operation": "PutObjectAcl", "bucket": sim.back, "action": "error", "status": 400,
        "code": "AccessControlListNotSupported"})
    report = sim.restore(bucket, config=config)
    assert (report["restored"], report["failed"], report["without_acl"]) == (1, 0, 1)
    assert listing(sim.source, sim.back)


@pytest.mark.parametrize("server_side", [True, False], ids=["copied", "streamed"])
@pytest.mark.parametrize("operation", ["UploadPartCopy", "UploadPart", "CompleteMultipartUpload", "CopyObject",
    "PutObject", "GetObject"])
def test_failure_leaves_no_upload_and_the_next_restore_goes_on(sim, server_side, operation):
    bucket = rich_bucket(sim)
    if server_side:
        let_the_owner_read_the_vault(sim)
    where = sim.vault_bucket if operation == "GetObject" else sim.back
    more = {"key_prefix": "data/"} if operation == "GetObject" else {}
    sim.faults({"operation": operation, "bucket": where, "action": "error", "status": 400, "code": "InvalidRequest"}
        | more)
    result = sim.cli("--json", "restore", "--source", bucket, "--to", f"s3://{sim.back}/")
    fired = sim.fired() != [0]
    assert result.returncode == (2 if fired else 0), result
    assert not sim.source.list_multipart_uploads(Bucket=sim.back).get("Uploads")
    sim.heal()
    sim.restore(bucket)
    assert sim.seen(sim.back) == sim.seen(bucket)


@pytest.mark.parametrize("fault", [{"action": "truncate", "bytes": MIB}, {"action": "reset"}],
    ids=lambda fault: fault["action"])
def test_connections_that_break_are_tried_again(sim, fault):
    bucket = rich_bucket(sim)
    sim.faults({"operation": "GetObject", "key_prefix": "data/", "count": 4} | fault)
    assert sim.restore(bucket)["restored"] == 7
    assert sim.fired() == [4]
    assert sim.seen(sim.back) == sim.seen(bucket)


@pytest.mark.parametrize("key", ["k", "parts"])
def test_bytes_that_were_damaged_in_the_vault_are_not_brought_back(sim, key):
    bucket = sim.bucket()
    sim.put(bucket, "k", b"precious bytes")
    multipart(sim.source, bucket, "parts", 5 * MIB, 7)
    sim.run(config=sim.config(bucket, policy={"parts": "faithful"}))
    sim.server.control("POST", "/_s3sim/damage",
        {"bucket": sim.vault_bucket, "key": f"data/{bucket}/{key}", "offset": 2})
    report = sim.restore(bucket, exit=2)
    assert [one["key"] for one in report["failures"]] == [key] and "ETag" in report["failures"][0]["message"]
    assert set(listing(sim.source, sim.back)) == {"k", "parts"} - {key}


# two stores

class Away(Apart):
    """The vault in another store than the source, to whose store things are brought back."""

    def back(self):
        name = f"back-{self.tag}"
        self.source.create_bucket(Bucket=name)
        return name


@pytest.fixture(params=[pair("s3sim", "rgw"), pair("rgw", "s3sim")])
def away(request, vaultferry):
    source, vault = (request.getfixturevalue(name) for name in request.param)
    yield Away(source, vault, vaultferry)
    request.getfixturevalue("s3sim").control("POST", "/_s3sim/reset")


def test_objects_come_back_from_one_store_to_another(away):
    bucket = away.bucket()
    bodies = {"empty": b"", "five": data(5 * MIB + 1), "a/b c+d%20": b"odd", "ü": b"odd"}
    for key, body in bodies.items():
        away.here.put(bucket, key, body, Metadata={"key": "m"}, Tagging="a=b")
    multipart(away.source, bucket, "parts", 5 * MIB, 3)
    config = away.config(bucket, policy={"parts": "faithful"})
    assert away.run(config=config)["failed"] == 0
    back = away.back()
    config["sources"][0] |= {"role_arn": None, "external_id": None, "profile": "source"}
    report = away.do("restore", "--source", bucket, "--to", f"s3://{back}/", config=config)
    assert (report["restored"], report["failed"]) == (5, 0)
    for key in [*bodies, "parts"]:
        one, other = (away.source.get_object(Bucket=where, Key=key) for where in (bucket, back))
        assert one["Body"].read() == other["Body"].read()
        assert key == "parts" or one["ETag"] == other["ETag"]  # RGW does not tell where parts end
        assert {name: one.get(name) for name in HEADERS} == {name: other.get(name) for name in HEADERS}
        assert (away.source.get_object_tagging(Bucket=back, Key=key)["TagSet"] ==
            away.source.get_object_tagging(Bucket=bucket, Key=key)["TagSet"])
