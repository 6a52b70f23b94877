"""A process works by itself, without a hub."""

from tests.court import Court


async def test_what_it_commits_goes_out_while_it_runs(court: Court):
    await court.move(1)
    assert court.ears.places == [1]


async def test_its_repair_is_of_the_same_parts(court: Court):
    assert not await court.process.repair("tests").publish_overdue()
