"""The vault's health: what a run looks at before it relies on the vault, and what it says."""
import pytest
from world import World, listing

# S3's ListBuckets and STS have no bucket to own
WITHOUT_BUCKET = {"ListBuckets", "AssumeRole", "GetCallerIdentity"}


@pytest.fixture
def world(server, vaultferry):
    return World(server, vaultferry)


@pytest.fixture
def sim(s3sim, vaultferry):
    world = World(s3sim, vaultferry)
    yield world
    s3sim.control("POST", "/_s3sim/reset")


def rule(name, prefix="", status="Enabled", **does):
    return {"ID": name, "Filter": {"Prefix": prefix}, "Status": status} | does


def set_rules(world, *rules):
    world.owner.put_bucket_lifecycle_configuration(
    Bucket=world.vault_bucket,
    LifecycleConfiguration={
        "Rules": list(rules)})


EXPIRE = {"Expiration": {"Days": 4000}}
EXPIRE_OLD = {"NoncurrentVersionExpiration": {"NoncurrentDays": 4000}}


def events(result, name):
    return [event for event in result.events if event["event"] == name]


def test_foreign_rule_that_expires_the_vault_is_an_alarm_in_every_report(world):
    """Said once as an event and in each source's report; the copies are made all the same."""
    buckets = [world.bucket("docs"), world.bucket("mail")]
    for bucket in buckets:
        world.fill(bucket, 3)
    set_rules(world, rule("housekeeping", "data/", **EXPIRE_OLD), rule("vaultferry-docs", "data/docs", **EXPIRE_OLD),
        rule("off", "points/", "Disabled", **EXPIRE), rule("leases", "lease/", **EXPIRE))
    result = world.cli("--json", "run")
    assert result.returncode == 0, result
    for one in result.json["sources"]:
        assert one["copied"] == 3 and one["state"] == "complete"
        for name in ("housekeeping", "vaultferry-docs"):  # an id makes nothing harmless
            assert [text for text in one["warnings"] if f'"{name}"' in text and "under data/" in text], one
        assert len(one["warnings"]) == 3 and "no rule aborts uploads" in one["warnings"][2]
    alarms = events(result, "vault-rule-foreign")
    assert len(alarms) == 2 and "housekeeping" in str(alarms)
    text = world.cli("run")
    assert text.stdout.count("warning: lifecycle rule \"housekeeping\"") == 2
    world.owner.delete_bucket_lifecycle(Bucket=world.vault_bucket)
    assert [one["warnings"] for one in world.do("run")["sources"]] == [[], []]


def test_rules_of_the_whole_bucket_and_of_the_catalog_are_seen(world):
    world.put(world.bucket(), "a")
    set_rules(world, rule("everything", "", **EXPIRE), rule("catalog", "points/", **EXPIRE))
    catalog, everything = sorted(world.run()["warnings"])  # RGW sorts its rules
    assert '"everything"' in everything and "under data/, data-long/, names/, points/, prune/:" in everything
    assert '"catalog"' in catalog and "under points/:" in catalog


def test_vault_under_a_prefix_is_judged_by_its_own_folders(sim):
    sim.put(sim.bucket(), "a")
    config = sim.config(vault={"prefix": "acme/"})
    set_rules(sim, rule("others", "data/", **EXPIRE))
    assert sim.run(config=config)["warnings"] == []
    set_rules(sim, rule("mine", "acme/data/", **EXPIRE))
    assert "mine" in sim.run(config=config)["warnings"][0]


def test_rules_that_may_not_be_read_are_one_warning_that_names_the_permission(sim):
    sim.put(sim.bucket(), "a")
    sim.faults({"operation": "GetBucketLifecycleConfiguration", "bucket": sim.vault_bucket,
               "action": "error", "status": 403, "code": "AccessDenied"})
    result = sim.cli("--json", "run")
    assert result.returncode == 0
    said = events(result, "vault-not-checked")
    assert len(said) == 1 and "s3:GetLifecycleConfiguration" in str(said[0])
    assert "s3:GetLifecycleConfiguration" in result.json["sources"][0]["warnings"][0]


def test_vault_is_looked_at_once_however_many_sources_there_are(sim):
    for name in ("one", "two", "three"):
        sim.put(sim.bucket(name), "a")
    sim.forget_counts()
    assert len(sim.do("run")["sources"]) == 3
    assert len(sim.requests("GetBucketLifecycleConfiguration", sim.vault_bucket)) == 1
    assert len(sim.requests("GetBucketVersioning", sim.vault_bucket)) == 1


def test_vault_whose_versions_are_suspended_is_refused(world):
    world.put(world.bucket(), "a")
    world.owner.put_bucket_versioning(Bucket=world.vault_bucket, VersioningConfiguration={"Status": "Suspended"})
    report = world.run(exit=1)
    assert "is not versioned any more (suspended)" in report["error"]["message"]
    assert listing(world.owner, world.vault_bucket) == {}


def test_vault_of_another_account_is_refused_with_words_that_say_so(sim):
    """The role may write there, as whoever puts up a bucket of that name would see to; nothing is written. (RGW does
    not     know the header.)"""
    sim.put(sim.bucket(), "secret")
    message = sim.run(exit=5, config=sim.config(vault={"account": "999988887777"}))["error"]["message"]
    assert sim.vault_bucket in message and "does not belong to account 999988887777" in message
    assert listing(sim.owner, sim.vault_bucket) == {}


def test_vault_of_another_account_that_denies_all_is_named_too(sim):
    sim.put(sim.bucket(), "secret")
    sim.faults({"bucket": sim.vault_bucket, "action": "error", "status": 403, "code": "AccessDenied"})
    result = sim.cli("--json", "run")
    assert result.returncode == 5
    assert "does not belong to account" in str(events(result, "vault-not-checked"))


def test_source_bucket_of_another_account_is_refused(sim):
    sim.put(sim.bucket(), "a")
    result = sim.cli("--json", "run", config=sim.config(source={"account": "999988887777"}))
    assert result.returncode == 5
    assert listing(sim.owner, sim.vault_bucket) == {}


@pytest.mark.parametrize("code,status,message", [("KMS.DisabledException", 400, "key is disabled"),
    ("KMS.NotFoundException", 400, "Key 'x' does not exist"),
    ("AccessDenied", 403, "User: r is not authorized to perform: kms:GenerateDataKey on this resource")])
def test_key_that_cannot_be_used_is_named_before_anything_is_copied(sim, code, status, message):
    sim.fill(sim.bucket(), 3)
    key = "arn:aws:kms:us-east-1:444455556666:key/1234"
    sim.faults({"operation": "PutObject", "bucket": sim.vault_bucket, "action": "error", "status": status, "code": code,
        "message": message})
    sim.forget_counts()
    report = sim.run(exit=5, config=sim.config(vault={"encryption": {"kms_key_id": key}}))
    said = report["error"]["message"]
    assert f'encryption key "{key}"' in said and message in said and "kms:GenerateDataKey" in said
    assert sim.counts()["CopyObject"] == 0


def test_every_request_for_a_bucket_names_its_owner(sim):
    """Lists, heads, copies, writes, deletions of many, multipart: with the account that the config names."""
    bucket = sim.bucket()
    sim.limits(min_part_size=1)
    sim.fill(bucket, 12)
    sim.put(bucket, "long/" + "x" * 1010)
    upload = sim.source.create_multipart_upload(Bucket=bucket, Key="parts")["UploadId"]
    parts = [{"PartNumber": n, "ETag": sim.source.upload_part(Bucket=bucket, Key="parts", UploadId=upload, PartNumber=n,
        Body=b"p" * 100)["ETag"]} for n in (1, 2, 3)]
    sim.source.complete_multipart_upload(Bucket=bucket, Key="parts", UploadId=upload, MultipartUpload={"Parts": parts})
    config = sim.config(policy={"parts": "faithful"})
    last = sim.server.control("GET", "/_s3sim/requests?last=4096")[-1:]
    assert sim.run(config=config)["copied"] == 14
    sim.later()
    for key in ("k001", "k002", "k003"):
        sim.source.delete_object(Bucket=bucket, Key=key)
    sim.put(bucket, "k000", b"new")
    sim.run("--accept", bucket, config=config)
    sim.do("resync", config=config)
    sim.cli("status", config=config)
    sim.cli("points", config=config)

    ring = sim.server.control("GET", "/_s3sim/requests?last=4096")
    ours = [one for one in ring[ring.index(last[0]) + 1:] if "vaultferry" in one["caller"]]
    owners = {bucket: sim.server.source_account, sim.vault_bucket: sim.server.vault_account}
    seen = set()
    for one in ours:
        if one["operation"] in WITHOUT_BUCKET:
            continue
        headers = {name.lower(): value for name, value in one["headers"].items()}
        seen.add((one["operation"], one["bucket"] == bucket))
        assert headers.get("x-amz-expected-bucket-owner") == owners[one["bucket"]], one
        if "x-amz-copy-source" in headers:
            assert headers.get("x-amz-source-expected-bucket-owner") == sim.server.source_account, one
    vault = {name for name, here in seen if not here}
    source = {name for name, here in seen if here}
    assert vault >= {"CopyObject", "UploadPartCopy", "CreateMultipartUpload", "CompleteMultipartUpload", "PutObject",
        "GetObject", "DeleteObjects", "ListObjectVersions", "GetBucketVersioning",
        "GetBucketLifecycleConfiguration"}, vault
    assert source >= {"ListObjectsV2", "HeadObject", "HeadBucket", "GetBucketPolicy"}, source


def test_streams_name_the_owner_of_both_buckets(sim):
    """Copies that pass through, put and get, and what an upload that is given up sends."""
    bucket = sim.bucket()
    sim.put(bucket, "small")
    sim.put(bucket, "large", bytes(9 << 20))
    config = sim.config(bucket, source={"copy": "stream"})
    config["sources"].append({"name": "dumps", "kind": "stream", "policy": "documents"})
    last = sim.server.control("GET", "/_s3sim/requests?last=4096")[-1:]
    assert sim.run(config=config)["copied"] == 2
    for script, code in (("echo dump", 0), ("head -c 20000000 /dev/zero", 0),
        ("head -c 20000000 /dev/zero; exit 1", 2)):
        result = sim.cli("--json", "put", "--source", "dumps", "dump", "--", "sh", "-c", script, config=config)
        assert result.returncode == code, result
    assert sim.cli("get", "--source", "dumps", "dump", config=config).returncode == 0

    ring = sim.server.control("GET", "/_s3sim/requests?last=4096")
    ours = [one for one in ring[ring.index(last[0]) + 1:] if "vaultferry" in one["caller"]]
    owners = {bucket: sim.server.source_account, sim.vault_bucket: sim.server.vault_account}
    seen = set()
    for one in ours:
        if one["operation"] in WITHOUT_BUCKET:
            continue
        headers = {name.lower(): value for name, value in one["headers"].items()}
        seen.add((one["operation"], one["bucket"] == bucket))
        assert headers.get("x-amz-expected-bucket-owner") == owners[one["bucket"]], one
    vault = {name for name, here in seen if not here}
    assert vault >= {"PutObject", "CreateMultipartUpload", "UploadPart", "CompleteMultipartUpload",
        "AbortMultipartUpload", "ListMultipartUploads", "HeadObject", "GetObject"}, vault
    assert ("GetObject", True) in seen, seen


def test_put_looks_at_the_vault_as_a_run_does(sim):
    config = sim.config()
    config["sources"] = [{"name": "dumps", "kind": "stream", "policy": "documents"}]
    set_rules(sim, rule("housekeeping", "data/", **EXPIRE))
    result = sim.cli("--json", "put", "--source", "dumps", "db.sql", "--", "echo", "dump", config=config)
    assert result.returncode == 0, result
    assert len(events(result, "vault-rule-foreign")) == 1
    config["vault"]["account"] = "999988887777"
    result = sim.cli("--json", "put", "--source", "dumps", "db2.sql", "--", "echo", "dump", config=config)
    assert result.returncode == 5 and "does not belong to account" in result.json["error"]["message"], result
