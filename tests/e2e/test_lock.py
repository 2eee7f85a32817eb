"""Object Lock: what is written to the vault is locked, and who may write it can neither end nor weaken that."""
import datetime
import json
import shutil

import pytest
from botocore.exceptions import ClientError
from test_policy import Least, assumed
from test_prune import Pruned
from test_run_multipart import kill_in_the_middle, upload
from world import EXTERNAL_ID, KIB, MIB, Vault, World, document, listing, moment

DAYS = 10
DAY = 86400
UNLOCKED = ("NoSuchObjectLockConfiguration", "ObjectLockConfigurationNotFoundError")


def retention(client, bucket, entry):
    """(mode, end) of a version, as boto3 sees it; None where it has none."""
    try:
        found = client.get_object_retention(Bucket=bucket, Key=entry["Key"],
            VersionId=entry["VersionId"])["Retention"]
    except ClientError as error:
        assert error.response["Error"]["Code"] in UNLOCKED, error
        return None
    return found["Mode"], found["RetainUntilDate"]


class Locked(Least):
    """A vault whose bucket can lock, written by exactly the printed role."""

    def __init__(self, server, vaultferry):
        super().__init__(server, vaultferry)
        self.vault_bucket = f"locked-{self.tag}"
        self.owner.create_bucket(Bucket=self.vault_bucket, ObjectLockEnabledForBucket=True)
        self.vault = Vault(self.owner, self.vault_bucket)
        self.lock = {"mode": "governance", "days": DAYS}

    def config(self, *buckets, **top):
        config = super().config(*buckets, **top)
        if self.lock:
            config["vault"]["lock"] = self.lock
        return config

    def locked(self, *prefixes):
        """{(key, version): (mode, end) or None} of all versions under the prefixes."""
        return {(one["Key"], one["VersionId"]): retention(self.owner, self.vault_bucket, one) for prefix in prefixes
            for one in self.vault.versions(prefix) if not one["Marker"]}

    def filled(self, count=3):
        bucket = self.bucket(actions=())
        self.fill(bucket, count)
        self.grant_documents(bucket)
        return bucket

    def assert_one_end(self, bucket, count):
        """All that the newest point's run wrote is locked for `days` from its beginning."""
        start = moment(self.vault.points(bucket)[-1]["started"]).replace(microsecond=0)
        locks = self.locked("data", "names/", "points/")
        wanted = ("GOVERNANCE", start + datetime.timedelta(days=DAYS))
        assert len(locks) >= count and set(locks.values()) == {wanted}, (wanted, locks)


@pytest.fixture
def world(server, vaultferry):
    return Locked(server, vaultferry)


@pytest.fixture
def sim(s3sim, vaultferry):
    yield Locked(s3sim, vaultferry)
    s3sim.control("POST", "/_s3sim/reset")


def events(result, name):
    lines = [json.loads(line) for line in result.stderr.splitlines() if line.startswith("{")]
    return [line for line in lines if line["event"] == name]


def test_all_that_is_written_is_locked_until_one_end(world):
    bucket = world.filled(6)
    world.put(bucket, "l" * 1024, b"a long name")
    result = world.cli("--json", "run")
    assert result.returncode == 0 and result.json["sources"][0]["copied"] == 7, result
    world.assert_one_end(bucket, 10)
    assert not any(world.locked("lease/").values())
    # RGW ignores the headers of a copy
    assert len(events(result, "lock-set-afterwards")) == (0 if world.simulated else 1)
    world.source.delete_object(Bucket=bucket, Key="k001")
    world.put(bucket, "k002", b"other")
    report = world.run()
    assert (report["recopied"], report["deleted"], report["failed"]) == (1, 1, 0)
    assert all(world.locked("data", "points/").values())
    back = f"back-{world.tag}"
    world.source.create_bucket(Bucket=back)
    report = world.do("restore", "--source", bucket, "--to", f"s3://{back}/", "--to-profile", "source")
    assert report["restored"] == 6 and listing(world.source, back) == listing(world.source, bucket)


def test_streamed_copies_are_locked_whole_and_by_parts(world):
    bucket = world.bucket(actions=())
    world.put(bucket, "small")
    world.put(bucket, "large", b"x" * (9 * MIB))
    config = world.config(bucket, source={"copy": "stream"})
    world.grant_documents(bucket, config)
    assert world.run(config=config)["copied"] == 2
    world.assert_one_end(bucket, 4)


def test_streams_are_locked_whole_and_by_parts(world):
    config = world.config()
    config["sources"] = [{"name": "dumps", "kind": "stream", "policy": "documents"}]
    world.set_vault_role(world.policy("vault-role", config=config))
    for name, body in (("small", b"x"), ("l" * 1024, b"y"), ("large", b"z" * (17 * MIB))):
        result = world.vaultferry("--json", "put", "--source", "dumps", name, config=config, env=world.env, input=body)
        assert result.returncode == 0, result
    locks = world.locked("data", "names/", "points/")
    assert len(locks) >= 10 and all(locks.values()), locks


@pytest.mark.tsan
def test_a_store_that_locks_what_it_is_told_gets_no_request_more(sim):
    bucket = sim.filled(20)
    sim.forget_counts()
    sim.run()
    counts = sim.counts()
    assert (counts["GetObjectRetention"], counts["PutObjectRetention"]) == (1, 0)
    assert (counts["CopyObject"], counts["HeadObject"]) == (20, 0)
    sim.assert_one_end(bucket, 22)


def test_an_upload_that_was_begun_before_its_end_is_locked_anew(sim):
    bucket = sim.bucket()
    sim.limits(min_part_size=1)
    upload(sim, bucket, "parts", 24, size=KIB)
    sim.grant_documents(bucket)
    kill_in_the_middle(sim, bucket, 24)
    sim.clock((DAYS + 2) * DAY)
    sim.forget_counts()
    assert sim.run(config=sim.config(policy={"parts": "faithful"}))["copied"] == 1
    assert (sim.counts()["CreateMultipartUpload"], sim.counts()["PutObjectRetention"]) == (0, 1)
    sim.assert_one_end(bucket, 3)


def test_a_run_of_days_locks_nothing_until_yesterday(sim):
    bucket = sim.filled(6)
    sim.lock["days"] = 1
    config = sim.config() | {"limits": {"workers": 1}}
    sim.latency(150, "CopyObject")
    child = sim.start("run", config=config)
    sim.wait_for(lambda: sim.counts()["CopyObject"] >= 2)
    sim.clock(2 * DAY)
    report = sim.finish(child).json["sources"][0]
    assert report["copied"] + report["failed"] == 6 and report["failed"] <= 1, report  # one was on its way meanwhile
    now = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=2)
    ends = {key: end for (key, _), (_, end) in sim.locked("data/").items()}
    assert ends[f"data/{bucket}/k000"] < now and ends[f"data/{bucket}/k005"] > now + datetime.timedelta(hours=17), ends


def test_what_is_found_in_the_vault_without_a_lock_gets_one(world):
    """As copies are whose run was killed before it could lock them, and all from before there was a lock."""
    bucket = world.filled(4)
    world.lock = None
    world.run()
    world.vault.remove(f"points/{bucket}/")
    shutil.rmtree(world.vaultferry.state)
    world.lock = {"mode": "governance", "days": DAYS}
    report = world.run()
    assert (report["adopted"], report["copied"]) == (4, 0)
    world.assert_one_end(bucket, 6)


def test_a_lock_that_is_found_keeps_its_end(sim):
    bucket = sim.filled(4)
    sim.run()
    before = sim.locked("data/")
    sim.lock["days"] = 1
    sim.clock((DAYS - 1) * DAY)
    for one in sim.vault.versions(f"points/{bucket}/"):
        sim.owner.delete_object(Bucket=sim.vault_bucket, Key=one["Key"], VersionId=one["VersionId"],
            BypassGovernanceRetention=True)
    shutil.rmtree(sim.vaultferry.state)
    assert sim.run()["adopted"] == 4
    assert sim.locked("data/") == before


def test_a_copy_that_cannot_be_locked_is_no_copy(sim):
    """A store that ignores the headers, and then refuses to lock: the object failed, and the next run tries again."""
    bucket = sim.filled(3)
    sim.faults({"operation": "GetObjectRetention", "count": 1, "action": "error", "status": 404,
        "code": "NoSuchObjectLockConfiguration"},
        {"operation": "PutObjectRetention", "count": 2, "action": "error", "status": 403, "code": "AccessDenied"})
    report = sim.run(exit=2)
    assert (report["copied"], report["failed"]) == (1, 2)
    assert {one["operation"] for one in report["failures"]} == {"PutObjectRetention"}
    sim.heal()
    report = sim.run()
    assert report["failed"] == 0 and all(sim.locked("data/").values())
    assert sim.vault.check(bucket)[-1]["state"] == "complete"


def test_locks_that_may_not_be_looked_at_are_said_once(sim):
    bucket = sim.bucket(actions=())
    sim.fill(bucket, 5)
    sim.grant_documents(bucket)
    policy = sim.policy("vault-role", config=sim.config(bucket))
    for one in policy["Statement"]:
        one["Action"] = [action for action in one["Action"] if not action.startswith("s3:GetObjectRetention")]
    policy["Statement"] = [one for one in policy["Statement"] if one["Sid"] != "SeeVaultLock"]
    sim.set_vault_role(policy)
    result = sim.cli("--json", "run")
    assert result.returncode == 0 and len(events(result, "lock-not-checked")) == 1, result
    assert "s3:GetBucketObjectLockConfiguration" in result.json["sources"][0]["warnings"][0]
    assert all(sim.locked("data/").values())


def test_a_vault_that_cannot_lock_is_refused(server, vaultferry):
    world = World(server, vaultferry)
    bucket = world.bucket()
    world.fill(bucket, 1)
    config = world.config(vault={"lock": {"mode": "compliance", "days": 1}})
    if not world.simulated:  # RGW lets nobody look at this but the owner, unless it is granted
        role = Least(server, vaultferry)
        role.vault_bucket, role.vault_role = world.vault_bucket, world.vault_role
        role.set_vault_role(role.policy("vault-role", config=config))
    else:
        world.server.control("POST", "/_s3sim/roles", {"account": server.vault_account,
            "name": world.vault_role.rpartition("/")[2], "trust": [f"arn:aws:iam::{server.vault_account}:user/agent"],
            "external_id": EXTERNAL_ID, "policy": json.loads(document({"Effect": "Allow", "Action": "*",
                "Resource": "*"}))})
    result = world.cli("--json", "run", config=config)
    assert result.returncode == 1 and "no Object Lock" in result.stderr + result.stdout, result
    assert world.vault.versions("data") == []


def test_a_default_retention_is_warned_of(sim):
    sim.filled(1)
    sim.owner.put_object_lock_configuration(Bucket=sim.vault_bucket, ObjectLockConfiguration={
        "ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 3}}})
    report = sim.run()
    assert any("default retention" in warning for warning in report["warnings"])
    assert any(sim.locked("lease/").values())


def test_a_lock_that_outlasts_the_policy_is_said(sim):
    bucket = sim.filled(1)
    sim.lock["days"] = 60
    config = sim.config(policy={"delete_after_days": 35, "grace_days": 7})
    assert any("60 days" in warning for warning in sim.run(config=config)["warnings"])
    checked = sim.cli("--json", "config", "check", config=config)
    assert checked.returncode == 0 and "60 days" in checked.json["warnings"][0]
    assert checked.json["extending_locks"] is None
    config["vault"]["lock"] = {"days": 30, "extend": True}
    checked = sim.cli("--json", "config", "check", config=config).json
    assert checked["warnings"] == [] and checked["extending_locks"]["a_million_versions_and_year"] > 100
    assert "a year" in sim.cli("config", "check", config=config).stdout
    config["policies"]["documents"]["transitions"] = "agent"
    assert sim.cli("config", "check", config=config).returncode == 1
    assert bucket


def test_drills_leave_a_locked_record(sim):
    bucket = sim.filled(3)
    sim.run()
    sim.set_vault_role(sim.policy("restore-role", config=sim.config(bucket)))
    scratch = f"scratch-{sim.tag}"
    sim.source.create_bucket(Bucket=scratch)
    result = sim.do("drill", "--source", bucket, "--to", f"s3://{scratch}/", "--to-profile", "source")
    assert result["problems"] == []
    records = [one for one in sim.locked(f"points/{bucket}/").items() if "drill-" in one[0][0]]
    assert len(records) == 1 and records[0][1][0] == "GOVERNANCE"


def refused(call, **arguments):
    with pytest.raises(ClientError) as error:
        call(**arguments)
    assert error.value.response["ResponseMetadata"]["HTTPStatusCode"] in (400, 403, 405, 409), error.value


def test_the_writer_can_neither_end_nor_weaken_a_lock(world):
    bucket = world.filled(2)
    world.run()
    before = world.locked("data", "points/")
    thief, vault = world.server.client(*assumed(world)), world.vault_bucket
    later = datetime.datetime.now(datetime.timezone.utc)
    for key, version in before:
        one = {"Bucket": vault, "Key": key, "VersionId": version}
        for bypass in ({}, {"BypassGovernanceRetention": True}):
            refused(thief.delete_object, **one, **bypass)
            answer = None
            try:
                answer = thief.delete_objects(Bucket=vault, Delete={"Objects": [{"Key": key, "VersionId": version}]},
                    **bypass)
            except ClientError:
                pass
            assert answer is None or [error["Code"] for error in answer["Errors"]] == ["AccessDenied"]
            refused(thief.put_object_retention, **one, **bypass, Retention={"Mode": "GOVERNANCE",
                "RetainUntilDate": later + datetime.timedelta(days=1)})
            refused(thief.put_object_retention, **one, **bypass, Retention={})
        refused(thief.put_object_legal_hold, **one, LegalHold={"Status": "ON"})
    refused(thief.put_bucket_versioning, Bucket=vault, VersioningConfiguration={"Status": "Suspended"})
    refused(thief.put_object_lock_configuration, Bucket=vault, ObjectLockConfiguration={"ObjectLockEnabled": "Enabled",
        "Rule": {"DefaultRetention": {"Mode": "COMPLIANCE", "Years": 100}}})
    refused(thief.put_bucket_lifecycle_configuration, Bucket=vault, LifecycleConfiguration={"Rules": [{"ID": "x",
        "Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 1},
        "NoncurrentVersionExpiration": {"NoncurrentDays": 1}}]})
    refused(thief.delete_bucket_lifecycle, Bucket=vault)
    refused(thief.put_bucket_policy, Bucket=vault, Policy=document())
    refused(thief.delete_bucket_policy, Bucket=vault)
    refused(thief.put_bucket_acl, Bucket=vault, ACL="public-read-write")
    refused(thief.delete_bucket, Bucket=vault)
    # the vault's owner without a bypass, and versioning for anybody
    key, version = next(iter(before))
    refused(world.owner.delete_object, Bucket=vault, Key=key, VersionId=version)
    refused(world.owner.put_bucket_versioning, Bucket=vault, VersioningConfiguration={"Status": "Suspended"})
    # what it may: markers and newer versions, under which all is as it was
    thief.delete_object(Bucket=vault, Key=f"data/{bucket}/k000")
    thief.put_object(Bucket=vault, Key=f"data/{bucket}/k001", Body=b"encrypted")
    for (key, version), lock in before.items():
        assert retention(world.owner, vault, {"Key": key, "VersionId": version}) == lock
    back = f"back-{world.tag}"
    world.source.create_bucket(Bucket=back)
    report = world.do("restore", "--source", bucket, "--to", f"s3://{back}/", "--to-profile", "source")
    assert report["restored"] == 2 and listing(world.source, back) == listing(world.source, bucket)


def test_compliance_binds_the_owner_as_well(world):
    bucket = world.filled(1)
    world.lock["mode"] = "compliance"
    world.run()
    locks = world.locked("data/", "points/")
    assert {mode for mode, _ in locks.values()} == {"COMPLIANCE"} and bucket
    for key, version in locks:
        refused(world.owner.delete_object, Bucket=world.vault_bucket, Key=key, VersionId=version,
            BypassGovernanceRetention=True)


def test_nobody_locks_for_longer_than_the_bucket_allows(sim):
    bucket = sim.filled(2)
    policy = sim.policy("vault-bucket", config=sim.config(bucket))
    bound, = [one for one in policy["Statement"] if one["Sid"] == "LocksHaveABound"]
    sim.owner.put_bucket_policy(Bucket=sim.vault_bucket, Policy=document(bound))
    assert sim.run()["copied"] == 2
    thief, now = sim.server.client(*assumed(sim)), datetime.datetime.now(datetime.timezone.utc)
    one = sim.vault.versions(f"data/{bucket}/")[0]
    for mode, days in (("GOVERNANCE", DAYS + 4), ("COMPLIANCE", 36500)):
        until = now + datetime.timedelta(days=days)
        refused(thief.put_object_retention, Bucket=sim.vault_bucket, Key=one["Key"], VersionId=one["VersionId"],
            Retention={"Mode": mode, "RetainUntilDate": until})
        refused(thief.put_object, Bucket=sim.vault_bucket, Key=f"data/{bucket}/k", Body=b"", ObjectLockMode=mode,
            ObjectLockRetainUntilDate=until, ContentMD5="1B2M2Y8AsgTpgAmY7PhCfg==")
    thief.put_object_retention(Bucket=sim.vault_bucket, Key=one["Key"], VersionId=one["VersionId"],
        Retention={"Mode": "GOVERNANCE", "RetainUntilDate": now + datetime.timedelta(days=DAYS + 1)})


class Extending(Locked):
    """A locked vault that is pruned, by exactly the printed role, on a clock that moves days."""

    def __init__(self, server, vaultferry):
        super().__init__(server, vaultferry)
        self.prune_role = self.vault_role.replace("vaultferry-vault", "vaultferry-prune")
        self.policy_of = {"keep": {"last": 2}, "delete_after_days": None, "grace_days": 0}
        self.lock = {"mode": "governance", "days": 12, "extend": True}
        self.today = 0
        Pruned.grant_prune(self)

    def config(self, *buckets, policy=None, vault=None, **top):
        return super().config(*buckets, policy=self.policy_of | (policy or {}),
            vault={"prune_role_arn": self.prune_role} | (vault or {}), **top)

    def pass_days(self, days):
        self.today += days
        self.clock(self.today * DAY)

    def left(self, prefix):
        """{(key, version): days until its lock ends; under 0: it has}"""
        now = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=self.today)
        return {one: (end - now).total_seconds() / DAY for one, (_, end) in self.locked(prefix).items()}

    def prune(self, *arguments, exit=0):
        return self.do("prune", *arguments, exit=exit)


@pytest.fixture
def vault(s3sim, vaultferry):
    yield Extending(s3sim, vaultferry)
    s3sim.control("POST", "/_s3sim/reset")


def test_what_points_need_stays_locked_for_months_and_the_rest_runs_out(vault):
    bucket = vault.filled(12)
    vault.put(bucket, "l" * 1024, b"a long name")
    vault.run()
    first = set(vault.left("data"))
    extended = looked = 0
    for step in range(7):  # of three days each
        vault.pass_days(3)
        vault.put(bucket, "k000", b"of step %d" % step)
        vault.run()
        answer = vault.prune(exit=0)
        assert answer["failed"] == 0
        locks = answer["sources"][0]["locks"]
        assert locks["failed"] == 0
        extended, looked = extended + locks["extended"], looked + locks["looked"]
        live = {(one["Key"], one["VersionId"]) for one in vault.vault.live(bucket).values()}
        ends = vault.left("data") | vault.left("names/")
        for one in [*live, *vault.left("names/")]:
            assert ends[one] > 3.9, (step, one, ends)
        for point in vault.do("points")["points"]:
            if point["kept_by"]:
                files = vault.left(f"points/{bucket}/{point['point']}/")
                assert min(days for (key, _), days in files.items() if "forgotten" not in key) > 3.9, (step, files)
    # thirteen objects, a name, and files of points: each once in some eight days
    assert 20 < extended <= looked
    gone = first - set(vault.left("data"))
    assert len(gone) == 1 and min(vault.left("data").values()) > 0  # the first k000: it was never extended
    assert len(vault.vault.versions(f"data/{bucket}/k000")) <= 6
    back = f"back-{vault.tag}"
    vault.source.create_bucket(Bucket=back)
    assert vault.do("restore", "--source", bucket, "--to", f"s3://{back}/", "--to-profile", "source")["restored"] == 13


def test_an_end_that_is_near_is_moved_with_the_prune_role_alone(server, vaultferry):
    """Without a clock to set: the owner, who may bypass, brings the ends near."""
    world = Extending(server, vaultferry)
    world.lock["days"] = 1
    bucket = world.filled(3)
    world.run()
    near = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0) + datetime.timedelta(hours=3)
    for key, version in world.locked("data", "points/"):
        world.owner.put_object_retention(Bucket=world.vault_bucket, Key=key, VersionId=version,
            BypassGovernanceRetention=True, Retention={"Mode": "GOVERNANCE", "RetainUntilDate": near})
    locks = world.prune()["sources"][0]["locks"]
    assert (locks["versions"], locks["looked"], locks["extended"], locks["failed"]) == (5, 5, 5, 0)
    ends = [end for _, end in world.locked("data", "points/").values()]
    assert len(set(ends)) == 1 and ends[0] > near + datetime.timedelta(hours=20) and bucket
    assert world.prune()["sources"][0]["locks"]["extended"] == 0


@pytest.mark.tsan
def test_locks_are_extended_where_nothing_may_go_and_where_prune_asks(vault):
    bucket = vault.filled(4)
    vault.run()
    vault.pass_days(10)
    vault.policy_of = {"delete_after_days": None}  # keeps everything
    dry = vault.prune("--dry-run")["sources"][0]["locks"]
    assert (dry["versions"], dry["looked"], dry["extended"]) == (6, 6, 0) and dry["price_a_year"] > 0
    assert max(vault.left("data").values()) < 3
    locks = vault.prune()["sources"][0]["locks"]
    assert (locks["versions"], locks["extended"]) == (6, 6)
    assert min(vault.left("data").values()) > 11.9 and min(vault.left("points/").values()) > 11.9
    assert vault.prune()["sources"][0]["locks"]["extended"] == 0
    for key in listing(vault.source, bucket):
        vault.put(bucket, key, b"anew")
    vault.later()
    vault.pass_days(9)
    vault.run()
    vault.policy_of = {"keep": {"last": 1}, "delete_after_days": None, "grace_days": 0}
    vault.pass_days(9)
    answer = vault.prune(exit=3)["sources"][0]  # half of the versions would go
    assert answer["stopped"] and answer["locks"]["extended"] >= 4
    live = {(one["Key"], one["VersionId"]) for one in vault.vault.live(bucket).values()}
    assert min(days for one, days in vault.left("data").items() if one in live) > 11.9


def test_a_lock_that_cannot_be_extended_is_told_and_ends_nothing_else(vault):
    bucket = vault.filled(4)
    vault.run()
    vault.pass_days(10)
    vault.faults({"operation": "PutObjectRetention", "key": f"data/{bucket}/k001", "action": "error", "status": 403,
        "code": "AccessDenied"})
    result = vault.cli("--json", "prune")
    locks = result.json["sources"][0]["locks"]
    assert result.returncode == 2 and (locks["extended"], locks["failed"]) == (5, 1), result
    assert "s3:PutObjectRetention" in events(result, "locks-not-extended")[0]["message"]


def test_nothing_is_extended_unless_the_config_asks(vault):
    vault.filled(2)
    vault.run()
    vault.pass_days(10)
    vault.lock["extend"] = False
    vault.forget_counts()
    assert "locks" not in vault.prune()["sources"][0]
    counts = vault.counts()
    assert (counts["GetObjectRetention"], counts["PutObjectRetention"]) == (0, 0)


def test_a_locked_version_that_may_go_is_counted_and_goes_when_its_lock_has_ended(vault):
    bucket = vault.filled(6)
    vault.lock["extend"] = False
    vault.run()
    for i in range(3):
        vault.pass_days(1)
        vault.put(bucket, "k000", b"%d" % i)
        vault.run()
    answer = vault.prune()
    assert answer["retained_by_lock"] > 0 and answer["failed"] == 0 and answer["versions"] == 0
    assert len(vault.vault.versions(f"data/{bucket}/k000")) == 4
    vault.pass_days(14)
    answer = vault.prune()
    assert answer["retained_by_lock"] == 0 and answer["versions"] == 2
    assert len(vault.vault.versions(f"data/{bucket}/k000")) == 2
