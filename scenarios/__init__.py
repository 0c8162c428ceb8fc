"""What is run: one file a scenario, and this table, in the order of the report."""

from scenarios import (
    chat_first,
    dropped_cookies,
    during_push,
    instance_lost,
    instance_replaced,
    large_uploads,
    llm_misconfigured,
    load,
    lost_before_push,
    other_worker,
    pair,
    peer_down,
    reupload,
    rsync_by_hand,
    two_users,
    two_writers,
    upload_a_chat_b,
    upload_then_chat,
)

SCENARIOS = {
    module.SCENARIO.name: module.SCENARIO
    for module in (
        upload_then_chat,
        upload_a_chat_b,
        other_worker,
        dropped_cookies,
        two_users,
        reupload,
        chat_first,
        llm_misconfigured,
        instance_lost,
        instance_replaced,
        during_push,
        two_writers,
        peer_down,
        lost_before_push,
        rsync_by_hand,
    )
}

REPORT = (
    "baseline",
    "single",
    "app-cookie",
    "filesystem-sessions",
    "sync-as-it-was",
    "sync-repaired",
    "sticky",
    "efs",
    "s3",
    "s3-redis",
)
"""The topologies that stand for the rows of the status report: what was tried, what was recommended."""

FAILURE = ("sync-as-it-was", "baseline")
"""The topologies on which the failure is told, the first whose parts are there: the report had both."""

TIMED = tuple(large_uploads.timed(megabytes) for megabytes in (1, 10, 30))
"""What ``harness bench`` times and no matrix judges."""

LOAD = load.journey
"""What a visit is under load, for ``harness load``."""

PAIR = pair.UploadAndAsk
"""How a user writes and reads, for the probes of a diagnosis."""
