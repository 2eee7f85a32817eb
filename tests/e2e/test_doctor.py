"""Doctor: with exactly the printed documents all is well; each action that is taken away is named with its statement,
and what a run does without it says what to grant as well."""
import copy
import json

import pytest
from test_policy import Least
from world import document, listing

DENIED = {"action": "error", "status": 403, "code": "AccessDenied"}
# what a run does without an action; None: nothing, as it needs it for what does not happen in every run (an object that
# goes between listing and copy, large objects, restores), or only describes the source by it
RUNS = {
    ("vault-role", "s3:ListBucket"): 5, ("vault-role", "s3:ListBucketVersions"): 5,
    ("vault-role", "s3:PutObject"): 5, ("vault-role", "s3:PutObjectTagging"): 2,
    ("vault-role", "s3:GetObjectVersion"): 5, ("vault-role", "s3:DeleteObject"): 2,
    ("source-role", "s3:ListAllMyBuckets"): 5, ("source-role", "s3:ListBucket"): 5, ("source-role", "s3:GetObject"): 5,
    ("source-bucket", "s3:GetObject"): 2, ("source-bucket", "s3:GetObjectTagging"): 2,
    ("ReadSources", "s3:GetObject"): 2, ("ReadSources", "s3:GetObjectTagging"): 2,
    ("ListSources", "s3:ListBucket"): None}
# Ceph does not ask for some, and asks a role of the vault's account nothing about buckets of another tenant
RGW_RUNS = {("DeleteManyAtOnce", "s3:DeleteObject"): 5, ("vault-role", "s3:GetObject"): 2,
    ("vault-role", "s3:PutObjectTagging"): None, ("source-bucket", "s3:GetObjectTagging"): None}
RGW_DOES_NOT_ASK = {("WriteVault", "s3:ListMultipartUploadParts"), ("BringBack", "s3:RestoreObject"),
    ("WriteVaultAcls", "s3:PutObjectAcl"), ("ListSources", "s3:ListBucket"), ("ReadSources", "s3:GetObject"),
    ("ReadSources", "s3:GetObjectTagging"), ("VaultferryRead", "s3:GetObjectTagging")}
# S3 asks for the right to delete many on the objects alone
NOT_ASKED = {True: {("vault-role", "DeleteManyAtOnce")}, False: set()}
# other documents speak of the same in other statements
TWINS = {"VaultferryList": "ListSources", "VaultferryRead": "ReadSources"}
BAD = ("missing", "failed", "warning")


class Patient(Least):
    def doctor(self, *arguments, exit=0, config=None):
        return self.do("doctor", *arguments, exit=exit, config=config)["checks"]

    def ready(self, *names, **more):
        """Buckets with an object each, and what the printed documents grant on them."""
        buckets = [self.bucket(name, actions=()) for name in names or ["docs"]]
        config = self.config(*buckets, **more)
        for bucket in buckets:
            self.put(bucket, "a")
            self.grant_documents(bucket, config)
        return buckets if len(buckets) > 1 else buckets[0]

    def documents(self, bucket, config):
        names = {"vault-role": [], "source-bucket": ["--source", bucket]} | (
            {"source-role": []} if self.simulated else {})
        return {name: self.policy(name, *more, config=config) for name, more in names.items()}

    def give(self, name, policy, bucket):
        if name == "vault-role":
            self.set_vault_role(policy)
        elif name == "source-role":
            self.set_source_role(policy)
        else:
            self.source.put_bucket_policy(Bucket=bucket, Policy=document(*policy["Statement"]))


@pytest.fixture
def world(server, vaultferry):
    return Patient(server, vaultferry)


@pytest.fixture
def sim(s3sim, vaultferry):
    yield Patient(s3sim, vaultferry)
    s3sim.control("POST", "/_s3sim/reset")


def bad(checks):
    return [one for one in checks if one["state"] in BAD]


def find(checks, check, subject=""):
    return next(one for one in checks if one["check"] == check and subject in one["subject"])


def without(policy, sid, action):
    policy = copy.deepcopy(policy)
    for one in policy["Statement"]:
        if one["Sid"] == sid:
            one["Action"].remove(action)
    return policy | {"Statement": [one for one in policy["Statement"] if one["Action"]]}


def test_all_is_well_with_exactly_the_printed_documents(world):
    bucket = world.bucket(actions=())
    world.fill(bucket, 3)
    world.put(bucket, "tagged", Tagging="a=b")
    world.grant_documents(bucket)
    before = listing(world.source, bucket)
    for _ in range(2):  # before the first run, and after it
        checks = world.doctor()
        assert bad(checks) == []
        # what it wrote lies where leases do, below a delete marker
        assert listing(world.owner, world.vault_bucket, "lease/.doctor/") == {}
        assert all(one["Key"].startswith(("lease/", "data/", "points/")) for one in world.vault.versions())
        assert listing(world.source, bucket) == before
        world.run()
    assert not any("/.doctor/" in one["Key"] for one in world.vault.versions()
        if not one["Key"].startswith("lease/.doctor/"))
    point = find(checks, "points", bucket)
    assert "20" in point["detail"] and find(checks, "lease", bucket)["detail"] == "free"
    text = world.cli("doctor")
    assert text.returncode == 0 and "All is well." in text.stdout
    assert not (world.vaultferry.state / ".doctor").exists()
    report = world.do("verify")
    assert report["problems"] == []


def test_each_action_that_is_missing_is_named_and_runs_say_what_to_grant(world):
    bucket = world.bucket(actions=())
    kept = world.fill(bucket, 48)
    config = world.config(bucket, select={"buckets": [f"docs-{world.tag[:4]}*"]} if world.simulated else None,
        policy={"acl": "record"} if world.simulated else None)
    documents = world.documents(bucket, config)
    for name, policy in documents.items():
        world.give(name, policy, bucket)
    assert bad(world.doctor(config=config)) == []
    world.run(config=config)
    tried = [(name, one["Sid"], action) for name, policy in documents.items() for one in policy["Statement"]
        if (name, one["Sid"]) not in NOT_ASKED[world.simulated] for action in one["Action"] if action[:3] == "s3:"]
    assert len(tried) > (30 if world.simulated else 15)
    for number, (name, sid, action) in enumerate(tried):
        world.give(name, without(documents[name], sid, action), bucket)
        told = world.cli("--json", "doctor", config=config)
        expected = expected_of_run(world, name, sid, action)
        if expected:  # work for each kind of request: an object that is tagged, one that goes
            world.put(bucket, f"new{number}", Tagging="a=b")
            world.source.delete_object(Bucket=bucket, Key=kept.pop())
        run = world.cli("--json", "run", config=config) if expected else None
        world.give(name, documents[name], bucket)
        judge_doctor(world, sid, action, told)
        if expected:
            said = json.dumps(run.json) + run.stderr
            assert run.returncode == expected, (name, sid, action, run)
            assert "To grant: " in said and action in said and f'{sid}\\"' in said, (name, sid, action, run)
    world.run(config=config)
    assert bad(world.doctor(config=config)) == []
    world.assert_same(bucket, tags=world.simulated)


def expected_of_run(world, name, sid, action):
    """Its exit code; None: it goes well without."""
    if not world.simulated and (sid, action) in RGW_DOES_NOT_ASK:
        return None
    expected = RUNS.get((sid, action), RUNS.get((name, action)) if sid not in TWINS.values() else None)
    if not world.simulated:
        expected = RGW_RUNS.get((sid, action), RGW_RUNS.get((name, action), expected))
    return None if (sid, action) == ("VaultferryList", "s3:ListBucket") else expected


def judge_doctor(world, sid, action, told):
    missing = [one for one in told.json["checks"] if one["state"] == "missing"]
    if not world.simulated and (sid, action) in RGW_DOES_NOT_ASK:
        assert told.returncode == 0 and missing == [], (sid, action, told)
        return
    assert [one["check"] for one in missing] == [action], (sid, action, told)
    (one,) = missing
    grants = [grant for grant in (one["grant"], one.get("or")) if grant]
    named = {grant["sid"] for grant in grants}
    assert sid in named and TWINS.get(sid, sid) in named and f'"{sid}"' in one["detail"], (sid, action, told)
    assert all(action in grant["actions"] for grant in grants), (sid, action, told)
    assert told.returncode == (5 if one["needed"] else 2), (sid, action, told)


def test_roles_that_cannot_be_taken_and_buckets_that_are_missing_are_told_apart(sim):
    """One account that fails does not keep the others from being looked at."""
    good, other = sim.ready("docs", "other")
    config = sim.config(good)
    config["sources"].append(copy.deepcopy(config["sources"][0]) | {"select": {"buckets": ["nobody-has-it", other]}})
    config["sources"].append(copy.deepcopy(config["sources"][0]) | {"external_id": "wrong",
        "select": {"buckets": ["third"]}})
    checks = sim.doctor(exit=5, config=config)
    failed = [(one["subject"], one["check"]) for one in bad(checks)]
    assert ("source nobody-has-it", "bucket") in failed
    assert find(checks, "s3:GetObject", f"source {good}, by the vault role")["state"] == "ok"
    assert find(checks, "s3:GetObject", f"source {other}, by the vault role")["state"] == "ok"
    untaken = [one for one in bad(checks) if one["check"] == "credentials"]
    assert len(untaken) == 1 and "trust policy" in untaken[0]["detail"]
    checks = sim.doctor("--source", other, exit=0, config=config)
    assert {one["subject"].partition(",")[0] for one in checks if one["subject"].startswith("source ")} == {
        f"source {other}", f"source account {sim.server.source_account}"}
    assert "nobody" in str(sim.do("doctor", "--source", "nobody", exit=1, config=config)["error"])
    vault = sim.config(good, vault={"external_id": "wrong"})
    checks = sim.doctor(exit=5, config=vault)
    assert "trust policy" in find(checks, "credentials", "vault role")["detail"]
    assert find(checks, "s3:ListBucket", f"source {good}")["state"] == "ok"


def test_vault_that_does_not_answer_is_told_once(sim):
    bucket = sim.ready()
    gone = find(sim.doctor(exit=5, config=sim.config(vault={"bucket": "nobody-has-it"})), "s3:ListBucket", "vault role")
    assert gone["state"] == "failed" and "NoSuchBucket" in gone["detail"]
    sim.faults({"bucket": sim.vault_bucket, "action": "error", "status": 503, "code": "ServiceUnavailable"})
    sim.forget_counts()
    checks = sim.doctor(exit=5)
    failed = [(one["subject"], one["check"]) for one in bad(checks)]
    assert failed == [("vault role", "s3:ListBucket")], failed
    assert find(checks, "s3:ListBucket", f"source {bucket}")["state"] == "ok"
    assert sim.counts()["PutObject"] == 0


def test_writer_that_may_end_versions_is_a_warning(world):
    world.ready()
    policy = world.policy("vault-role")
    for one in policy["Statement"]:
        if one["Sid"] == "WriteVault":
            one["Action"].append("s3:DeleteObjectVersion")
    world.set_vault_role(policy)
    (only,) = bad(world.doctor(exit=2))
    assert only["check"] == "ends no version" and "s3:DeleteObjectVersion" in only["detail"]


def test_state_of_vault_and_machine_is_told(sim):
    sim.ready()
    sim.owner.put_bucket_versioning(Bucket=sim.vault_bucket, VersioningConfiguration={"Status": "Suspended"})
    assert "is not versioned any more" in find(sim.doctor(exit=5), "health")["detail"]
    sim.owner.put_bucket_versioning(Bucket=sim.vault_bucket, VersioningConfiguration={"Status": "Enabled"})
    sim.clock(1000)
    (only,) = bad(sim.doctor(exit=2))
    assert only["check"] == "clock" and "behind" in only["detail"]
    sim.clock(0)
    blocked = sim.vaultferry.folder / "blocked"
    blocked.write_text("not a folder")
    result = sim.cli("--json", "--state-dir", blocked, "doctor")
    assert result.returncode == 5 and find(result.json["checks"], "state folder")["state"] == "failed"
    assert sim.doctor() != [] and bad(sim.doctor()) == []
    plain = sim.config(vault={"endpoint": "http://192.0.2.1:9"})
    assert sim.vaultferry("doctor", "--bad-option", config=plain, env=sim.env).returncode == 1


def test_lease_that_is_held_and_one_that_died_are_told(sim):
    bucket = sim.ready()
    sim.run()
    sim.put(bucket, "more")
    sim.latency(5000, "CopyObject")
    sim.forget_counts()
    child = sim.start("run")
    sim.wait_for(lambda: sim.counts()["PutObject"])
    sim.latency(0)
    child.kill()
    sim.finish(child)
    assert "a run is under way" in find(sim.doctor(), "lease", bucket)["detail"]
    sim.clock(120)
    said = find(sim.doctor(exit=2), "lease", bucket)["detail"]  # the clock is a warning
    assert "without releasing it" in said


SAMPLE = "User: arn:aws:sts::444455556666:assumed-role/w/s is not authorized to perform: {} on resource: x {}"


@pytest.mark.parametrize("message,side,advice", [
    (SAMPLE.format("s3:PutObject", "because no identity-based policy allows the s3:PutObject action"), "identity",
        '"WriteVault" of `policy vault-role`'),
    (SAMPLE.format("s3:PutObject", "with an explicit deny in a service control policy"), "organization",
        "control policy of the organization"),
    (SAMPLE.format("s3:PutObject", "with an explicit deny in a resource-based policy"), "resource", "take that Deny"),
    (SAMPLE.format("s3:PutObject", "because no permissions boundary allows the s3:PutObject action"), "boundary",
        "permissions boundary")])
def test_side_is_named_by_the_services_own_words(sim, message, side, advice):
    sim.ready()
    sim.faults(DENIED | {"operation": "PutObject", "bucket": sim.vault_bucket, "message": message})
    checks = sim.doctor(exit=5)
    one = find(checks, "s3:PutObject", "vault role")
    assert one["state"] == "missing" and one["grant"]["side"] == side and advice in one["detail"]
    report = sim.run(exit=5)
    assert "s3:PutObject" in report["error"]["message"] and advice in report["error"]["message"]


def test_keys_are_judged_by_the_words_of_kms(sim):
    """Recorded texts: s3sim has no KMS."""
    key = "arn:aws:kms:us-east-1:444455556666:key/1234"
    bucket = sim.ready(vault={"encryption": {"kms_key_id": key}})
    sim.source.delete_object(Bucket=bucket, Key="a")
    sim.put(bucket, "sealed", ServerSideEncryption="aws:kms",
        SSEKMSKeyId="arn:aws:kms:us-east-1:111122223333:key/k-1")
    config = sim.config(vault={"encryption": {"kms_key_id": key}})
    assert bad(sim.doctor(config=config)) == []
    refused = SAMPLE.format("kms:GenerateDataKey", "because no resource-based policy allows the kms:GenerateDataKey "
        "action")
    sim.faults(DENIED | {"operation": "PutObject", "bucket": sim.vault_bucket, "message": refused})
    one = find(sim.doctor(exit=5, config=config), "kms:GenerateDataKey", "vault role")
    assert (one["state"], one["grant"]["sid"], one["grant"]["side"]) == ("missing", "VaultferryWrite", "resource")
    refused = SAMPLE.format("kms:Decrypt", "because the resource does not exist in this Region, no resource-based "
        "policies allow access, or a resource-based policy explicitly denies access")
    sim.faults(DENIED | {"operation": "GetObject", "bucket": bucket, "caller": sim.vault_role.rpartition("/")[2],
        "message": refused})
    one = find(sim.doctor(exit=5), "kms:Decrypt", "by the vault role")
    assert (one["state"], one["grant"]["document"]) == ("missing", "source-key")
    sim.source.put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": [
        {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}}]})
    checks = sim.doctor(exit=5)
    one = find(checks, "kms:Decrypt", "by the vault role")
    assert one["state"] == "failed" and "aws/s3" in one["detail"] and '"stream"' in one["detail"]
    assert "no other account can ever use" in find(checks, "default encryption", bucket)["detail"]
    sim.heal()
    streamed = sim.config(source={"copy": "stream"})
    assert bad(sim.doctor(config=streamed)) == []


def test_key_that_refuses_is_not_taken_for_a_right_of_s3(sim):
    """S3 asks for the key when its own rights were there. Recorded texts: s3sim has no KMS."""
    bucket = sim.ready()
    refused = SAMPLE.format("kms:Decrypt", "because no identity-based policy allows the kms:Decrypt action")
    rule = DENIED | {"operation": "GetObject", "message": refused}
    sim.faults(rule | {"bucket": bucket})
    # the vault's role copies: who only lists the source has no use for its key
    checks = sim.doctor()
    assert bad(checks) == [] and find(checks, "s3:GetObject", f"source {bucket}")["state"] == "ok"
    streamed = sim.config(source={"copy": "stream", "endpoint": sim.server.url.replace("127.0.0.1",
        "s3.amazonaws.localhost")})
    checks = sim.doctor(exit=5, config=streamed)
    one, = [one for one in bad(checks) if one["check"] != "encrypted connection"]
    assert (one["check"], one["state"], one["grant"]["sid"]) == ("kms:Decrypt", "missing", "DecryptObjects")
    assert one["grant"]["document"] == "source-role" and one["grant"]["side"] == "identity"
    failure, = sim.run(exit=2, config=streamed)["failures"]
    assert 'kms:Decrypt ("DecryptObjects" of `policy source-role`)' in failure["message"]
    sim.faults(rule | {"bucket": sim.vault_bucket})
    key = {"encryption": {"kms_key_id": "arn:aws:kms:us-east-1:444455556666:key/1234"}}
    checks = sim.doctor(exit=5, config=sim.config(bucket, vault=key))
    missing = [one for one in bad(checks) if one["check"] == "kms:Decrypt"]
    assert missing and {one["grant"]["sid"] for one in missing} == {"UseVaultKey"}
    assert not [one for one in bad(checks) if one["check"].startswith("s3:GetObject")]


def test_signal_ends_it_orderly(sim):
    sim.ready(*(f"b{number}" for number in range(6)))
    sim.latency(300)
    child = sim.start("doctor")
    sim.wait_for(lambda: sim.requests("ListObjectsV2", sim.vault_bucket))
    child.terminate()
    result = sim.finish(child)
    assert result.returncode == 6, result
    assert result.json["checks"] and result.json["exit"] == 6


def test_restoring_config_without_sources_is_probed_without_writing(sim):
    bucket = sim.bucket(actions=())
    sim.fill(bucket, 2)
    sim.grant_documents(bucket)
    sim.run()
    sim.set_vault_role(sim.policy("restore-role", config=sim.config(bucket)))
    config = sim.config(bucket) | {"sources": []}
    sim.forget_counts()
    checks = sim.doctor(config=config)
    assert bad(checks) == [] and find(checks, "s3:GetObjectVersion", "vault role")["state"] == "ok"
    assert find(checks, "s3:PutObject", "vault role")["state"] == "ok"  # the record of a drill, under points/
    assert sim.counts()["DeleteObject"] + sim.counts()["DeleteObjects"] == 0


def test_doctor_agrees_with_another_understanding_of_aws(moto, vaultferry):
    """One account that may do all, at moto: nothing is amiss but that the writer may end versions and that the public
    is not shut out, and nothing but what was tried lies in the vault, below a marker."""
    moto.reset()
    keys = "vaultkeyvaultkey", "secretsecretsecret"
    client = moto.client(*keys)
    for bucket in ("vault", "docs"):
        client.create_bucket(Bucket=bucket)
    client.put_bucket_versioning(Bucket="vault", VersioningConfiguration={"Status": "Enabled"})
    client.put_object(Bucket="docs", Key="a", Body=b"a")
    place = {"region": "us-east-1", "endpoint": moto.url, "sts_endpoint": moto.url, "path_style": True}
    config = {"vault": {"bucket": "vault"} | place, "policies": {"p": {"delete_after_days": 9}},
        "sources": [{"select": {"buckets": ["d*"]}, "policy": "p"} | place]}
    result = vaultferry("--json", "doctor", config=config,
        env={"AWS_ACCESS_KEY_ID": keys[0], "AWS_SECRET_ACCESS_KEY": keys[1]})
    said = {(one["subject"], one["check"]) for one in bad(result.json["checks"])}
    assert said == {("vault role", "ends no version"), ("vault bucket", "public access")}, result
    for check in ("s3:GetObject", "s3:ListBucket", "s3:GetObjectTagging"):
        assert find(result.json["checks"], check, "source docs, by the vault role")["state"] == "ok", result
    found = client.list_object_versions(Bucket="vault")
    assert all(one["Key"].startswith("lease/.doctor/") for one in
        found.get("Versions", []) + found.get("DeleteMarkers", []))
    assert client.list_objects_v2(Bucket="vault")["KeyCount"] == 0
