"""Probes of real topologies: the shape of the table names the family."""

import pytest

from harness.diagnose import probes
from harness.diagnose.shape import family
from harness.runtimes.process import ProcessRuntime
from scenarios import PAIR


@pytest.mark.parametrize(
    ("topology", "named", "works_alone"),
    [("baseline", "storage", False), ("filesystem-sessions", "session", False), ("s3", None, True)],
)
def test_the_probes_of_a_topology(known, services, topology, named, works_alone):
    with ProcessRuntime(known.plan, services).up(known.plan.topology(topology)) as deployment:
        table = probes.probe(deployment, PAIR)
    found = family(table)
    assert (found.layer if found else None) == named
    for (wrote, read), look in table.grid.items():
        assert look.holds == (works_alone or wrote[0] == read[0])
        assert (look.wrote.served_by, look.failed.served_by) == (wrote, read)
    assert table.rows[probes.STRANGER].holds
    assert table.rows[probes.TWO_USERS].holds
