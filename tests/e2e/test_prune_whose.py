"""By whose policy a folder of the vault is pruned. Judged by what boto3 finds left of it."""
import pytest
from test_prune import Pruned

pytestmark = pytest.mark.s3sim
SHORT = {"keep": {"last": 1}, "grace_days": 0}
OTHER = "999988887777"


class Shared(Pruned):
    """A config of several sources, the first of which keeps little."""

    def shared(self, *sources):
        config = self.config()
        own, ours = config["sources"][0], config["policies"]["documents"]
        config["policies"] = {"documents": ours, "short": ours | SHORT, "shorter": ours | SHORT}
        config["sources"] = [own | source for source in sources]
        return config

    def tagged(self, *words):
        return self.shared(*({"select": {"buckets": [f"*-{self.tag}"], "tags": {"backup": word}},
            "policy": {"gold": "documents"}.get(word, word)} for word in words))

    def tag_with(self, bucket, word):
        self.source.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": [{"Key": "backup", "Value": word}]})


@pytest.fixture
def sim(s3sim, vaultferry):
    yield Shared(s3sim, vaultferry, {"keep": {"last": 3}, "grace_days": 0})
    s3sim.control("POST", "/_s3sim/reset")


def backed_up(sim, word):
    """Four points of a bucket with that tag, and the config that made them."""
    bucket, config = sim.bucket(), sim.tagged("short", "gold")
    sim.fill(bucket, 10)
    sim.tag_with(bucket, word)
    points = []
    for day in range(4):
        sim.day(day)
        sim.put(bucket, "same key", f"day {day}".encode())
        points.append(sim.back_up(config=config))
    return bucket, config, points


@pytest.mark.parametrize(("word", "forgotten"), [("gold", 1), ("short", 3)])
def test_points_say_which_of_two_patterns_with_tags_is_theirs(sim, word, forgotten):
    _, config, points = backed_up(sim, word)
    assert sim.prune(config=config)["forgotten"] == forgotten
    sim.check(*points[forgotten:])


def test_points_of_two_policies_are_asked_for(sim):
    """Whoever may write points must not choose the policy."""
    bucket, config, points = backed_up(sim, "gold")
    text = sim.point_of(points[3]) | {"policy": sim.point_of(points[3])["policy"] | {"name": "short"}}
    forged = sim.id_after(points[3], 60)
    sim.lay(text | {"point": forged}, forged)
    left = sim.left()
    report = sim.prune(config=config, exit=3)["sources"][0]
    assert "name the bucket in the source" in report["stopped"] and report["forgotten"] == 0
    assert sim.left() == left
    named = sim.shared({"select": {"buckets": [f"*-{sim.tag}"], "tags": {"backup": "short"},
        "exclude_buckets": [bucket]}, "policy": "short"}, {"select": {"buckets": [bucket]}})
    assert sim.prune("--dry-run", config=named, exit=2)["forgotten"] == 1


def test_a_source_that_names_the_bucket_goes_before_another_account_s_pattern(sim):
    bucket = sim.bucket()
    sim.fill(bucket, 10)
    points = sim.days(bucket, 4)
    config = sim.shared({"select": {"buckets": ["*"]}, "policy": "short", "account": OTHER},
        {"select": {"buckets": [bucket]}})
    assert sim.prune(config=config)["forgotten"] == 1
    sim.check(*points[1:])


def test_points_of_a_source_that_was_taken_out_do_not_fall_to_another_account_s_pattern(sim):
    bucket = sim.bucket()
    sim.fill(bucket, 10)
    points = sim.days(bucket, 4)
    theirs = {"policy": "short", "account": OTHER}
    config = sim.shared(theirs | {"select": {"buckets": ["*"]}})
    report = sim.prune(config=config, exit=3)["sources"][0]
    assert OTHER in report["stopped"] and report["forgotten"] == 0
    sim.check(*points)
    without = sim.shared(theirs | {"select": {"buckets": ["*"], "exclude_buckets": [bucket]}})
    assert sim.prune(config=without)["forgotten"] == 0
    sim.check(*points)
    assert sim.prune("--accept", bucket, config=config)["forgotten"] == 3
