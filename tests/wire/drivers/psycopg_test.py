# psycopg 3 against a server: types both ways, prepared statements, cursors, COPY, errors, cancel.
# usage: psycopg_test.py CONNINFO
import datetime
import decimal
import sys
import uuid

import psycopg

conninfo = sys.argv[1]

with psycopg.connect(conninfo) as connection:
    row = connection.execute(
        "SELECT %s::INT, %s::BIGINT, %s::DOUBLE, %s::BOOLEAN, %s::TEXT, %s::DATE, %s::TIMESTAMP, %s::NUMERIC(10, 2)",
        (1, 2**40, 1.5, True, "é", datetime.date(2024, 2, 29), datetime.datetime(2024, 1, 2, 3, 4, 5), decimal.Decimal("12.34")),
    ).fetchone()
    assert row == (1, 2**40, 1.5, True, "é", datetime.date(2024, 2, 29), datetime.datetime(2024, 1, 2, 3, 4, 5), decimal.Decimal("12.34")), row

    # results in binary
    with connection.cursor(binary=True) as cursor:
        cursor.execute("SELECT 7, 'text', TRUE, CAST(2.5 AS DOUBLE), DATE '2000-01-02'")
        assert cursor.fetchone() == (7, "text", True, 2.5, datetime.date(2000, 1, 2))

    # prepared after some uses
    for i in range(10):
        assert connection.execute("SELECT a FROM (VALUES (1), (5)) AS t (a) WHERE a > %s", (i % 5,)).fetchall()

    # a list, by = ANY
    rows = connection.execute("SELECT a FROM (VALUES (1), (2), (3)) AS t (a) WHERE a = ANY(%s) ORDER BY a", ([1, 3],)).fetchall()
    assert rows == [(1,), (3,)], rows

    # a list of UUIDs, which goes over the wire as text without hyphens, and in binary; one alone
    some = uuid.UUID("11111111-2222-3333-4444-555555555555")
    for condition, value in ("= ANY(%s)", [some]), ("= ANY(%b)", [some]), ("= %t", some), ("= %b", some):
        rows = connection.execute(f"SELECT a FROM (VALUES ('{some}'), ('other')) AS t (a) WHERE a {condition}", (value,)).fetchall()
        assert rows == [(str(some),)], (condition, rows)

    # a named cursor is DECLARE and FETCH
    with connection.cursor(name="c") as cursor:
        cursor.itersize = 2
        cursor.execute("SELECT a FROM (VALUES (1), (2), (3), (4), (5)) AS t (a)")
        assert [r[0] for r in cursor] == [1, 2, 3, 4, 5]

    with connection.cursor().copy("COPY (SELECT 1, 'x') TO STDOUT") as copy:
        assert [bytes(b) for b in copy] == [b"1\tx\n"]

    try:
        connection.execute("SELECT 1 / 0")
        raise AssertionError("no error")
    except psycopg.errors.DivisionByZero:
        connection.rollback()
    try:
        connection.execute("SELECT nothing FROM nowhere")
        raise AssertionError("no error")
    except psycopg.errors.UndefinedTable as error:
        assert error.diag.statement_position is not None
        connection.rollback()

    info = psycopg.types.TypeInfo.fetch(connection, "int4")
    assert info is not None and info.oid == 23 and info.array_oid == 1007, info

with psycopg.connect(conninfo, autocommit=True) as connection:
    with connection.pipeline() as pipeline:
        cursors = [connection.execute("SELECT %s::INT", (i,)) for i in range(50)]
        pipeline.sync()
        assert [c.fetchone()[0] for c in cursors] == list(range(50))
    large = connection.execute("SELECT REPEAT('x', 100000) FROM (VALUES (1), (2)) AS t (a)").fetchall()
    assert all(len(r[0]) == 100000 for r in large)

print("ok")
