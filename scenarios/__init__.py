"""What is run: one file a scenario, and this table, in the order of the report."""

from scenarios import (
    chat_first,
    dropped_cookies,
    instance_lost,
    llm_misconfigured,
    other_worker,
    reupload,
    two_users,
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
    )
}

REPORT = (
    "baseline",
    "single",
    "app-cookie",
    "filesystem-sessions",
    "sticky",
    "efs",
    "s3",
    "s3-redis",
)
"""The topologies that stand for the rows of the status report: what was tried, what was recommended."""
