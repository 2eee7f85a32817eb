"""The documents that `policy` prints are what a run needs, and no more: the roles of these tests have nothing else."""

import json

import pytest
from botocore.exceptions import ClientError
from world import EXTERNAL_ID, World, document

DOCUMENTS = ["source-bucket", "source-role", "source-key", "vault-role", "vault-key", "vault-bucket",
    "prune-role", "restore-role", "vault-trust", "prune-trust", "restore-trust", "source-trust", "bootstrap",
    "bootstrap-source"]


class Least(World):
    """Two accounts that grant what the program's own documents say."""

    def policy(self, name, *arguments, config=None):
        return self.do("policy", name, *arguments, config=config)["policy"]

    def grant_documents(self, bucket, config=None):
        config = config or self.config(bucket)
        self.set_vault_role(self.policy("vault-role", config=config))
        if self.simulated:
            self.set_source_role(self.policy("source-role", config=config))
        self.source.put_bucket_policy(Bucket=bucket,
            Policy=document(*self.policy("source-bucket", "--source", bucket, config=config)["Statement"]))

    def set_vault_role(self, policy):
        name = self.vault_role.rpartition("/")[2]
        if self.simulated:
            self.server.control("POST", "/_s3sim/roles", {"account": self.server.vault_account, "name": name,
                "trust": [f"arn:aws:iam::{self.server.vault_account}:user/agent"], "external_id": EXTERNAL_ID,
                "policy": policy})
        else:
            iam = self.server.client(*self.server.vault_owner, service="iam")
            iam.put_role_policy(RoleName=name, PolicyName="write", PolicyDocument=document(*policy["Statement"]))

    def set_source_role(self, policy):
        self.server.control("POST", "/_s3sim/roles", {"account": self.server.source_account,
            "name": self.source_role.rpartition("/")[2], "external_id": EXTERNAL_ID,
            "trust": [f"arn:aws:iam::{self.server.vault_account}:user/agent"], "policy": policy})


@pytest.fixture
def world(server, vaultferry):
    return Least(server, vaultferry)


@pytest.fixture
def sim(s3sim, vaultferry):
    yield Least(s3sim, vaultferry)
    s3sim.control("POST", "/_s3sim/reset")


def test_runs_work_with_exactly_the_printed_documents(world):
    bucket = world.bucket(actions=())
    world.fill(bucket, 6)
    world.put(bucket, "tagged", Tagging="a=b")
    world.grant_documents(bucket)
    report = world.run()
    assert (report["copied"], report["failed"], report.get("warnings", [])) == (7, 0, [])
    world.put(bucket, "k001", b"other")
    world.source.delete_object(Bucket=bucket, Key="k002")
    report = world.run()
    assert (report["recopied"], report["deleted"], report["failed"]) == (1, 1, 0)
    world.source.put_object_tagging(Bucket=bucket, Key="tagged", Tagging={"TagSet": [{"Key": "a", "Value": "c"}]})
    assert world.do("resync", "--tags")["sources"][0]["failed"] == 0
    assert world.do("resync", "--from-vault")["sources"][0]["failed"] == 0
    world.assert_same(bucket)
    assert world.do("status")["sources"][0]["state"] == "complete"
    back = f"back-{world.tag}"
    world.source.create_bucket(Bucket=back)
    report = world.do("restore", "--source", bucket, "--to", f"s3://{back}/", "--to-profile", "source")
    assert (report["restored"], report["failed"]) == (6, 0)
    assert world.source.get_object_tagging(Bucket=back, Key="tagged")["TagSet"] == [{"Key": "a", "Value": "c"}]


def test_drills_work_with_the_restore_roles_document(sim):
    bucket = sim.bucket(actions=())
    sim.fill(bucket, 3)
    sim.grant_documents(bucket)
    sim.run()
    sim.set_vault_role(sim.policy("restore-role", config=sim.config(bucket)))
    scratch = f"scratch-{sim.tag}"
    sim.source.create_bucket(Bucket=scratch)
    result = sim.do("drill", "--source", bucket, "--to", f"s3://{scratch}/", "--to-profile", "source")
    assert result["problems"] == [] and result["checked"] == 3
    sim.run(exit=5)  # with this role nothing is backed up


def test_recorded_acls_and_streams_work_with_their_documents(sim):
    bucket = sim.bucket(actions=())
    sim.fill(bucket, 3)
    config = sim.config(bucket, policy={"acl": "record"})
    sim.grant_documents(bucket, config)
    assert (sim.run(config=config)["copied"], sim.vault.copies(bucket)) != (0, {})
    other = sim.bucket("other", actions=())
    sim.fill(other, 3)
    config = sim.config(other, source={"copy": "stream"})
    sim.grant_documents(other, config)
    assert sim.run(config=config)["copied"] == 3


STATEMENTS = ["ListVault", "WriteVault", "ReadSources"]


@pytest.mark.parametrize("sid", STATEMENTS)
def test_statement_that_is_missing_is_noticed(sim, sid):
    """A run that goes well without a statement would show that the statement is not needed."""
    bucket = sim.bucket(actions=())
    sim.fill(bucket, 2)
    sim.grant_documents(bucket)
    policy = sim.policy("vault-role", config=sim.config(bucket))
    policy["Statement"] = [one for one in policy["Statement"] if one["Sid"] != sid]
    sim.set_vault_role(policy)
    result = sim.cli("--json", "run")
    assert result.returncode in (2, 5), result


def test_writer_can_end_no_version(world):
    bucket = world.bucket(actions=())
    world.fill(bucket, 2)
    world.grant_documents(bucket)
    world.run()
    writer = world.server.client(*assumed(world))
    for version in world.vault.versions():
        with pytest.raises(ClientError) as refused:
            writer.delete_object(Bucket=world.vault_bucket, Key=version["Key"], VersionId=version["VersionId"])
        assert refused.value.response["Error"]["Code"] == "AccessDenied"
    for refused_call in (lambda: writer.put_bucket_versioning(Bucket=world.vault_bucket,
        VersioningConfiguration={"Status": "Suspended"}), lambda: writer.delete_bucket_lifecycle(
            Bucket=world.vault_bucket), lambda: writer.delete_bucket_policy(Bucket=world.vault_bucket)):
        with pytest.raises(ClientError):
            refused_call()
    assert len([one for one in world.vault.versions() if one["Key"].startswith("data/")]) == 2


def assumed(world):
    more = {"ExternalId": EXTERNAL_ID} if world.simulated else {}
    sts = world.server.client(*world.server.vault_agent, service="sts")
    keys = sts.assume_role(RoleArn=world.vault_role, RoleSessionName="thief", **more)["Credentials"]
    return keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"]


def test_documents_name_what_the_config_names(sim):
    config = {
        "vault": {"bucket": "vault", "region": "cn-north-1", "account": "444455556666", "prefix": "deep/",
            "role_arn": "arn:aws-cn:iam::444455556666:role/w",
            "prune_role_arn": "arn:aws-cn:iam::444455556666:role/p", "encryption": {"kms_key_id": "abc"}},
        "sources": [
            {"account": "111122223333", "region": "cn-north-1", "policy": "p",
                "select": {"buckets": ["a-*"], "arns": ["arn:aws-cn:s3:::bee"]}},
            {"account": "222233334444", "region": "cn-north-1", "policy": "p", "select": {"tags": {"x": "y"}}},
            {"name": "dumps", "kind": "stream", "policy": "p"}],
        "policies": {"p": {}}}
    printed = {name: sim.policy(name, config=config)["Statement"] for name in DOCUMENTS}
    by_sid = {name: {one["Sid"]: one for one in statements} for name, statements in printed.items()}
    role = by_sid["vault-role"]
    assert role["ListVault"]["Resource"] == ["arn:aws-cn:s3:::vault"]
    assert role["WriteVault"]["Resource"] == ["arn:aws-cn:s3:::vault/deep/*"]
    assert role["ReadSources"]["Resource"] == ["arn:aws-cn:s3:::a-*/*", "arn:aws-cn:s3:::bee/*", "arn:aws-cn:s3:::*/*"]
    assert role["UseVaultKey"]["Resource"] == ["arn:aws-cn:kms:cn-north-1:444455556666:key/abc"]
    assert role["DecryptSources"]["Resource"] == ["arn:aws-cn:kms:*:111122223333:key/*",
        "arn:aws-cn:kms:*:222233334444:key/*"]
    denied = by_sid["vault-bucket"]
    assert denied["OnlyPruneEndsVersions"]["Condition"] == {
        "ArnNotEquals": {"aws:PrincipalArn": "arn:aws-cn:iam::444455556666:role/p"}}
    assert denied["PointsAreWrittenOnce"]["Resource"] == ["arn:aws-cn:s3:::vault/deep/points/*"]
    assert all("DeleteObjectVersion" not in json.dumps(one) for name, statements in printed.items()
        for one in statements if one["Effect"] == "Allow" and name != "prune-role")
    assert by_sid["prune-role"]["EndVersions"]["Resource"] == ["arn:aws-cn:s3:::vault/deep/*"]
    assert by_sid["prune-role"]["ReadCatalog"]["Resource"] == ["arn:aws-cn:s3:::vault/deep/points/*",
        "arn:aws-cn:s3:::vault/deep/lease/*", "arn:aws-cn:s3:::vault/deep/prune/*",
        "arn:aws-cn:s3:::vault/deep/names/*"]
    roles = [f"arn:aws-cn:iam::444455556666:role/{name}" for name in ("w", "p", "w-restore")]
    assert by_sid["bootstrap"]["SetUpRoles"]["Resource"] == roles
    # who restores is not shut out by a key whose policy does not leave it to IAM, nor in China by another suffix
    assert by_sid["vault-key"]["VaultferryWrite"]["Principal"] == {"AWS": roles}
    assert role["DecryptSources"]["Condition"] == {"StringLike": {"kms:ViaService": "s3.*"}}
    assert denied["RolesChangeNoSettings"]["Condition"] == {"ArnEquals": {"aws:PrincipalArn": roles}}
    assert printed["vault-trust"][0]["Principal"] == {"AWS": "arn:aws-cn:iam::444455556666:root"}
    assert "Condition" not in printed["vault-trust"][0]
    only = sim.policy("source-bucket", "--source", "a-1", config=config)["Statement"]
    assert [one["Resource"] for one in only] == [["arn:aws-cn:s3:::a-1"], ["arn:aws-cn:s3:::a-1/*"]]
    assert only[0]["Principal"] == {"AWS": "arn:aws-cn:iam::444455556666:role/w"}


def test_what_cannot_be_printed_is_said(sim):
    sim.bucket()
    for words, text in ((["vault-rol"], "no document"), ([], "name one document"), (["vault-key"], "kms_key_id"),
        (["source-bucket", "--source", "nobody"], "nobody")):
        result = sim.cli("policy", *words)
        assert result.returncode == 1 and text in result.stderr, result


def test_points_cannot_be_written_again_where_the_bucket_has_its_policy(sim):
    bucket = sim.bucket()
    sim.fill(bucket, 2)
    policy = sim.policy("vault-bucket", config=sim.config(bucket))
    # these tests speak HTTP
    kept = [one for one in policy["Statement"] if one["Sid"] != "OnlyEncryptedConnections"]
    assert len(kept) == 6
    sim.owner.put_bucket_policy(Bucket=sim.vault_bucket, Policy=document(*kept))
    assert sim.run()["copied"] == 2
    point = next(one for one in sim.vault.versions(f"points/{bucket}/") if one["Key"].endswith("point.json"))
    writer = sim.server.client(*assumed(sim))
    with pytest.raises(ClientError) as refused:
        writer.put_object(Bucket=sim.vault_bucket, Key=point["Key"], Body=b"{}")
    assert refused.value.response["Error"]["Code"] == "AccessDenied"
    with pytest.raises(ClientError) as refused:
        writer.put_object(Bucket=sim.vault_bucket, Key=point["Key"], Body=b"{}", IfNoneMatch="*")
    assert refused.value.response["Error"]["Code"] == "PreconditionFailed"
    sim.put(bucket, "k000", b"new")
    assert sim.run()["recopied"] == 1
