"""What the commands around the run say: plan, resync, points, status, config; and what a run refuses."""
import json
import re
import shutil

import jsonschema
import pytest
from world import EXTERNAL_ID, World, listing


@pytest.fixture
def world(server, vaultferry):
    return World(server, vaultferry)


@pytest.fixture
def sim(s3sim, vaultferry):
    world = World(s3sim, vaultferry)
    yield world
    s3sim.control("POST", "/_s3sim/reset")


REPORT = {"source", "exit", "state", "point", "objects", "bytes", "listed", "copied", "recopied", "adopted", "deleted",
    "moved", "unchanged",
    "archived", "failed", "bytes_copied", "requests", "by_class", "failures"}
PLAN = {"source", "exit", "would_copy", "would_recopy", "would_delete", "would_move", "by_class_after", "requests"}
POINT = {"source", "point", "started", "finished", "state", "objects", "bytes", "copied", "deleted", "failed",
    "kept_by", "pinned"}
STATUS = {"source", "point", "age_seconds", "state", "stale", "objects", "bytes", "by_class", "next_due"}


def change(world, bucket):
    """Two new, one overwritten, one gone; returns what a plan must say of each."""
    world.later()
    world.put(bucket, "new1", b"12345")
    world.put(bucket, "new2", b"1")
    world.put(bucket, "k001", b"other")
    world.source.delete_object(Bucket=bucket, Key="k002")
    return {"new1": ("copy", 5), "new2": ("copy", 1), "k001": ("recopy", 5), "k002": ("delete", 0)}


# refusals

def test_vault_without_versions_is_refused(world):
    bucket = world.bucket()
    world.put(bucket, "k")
    world.owner.create_bucket(Bucket=f"plain-{world.tag}")
    for suspended in (False, True):
        if suspended:
            for status in ("Enabled", "Suspended"):
                world.owner.put_bucket_versioning(Bucket=f"plain-{world.tag}",
                    VersioningConfiguration={"Status": status})
        config = world.config(vault={"bucket": f"plain-{world.tag}", "role_arn": None, "external_id": None,
            "profile": "owner"})
        folder = world.vaultferry.home / ".aws" / "credentials"
        key, secret = world.server.vault_owner
        profile = f"[owner]\naws_access_key_id = {key}\naws_secret_access_key = {secret}\n"
        folder.write_text(folder.read_text() + profile)
        result = world.cli("--json", "run", config=config)
        assert result.returncode == 1 and "version" in result.json["sources"][0]["error"]["message"]
        assert "Contents" not in world.owner.list_objects_v2(Bucket=f"plain-{world.tag}")


def test_missing_source_is_an_error_and_the_others_run(world):
    bucket = world.bucket()
    world.put(bucket, "k")
    result = world.cli("--json", "run", config=world.config(bucket, f"missing-{world.tag}"))
    assert result.returncode == 5
    missing = f"missing-{world.tag}"
    assert missing in result.stderr
    assert [(one["source"], one["exit"], one["state"], one["copied"]) for one in result.json["sources"]] == [
        (bucket, 0, "complete", 1), (missing, 5, "skipped", 0)]
    assert missing in result.json["error"]["message"] and result.json["error"] == result.json["sources"][1]["error"]
    world.assert_same(bucket)
    assert missing in world.do("run", "--source", missing, exit=5, config=world.config(bucket, missing))["error"][
        "message"]
    assert [one["exit"] for one in world.do("plan", exit=5, config=world.config(bucket, missing))["sources"]] == [0, 5]
    assert world.run("--source", bucket, config=world.config(bucket, missing))["exit"] == 0


def two_accounts(world, bucket):
    """A config whose first account is lost; the second one has the bucket."""
    config = world.config(bucket)
    lost = config["sources"][0] | {"select": {"buckets": ["lost-*"]}}
    if world.simulated:
        lost |= {"role_arn": world.source_role.replace("vaultferry-read", "gone")}
    else:
        lost |= {"profile": "agent"}
        agent = world.vaultferry.home / ".aws" / "credentials"
        agent.write_text(agent.read_text().replace(world.server.vault_agent[1], "wrong"))
    return config | {"sources": [lost, *config["sources"]]}


def test_lost_account_does_not_keep_the_others_from_being_backed_up(world):
    bucket = world.bucket()
    world.put(bucket, "k")
    config = two_accounts(world, bucket)
    plan = world.do("plan", exit=5, config=config)
    assert [(one["source"], one["exit"]) for one in plan["sources"]] == [(bucket, 0), ("lost-*", 5)]
    assert plan["sources"][0]["would_copy"] == 1 and plan["error"] == plan["sources"][1]["error"]
    document = world.do("run", exit=5, config=config)
    assert [(one["source"], one["exit"], one["state"]) for one in document["sources"]] == [
        (bucket, 0, "complete"), ("lost-*", 5, "skipped")]
    assert document["error"] == document["sources"][1]["error"] and "AccessDenied" in document["error"]["message"]
    world.assert_same(bucket)
    assert world.run("--source", bucket, config=config)["unchanged"] == 1  # the lost account is none of its business
    assert world.cli("run", "--source", "lost-one", config=config).returncode == 5
    assert world.cli("run", "--source", "nobody", config=config).returncode == 1


def test_each_bucket_of_an_account_that_is_out_of_reach_is_told(sim):
    good = sim.bucket()
    sim.put(good, "k")
    config = sim.config(good)
    role = sim.source_role.replace("vaultferry-read", "gone")
    config["sources"].append(config["sources"][0] | {"role_arn": role, "profile": "nobody", "select": {
        "buckets": ["one", "two"]}})
    for words, expected in (([], [(good, 0), ("one", 5), ("two", 5)]), (["--source", "two"], [("two", 5)])):
        document = sim.do("run", *words, exit=5, config=config)
        assert [(one["source"], one["exit"]) for one in document["sources"]] == expected
        assert "nobody" in document["error"]["message"]


def test_bucket_whose_tags_cannot_be_read_does_not_keep_the_others_from_being_backed_up(sim):
    good, denied = sim.bucket("good"), sim.bucket("denied")
    for bucket in (good, denied):
        sim.put(bucket, "k")
        sim.source.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": [{"Key": "backup", "Value": "yes"}]})
    config = sim.config("*", select={"tags": {"backup": "yes"}})
    sim.faults({"operation": "GetBucketTagging", "bucket": denied, "action": "error", "status": 403,
        "code": "AccessDenied"})
    document = sim.do("run", exit=5, config=config)
    assert [(one["source"], one["exit"]) for one in document["sources"]] == [(good, 0), (denied, 5)]
    assert document["sources"][1]["error"]["code"] == "AccessDenied"
    sim.assert_same(good)
    assert sim.run("--source", good, config=config)["exit"] == 0


def test_glob_that_matches_nothing_is_a_warning(world):
    bucket = world.bucket()
    world.put(bucket, "k")
    result = world.cli("--json", "run", config=world.config(bucket, f"no-such-*-{world.tag}"))
    assert result.returncode == 0
    assert any(event.get("level") == "warning" and "no-such-*" in event["message"] for event in result.events)
    assert result.json["sources"][0]["copied"] == 1


def test_unknown_source_is_wrong_use(sim):
    sim.put(sim.bucket(), "k")
    result = sim.cli("--json", "run", "--source", "nobody")
    assert result.returncode == 1 and "nobody" in result.json["error"]["message"]
    assert sim.vault.versions() == []


def test_named_source_runs_alone(world):
    one, two = world.bucket("one"), world.bucket("two")
    for bucket in (one, two):
        world.put(bucket, "k")
    assert world.run("--source", two)["source"] == two
    assert world.vault.versions(f"data/{one}/") == []


def test_vault_that_is_missing_or_closed_is_no_access(sim):
    bucket = sim.bucket()
    sim.put(bucket, "k")
    assert sim.cli("run", config=sim.config(vault={"bucket": f"gone-{sim.tag}"})).returncode == 5
    assert sim.cli("run", config=sim.config(vault={"account": "999988887777"})).returncode == 5
    assert sim.cli("run", config=sim.config(vault={"external_id": "another"})).returncode == 5
    assert sim.cli("run", config=sim.config(source={"account": "999988887777"})).returncode == 5
    assert sim.vault.versions("data/") == []


@pytest.mark.parametrize("command", ["run", "plan", "points", "status", "ls --source docs", "resync --tags"])
def test_missing_credentials_are_one_clean_line(sim, command):
    result = sim.vaultferry("--json", *command.split(), config=sim.config("docs"))
    assert result.returncode == 5
    assert result.json["error"]["message"].startswith("finding credentials and endpoint: NoCredentials: no credentials")
    assert "operation" not in result.json["error"]  # nothing was asked


def test_errors_name_what_was_tried_and_on_what(sim):
    bucket = sim.bucket()
    sim.put(bucket, "k")
    sim.faults({"operation": "ListObjectsV2", "bucket": bucket, "action": "error", "status": 403,
        "code": "AccessDenied", "message": "go away"})
    error = sim.run(exit=5)["error"]
    assert (error["operation"], error["status"], error["code"]) == ("ListObjectsV2", 403, "AccessDenied")
    assert error["request_id"] and bucket in error["message"] and "go away" in error["message"]


@pytest.mark.parametrize("words", [["run", "-x"], ["run", "more"], ["run", "--source"], ["rum"], ["plan", "--lost"],
    ["status", "--max-age", "soon"],
    ["resync", "--check", "--recopy"], ["get"], ["get", "--source", "x", "k", "--at", "soon"],
    ["points", "x"], ["config"], ["config", "chekc"], ["--nonsense",
        "run"]], ids=" ".join)
def test_wrong_use_is_exit_1_with_one_line(sim, words):
    result = sim.cli(*words)
    assert result.returncode == 1 and len(result.stderr.strip().splitlines()) == 1, result
    result = sim.cli("--json", *words)
    assert result.returncode == result.json["exit"] == 1 and result.json["command"]
    assert result.json["error"]["message"] in result.stderr
    assert sim.vault.versions() == []


def test_no_command_at_all_is_wrong_use_and_help_is_help(vaultferry):
    document = vaultferry("--json").json
    assert document["exit"] == 1 and "command is missing" in document["error"]["message"]
    assert vaultferry().returncode == 1
    asked = vaultferry("restore", "--help")
    assert asked.returncode == 0 and asked.stdout == vaultferry("help", "restore").stdout


def test_state_folder_is_made_with_all_above_it(sim):
    """A fresh user has no ~/.local/state."""
    bucket = sim.bucket()
    sim.put(bucket, "k")
    assert sim.run()["state"] == "complete"
    for words in (["ls", "--source", bucket], ["run"], ["verify"], ["restore", "--source", bucket, "--to",
            sim.vaultferry.folder / "out"]):
        state = sim.vaultferry.folder / words[0] / "not" / "yet/"
        result = sim.cli("--json", "--state-dir", state, *words)
        assert result.returncode == 0, result
    assert (sim.vaultferry.folder / "run" / "not" / "yet").stat().st_mode & 0o777 == 0o700


def test_state_folder_that_cannot_be_is_wrong_use_in_clear_words(sim):
    bucket = sim.bucket()
    sim.put(bucket, "k")
    (sim.vaultferry.folder / "file").write_text("")
    for state in ("/proc/nowhere/state", sim.vaultferry.folder / "file" / "state"):
        for command in ("run", "plan"):
            result = sim.cli("--json", "--state-dir", state, command)
            message = result.json["error"]["message"]
            assert result.returncode == 1 and "making the folder /" in message and "errno" not in message, result
    assert sim.vault.versions("data/") == []


# plan

@pytest.mark.tsan
def test_plan_says_what_the_run_then_does_and_writes_nothing(world):
    bucket = world.bucket()
    world.fill(bucket, 12)
    first = world.do("plan")["sources"][0]
    assert PLAN <= set(first) and first["exit"] == 0
    assert (first["would_copy"], first["would_recopy"], first["would_delete"]) == (12, 0, 0)
    assert world.vault.versions() == []
    world.run()
    expected = change(world, bucket)
    before = world.vault.versions()
    plan = world.do("plan", "--list")["sources"][0]
    assert {one["key"]: (one["action"], one["size"]) for one in plan["actions"]} == expected
    assert all(one["why"] and one["class"] == "STANDARD" for one in plan["actions"])
    assert world.vault.versions() == before
    report = world.run()
    assert (plan["would_copy"], plan["would_recopy"], plan["would_delete"], plan["would_move"]) == (2, 1, 1, 0)
    assert (report["copied"], report["recopied"], report["deleted"], report["moved"]) == (2, 1, 1, 0)
    assert plan["by_class_after"]["STANDARD"]["objects"] in (report["objects"], report["objects"] + 1)
    assert plan["requests"]["copy"] == report["requests"]["copy"] == 3
    plan = world.do("plan")["sources"][0]
    assert (plan["would_copy"], plan["would_recopy"], plan["would_delete"], plan["unchanged"]) == (0, 0, 0, 13)
    text = world.cli("plan")
    assert text.returncode == 0 and bucket in text.stdout


def test_plan_is_not_bound_to_the_window_of_the_policy(sim):
    """The window counts from the start of a run: no uptime of the machine may stand in for that start."""
    bucket = sim.bucket()
    sim.fill(bucket, 3)
    policy = {"completion_window_minutes": 1, "start_window_minutes": 1}
    assert sim.do("plan", config=sim.config(bucket, policy=policy))["sources"][0]["would_copy"] == 3


def test_plan_with_the_state_lost_says_the_same(world):
    bucket = world.bucket()
    world.fill(bucket, 8)
    world.run()
    change(world, bucket)
    shutil.rmtree(world.vaultferry.state)
    plan = world.do("plan")["sources"][0]
    assert (plan["would_copy"], plan["would_recopy"], plan["would_delete"]) == (2, 1, 1)


def test_plan_whose_listing_is_denied_says_so(sim):
    bucket = sim.bucket()
    sim.fill(bucket, 3)
    sim.faults({"operation": "ListObjectsV2", "bucket": bucket, "action": "error", "status": 403,
        "code": "AccessDenied"})
    assert sim.do("plan", exit=5)["sources"][0]["error"]["code"] == "AccessDenied"


# resync

def test_resync_adopts_what_the_vault_has(world):
    bucket = world.bucket()
    world.fill(bucket, 10)
    world.run()
    before = world.vault.copies(bucket)
    change(world, bucket)
    report = world.do("resync")["sources"][0]
    assert (report["copied"], report["recopied"], report["deleted"]) == (2, 1, 1)
    written = {"new1": 1, "new2": 1, "k001": 2}
    assert world.vault.copies(bucket) == before | {f"data/{bucket}/{key}": count for key, count in written.items()}
    report = world.do("resync", "--from-vault", "--source", bucket)["sources"][0]
    assert (report["copied"], report["recopied"], report["deleted"], report["unchanged"]) == (0, 0, 0, 11)
    world.vault.check(bucket)
    world.assert_same(bucket)


def test_resync_check_only_tells_differences(world):
    bucket = world.bucket()
    world.fill(bucket, 6)
    world.run()
    report = world.do("resync", "--check")["sources"][0]
    assert (report["would_copy"], report["would_recopy"], report["would_delete"], report["actions"]) == (0, 0, 0, [])
    expected = change(world, bucket)
    before = world.vault.versions()
    report = world.do("resync", "--check", exit=2)["sources"][0]
    assert {one["key"]: (one["action"], one["size"]) for one in report["actions"]} == expected
    assert world.vault.versions() == before
    report = world.do("resync", "--check", "--prefix", "new", exit=2)["sources"][0]
    assert sorted(one["key"] for one in report["actions"]) == ["new1", "new2"]
    assert world.do("resync", "--check", "--prefix", "k000")["exit"] == 0


def test_resync_brings_again_what_is_gone_from_the_vault(world):
    """Somebody who may end versions did so: of a plain key, of one with an older version below, of a long key, of one
    that the source has lost meanwhile. What a marker hides is still there."""
    bucket = world.bucket()
    long = "k" * 1020
    for key in ("a", "b", "gone", "hidden", "kept", long):
        world.put(bucket, key, f"first {key}".encode())
    world.run()
    world.later()
    world.put(bucket, "b", b"second b")
    world.run()
    paths = world.vault.live(bucket)
    for key in ("a", "b", "gone", long):
        world.owner.delete_object(Bucket=world.vault_bucket, Key=paths[key]["Key"], VersionId=paths[key]["VersionId"])
    world.owner.delete_object(Bucket=world.vault_bucket, Key=paths["hidden"]["Key"])
    world.source.delete_object(Bucket=bucket, Key="gone")
    assert world.run()["deleted"] == 1  # a run takes the vault for granted
    report = world.do("resync", "--check", exit=2)["sources"][0]
    assert sorted(one["key"] for one in report["actions"]) == ["a", "b", long]
    report = world.do("resync")["sources"][0]
    assert (report["recopied"] + report["copied"], report["adopted"], report["state"]) == (3, 0, "complete")
    assert "3 objects" in report["warnings"][0]
    assert world.do("resync", "--check")["exit"] == 0
    point = world.vault.points(bucket)[-1]
    for key in ("a", "b", "hidden", "kept", long):
        body = world.owner.get_object(Bucket=world.vault_bucket, Key=paths[key]["Key"],
            VersionId=point.view[key]["vault"])["Body"].read()
        assert body == (b"second b" if key == "b" else f"first {key}".encode())


def test_resync_looks_for_copies_of_many_pages(sim):
    bucket = sim.bucket(count=3210, shape="prefixes")
    sim.run()
    live = sorted(sim.vault.live(bucket).values(), key=lambda entry: entry["Key"])
    lost = [live[i] for i in (0, 999, 1000, 1001, 2222, 3209)]
    for entry in lost:
        sim.owner.delete_object(Bucket=sim.vault_bucket, Key=entry["Key"], VersionId=entry["VersionId"])
    prefix = lost[4]["Key"].removeprefix(f"data/{bucket}/")[:-1]
    report = sim.do("resync", "--check", "--prefix", prefix, exit=2)["sources"][0]
    assert [f"data/{bucket}/{one['key']}" for one in report["actions"]] == [lost[4]["Key"]]
    assert sim.do("resync")["sources"][0]["recopied"] == 6
    assert {entry["Key"] for entry in sim.vault.live(bucket).values()} == {entry["Key"] for entry in live}
    assert sim.do("resync", "--check")["exit"] == 0


def test_resync_recopy_makes_new_versions_under_the_prefix_alone(world):
    bucket = world.bucket()
    world.fill(bucket, 3, "a/")
    world.fill(bucket, 3, "b/")
    world.run()
    world.later()
    report = world.do("resync", "--recopy", "--prefix", "a/")["sources"][0]
    assert (report["recopied"], report["copied"], report["deleted"], report["objects"]) == (3, 0, 0, 6)
    copies = world.vault.copies(bucket)
    assert {path.split("/")[2]: count for path, count in copies.items()} == {"a": 2, "b": 1}
    world.vault.check(bucket)
    assert world.do("resync", "--recopy")["sources"][0]["recopied"] == 6
    assert sum(world.vault.copies(bucket).values()) == 15
    world.assert_same(bucket)
    world.vault.check(bucket)
    assert world.run()["unchanged"] == 6


# points, status

@pytest.mark.tsan
def test_points_and_status_tell_what_the_vault_holds(world):
    bucket = world.bucket()
    keys = world.fill(bucket, 5)
    world.run()
    change(world, bucket)
    world.run()
    points = world.do("points")["points"]
    truth = world.vault.check(bucket)
    assert all(POINT <= set(point) for point in points)
    same = ("point", "started", "finished", "state", "objects", "bytes")
    assert [[one[name] for name in same] for one in points] == [[one[name] for name in same] for one in truth]
    assert [(one["copied"], one["deleted"], one["failed"]) for one in points] == [(len(keys), 0, 0), (3, 1, 0)]
    status, = world.do("status")["sources"]
    assert STATUS <= set(status)
    assert (status["source"], status["point"], status["state"], status["stale"]) == (bucket, truth[-1].id, "complete",
        False)
    assert (status["objects"], status["bytes"]) == (6, truth[-1]["bytes"]) and 0 <= status["age_seconds"] < 60
    assert status["by_class"] == {"STANDARD": {"objects": 6, "bytes": truth[-1]["bytes"]}}
    for command in ("points", "status"):
        assert bucket in world.cli(command).stdout
        assert world.cli(command, "--source", "nobody").returncode == 1


def test_points_and_status_need_no_right_to_any_source(sim):
    bucket = sim.bucket()
    sim.put(bucket, "k")
    sim.run()
    sim.server.control("POST", "/_s3sim/roles", {"account": sim.server.source_account,
        "name": sim.source_role.split("/")[1], "trust": []})
    assert len(sim.do("points")["points"]) == 1
    assert sim.do("status")["sources"][0]["state"] == "complete"


def test_status_is_stale_when_the_last_good_point_is_too_old(sim):
    bucket = sim.bucket()
    sim.fill(bucket, 3)
    never = sim.do("status", "--max-age", "26h", exit=2)["sources"][0]
    assert (never["source"], never["point"], never["state"], never["stale"]) == (bucket, None, None, True)
    sim.run()
    assert not sim.do("status", "--max-age", "26h")["sources"][0]["stale"]
    sim.clock(25 * 3600)
    assert not sim.do("status", "--max-age", "26h")["sources"][0]["stale"]
    # a partial point does not make it younger
    sim.put(bucket, "bad")
    sim.faults({"operation": "CopyObject", "action": "error", "status": 400, "code": "InvalidRequest"})
    sim.run(exit=2)
    sim.heal()
    sim.clock(27 * 3600)
    status = sim.do("status", "--max-age", "26h", exit=2)["sources"][0]
    assert status["stale"] and status["state"] == "partial" and status["age_seconds"] > 26 * 3600
    assert "STALE" in sim.cli("status", "--max-age", "1d").stdout
    assert sim.do("status")["sources"][0]["stale"] is False
    sim.run()
    assert not sim.do("status", "--max-age", "26h")["sources"][0]["stale"]


def test_damaged_and_rewritten_points_are_told(sim):
    bucket = sim.bucket()
    sim.put(bucket, "k")
    sim.run()
    path = f"points/{bucket}/{sim.vault.points(bucket)[0].id}/point.json"
    sim.owner.put_object(Bucket=sim.vault_bucket, Key=path, Body=b'{"format": 1}')
    result = sim.cli("--json", "points")
    assert result.returncode == 2 and "written again or deleted" in result.stderr
    assert [point["objects"] for point in result.json["points"]] == [1]  # the oldest version is the true one
    sim.owner.delete_object(Bucket=sim.vault_bucket, Key=path)
    assert [point["objects"] for point in sim.do("points", exit=2)["points"]] == [1]
    report = sim.run()  # goes on from it
    assert (report["unchanged"], report["copied"], report["state"]) == (1, 0, "complete")


# config

def check(vaultferry, text):
    path = vaultferry.folder / "own.json"
    path.write_text(text if isinstance(text, str) else json.dumps(text, indent=2))
    return vaultferry("--json", "config", "check", config=path)


SMALLEST = {"vault": {"bucket": "the-vault"}, "sources": [{"select": {"buckets": ["docs"]}, "policy": "p"}],
    "policies": {"p": {"delete_after_days": 30}}}


def test_smallest_config_is_well_and_found_in_all_its_places(vaultferry):
    assert check(vaultferry, SMALLEST).returncode == 0
    path = vaultferry.folder / "own.json"
    for env in ({"VAULTFERRY_CONFIG": path}, {"VAULTFERRY_CONFIG_JSON": json.dumps(SMALLEST)}):
        assert vaultferry("config", "check", env=env).returncode == 0
    assert vaultferry("config", "check").returncode == 1
    assert vaultferry("run").returncode == 1


def test_config_from_s3_is_read_with_the_ambient_credentials(sim):
    bucket = sim.bucket()
    sim.put(bucket, "k")
    sim.owner.put_object(Bucket=sim.vault_bucket, Key="config/vf.json", Body=json.dumps(sim.config()).encode())
    env = sim.env | {"VAULTFERRY_CONFIG": f"s3://{sim.vault_bucket}/config/vf.json", "AWS_ENDPOINT_URL": sim.server.url,
        "AWS_REGION": "us-east-1"}
    result = sim.judged(sim.vaultferry("--json", "run", env=env))
    assert result.returncode == 0 and result.json["sources"][0]["copied"] == 1, result
    result = sim.vaultferry("run", env=env | {"VAULTFERRY_CONFIG": f"s3://{sim.vault_bucket}/config/none.json"})
    assert result.returncode in (1, 5) and "config/none.json" in result.stderr
    result = sim.vaultferry("--json", "run", env=env | {"AWS_SECRET_ACCESS_KEY": "wrong"})
    assert result.returncode == 5 and result.json["error"]["operation"] == "GetObject", result
    assert "config/vf.json" in result.json["error"]["message"]


def edited(**changes):
    config = json.loads(json.dumps(SMALLEST))
    for path, value in changes.items():
        at = config
        *way, last = path.split("__")
        for step in way:
            at = at[int(step)] if step.isdigit() else at[step]
        at[last] = value
    return config


@pytest.mark.parametrize("text, line, words", [
    (edited(vault__bukket="x"), 4, ["bukket", "bucket"]),
    (edited(polices={}), None, ["polices", "policies"]),
    (edited(vault__bucket=7), 3, ["bucket"]),
    (edited(policies__p={"delete_after_days": 100, "cold_storage_after_days": 90}), None, ["90"]),
    (edited(policies__p={"tiers": [{"after_days": 90, "class": "GLACIER"},
        {"after_days": 30, "class": "STANDARD_IA"}]}), None, ["tiers"]),
    (edited(policies__p={"tiers": [{"after_days": 30, "class": "GLACIR"}]}), None, ["GLACIR", "GLACIER"]),
    (edited(sources__0__policy="q"), None, ["q"]),
    (edited(sources=[SMALLEST["sources"][0], SMALLEST["sources"][0]]), None, ["docs"]),
    ('{"vault": {"bucket": "x"},,}', 1, []),
    ('{"vault": {"bucket": "the-vault"}', 1, []),
    ("", None, []),
], ids=["unknown-field", "unknown-top", "type", "delete-before-cold", "tiers-out-of-order", "unknown-class",
    "unknown-policy", "overlap", "comma",
    "cut", "empty"])
def test_bad_config_names_line_column_and_what_was_meant(vaultferry, text, line, words):
    result = check(vaultferry, text)
    assert result.returncode == 1 and result.json["command"] == "config"
    message = result.json["error"]["message"]
    place = re.search(r"^\S+/own\.json: .* line (\d+), column (\d+)", message)
    assert place, message
    assert line in (None, int(place[1])), message
    for word in words:
        assert word in message, message
    assert vaultferry("run", config=vaultferry.folder / "own.json").returncode == 1


def test_schema_is_valid_and_takes_what_the_program_takes(sim):
    schema = json.loads(sim.vaultferry("config", "schema").stdout)
    validator = jsonschema.validators.validator_for(schema)
    validator.check_schema(schema)
    sim.bucket()
    for good in (SMALLEST, sim.config()):
        validator(schema).validate(good)
    for bad in (edited(vault__bukket="x"), edited(vault__bucket=7),
        edited(policies__p={"tiers": [{"after_days": 30, "class": "GLACIR"}]})):
        with pytest.raises(jsonschema.ValidationError):
            validator(schema).validate(bad)


# output

def test_report_has_the_promised_shape_and_no_secret_at_any_level(world):
    bucket = world.bucket()
    world.fill(bucket, 5)
    document = world.do("run", "--source", bucket)
    assert {"command", "exit", "run", "seconds", "sources"} <= set(document)
    report = document["sources"][0]
    assert REPORT <= set(report) and {"list", "head", "copy"} <= set(report["requests"])
    assert re.fullmatch(r"\d{8}T\d{6}Z", report["point"])
    assert report["by_class"] == {"STANDARD": {"objects": 5, "bytes": report["bytes"]}}
    for level in ([], ["-v"], ["-v", "-v", "-v"], ["-q"]):
        result = world.cli(*level, "run")  # judged: no secret is in it
        assert result.returncode == 0
        assert EXTERNAL_ID not in result.stdout + result.stderr
        assert all(json.loads(line)["event"] for line in result.stderr.splitlines())
    assert world.cli("-q", "run").stdout == ""
    # nor where it goes wrong, nor in the vault
    for wrong in ({"external_id": "another"}, {"bucket": "no-such-bucket"}):
        if world.simulated:
            result = world.cli("-v", "run", config=world.config(vault=wrong))
            assert result.returncode == 5 and EXTERNAL_ID not in result.stdout + result.stderr
    for path, text in world.vault.files(bucket).items():
        if path.endswith(".json"):
            assert not any(secret.encode() in text for secret in (*world.secrets, EXTERNAL_ID))


def test_local_state_holds_no_secret(sim):
    bucket = sim.bucket()
    sim.fill(bucket, 3)
    sim.run()
    state = sim.vaultferry.state
    assert state.stat().st_mode & 0o077 == 0
    for path in state.rglob("*"):
        if path.is_file():
            text = path.read_bytes()
            assert not any(secret.encode() in text for secret in (*sim.secrets, EXTERNAL_ID)), path


def test_selection_by_tags_and_exclusion(sim):
    """Buckets tagged for it, but for those that an exclusion takes out."""
    taken, other, out = (sim.bucket(name) for name in ("taken", "other", "out"))
    for bucket in (taken, out):
        sim.source.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": [{"Key": "backup", "Value": "enabled"}]})
    for bucket in sim.buckets:
        sim.put(bucket, "k")
    select = {"buckets": [], "tags": {"backup": "enabled"}, "exclude_buckets": ["out-*"]}
    assert sim.run(config=sim.config(select=select))["source"] == taken
    # a new bucket is picked up by itself
    sim.source.put_bucket_tagging(Bucket=other, Tagging={"TagSet": [{"Key": "backup", "Value": "enabled"}]})
    sources = sim.do("run", config=sim.config(select=select))["sources"]
    assert sorted(one["source"] for one in sources) == sorted([taken, other])
    carried = sorted(f"data/{bucket}/k" for bucket in (taken, other))
    assert sorted(listing(sim.owner, sim.vault_bucket, "data/")) == carried
