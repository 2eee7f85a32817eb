"""Doctor as the roles for prunes and restores, and in a vault that locks: after a bootstrap all is well, and nothing is
left of what it tried; each action that is taken away is named."""
import copy

import pytest
from test_bootstrap import Empty
from test_doctor import bad, find, without
from test_lock import Locked
from world import document, fails

# what Ceph does not ask for, and what S3 asks for elsewhere
NOT_ASKED = {True: {("prune-role", "DeleteManyAtOnce", "s3:DeleteObject")},
    False: {("restore-role", "ThawVault", "s3:RestoreObject"), ("restore-role", "WriteDrillAcls", "s3:PutObjectAcl"),
        ("prune-role", "WriteNoteAcls", "s3:PutObjectAcl")}}


def doctor(world, exit=0, config=None):
    return world.do("doctor", exit=exit, config=config)["checks"]


@pytest.fixture
def world(server, vaultferry):
    return Empty(server, vaultferry)


@pytest.fixture
def locked(server, vaultferry):
    yield Locked(server, vaultferry)
    if server.name == "s3sim":
        server.control("POST", "/_s3sim/reset")


def give(world, role, policy):
    world.iam.put_role_policy(RoleName=role.rpartition("/")[2], PolicyName="vaultferry",
        PolicyDocument=document(*policy["Statement"]))


def test_all_is_well_after_a_bootstrap_and_nothing_is_left(world):
    bucket = world.bucket()
    world.fill(bucket, 3)
    world.bootstrap("--source-profile", "source")
    for _ in range(2):
        checks = doctor(world)
        assert bad(checks) == []
        assert world.vault.versions("lease/.doctor/") == []
        assert find(checks, "ends no version")["state"] == "ok"
        assert find(checks, "s3:DeleteObjectVersion", "prune role")["state"] == "ok"
        assert find(checks, "s3:GetObject", "restore role")["state"] == "ok"
        world.run()
    assert not any(".doctor" in one["Key"] for one in world.vault.versions())
    for role, name, subject in ((world.prune_role, "prune-role", "prune role"), (
            world.restore_role, "restore-role", "restore role")):
        policy = world.do("policy", name)["policy"]
        for sid, action in [(one["Sid"], action) for one in policy["Statement"] for action in one["Action"]]:
            if (name, sid, action) in NOT_ASKED[world.simulated]:
                continue
            give(world, role, without(policy, sid, action))
            missing = bad(doctor(world, exit=2))
            give(world, role, policy)
            assert [(one["subject"], one["check"]) for one in missing] == [(subject, action)], missing
            assert f'"{sid}"' in missing[0]["detail"] and f"policy {name}" in missing[0]["detail"]
    assert bad(doctor(world)) == []


def test_roles_that_cannot_be_taken_are_told(world):
    world.fill(world.bucket(), 1)
    world.bootstrap("--source-profile", "source")
    config = copy.deepcopy(world.config())
    config["vault"]["prune_role_arn"] += "-other"
    (only,) = bad(doctor(world, exit=2, config=config))
    assert (only["subject"], only["check"], only["state"]) == ("prune role", "credentials", "failed")
    same = world.config(vault={"prune_role_arn": world.vault_role})
    assert "also the one that prunes" in find(doctor(world, exit=2, config=same), "ends no version")["detail"]


def test_rights_to_lock_are_tried_where_the_config_locks(locked):
    bucket = locked.filled()
    config = locked.config(bucket)
    assert bad(doctor(locked)) == []
    policy = locked.policy("vault-role", config=config)
    for sid in ("SeeVaultLock", "LockVault"):
        (statement,) = [one for one in policy["Statement"] if one["Sid"] == sid]
        for action in statement["Action"]:
            locked.set_vault_role(without(policy, sid, action))
            result = locked.cli("--json", "doctor")
            locked.set_vault_role(policy)
            missing = [one for one in result.json["checks"] if one["state"] == "missing"]
            assert {one["check"].partition(" under ")[0] for one in missing} == {action}, result
            assert all(f'"{sid}"' in one["detail"] for one in missing), result
            assert result.returncode == (5 if action == "s3:PutObjectRetention" else 2), result
    locked.owner.create_bucket(Bucket=f"open-{locked.tag}")
    locked.owner.put_bucket_versioning(Bucket=f"open-{locked.tag}", VersioningConfiguration={"Status": "Enabled"})
    locked.vault_bucket = f"open-{locked.tag}"
    locked.grant_documents(bucket)
    assert find(doctor(locked, exit=5), "lock", "vault bucket")["state"] == "failed"


def test_what_is_written_with_a_lock_and_an_acl_is_granted_to_each_role(s3sim, vaultferry):
    world = Empty(s3sim, vaultferry)
    bucket, scratch = world.bucket(), world.bucket("scratch")
    world.fill(bucket, 3)
    config = world.config(bucket, policy={"delete_after_days": 30},
        vault={"lock": {"mode": "governance", "days": 5}, "acl": "bucket-owner-full-control"})
    restoring = {"vault": config["vault"] | {"role_arn": world.restore_role, "prune_role_arn": None}}
    drill = ["drill", "--source", bucket, "--to", f"s3://{scratch}/", "--to-profile", "source"]
    world.bootstrap("--source-profile", "source", config=config)
    assert bad(doctor(world, config=config)) == []
    world.run(config=config)
    assert bad(doctor(world, config=restoring)) == []
    assert world.cli(*drill, config=restoring).returncode == 0
    assert world.do("prune", config=config)["failed"] == 0
    for role, name, sid, action in ((world.prune_role, "prune-role", "WriteNoteAcls", "s3:PutObjectAcl"),
        (world.restore_role, "restore-role", "WriteDrillAcls", "s3:PutObjectAcl"),
        (world.restore_role, "restore-role", "LockDrills", "s3:PutObjectRetention")):
        policy = world.do("policy", name, config=config)["policy"]
        give(world, role, without(policy, sid, action))
        (missing,) = bad(doctor(world, exit=2, config=config))
        assert missing["check"] == action and f'"{sid}" of `policy {name}`' in missing["detail"]
        result = world.cli("prune", config=config) if name == "prune-role" else world.cli(*drill, config=restoring)
        said = (result.stdout + result.stderr).replace('\\"', '"')
        assert result.returncode == 5 and f'{action} ("{sid}" of `policy {name}`)' in said, result
        give(world, role, policy)
    # a drill's record, and no point
    thief = world.assumed(world.restore_role)
    point = f"points/{bucket}/20301121T030000Z/"
    fails(thief.put_object, "AccessDenied", Bucket=world.vault_bucket, Key=point + "point.json", IfNoneMatch="*")
    thief.put_object(Bucket=world.vault_bucket, Key=point + "drill-20301121T030000Z.json", IfNoneMatch="*")
    s3sim.control("POST", "/_s3sim/reset")


def test_lock_of_more_days_than_the_buckets_policy_knows_is_told_from_a_right_that_is_missing(s3sim, vaultferry):
    world = Empty(s3sim, vaultferry)
    bucket = world.bucket()
    world.fill(bucket, 1)
    world.bootstrap("--source-profile", "source", config=world.config(bucket, vault={"lock": {"days": 5}}))
    config = world.config(bucket, vault={"lock": {"days": 50}}, policy={"delete_after_days": 100})
    (only,) = bad(doctor(world, exit=5, config=config))
    assert (only["check"], only["state"]) == ("length of locks", "failed") and "bootstrap" in only["detail"]
    result = world.cli("run", config=config)
    assert result.returncode == 5 and "more days than before, `vaultferry bootstrap`" in result.stderr, result
    world.bootstrap(config=config)
    assert bad(doctor(world, config=config)) == [] and world.run(config=config)["copied"] == 1
    s3sim.control("POST", "/_s3sim/reset")
