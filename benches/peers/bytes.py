"""Bytes an entry: Sealog's sealed segments beside ClickHouse and DuckDB, from the same lines, in one run.

See README.md for what each is given. Prints a Markdown table; a peer that is not installed is skipped with a line.
"""

import argparse
import importlib.util
import pathlib
import shutil
import struct
import subprocess
import sys
import tempfile
import time

# As the lines have them: absent texts are empty.
LINE = """
    tenant String, organization String, service String, id String, generated_at String, severity String,
    activity String, actor Tuple(type String, id String, name String), on_behalf_of String,
    object Tuple(id String, name String), request_id String, configuration_id String, success Nullable(Bool),
    message String, started String, finished String, process Tuple(id String, parent String, event String),
    artifact Tuple(sha256 String, name String, media_type String, size Nullable(UInt64)),
    attributes Map(String, String)
"""

LOW = "LowCardinality(String)"
# Name, type, and how it comes from a line. What few values repeat is LowCardinality; of IDs, that is left to the run.
COLUMNS = [
    # As Sealog has them: a thousand entries are committed together.
    ("logged_at", "DateTime64(9)", "fromUnixTimestamp64Nano(1795000000000000000 + toInt64(intDiv(rowNumberInAllBlocks(), 1000)) * 1234567)"),
    ("logged_by", LOW, "'sealog@bench'"),
    ("tenant", LOW, "tenant"),
    ("organization", LOW, "organization"),
    ("service", LOW, "service"),
    ("id", "String", "id"),
    ("generated_at", "Nullable(DateTime64(9))", "parseDateTime64BestEffortOrNull(generated_at, 9)"),
    ("severity", "Enum8('' = 0, 'trace', 'debug', 'information', 'warning', 'error', 'fatal')", "severity"),
    ("activity", LOW, "activity"),
    ("actor_type", LOW, "tupleElement(actor, 'type')"),
    ("actor_id", LOW, "tupleElement(actor, 'id')"),
    ("actor_name", LOW, "tupleElement(actor, 'name')"),
    ("on_behalf_of", LOW, "on_behalf_of"),
    ("object_id", "String", "tupleElement(object, 'id')"),
    ("object_name", "String", "tupleElement(object, 'name')"),
    # A random UUID a request; those that have none take the nil one.
    ("request_id", "UUID", "toUUIDOrZero(request_id)"),
    ("configuration_id", LOW, "configuration_id"),
    ("success", "Nullable(Bool)", "success"),
    ("message", "String", "message"),
    ("started", "Nullable(DateTime64(9))", "parseDateTime64BestEffortOrNull(started, 9)"),
    ("finished", "Nullable(DateTime64(9))", "parseDateTime64BestEffortOrNull(finished, 9)"),
    ("process_id", "String", "tupleElement(process, 'id')"),
    ("process_parent", "String", "tupleElement(process, 'parent')"),
    ("process_event", LOW, "tupleElement(process, 'event')"),
    ("artifact_sha256", "String", "tupleElement(artifact, 'sha256')"),
    ("artifact_name", "String", "tupleElement(artifact, 'name')"),
    ("artifact_media_type", LOW, "tupleElement(artifact, 'media_type')"),
    ("artifact_size", "Nullable(UInt64)", "tupleElement(artifact, 'size')"),
    ("attributes", "Map(LowCardinality(String), String)", "attributes"),
]
TIMES = {"logged_at", "generated_at", "started", "finished"}

# Sorting key, and codecs: the defaults, and what somebody who minds bytes would set.
TABLES = [
    ("by_time", "(logged_at)", False),
    ("by_tenant", "(tenant, logged_at)", False),
    ("by_time_zstd", "(logged_at)", True),
    ("by_tenant_zstd", "(tenant, logged_at)", True),
]


def tree_bytes(path):
    return sum(file.stat().st_size for file in pathlib.Path(path).rglob("*") if file.is_file())


def row(name, count, size, seconds, extra=""):
    print(f"| {name} | {count} | {size / 1e6:.1f} | {size / count:.2f} | {seconds:.1f} | {extra} |", flush=True)
    return size / count


def sealog(binary, lines, directory):
    data = directory / "sealog"
    begin = time.monotonic()
    command = [binary, "append", "--data", str(data), str(lines)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    seconds = time.monotonic() - begin
    sealed = sealog_row("Sealog, chains/ after sealing", data, seconds)
    begin = time.monotonic()
    subprocess.run([binary, "compact", "--data", str(data)], check=True, stdout=subprocess.DEVNULL)
    compacted = sealog_row("Sealog, chains/ after compaction", data, time.monotonic() - begin)
    return sealed, compacted


def sealog_row(name, data, seconds):
    segments = list((data / "chains").rglob("*.segment"))
    # A segment's header: entries at byte 48 (docs/segment.md).
    sealed = sum(struct.unpack_from("<I", segment.open("rb").read(64), 48)[0] for segment in segments)
    size = tree_bytes(data / "chains")
    journal = tree_bytes(data / "journal")
    extra = f"{len(segments)} segments; {journal / 1e6:.1f} MB of journal beside them"
    return row(name, sealed, size, seconds, extra)


def clickhouse(lines, directory, count):
    if importlib.util.find_spec("chdb") is None:
        print("\nskipped: ClickHouse; chdb is not installed (pip install chdb)")
        return {}
    from chdb import session

    store = session.Session(str(directory / "clickhouse"))

    def ask(query):
        return store.query(query, "CSV").bytes().decode().strip().strip('"')

    version = ask("SELECT version()")
    figures = {}
    absent = f"SELECT countIf(request_id = '') FROM file('{lines}', JSONEachRow, 'request_id String')"
    count_absent = int(ask(absent + " SETTINGS input_format_skip_unknown_fields = 1"))
    ask("CREATE DATABASE bench")
    for name, key, is_small in TABLES:

        def codec(column):
            if not is_small:
                return ""
            return " CODEC(Delta, ZSTD(1))" if column in TIMES else " CODEC(ZSTD(1))"

        columns = ", ".join(f"{column} {kind}{codec(column)}" for column, kind, _ in COLUMNS)
        # Merges write one part, whatever its size.
        ask(f"CREATE TABLE bench.{name} ({columns}) ENGINE = MergeTree ORDER BY {key}")
        values = ", ".join(f"{value} AS c{number}" for number, (_, _, value) in enumerate(COLUMNS))
        schema = " ".join(LINE.split()).replace("'", "\\'")
        begin = time.monotonic()
        # One thread reads, so that entries come in the order of lines.
        ask(
            f"INSERT INTO bench.{name} SELECT {values} FROM file('{lines}', JSONEachRow, '{schema}') "
            "SETTINGS max_threads = 1, input_format_parallel_parsing = 0, max_insert_threads = 1, "
            "input_format_null_as_default = 1"
        )
        ask(f"OPTIMIZE TABLE bench.{name} FINAL")
        seconds = time.monotonic() - begin
        parts = f"FROM system.parts WHERE active AND database = 'bench' AND table = '{name}'"
        size, rows, number = (int(field) for field in ask(f"SELECT sum(bytes_on_disk), sum(rows), count() {parts}").split(","))
        if rows != count:
            sys.exit(f"expected {count} rows in {name}, found {rows}")
        lost = int(ask(f"SELECT countIf(request_id = toUUID('00000000-0000-0000-0000-000000000000')) FROM bench.{name}"))
        if lost != count_absent:
            sys.exit(f"expected {count_absent} entries without a request ID in {name}, found {lost}: some are no UUIDs")
        codecs = "ZSTD(1), times by difference" if is_small else "default codecs"
        figures[name] = row(f"ClickHouse {version} {key}", rows, size, seconds, f"{codecs}, {number} parts")
        largest = ask(
            "SELECT arrayStringConcat(groupArray(concat(name, ' ', toString(round(bytes, 2)))), ' · ') FROM (SELECT name, "
            f"data_compressed_bytes / {count} AS bytes FROM system.columns WHERE database = 'bench' AND table = '{name}' "
            "ORDER BY bytes DESC LIMIT 10)"
        )
        print(f"|  | | | | | {largest} |")
        ask(f"DROP TABLE bench.{name} SYNC")
    store.close()
    return figures


def duckdb(lines, directory, count):
    if importlib.util.find_spec("duckdb") is None:
        print("\nskipped: DuckDB is not installed (pip install duckdb)")
        return
    import duckdb as engine

    path = directory / "duck.db"
    begin = time.monotonic()
    base = engine.connect(str(path))
    base.execute(
        f"CREATE TABLE log AS SELECT * REPLACE (CAST(attributes AS VARCHAR) AS attributes) FROM read_ndjson('{lines}', "
        "sample_size = 200000)"
    )
    rows = base.execute("SELECT count(*) FROM log").fetchone()[0]
    base.execute("CHECKPOINT")
    base.close()
    if rows != count:
        sys.exit(f"expected {count} rows in DuckDB, found {rows}")
    row(f"DuckDB {engine.__version__}", rows, path.stat().st_size, time.monotonic() - begin, "types as it finds them")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sealog", default="target/release/sealog", help="the command (target/release/sealog)")
    parser.add_argument("--entries", type=int, default=5_000_000)
    parser.add_argument("--dir", help="where to work; about 600 bytes of disk an entry")
    options = parser.parse_args()
    directory = pathlib.Path(tempfile.mkdtemp(prefix="sealog-peers-", dir=options.dir))
    try:
        lines = directory / "entries.ndjson"
        with lines.open("wb") as out:
            subprocess.run([options.sealog, "generate", "--entries", str(options.entries)], check=True, stdout=out)
        size = lines.stat().st_size
        print(f"{options.entries} generated entries, {size / options.entries:.0f} bytes each as NDJSON\n")
        print("| | entries | MB | bytes an entry | load, s | |\n| --- | --- | --- | --- | --- | --- |")
        sealed, compacted = sealog(options.sealog, lines, directory)
        shutil.rmtree(directory / "sealog")
        peers = clickhouse(lines, directory, options.entries)
        duckdb(lines, directory, options.entries)
        print()
        for name, figure in peers.items():
            ratios = f"{sealed / figure:.2f} sealed, {compacted / figure:.2f} after compaction"
            print(f"Sealog / ClickHouse {name}: {ratios} (asked: 0.9, 0.8)")
    finally:
        shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    main()
