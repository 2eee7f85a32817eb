"""What goes wrong in a run: no deletion on a guess, no object lost, none copied twice without need, and it is told."""
import http.server
import shutil
import threading
import time

import pytest
from test_move import Relay
from world import READ_OBJECTS, World, listing

COUNTS = ("copied", "recopied", "adopted", "deleted", "archived", "failed")


@pytest.fixture
def world(server, vaultferry):
    return World(server, vaultferry)


@pytest.fixture
def sim(s3sim, vaultferry):
    world = World(s3sim, vaultferry)
    yield world
    s3sim.control("POST", "/_s3sim/reset")


def counted(report):
    return {name: report[name] for name in COUNTS}


def only(**expected):
    return dict.fromkeys(COUNTS, 0) | expected


def on_listing(bucket, action, skip=0, count=0, **more):
    return {"operation": "ListObjectsV2", "bucket": bucket, "action": action, "skip": skip, "count": count} | more


# listings

LIES = {
    "denied-half-way": (5, dict(action="error", status=403, code="AccessDenied", skip=2)),
    "denied-at-once": (5, dict(action="error", status=403, code="AccessDenied")),
    "ends-early": (2, dict(action="list_end_early", skip=1, count=1)),
    "ends-at-once": (3, dict(action="list_end_early", count=1)),  # most seems to be gone: that is the guard's
    "repeats-a-page": (2, dict(action="list_repeat", skip=1, count=1)),
    "out-of-order": (2, dict(action="list_disorder", skip=1, count=1)),
    "empty-pages-that-promise-more": (2, dict(action="list_empty_page", skip=1)),
    "no-answer-that-can-be-read": (2, dict(action="wrong_root")),
}


@pytest.mark.tsan
@pytest.mark.parametrize("name", LIES)
def test_listing_that_lies_deletes_nothing_and_is_told(sim, name):
    code, lie = LIES[name]
    bucket = sim.bucket(count=2100, shape="prefixes")
    sim.run()
    config = sim.config() | {"limits": {"workers": 1}}  # one page after the other
    sim.put(bucket, "zzz-new")
    sim.faults(on_listing(bucket, **lie))
    report = sim.run(exit=code, config=config)
    assert sim.fired()[0] > 0
    assert report["state"] == ("guarded" if code == 3 else "partial") and report["deleted"] == 0
    assert sim.vault.markers(bucket) == []
    point = sim.vault.points(bucket)[-1]
    assert point["state"] == report["state"] and point["walk_ended"] == (code == 3)
    sim.heal()
    left = 1 - report["copied"]
    report = sim.run()
    assert report["state"] == "complete" and counted(report) == only(copied=left)
    assert sim.vault.markers(bucket) == []
    assert sim.vault.view(bucket) == listing(sim.source, bucket)


@pytest.mark.parametrize("fault", [dict(action="list_empty_page"), dict(action="garble"), dict(action="truncate"),
    dict(action="reset"),
    dict(action="error", status=500), dict(action="error", status=503), dict(action="empty_body")],
    ids=lambda fault: fault["action"])
def test_listing_with_one_bad_answer_is_asked_again(sim, fault):
    bucket = sim.bucket(count=3000, shape="prefixes")
    sim.faults(on_listing(bucket, skip=1, count=1, **fault))
    report = sim.run()
    assert sim.fired() == [1]
    assert (report["state"], report["copied"]) == ("complete", 3000)
    assert set(sim.vault.copies(bucket).values()) == {1}


def test_deletions_wait_for_a_listing_that_ends(sim):
    """What is really gone is not marked by a run whose listing failed, but by the next one."""
    bucket = sim.bucket(count=3200, shape="prefixes")
    sim.run()
    sim.server.control("POST", "/_s3sim/synthetic", {"bucket": bucket, "generation": 2, "deleted_share": 0.02})
    gone = 3200 - len(listing(sim.source, bucket))
    sim.faults(on_listing(bucket, "error", skip=2, status=403, code="AccessDenied"))
    assert sim.run(exit=5)["deleted"] == 0
    assert sim.vault.markers(bucket) == []
    sim.heal()
    assert sim.run()["deleted"] == gone > 40
    assert len(sim.vault.markers(bucket)) == gone
    sim.vault.check(bucket)


def test_bucket_that_is_gone_deletes_nothing(world):
    bucket = world.bucket()
    keys = world.fill(bucket, 5)
    world.run()
    for key in keys:
        world.source.delete_object(Bucket=bucket, Key=key)
    world.source.delete_bucket(Bucket=bucket)
    result = world.cli("--json", "run")
    assert result.returncode == 5
    assert world.vault.markers(bucket) == []


@pytest.mark.parametrize("fault", [dict(action="error", status=403, code="AccessDenied"),
    dict(action="error", status=500)], ids=["denied", "broken"])
def test_second_look_that_fails_marks_nothing(sim, fault):
    bucket = sim.bucket()
    sim.fill(bucket, 5)
    sim.run()
    sim.source.delete_object(Bucket=bucket, Key="k001")
    sim.faults({"operation": "HeadObject", "bucket": bucket} | fault)
    report = sim.run(exit=5)
    assert report["deleted"] == 0 and report["state"] == "partial"
    assert sim.vault.markers(bucket) == []
    sim.heal()
    assert sim.run()["deleted"] == 1
    sim.vault.check(bucket)


def test_delete_markers_that_are_refused_are_failures_and_heal(sim):
    bucket = sim.bucket()
    sim.fill(bucket, 5)
    sim.run()
    sim.source.delete_object(Bucket=bucket, Key="k001")
    sim.faults({"operation": "DeleteObjects", "action": "error", "status": 403, "code": "AccessDenied"},
        {"operation": "DeleteObject", "action": "error", "status": 403, "code": "AccessDenied"})
    result = sim.cli("--json", "run")
    assert result.returncode in (2, 5) and result.json["sources"][0]["deleted"] == 0
    assert "k001" in sim.vault.points(bucket)[-1].view
    sim.heal()
    assert sim.run()["deleted"] == 1
    sim.vault.check(bucket)


# copies

@pytest.mark.tsan
def test_tenth_of_all_copies_fails_and_everything_arrives_once(sim):
    bucket = sim.bucket(count=600, shape="prefixes")
    kinds = [dict(action="error", status=503), dict(action="error", status=500), dict(action="reset"),
        dict(action="error_in_200"),
        dict(action="error_in_200", keep_alive=True)]
    sim.faults(*[{"operation": "CopyObject", "probability": 0.02, "seed": seed} | kind
        for seed, kind in enumerate(kinds)])
    sim.forget_counts()
    report = sim.run()
    fired = sum(sim.fired())
    assert fired > 20
    assert counted(report) == only(copied=600) and report["state"] == "complete"
    # none of these faults did what was asked for, so each object has one version, and each fault cost one request
    assert set(sim.vault.copies(bucket).values()) == {1}
    assert sim.counts()["CopyObject"] == 600 + fired
    # libcurl itself repeats what was reset on a connection that had been used before
    assert report["retried"] >= fired - sim.fired()[2]
    assert sim.vault.view(bucket) == listing(sim.source, bucket)


def test_copy_whose_answer_was_lost_costs_one_version_more(sim):
    bucket = sim.bucket(count=200, shape="prefixes")
    sim.faults({"operation": "CopyObject", "probability": 0.1, "seed": 3, "action": "lost_answer"},
        {"operation": "CopyObject", "probability": 0.05, "seed": 4, "action": "error", "status": 500, "perform": True})
    report = sim.run()
    assert counted(report) == only(copied=200)
    assert sum(sim.vault.copies(bucket).values()) == 200 + sum(sim.fired()) > 205
    sim.vault.check(bucket)


@pytest.mark.parametrize("fault", [dict(action="empty_body"), dict(action="wrong_root"), dict(action="garble"),
    dict(action="truncate")],
    ids=lambda fault: fault["action"])
def test_200_that_is_no_copy_result_is_not_taken_for_one(sim, fault):
    bucket = sim.bucket()
    sim.fill(bucket, 10)
    sim.faults({"operation": "CopyObject", "count": 3} | fault)
    assert counted(sim.run()) == only(copied=10)
    assert sim.fired() == [3]
    sim.assert_same(bucket)
    sim.vault.check(bucket)


def refuse(bucket, prefix):
    return {"operation": "CopyObject", "key_prefix": f"data/{bucket}/{prefix}", "action": "error", "status": 400,
        "code": "InvalidRequest",
        "message": "not today"}


def test_failed_objects_are_named_and_tried_first_until_they_heal(sim):
    bucket = sim.bucket()
    sim.fill(bucket, 30)
    bad = sim.fill(bucket, 4, "m-bad")
    sim.faults(refuse(bucket, "m-bad"))
    for _ in range(2):
        report = sim.run(exit=2)
        assert (report["state"], report["failed"]) == ("partial", 4)
        assert sorted(failure["key"] for failure in report["failures"]) == bad
        for failure in report["failures"]:
            assert (failure["operation"], failure["status"], failure["code"]) == ("CopyObject", 400, "InvalidRequest")
            assert "not today" in failure["message"] and failure["request_id"]
        point = sim.vault.points(bucket)[-1]
        assert point["state"] == "partial" and point["walk_ended"]
        assert point["missing"]["count"] == 4 == point["did"]["failed"]
        assert sorted(entry["key"] for entry in point["missing"]["list"]) == bad
        assert all(entry["code"] == "InvalidRequest" and entry["status"] == 400 for entry in point["missing"]["list"])
        assert not set(bad) & set(point.view)
    sim.heal()
    sim.put(bucket, "a-new-one")
    sim.forget_counts()
    report = sim.run()
    assert counted(report) == only(copied=5) and report["state"] == "complete"
    order = [one["key"].split("/")[-1] for one in sim.requests("CopyObject")]
    assert sorted(order[:4]) == bad and order[4] == "a-new-one"
    assert sim.vault.check(bucket)[-1]["missing"] == {"count": 0, "list": []}
    sim.assert_same(bucket)


def test_overwritten_object_that_fails_keeps_its_old_copy_and_record(sim):
    bucket = sim.bucket()
    sim.put(bucket, "k", b"one")
    sim.run()
    sim.later()
    sim.put(bucket, "k", b"two")
    sim.faults(refuse(bucket, "k"))
    assert sim.run(exit=2)["failed"] == 1
    first, second = sim.vault.points(bucket)
    assert first.view == second.view
    sim.heal()
    assert counted(sim.run()) == only(recopied=1)
    sim.assert_same(bucket)
    sim.vault.check(bucket)


def test_more_failures_than_a_report_names_are_counted_exactly(sim):
    bucket = sim.bucket(count=1200, shape="prefixes")
    sim.faults(refuse(bucket, ""))
    report = sim.run(exit=2)
    assert report["failed"] == 1200 and len(report["failures"]) == 1000
    point = sim.vault.points(bucket)[-1]
    assert point["missing"]["count"] == 1200 and len(point["missing"]["list"]) == 1000 and point.view == {}
    sim.heal()
    assert counted(sim.run()) == only(copied=1200)
    sim.vault.check(bucket)


def test_source_whose_copies_are_all_denied_is_given_up_early(sim):
    denied = sim.bucket("denied", count=3000, shape="prefixes")
    fine = sim.bucket("fine")
    sim.fill(fine, 5)
    sim.source.delete_bucket_policy(Bucket=denied)
    sim.forget_counts()
    reports = {report["source"]: report for report in sim.do("run", exit=5)["sources"]}
    assert reports[denied]["exit"] == 5 and reports[denied]["state"] == "partial"
    assert reports[fine]["exit"] == 0 and counted(reports[fine]) == only(copied=5)
    assert sim.counts()["CopyObject"] < 200
    sim.grant(denied)
    assert {report["state"] for report in sim.do("run")["sources"]} == {"complete"}
    assert len(sim.vault.copies(denied)) == 3000


# races

@pytest.mark.tsan
def test_object_overwritten_between_list_and_copy_is_copied_as_it_is(sim):
    bucket = sim.bucket()
    sim.fill(bucket, 6)
    sim.faults({"operation": "CopyObject", "key": f"data/{bucket}/k003", "count": 1, "action": "mutate_overwrite"})
    assert counted(sim.run()) == only(copied=6)
    assert sim.source.get_object(Bucket=bucket, Key="k003")["Body"].read().startswith(b"overwritten")
    sim.assert_same(bucket)
    line = sim.vault.check(bucket)[-1].view["k003"]
    assert (line["etag"], line["size"]) == listing(sim.source, bucket)["k003"]
    assert counted(sim.run()) == only()


def test_store_that_ignores_conditions_has_copied_what_is_there_now(rgw, vaultferry):
    """Ceph RGW copies whatever there is: what is there then is recorded, and nothing has failed."""
    world = World(rgw, vaultferry)
    bucket = world.bucket()
    world.fill(bucket, 6)

    class Overwriting(Relay):
        there, left = rgw.url.split("//")[1], ["k003"]

        def marked(self):
            if self.headers.get("x-amz-copy-source", "").endswith("/k003") and self.left:
                world.put(bucket, self.left.pop(), b"another, and longer")
            return self.path

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Overwriting) as relay:
        thread = threading.Thread(target=relay.serve_forever, args=(0.05,))
        thread.start()
        url = f"http://127.0.0.1:{relay.server_port}"
        try:
            report = world.run(config=world.config(vault={"endpoint": url}, source={"endpoint": url}))
        finally:
            relay.shutdown()
            thread.join()
    assert not Overwriting.left and counted(report) == only(copied=6) and report["state"] == "complete"
    world.assert_same(bucket)
    line = world.vault.check(bucket)[-1].view["k003"]
    assert (line["etag"], line["size"]) == listing(world.source, bucket)["k003"]
    assert counted(world.run()) == only()
    assert world.do("verify", "--read-data")["problems"] == []


def test_object_deleted_between_list_and_copy_is_gone_not_failed(sim):
    bucket = sim.bucket()
    sim.fill(bucket, 6)
    sim.run()
    sim.later()
    for key in ("k003", "new"):
        sim.put(bucket, key, b"again")
    sim.faults(*[{"operation": "CopyObject", "key": f"data/{bucket}/{key}", "count": 1, "action": "mutate_delete"}
        for key in ("k003", "new")])
    report = sim.run()
    assert counted(report) == only() and report["gone"] == 2 and report["state"] == "complete"
    sim.heal()
    # the next walk does not find the one that the vault has, and marks it
    assert counted(sim.run()) == only(deleted=1)
    sim.assert_same(bucket)
    sim.vault.check(bucket)


def test_object_made_again_before_the_second_look_is_not_marked(sim):
    bucket = sim.bucket()
    sim.fill(bucket, 6)
    sim.run()
    sim.later()
    sim.source.delete_object(Bucket=bucket, Key="k003")
    sim.put(bucket, "slow")
    sim.latency(2000, "CopyObject")  # marks wait for copies
    sim.forget_counts()
    child = sim.start("run")
    sim.wait_for(lambda: sim.counts()["ListObjectsV2"] and sim.requests("ListObjectsV2", bucket))
    time.sleep(0.3)
    sim.put(bucket, "k003", b"made again")
    report = sim.finish(child).json["sources"][0]
    assert counted(report) == only(copied=1) and report["exit"] == 0
    assert sim.vault.markers(bucket) == []
    sim.latency(0)
    assert counted(sim.run()) == only(recopied=1)
    sim.assert_same(bucket)


# credentials

@pytest.mark.tsan
def test_sessions_of_two_seconds_do_not_stop_a_run(world):
    bucket = world.bucket()
    count = 160 if world.simulated else 250
    world.fill(bucket, count)
    config = world.config(vault={"profile": "short", "role_arn": None, "external_id": None})
    if world.simulated:
        world.limits(min_session_seconds=1)
        world.latency(200, "CopyObject")
    else:
        config["limits"]["workers"] = 1
    begun = time.monotonic()
    assert counted(world.run(config=config)) == only(copied=count)
    if world.simulated:
        assert world.counts()["AssumeRole"] >= 3 or time.monotonic() - begun < 4
        world.latency(0)
    assert set(world.vault.copies(bucket).values()) == {1}
    world.vault.check(bucket)


def test_sessions_that_the_service_ends_early_are_renewed(sim):
    bucket = sim.bucket()
    sim.fill(bucket, 120)
    # no request twice: who is refused after it took a new session fails
    sim.faults(*[{"operation": "CopyObject", "key": f"data/{bucket}/{key}", "count": 1, "action": "expired_token"}
        for key in ("k020", "k060", "k110")],
        {"operation": "ListObjectsV2", "bucket": bucket, "count": 1, "action": "expired_token"})
    assert counted(sim.run()) == only(copied=120)
    assert sim.fired() == [1, 1, 1, 1]
    assert set(sim.vault.copies(bucket).values()) == {1}


def test_server_whose_clock_jumps_two_hours_does_not_stop_a_run(sim):
    bucket = sim.bucket()
    sim.fill(bucket, 80)
    sim.latency(150, "CopyObject")
    child = sim.start("run")
    sim.wait_for(lambda: sim.counts()["CopyObject"] >= 20)
    sim.server.control("POST", "/_s3sim/clock", {"offset_seconds": 7200})
    result = sim.finish(child)
    sim.clock(7200)
    assert result.returncode == 0, result
    assert counted(result.json["sources"][0]) == only(copied=80)
    assert set(sim.vault.copies(bucket).values()) == {1}
    sim.vault.check(bucket)


# tags

def tagged(world, actions):
    bucket = world.bucket(actions=actions)
    world.put(bucket, "plain")
    world.put(bucket, "tagged", Tagging="a=1&b=2")
    return bucket


WITHOUT_TAGS = ("s3:GetObject", "s3:GetObjectVersion")


def test_tags_that_may_not_be_read_fail_the_object_by_default(sim):
    bucket = tagged(sim, WITHOUT_TAGS)
    report = sim.run(exit=2)
    assert counted(report) == only(copied=1, failed=1)
    failure, = report["failures"]
    assert (failure["key"], failure["status"], failure["code"]) == ("tagged", 403, "AccessDenied")
    sim.grant(bucket)
    assert counted(sim.run()) == only(copied=1)
    sim.assert_same(bucket)


def test_tags_by_best_effort_are_left_out_and_that_is_counted(sim):
    bucket = tagged(sim, WITHOUT_TAGS)
    report = sim.run(config=sim.config(policy={"tags": "best-effort"}))
    assert counted(report) == only(copied=2)
    assert report["without_tags"] == 1
    sim.assert_same(bucket, tags=False)
    assert sim.owner.get_object_tagging(Bucket=sim.vault_bucket, Key=f"data/{bucket}/tagged")["TagSet"] == []


def test_tags_by_best_effort_are_carried_where_they_may_be_read(sim):
    bucket = tagged(sim, READ_OBJECTS)
    report = sim.run(config=sim.config(policy={"tags": "best-effort"}))
    assert (report["without_tags"], report["copied"]) == (0, 2)
    sim.assert_same(bucket)


def test_tags_to_skip_are_not_asked_for(sim):
    bucket = tagged(sim, WITHOUT_TAGS)
    sim.forget_counts()
    report = sim.run(config=sim.config(policy={"tags": "skip"}))
    assert counted(report) == only(copied=2)
    assert sim.counts()["CopyObject"] == 2 and sim.counts()["GetObjectTagging"] == 0
    assert sim.owner.get_object_tagging(Bucket=sim.vault_bucket, Key=f"data/{bucket}/tagged")["TagSet"] == []


# the vault

def test_points_that_cannot_be_written_are_made_up_by_the_next_run(sim):
    """Logs are in the vault, point.json is not: the next run names them, and copies nothing again."""
    bucket = sim.bucket()
    sim.fill(bucket, 20)
    sim.faults({"operation": "PutObject", "key_prefix": f"points/{bucket}/", "action": "error", "status": 403,
        "code": "AccessDenied"})
    result = sim.cli("--json", "run")
    assert result.returncode == 5, result
    assert sim.vault.points(bucket) == []
    sim.heal()
    report = sim.run()
    assert report["copied"] == report["recopied"] == 0 and report["objects"] == 20
    assert set(sim.vault.copies(bucket).values()) == {1}
    sim.vault.check(bucket)
    sim.assert_same(bucket)


def test_run_whose_point_failed_and_whose_state_is_lost_copies_nothing_again(sim):
    bucket = sim.bucket()
    sim.fill(bucket, 20)
    sim.faults({"operation": "PutObject", "key_prefix": f"points/{bucket}/", "action": "error", "status": 403,
        "code": "AccessDenied"})
    assert sim.cli("run").returncode == 5
    sim.heal()
    shutil.rmtree(sim.vaultferry.state)
    sim.clock(120)  # the lease of a state folder that is no more has to run out
    report = sim.run()
    assert report["copied"] == report["recopied"] == 0
    assert set(sim.vault.copies(bucket).values()) == {1}
    sim.vault.check(bucket)


def test_a_copy_that_the_vault_does_not_have_is_no_object_that_is_gone(sim):
    """A multipart source's copy has another ETag, so it is looked at: a 404 there is a failure, not a deletion."""
    bucket = sim.bucket()
    upload = sim.source.create_multipart_upload(Bucket=bucket, Key="k")["UploadId"]
    part = sim.source.upload_part(Bucket=bucket, Key="k", UploadId=upload, PartNumber=1, Body=b"value")["ETag"]
    sim.source.complete_multipart_upload(Bucket=bucket, Key="k", UploadId=upload,
        MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part}]})
    sim.faults({"operation": "HeadObject", "key_prefix": f"data/{bucket}/", "action": "error", "status": 404,
        "code": "NoSuchKey"})
    report = sim.run(exit=2)
    assert (report["state"], report["failed"], report["gone"]) == ("partial", 1, 0)
    sim.faults()
    assert sim.run()["state"] == "complete"
    sim.assert_same(bucket)
