"""Does the harness leave nothing behind, and judge alike, however hard it is treated?

python -m tests.endurance --help

watch    what one run started and made, seen from outside, and what of it is still there
runs     start a run in a scratch folder of its own, wait for it, read its verdicts
killed   a signal at a random moment, then: is all gone, does the next run work?
same     runs in a row, at the same time, under stress: are the verdicts the same?
stress   processes that burn CPU and disk
report   one line for the documentation, JSON for machines
"""
