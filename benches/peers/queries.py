"""What the pages ask: Sealog in process beside SQLite, DuckDB and ClickHouse in process, on the same entries, in one run.

The bench program `questions` asks Sealog and says, for each question, what it asked and a digest of the answer; then
each peer is asked the same in SQL. An answer that differs ends the run. See README.md for what each is given. Prints a
Markdown table.
"""

import argparse
import hashlib
import importlib.util
import json
import pathlib
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time

SEVERITIES = ["trace", "debug", "information", "warning", "error", "fatal"]
HOUR_NS = 3_600_000_000_000
# Name, and where in an entry it is; all are texts but the first four.
FIELDS = [
    ("n", None), ("logged_at", None), ("seq", None), ("severity", None),
    ("service", "service"), ("tenant", "tenant"), ("organization", "organization"), ("id", "id"),
    ("generated_at", "generated_at"), ("activity", "activity"), ("actor_type", "actor.type"), ("actor_id", "actor.id"),
    ("actor_name", "actor.name"), ("on_behalf_of", "on_behalf_of"), ("object_id", "object.id"),
    ("object_name", "object.name"), ("request_id", "request_id"), ("configuration_id", "configuration_id"),
    ("success", "success"), ("message", "message"), ("started", "started"), ("finished", "finished"),
    ("process_id", "process.id"), ("process_parent", "process.parent"), ("process_event", "process.event"),
    ("attributes", "attributes"),
]
# What few values repeat.
LOW = {"service", "tenant", "organization", "activity", "actor_type", "actor_id", "actor_name", "on_behalf_of",
       "configuration_id", "success", "process_event"}


def nanos(text):
    """Nanoseconds since 1970 of an RFC 3339 time in UTC."""
    seconds = int(time.mktime(time.strptime(text[:19], "%Y-%m-%dT%H:%M:%S")) - time.timezone)
    fraction = text[19:].rstrip("Z").lstrip(".")
    return seconds * 1_000_000_000 + int((fraction + "0" * 9)[:9])


def rows_of(lines):
    """Every entry as a row, numbered in the one total order."""
    for number, line in enumerate(lines):
        entry = json.loads(line)
        row = [number, nanos(entry["logged_at"]), entry["seq"], SEVERITIES.index(entry["severity"]) + 1]
        for _, path in FIELDS[4:]:
            value = entry
            for part in path.split("."):
                value = value.get(part, "") if isinstance(value, dict) else ""
            row.append(value if isinstance(value, str) else json.dumps(value))
        yield row


def sql_of(asked, dialect):
    """What is asked, in SQL."""
    quote = lambda text: "'" + text.replace("'", "''") + "'"
    where = []
    if "tenant" in asked:
        where.append(f"tenant = {quote(asked['tenant'])}")
    if "activity" in asked:
        where.append(f"activity = {quote(asked['activity'])}")
    if "request_id" in asked:
        where.append(f"request_id = {quote(asked['request_id'])}")
    if "window" in asked:
        where.append(f"logged_at >= {asked['window'][0]} AND logged_at < {asked['window'][1]}")
    if asked.get("warnings"):
        where.append("severity IN (4, 5, 6)")
    if "search" in asked:
        where.append(dialect["includes"].format(field="message", text=quote(asked["search"]), raw=asked["search"])
                     + " OR " + dialect["includes"].format(field="activity", text=quote(asked["search"]), raw=asked["search"]))
        where[-1] = f"({where[-1]})"
    if "after" in asked:
        after = asked["after"]
        where.append(f"(logged_at, n) < ({after['logged_at']}, {after['n']})")
    where = " WHERE " + " AND ".join(where) if where else ""
    if asked.get("histogram"):
        hour = dialect["hour"]
        return f"SELECT {hour} AS hour, severity, count(*) FROM log GROUP BY hour, severity ORDER BY hour, severity"
    if asked.get("facets"):
        return f"SELECT activity, count(*) AS most FROM log{where} GROUP BY activity ORDER BY most DESC, activity"
    if not asked.get("rows"):
        return f"SELECT count(*) FROM log{where}"
    limit = f" LIMIT {asked['limit']}" if "limit" in asked else ""
    # All fields are asked for, as a page shows them.
    return f"SELECT {', '.join(name for name, _ in FIELDS)} FROM log{where} ORDER BY logged_at DESC, n DESC{limit}"


def answer_of(asked, rows):
    """A digest of the answer, as the bench program has it."""
    if asked.get("histogram"):
        lines = [f"{hour * HOUR_NS} {SEVERITIES[severity - 1]} {count}" for hour, severity, count in rows]
    elif asked.get("facets"):
        lines = [f"{value} {count}" for value, count in rows]
    elif not asked.get("rows"):
        lines = [str(rows[0][0])]
    else:
        lines = [f"{row[4]}/{row[2]}" for row in rows]
    return hashlib.sha256("".join(f"{line}\n" for line in lines).encode()).hexdigest()


class Sqlite:
    name = f"SQLite {sqlite3.sqlite_version}"
    dialect = {"includes": "{field} LIKE '%{raw}%'", "hour": f"logged_at / {HOUR_NS}"}

    def __init__(self, directory, lines):
        self.base = sqlite3.connect(directory / "sqlite.db")
        self.base.execute("PRAGMA journal_mode = WAL")
        types = {"n": "INTEGER PRIMARY KEY", "logged_at": "INTEGER", "seq": "INTEGER", "severity": "INTEGER"}
        columns = ", ".join(name + " " + types.get(name, "TEXT") for name, _ in FIELDS)
        self.base.execute(f"CREATE TABLE log ({columns})")
        with lines.open() as file:
            self.base.executemany(f"INSERT INTO log VALUES ({','.join('?' * len(FIELDS))})", rows_of(file))
        for index in ["logged_at", "tenant, logged_at", "severity, logged_at", "request_id"]:
            self.base.execute(f"CREATE INDEX by_{index.split(',')[0]} ON log ({index})")
        self.base.commit()
        self.base.execute("ANALYZE")

    def ask(self, sql):
        begin = time.perf_counter()
        rows = self.base.execute(sql).fetchall()
        return time.perf_counter() - begin, rows


class Duckdb:
    dialect = {"includes": "{field} ILIKE '%{raw}%'", "hour": f"logged_at // {HOUR_NS}"}

    def __init__(self, directory, table):
        import duckdb

        self.name = f"DuckDB {duckdb.__version__}"
        self.base = duckdb.connect(str(directory / "duck.db"))
        types = {"n": "BIGINT", "logged_at": "BIGINT", "seq": "BIGINT", "severity": "UTINYINT"}
        columns = ", ".join(f"'{name}': '{types.get(name, 'VARCHAR')}'" for name, _ in FIELDS)
        self.base.execute(f"CREATE TABLE log AS SELECT * FROM read_csv('{table}', header = false, delim = '\t', "
                          f"quote = '', escape = '', nullstr = '\\N', columns = {{{columns}}})")
        self.base.execute("CREATE INDEX by_request ON log (request_id)")
        self.base.execute("CHECKPOINT")

    def ask(self, sql):
        begin = time.perf_counter()
        found = self.base.execute(sql).fetchall()
        return time.perf_counter() - begin, found


class Clickhouse:
    dialect = {"includes": "positionCaseInsensitiveUTF8({field}, {text}) > 0", "hour": f"intDiv(logged_at, {HOUR_NS})"}

    def __init__(self, directory, table, order):
        import chdb
        from chdb import session

        self.name = f"ClickHouse {chdb.engine_version} ({order})"
        self.store = session.Session(str(directory / ("clickhouse-" + order.split(",")[0])))
        types = {"n": "UInt32", "logged_at": "Int64", "seq": "UInt32", "severity": "UInt8"}
        of = lambda name: types.get(name, "LowCardinality(String)" if name in LOW else "String")
        columns = ", ".join(f"{name} {of(name)}" for name, _ in FIELDS)
        self.store.query("CREATE DATABASE IF NOT EXISTS bench")
        self.store.query("USE bench")
        self.store.query(f"CREATE TABLE log ({columns}) ENGINE = MergeTree ORDER BY ({order})")
        self.store.query(f"INSERT INTO log SELECT * FROM file('{table}', 'TabSeparated', '{columns}')")
        self.store.query("OPTIMIZE TABLE log FINAL")

    def ask(self, sql):
        begin = time.perf_counter()
        # Its own compact form: nothing is put into Python's objects while the clock runs.
        result = self.store.query(sql, "JSONCompactEachRow").bytes()
        seconds = time.perf_counter() - begin
        rows = [json.loads(line) for line in result.splitlines()]
        return seconds, [[int(cell) if index != 4 and isinstance(cell, str) and cell.isdigit() and len(row) < 5 else cell
                          for index, cell in enumerate(row)] for row in rows]


def peers(directory, lines, wanted):
    if "sqlite" in wanted:
        yield lambda: Sqlite(directory, lines)
    table = directory / "entries.tsv"
    if {"duckdb", "clickhouse"} & wanted:
        escape = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})
        with lines.open() as file, table.open("w") as out:
            for row in rows_of(file):
                out.write("\t".join(str(cell).translate(escape) for cell in row) + "\n")
    for name, module, make in [
        ("duckdb", "duckdb", lambda: Duckdb(directory, table)),
        ("clickhouse", "chdb", lambda: Clickhouse(directory, table, "tenant, logged_at")),
        ("clickhouse", "chdb", lambda: Clickhouse(directory, table, "logged_at")),
    ]:
        if name not in wanted:
            continue
        if importlib.util.find_spec(module) is None:
            print(f"skipped: {name}; {module} is not installed (pip install {module})", file=sys.stderr)
            continue
        yield make


def numbered(questions, lines):
    """Puts the number of the entry that a page goes on behind into the question."""
    wanted = {(asked["after"]["service"], asked["after"]["seq"]): asked for asked in questions if "after" in asked}
    with lines.open() as file:
        for row in rows_of(file):
            asked = wanted.get((row[4], row[2]))
            if asked is not None:
                asked["after"]["n"] = row[0]


def show(seconds):
    return f"{seconds * 1e6:.0f} µs" if seconds < 1e-3 else f"{seconds * 1e3:.3g} ms"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sealog", default="target/release/sealog", help="the command (target/release/sealog)")
    parser.add_argument("--questions", required=True, help="the bench program (cargo bench --bench questions --no-run)")
    parser.add_argument("--store", help="a store that a bench left with --store; made in --dir if absent")
    parser.add_argument("--dir", help="where to work; about 4 kB of disk an entry")
    parser.add_argument("--peers", default="sqlite,duckdb,clickhouse")
    parser.add_argument("--repeat", type=int, default=5)
    options = parser.parse_args()
    directory = pathlib.Path(tempfile.mkdtemp(prefix="sealog-peers-", dir=options.dir))
    try:
        store = options.store or str(directory / "store")
        command = [options.questions, "--bench", "--store", store, "--repeat", str(options.repeat)]
        said = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
        questions = [json.loads(line) for line in said.splitlines()]
        lines = directory / "entries.ndjson"
        with lines.open("wb") as out:
            subprocess.run([options.sealog, "scan", "--data", store, "--order", "asc", "--format", "ndjson"], check=True,
                           stdout=out)
        numbered(questions, lines)
        names, times = [], {asked["name"]: [] for asked in questions}
        for make in peers(directory, lines, set(options.peers.split(","))):
            peer = make()
            names.append(peer.name)
            for asked in questions:
                sql = sql_of(asked, peer.dialect)
                taken = []
                for repetition in range(options.repeat + 1):
                    seconds, rows = peer.ask(sql)
                    if repetition == 0 and answer_of(asked, rows) != asked["digest"]:
                        sys.exit(f"{peer.name}: {asked['name']}: expected {asked['hits']} hits, found {len(rows)} rows that "
                                 f"are others\n{sql}")
                    if repetition > 0 or seconds > 5:
                        taken.append(seconds)
                    if seconds > 5:
                        break
                times[asked["name"]].append(statistics.median(taken))
            print(f"{peer.name}: all answers are the same", file=sys.stderr, flush=True)
            del peer
        print("| | hits | Sealog | " + " | ".join(names) + " |\n| --- | --- | --- |" + " --- |" * len(names))
        for asked in questions:
            own = asked["seconds"]
            cells = [f"{show(seconds)} ({seconds / own:.3g} ×)" for seconds in times[asked["name"]]]
            print(f"| {asked['name']} | {asked['hits']} | {show(own)} | " + " | ".join(cells) + " |")
    finally:
        shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    main()
