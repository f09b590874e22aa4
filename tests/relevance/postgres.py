"""Today's search and the one before, each with its own schema, in a Postgres that is gone afterwards."""

import csv
import io
import os
import pwd
import shutil
import subprocess
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# The last build that ranked every match.
BEFORE = "f200f9b"
STATEMENT = "shared/src/catalog/search.sql"


def programs():
    """The folder of Postgres' programs."""
    if "POSTGRES_BIN" in os.environ:
        return Path(os.environ["POSTGRES_BIN"])
    asked = subprocess.run(["pg_config", "--bindir"], capture_output=True, text=True, check=False)
    folders = [Path(asked.stdout.strip()), *sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)]
    return next(folder for folder in folders if (folder / "initdb").exists())


class Server:
    """A Postgres of its own, on a socket in a temporary folder."""

    def __enter__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="relevance-"))
        # Postgres refuses root.
        self.user = "postgres" if os.geteuid() == 0 else None
        if self.user:
            os.chown(self.folder, pwd.getpwnam(self.user).pw_uid, -1)
        self.run("initdb", "-D", "data", "-U", "owner", "-A", "trust", "-E", "UTF8", "--no-sync",
                 "--locale=C", "--lc-ctype=C.UTF-8")  # fmt: skip
        self.run("pg_ctl", "-D", "data", "-w", "-l", "log", "-o", f"-k {self.folder} -c listen_addresses=", "start")
        return self

    def __exit__(self, *_):
        self.run("pg_ctl", "-D", "data", "-m", "immediate", "stop")
        shutil.rmtree(self.folder)

    def run(self, program, *arguments):
        subprocess.run([programs() / program, *arguments], cwd=self.folder, user=self.user, check=True,
                       stdout=subprocess.DEVNULL)  # fmt: skip

    def sql(self, database, text, user="owner"):
        """Runs all of it, and answers with its rows."""
        psql = [programs() / "psql", "-X", "-q", "--csv", "-t", "-v", "ON_ERROR_STOP=1", "-h", self.folder,
                "-U", user, "-d", database]  # fmt: skip
        done = subprocess.run(psql, input=text, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(done.stderr)
        return list(csv.reader(io.StringIO(done.stdout)))

    def open_shop(self, database, migrations, products):
        self.run("createdb", "-h", self.folder, "-U", "owner", database)
        for migration in migrations:
            self.sql(database, migration)
        rows = ", ".join(
            f"({quoted(product.id)}, {quoted(product.name)}, {quoted(product.description)}, 100, 'usd', false)"
            for product in products
        )
        self.sql(database, f"insert into products (id, name, description, price, currency, featured) values {rows}")
        self.sql(database, "vacuum analyze")


class Before:
    """The ranking of `BEFORE`, in English whatever the shop's language: it knew no other."""

    def __init__(self, server, catalogue):
        self.server = server
        paths = of_git("ls-tree", "--name-only", BEFORE, "shared/migrations/").split()
        migrations = [of_git("show", f"{BEFORE}:{path}") for path in paths]
        self.statement = of_git("show", f"{BEFORE}:{STATEMENT}")
        for shop, products in catalogue.items():
            server.open_shop(f"before_{shop}", migrations, products)

    def find(self, shop, typed, limit):
        """The names of a first page."""
        sql = f"prepare search (text, bigint, bigint) as {self.statement};\nexecute search({quoted(typed)}, {limit}, 0)"
        return [row[1] for row in self.server.sql(f"before_{shop}", sql, "millrace_app")]


class Now:
    """Today's ranking, each shop in its language."""

    def __init__(self, server, catalogue):
        self.server = server
        migrations = [path.read_text() for path in sorted((ROOT / "shared/migrations").glob("*.sql"))]
        self.statement = (ROOT / STATEMENT).read_text()
        for shop, products in catalogue.items():
            server.open_shop(f"now_{shop}", migrations, products)
            server.sql(f"now_{shop}", f"select set_search_language({quoted(shop)}); vacuum analyze")

    def find(self, shop, typed, limit):
        """The names of a first page, of whatever costs any price and is in stock or not."""
        types = "text, bigint, smallint, smallint, uuid, bigint, bigint, boolean, text"
        nobody = "00000000-0000-0000-0000-000000000000"
        arguments = f"{quoted(typed)}, {limit}, 0, 31, '{nobody}', 0, 9223372036854775807, false, null"
        sql = f"prepare search ({types}) as {self.statement};\nexecute search({arguments})"
        # Without products there is a row that says what was looked for.
        return [row[5] for row in self.server.sql(f"now_{shop}", sql, "millrace_app") if row[3]]


def of_git(*arguments):
    """What git says of the repository's history."""
    return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True).stdout


def quoted(text):
    return "'" + text.replace("'", "''") + "'"
