"""Journeys that only planted faults need; the matrix does not run them."""

from scenarios.more import (
    after_a_while,
    big_upload,
    each_once,
    ejected,
    long_chat,
    meanwhile,
    one_browser,
    restarted,
    spread,
    spreadsheet,
    status_of_two,
)

MORE = {
    module.SCENARIO.name: module.SCENARIO
    for module in (
        one_browser,
        after_a_while,
        long_chat,
        restarted,
        big_upload,
        spreadsheet,
        each_once,
        status_of_two,
        ejected,
        spread,
        meanwhile,
    )
}
