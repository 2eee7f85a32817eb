"""From two empty accounts to a backup that comes back, with exactly what bootstrap made. boto3 reads it back."""

import json
import uuid

import pytest
from botocore.exceptions import ClientError
from world import EXTERNAL_ID, Vault, World, clients, document, fails

BLOCKS = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")


class Empty(World):
    """Two accounts without anything of vaultferry's, and a config that names what is to be there."""

    def __init__(self, server, vaultferry):
        self.server, self.vaultferry = server, vaultferry
        self.simulated = server.name == "s3sim"
        if self.simulated:
            server.control("POST", "/_s3sim/reset")
        self.tag = uuid.uuid4().hex[:8]
        self.source, self.owner = clients(server)
        self.vault_bucket = f"vault-{self.tag}"
        self.buckets, self.outputs = [], []
        self.secrets = [user[1] for user in
            (server.source_owner, server.source_agent, server.vault_owner, server.vault_agent)]
        self.vault = Vault(self.owner, self.vault_bucket)
        self.iam = server.client(*server.vault_owner, service="iam")
        role = f"arn:aws:iam::{server.vault_account}:role/"
        self.vault_role, self.prune_role = f"{role}ferry-{self.tag}", f"{role}prune-{self.tag}"
        self.restore_role = self.vault_role + "-restore"
        self.source_role = f"arn:aws:iam::{server.source_account}:role/read-{self.tag}" if self.simulated else None
        self._write_profiles()
        with (self.vaultferry.home / ".aws" / "credentials").open("a") as file:
            file.write("[admin]\naws_access_key_id = {}\naws_secret_access_key = {}\n".format(*server.vault_owner))

    def config(self, *buckets, vault=None, **more):
        # RGW denies whoever has to give an external id
        own = {"prune_role_arn": self.prune_role} | ({} if self.simulated else {"external_id": None})
        return super().config(*buckets, vault=own | (vault or {}), **more)

    def bucket(self, name="docs"):
        bucket = f"{name}-{self.tag}"
        self.source.create_bucket(Bucket=bucket)
        self.buckets.append(bucket)
        return bucket

    def bootstrap(self, *words, exit=0, config=None):
        return self.do("bootstrap", "--profile", "admin", *words, exit=exit, config=config)

    def states(self, *words, **more):
        """{what: state}; no step is told twice."""
        steps = self.bootstrap(*words, **more)["steps"]
        keys = [(step["what"], step["where"]) for step in steps]
        assert len(keys) == len(set(keys)), steps
        return {step["what"]: step["state"] for step in steps}

    def statements(self):
        return {one["Sid"]: one for one in json.loads(self.owner.get_bucket_policy(
            Bucket=self.vault_bucket)["Policy"])["Statement"]}

    def inline(self, role):
        return self.iam.get_role_policy(RoleName=role.rpartition("/")[2], PolicyName="vaultferry")["PolicyDocument"]

    def assumed(self, role):
        sts = self.server.client(*self.server.vault_agent, service="sts")
        more = {"ExternalId": EXTERNAL_ID} if self.simulated else {}
        keys = sts.assume_role(RoleArn=role, RoleSessionName="thief", **more)["Credentials"]
        return self.server.client(keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"])


@pytest.fixture
def world(server, vaultferry):
    return Empty(server, vaultferry)


@pytest.fixture
def sim(s3sim, vaultferry):
    yield Empty(s3sim, vaultferry)
    s3sim.control("POST", "/_s3sim/reset")


def test_two_empty_accounts_become_a_backup_that_comes_back(world):
    bucket = world.bucket()
    keys = world.fill(bucket, 5)
    states = world.states("--dry-run", "--source-profile", "source")
    assert states["bucket"] == "would create" and states["vault role"] == "would create", states
    assert set(states.values()) <= {"ok", "would create", "would change", "skipped"}, states
    with pytest.raises(ClientError):
        world.owner.head_bucket(Bucket=world.vault_bucket)
    fails(world.source.get_bucket_policy, "NoSuchBucketPolicy", Bucket=bucket)

    states = world.states("--source-profile", "source")
    assert set(states.values()) <= {"ok", "created", "changed", "skipped"}, states
    assert states["bucket"] == states["prune role"] == states["restore role"] == "created"
    again = world.states("--source-profile", "source")
    assert set(again.values()) <= {"ok", "skipped"}, again
    assert again == world.states("--source-profile", "source", "--dry-run")

    assert world.do("doctor")["checks"]
    assert world.run()["copied"] == 5
    world.put(bucket, keys[0], b"other")
    world.source.delete_object(Bucket=bucket, Key=keys[1])
    report = world.run()
    assert (report["recopied"], report["deleted"], report["failed"], report.get("warnings", [])) == (1, 1, 0, [])
    world.assert_same(bucket)
    assert world.do("verify", "--read-data")["problems"] == []
    back = f"back-{world.tag}"
    world.source.create_bucket(Bucket=back)
    report = world.do("restore", "--source", bucket, "--to", f"s3://{back}/", "--to-profile", "source")
    assert (report["restored"], report["failed"]) == (4, 0)
    assert world.do("drill", "--source", bucket, "--to", f"s3://{back}/d/", "--to-profile", "source")["problems"] == []
    world.do("prune")
    writer_can_undo_nothing(world)


def writer_can_undo_nothing(world):
    """With the keys of the role that writes, no version ends and no setting changes."""
    writer, vault = world.assumed(world.vault_role), world.vault_bucket
    before = world.vault.versions()
    for version in before[:3]:
        fails(writer.delete_object, "AccessDenied", Bucket=vault, Key=version["Key"], VersionId=version["VersionId"])
        answer = writer.delete_objects(Bucket=vault, Delete={"Objects": [
            {"Key": version["Key"], "VersionId": version["VersionId"]}]})
        assert [error["Code"] for error in answer["Errors"]] == ["AccessDenied"]
    for call, arguments in ((writer.put_bucket_versioning, {"VersioningConfiguration": {"Status": "Suspended"}}),
        (writer.delete_bucket_lifecycle, {}), (writer.delete_bucket_policy, {}), (writer.delete_bucket, {}),
        (writer.put_bucket_policy, {"Policy": document({"Sid": "x", "Effect": "Allow", "Principal": "*",
            "Action": "s3:*", "Resource": f"arn:aws:s3:::{vault}/*"})})):
        with pytest.raises(ClientError):
            call(Bucket=vault, **arguments)
    if world.simulated:  # RGW does not tell a policy which role asks
        point = next(one["Key"] for one in before if one["Key"].endswith("point.json"))
        fails(writer.delete_object, "AccessDenied", Bucket=vault, Key=point)
        for key in (point, point.replace("point.json", "forgotten.json"), "prune/docs/record.json"):
            fails(writer.put_object, "AccessDenied", Bucket=vault, Key=key, Body=b"{}")
    assert world.vault.versions() == before


def test_points_are_forgotten_and_versions_ended_by_the_role_for_it(sim):
    bucket = sim.bucket()
    sim.bootstrap("--source-profile", "source")
    for i in range(3):
        sim.put(bucket, "k", b"%d" % i)
        sim.run()
        sim.later(40 * 86400)
    before = len(sim.vault.versions(f"data/{bucket}/"))
    forgotten = 0
    for _ in range(3):
        forgotten += sim.do("prune", "--accept", bucket)["forgotten"]
        sim.later(10 * 86400)
    assert forgotten == 2 and before == 3 and len(sim.vault.versions(f"data/{bucket}/")) == 1
    assert sim.do("verify")["problems"] == []


def test_settings_are_as_boto3_reads_them(sim):
    sim.bucket()
    result = sim.bootstrap()
    owner, vault = sim.owner, sim.vault_bucket
    assert owner.get_bucket_versioning(Bucket=vault)["Status"] == "Enabled"
    assert all(owner.get_public_access_block(Bucket=vault)["PublicAccessBlockConfiguration"][one] for one in BLOCKS)
    rules = owner.get_bucket_ownership_controls(Bucket=vault)["OwnershipControls"]["Rules"]
    assert rules == [{"ObjectOwnership": "BucketOwnerEnforced"}]
    rules = owner.get_bucket_encryption(Bucket=vault)["ServerSideEncryptionConfiguration"]["Rules"]
    assert rules[0]["ApplyServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}
    assert set(sim.statements()) == {"PointsAreWrittenOnce", "OnlyPruneEndsVersions", "OnlyPruneForgets",
        "OnlyPruneTakesPointsAway", "NobodyBypassesLocks", "RolesChangeNoSettings"}
    for name, role in (("vault-role", sim.vault_role), ("prune-role", sim.prune_role),
        ("restore-role", sim.restore_role)):
        assert sim.inline(role) == sim.do("policy", name)["policy"]
        trust = sim.iam.get_role(RoleName=role.rpartition("/")[2])["Role"]["AssumeRolePolicyDocument"]
        assert trust["Statement"] == [{"Sid": "VaultferryTakesIt", "Effect": "Allow", "Action": "sts:AssumeRole",
            "Principal": {"AWS": "arn:aws:iam::444455556666:root"},
            "Condition": {"StringEquals": {"sts:ExternalId": EXTERNAL_ID}}}]
    # without --source-profile the source account is left alone, and told what to grant
    granted = {(one["account"], one["document"]) for one in result["grants"]}
    assert granted == {("111122223333", name) for name in ("source-bucket", "source-role", "source-trust")}
    fails(sim.source.get_bucket_policy, "NoSuchBucketPolicy", Bucket=sim.buckets[0])
    sim.do("run", exit=5)


def test_drift_is_found_and_repaired_and_what_others_put_there_stays(sim):
    bucket = sim.bucket()
    other = {"Sid": "Auditor", "Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::444455556666:user/agent"},
        "Action": "s3:GetBucketPolicy", "Resource": f"arn:aws:s3:::{sim.vault_bucket}"}
    foreign = {"Sid": "Theirs", "Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111122223333:user/agent"},
        "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{bucket}/*"}
    sim.source.put_bucket_policy(Bucket=bucket, Policy=document(foreign))
    sim.bootstrap("--source-profile", "source")
    owner, vault = sim.owner, sim.vault_bucket
    wanted = sim.statements()
    broken = dict(wanted)
    broken["OnlyPruneEndsVersions"] = wanted["OnlyPruneEndsVersions"] | {"Action": "s3:GetObject"}
    del broken["NobodyBypassesLocks"]
    owner.put_bucket_policy(Bucket=vault, Policy=document(other, *broken.values()))
    owner.put_bucket_versioning(Bucket=vault, VersioningConfiguration={"Status": "Suspended"})
    owner.put_public_access_block(Bucket=vault,
        PublicAccessBlockConfiguration={one: one != "BlockPublicPolicy" for one in BLOCKS})
    sim.iam.put_role_policy(RoleName=sim.vault_role.rpartition("/")[2], PolicyName="vaultferry",
        PolicyDocument=document({"Effect": "Allow", "Action": "s3:*", "Resource": "*"}))
    owner.delete_bucket_lifecycle(Bucket=vault)
    drift = {"versioning", "public access block", "bucket policy", "lifecycle rules", "vault role's policy"}
    for words, state in ((["--dry-run"], "would change"), ([], "changed")):
        states = sim.states("--source-profile", "source", *words)
        assert {what for what, one in states.items() if one == state} == drift, states
        assert {one for what, one in states.items() if what not in drift} == {"ok"}, states
    assert sim.statements() == wanted | {"Auditor": other}
    assert owner.get_bucket_versioning(Bucket=vault)["Status"] == "Enabled"
    assert sim.inline(sim.vault_role) == sim.do("policy", "vault-role")["policy"]
    there = json.loads(sim.source.get_bucket_policy(Bucket=bucket)["Policy"])["Statement"]
    assert [one["Sid"] for one in there] == ["Theirs", "VaultferryList", "VaultferryRead"] and there[0] == foreign


def test_what_is_stricter_already_stays(sim):
    sim.bucket()
    sim.bootstrap()
    owner, vault, name = sim.owner, sim.vault_bucket, sim.vault_role.rpartition("/")[2]
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": "mine"},
        "BlockedEncryptionTypes": {"EncryptionType": ["SSE-C"]}}
    owner.put_bucket_encryption(Bucket=vault, ServerSideEncryptionConfiguration={"Rules": [rule]})
    trust = sim.iam.get_role(RoleName=name)["Role"]["AssumeRolePolicyDocument"]["Statement"][0]
    narrow = trust | {"Principal": {"AWS": "arn:aws:iam::444455556666:user/agent"}}
    narrow["Condition"] = trust["Condition"] | {"Bool": {"aws:SecureTransport": "true"}}
    sim.iam.update_assume_role_policy(RoleName=name, PolicyDocument=document(narrow))
    states = sim.states()
    assert set(states.values()) == {"ok"}, states
    rules = owner.get_bucket_encryption(Bucket=vault)["ServerSideEncryptionConfiguration"]["Rules"]
    assert rules[0]["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "aws:kms"
    assert sim.iam.get_role(RoleName=name)["Role"]["AssumeRolePolicyDocument"]["Statement"] == [narrow]
    # a key of the config's is another matter
    states = sim.states(config=sim.config(vault={"encryption": {"kms_key_id": "ours"}}))
    assert states["default encryption"] == "changed"
    rules = owner.get_bucket_encryption(Bucket=vault)["ServerSideEncryptionConfiguration"]["Rules"]
    assert rules[0]["ApplyServerSideEncryptionByDefault"] == {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": "ours"}
    assert rules[0]["BucketKeyEnabled"] is True
    assert rules[0]["BlockedEncryptionTypes"] == {"EncryptionType": ["SSE-C"]}


def test_two_vaults_may_be_granted_one_bucket(sim):
    bucket = sim.bucket()
    sim.bootstrap("--source-profile", "source")
    second = f"arn:aws:iam::{sim.server.vault_account}:role/second"
    sim.bootstrap("--source-profile", "source", config=sim.config(
        vault={"role_arn": second, "bucket": f"second-{sim.tag}", "prune_role_arn": None}))
    for one in json.loads(sim.source.get_bucket_policy(Bucket=bucket)["Policy"])["Statement"]:
        assert sorted(one["Principal"]["AWS"]) == sorted([sim.vault_role, second])
    assert set(sim.states("--source-profile", "source").values()) == {"ok"}


def test_roles_of_another_account_are_not_made_here(sim):
    sim.bucket()
    other = "arn:aws:iam::999988887777:role/x"
    result = sim.bootstrap(exit=1, config=sim.config(vault={"role_arn": other}))
    failed = {one["what"] for one in result["steps"] if one["state"] == "failed"}
    assert failed == {"vault role", "restore role"} and "999988887777" in result["error"]["message"]
    with pytest.raises(ClientError):
        sim.iam.get_role(RoleName="x")


def test_bucket_of_somebody_else_is_refused(sim):
    sim.bucket()
    sim.source.create_bucket(Bucket=sim.vault_bucket)
    steps = {one["what"]: one for one in sim.bootstrap(exit=5)["steps"]}
    assert steps["bucket"]["state"] == "failed" and "versioning" not in steps
    assert "Status" not in sim.source.get_bucket_versioning(Bucket=sim.vault_bucket)


def test_keys_of_another_account_make_nothing(sim):
    sim.bucket()
    result = sim.do("bootstrap", "--profile", "source", exit=1)
    assert "444455556666" in result["error"]["message"] and len(result["steps"]) == 1
    with pytest.raises(ClientError):
        sim.owner.head_bucket(Bucket=sim.vault_bucket)


def test_lock_is_switched_on_at_creation_without_a_default_retention(sim):
    sim.bucket()
    config = sim.config(vault={"lock": {"mode": "governance", "days": 5}})
    assert sim.states(config=config)["object lock"] == "ok"
    lock = sim.owner.get_object_lock_configuration(Bucket=sim.vault_bucket)["ObjectLockConfiguration"]
    assert lock == {"ObjectLockEnabled": "Enabled"}


def test_lock_that_a_store_cannot_switch_on_later_is_told(rgw, vaultferry):
    world = Empty(rgw, vaultferry)
    world.bucket()
    world.bootstrap()
    result = world.bootstrap(exit=1, config=world.config(vault={"lock": {"mode": "governance", "days": 5}}))
    assert [one["what"] for one in result["steps"] if one["state"] == "failed"] == ["object lock"]
    assert "only when it is made" in result["error"]["message"]


def test_lock_is_switched_on_later(sim):
    sim.bucket()
    sim.bootstrap()
    config = sim.config(vault={"lock": {"mode": "governance", "days": 5}})
    assert sim.states(config=config)["object lock"] == "changed"
    assert sim.states(config=config)["object lock"] == "ok"


NEEDED = {"s3:CreateBucket": "SetUpVault", "s3:PutBucketVersioning": "SetUpVault",
    "s3:GetBucketPolicy": "LookAtVault", "s3:PutBucketPolicy": "SetUpVault", "iam:CreateRole": "SetUpRoles",
    "iam:GetRole": "SetUpRoles", "iam:PutRolePolicy": "SetUpRoles"}


def test_bootstraps_own_document_is_enough_and_what_it_lacks_is_named(sim):
    sim.bucket()
    policy = sim.do("policy", "bootstrap")["policy"]
    source = sim.do("policy", "bootstrap-source")["policy"]

    def be(missing=None):
        sim.server.control("POST", "/_s3sim/reset")
        sim.source.create_bucket(Bucket=sim.buckets[0])
        for account, name, key, what in (("444455556666", "admin", sim.server.vault_owner, policy),
            ("111122223333", "sourceadmin", sim.server.source_owner, source)):
            statements = [one | {"Action": [action for action in one["Action"] if action != missing]}
                for one in what["Statement"]]
            sim.server.control("POST", "/_s3sim/users", {"account": account, "name": name,
                "access_key": name.upper(), "secret_key": key[1],
                "policy": {"Statement": statements}})
        (sim.vaultferry.home / ".aws" / "credentials").write_text("".join(
            f"[{name}]\naws_access_key_id = {key}\naws_secret_access_key = {secret}\n" for name, key, secret in
            (("admin", "ADMIN", sim.server.vault_owner[1]), ("source", "SOURCEADMIN", sim.server.source_owner[1]))))

    be()
    assert set(sim.states("--source-profile", "source").values()) <= {"created", "changed", "ok"}
    assert set(sim.states("--source-profile", "source").values()) == {"ok"}
    for action, sid in NEEDED.items():
        be(action)
        result = sim.bootstrap("--source-profile", "source", exit=5)
        failed = [one["detail"] for one in result["steps"] if one["state"] == "failed"]
        assert any(f"statement {sid} of `vaultferry policy bootstrap`" in one for one in failed), (action, failed)


def test_killed_anywhere_the_next_one_goes_on(sim):
    sim.bucket()
    expected, killed = None, 0
    for after in range(1, 41, 4):
        sim.server.control("POST", "/_s3sim/reset")
        sim.source.create_bucket(Bucket=sim.buckets[0])
        sim.faults({"operation": "*", "caller": "owner", "skip": after, "count": 1, "action": "lost_answer"},
            {"operation": "*", "caller": "owner", "skip": after, "action": "stall", "ms": 3000})
        child = sim.start("bootstrap", "--profile", "admin", "--source-profile", "source")
        sim.wait_for(lambda: sim.fired()[1] or child.poll() is not None)
        killed += child.poll() is None
        child.kill()
        child.wait()
        sim.heal()
        states = sim.states("--source-profile", "source")
        assert "failed" not in states.values()
        made = sim.statements(), [sim.inline(role) for role in (sim.vault_role, sim.prune_role, sim.restore_role)]
        expected = expected or made
        assert made == expected
        assert set(sim.states("--source-profile", "source").values()) == {"ok"}
    assert killed > 5


def test_iam_and_s3_as_others_understood_them(moto, vaultferry):
    """moto checks documents and names as AWS does, and is one account; it does not enforce resource policies."""
    moto.reset()
    keys, account = ("adminadminadmin1", "secretsecretsecret"), "123456789012"
    s3, iam = moto.client(*keys), moto.client(*keys, service="iam")
    role = f"arn:aws:iam::{account}:role/team/ferry"
    common = {"account": account, "region": "eu-west-1", "endpoint": moto.url, "sts_endpoint": moto.url,
        "path_style": True}
    config = {"vault": common | {"bucket": "the-vault", "role_arn": role, "external_id": EXTERNAL_ID,
            "prune_role_arn": f"arn:aws:iam::{account}:role/prune", "lock": {"mode": "governance", "days": 3}},
        "sources": [common | {"select": {"buckets": ["docs"]}, "policy": "p"}],
        "policies": {"p": {"delete_after_days": 400, "tiers": [{"after_days": 90, "class": "GLACIER"}]}}}
    folder = vaultferry.home / ".aws"
    folder.mkdir()
    (folder / "credentials").write_text("[all]\naws_access_key_id = {}\naws_secret_access_key = {}\n".format(*keys))
    env = {"AWS_ACCESS_KEY_ID": keys[0], "AWS_SECRET_ACCESS_KEY": keys[1]}
    s3.create_bucket(Bucket="docs", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    s3.put_object(Bucket="docs", Key="a", Body=b"1")

    def do(*words):
        result = vaultferry("--json", *words, config=config, env=env)
        assert result.returncode == 0, result
        return result.json

    for expected in ({"ok", "created", "changed"}, {"ok"}):
        steps = do("bootstrap", "--source-profile", "all")["steps"]
        assert {step["state"] for step in steps} == expected, steps
    assert s3.get_bucket_location(Bucket="the-vault")["LocationConstraint"] == "eu-west-1"
    assert s3.get_bucket_versioning(Bucket="the-vault")["Status"] == "Enabled"
    assert s3.get_object_lock_configuration(Bucket="the-vault")["ObjectLockConfiguration"] == {
        "ObjectLockEnabled": "Enabled"}
    assert all(s3.get_public_access_block(Bucket="the-vault")["PublicAccessBlockConfiguration"][one]
        for one in BLOCKS)
    made = iam.get_role(RoleName="ferry")["Role"]
    assert made["Arn"] == role and made["Path"] == "/team/"
    assert made["AssumeRolePolicyDocument"] == do("policy", "vault-trust")["policy"]
    for name, document_name in (("ferry", "vault-role"), ("prune", "prune-role"), ("ferry-restore", "restore-role")):
        policy = iam.get_role_policy(RoleName=name, PolicyName="vaultferry")["PolicyDocument"]
        assert policy == do("policy", document_name)["policy"]
    ours = [one["Sid"] for one in json.loads(s3.get_bucket_policy(Bucket="docs")["Policy"])["Statement"]]
    assert ours == ["VaultferryList", "VaultferryRead"]
    s3.delete_bucket_policy(Bucket="the-vault")  # moto obeys a Deny without looking at its condition
    lock = config["vault"].pop("lock")  # and wants a checksum with a locked CopyObject, which has no body
    assert do("run")["sources"][0]["copied"] == 1
    assert do("verify")["problems"] == []
    config["vault"]["lock"] = lock
    steps = do("bootstrap", "--source-profile", "all", "--dry-run")["steps"]
    assert [step["what"] for step in steps if step["state"] != "ok"] == ["bucket policy"]


def test_signal_ends_it_between_two_steps(sim):
    sim.bucket()
    sim.latency(400, "PutPublicAccessBlock")
    child = sim.start("bootstrap", "--profile", "admin")
    sim.wait_for(lambda: sim.requests("CreateBucket", sim.vault_bucket))
    child.terminate()
    result = sim.finish(child)
    assert result.returncode == 6 and "the next bootstrap goes on" in result.json["error"]["message"]
    assert set(sim.states().values()) <= {"ok", "created", "changed"}
    assert set(sim.states().values()) == {"ok"}


def test_people_are_told_what_was_done_and_what_to_grant(sim):
    bucket = sim.bucket()
    result = sim.cli("bootstrap", "--profile", "admin", "--dry-run")
    assert result.returncode == 0, result
    assert f"would create  bucket                  {sim.vault_bucket}: in us-east-1" in result.stdout
    assert f"add to the policy of the bucket {bucket} (source-bucket)" in result.stdout
    assert '"Sid": "VaultferryRead"' in result.stdout
    config = sim.config(vault={"role_arn": None, "prune_role_arn": None, "external_id": None})
    result = sim.cli("bootstrap", "--profile", "admin", "--dry-run", config=config)
    assert result.returncode == 0 and '"prune_role_arn": "arn:aws:iam::444455556666:role/vaultferry-prune"' in \
        result.stdout
    for words in (["--profil"], ["--profile", "a", "--profile", "b"], ["now"]):
        assert sim.cli("bootstrap", *words).returncode == 1


def test_over_tls_the_vault_takes_nothing_else(sim):
    bucket = sim.bucket()
    sim.fill(bucket, 2)
    config = sim.config()
    for side in (config["vault"], config["sources"][0]):
        side["endpoint"] = side["sts_endpoint"] = sim.server.tls_url
    env = sim.env | {"AWS_CA_BUNDLE": str(sim.server.ca)}
    result = sim.vaultferry("--json", "bootstrap", "--profile", "admin", "--source-profile", "source", config=config,
        env=env)
    assert result.returncode == 0, result
    assert "OnlyEncryptedConnections" in json.loads(sim.server.client(*sim.server.vault_owner, tls=True)
        .get_bucket_policy(Bucket=sim.vault_bucket)["Policy"])["Statement"][0]["Sid"]
    fails(sim.owner.list_objects_v2, "AccessDenied", Bucket=sim.vault_bucket)
    for words in (["run"], ["verify"], ["doctor"]):
        result = sim.vaultferry("--json", *words, config=config, env=env)
        assert result.returncode == 0, result
    # whoever speaks HTTP to it later would lock themselves out by this statement: it was set, and stays
    states = sim.states(exit=5)
    assert states["bucket"] == "failed" and states["vault role"] == "ok"
