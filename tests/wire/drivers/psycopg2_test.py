# psycopg2 and SQLAlchemy's reflection against a server. usage: psycopg2_test.py CONNINFO
import sys

import psycopg2

conninfo = sys.argv[1]
connection = psycopg2.connect(conninfo)
with connection.cursor() as cursor:
    cursor.execute("SELECT %s, %s::DATE, ARRAY[1, 2]", (5, "2024-02-29"))
    row = cursor.fetchone()
    assert row[0] == 5 and str(row[1]) == "2024-02-29" and row[2] == [1, 2], row
    cursor.copy_expert("COPY (SELECT 1, 2) TO STDOUT (FORMAT csv)", sys.stderr)
connection.rollback()
with connection.cursor(name="server_side") as cursor:
    cursor.execute("SELECT a FROM (VALUES (1), (2), (3)) AS t (a)")
    assert [r[0] for r in cursor] == [1, 2, 3]
connection.rollback()
try:
    with connection.cursor() as cursor:
        cursor.execute("SELEKT")
    raise AssertionError("no error")
except psycopg2.errors.SyntaxError:
    connection.rollback()
connection.close()

try:
    import sqlalchemy
except ImportError:
    print("ok, without SQLAlchemy")
    sys.exit(0)

engine = sqlalchemy.create_engine("postgresql+psycopg2://", creator=lambda: psycopg2.connect(conninfo))
inspector = sqlalchemy.inspect(engine)
assert "numbers" in inspector.get_view_names(), inspector.get_view_names()
columns = {c["name"]: str(c["type"]) for c in inspector.get_columns("numbers")}
assert columns == {"a": "INTEGER", "b": "VARCHAR(1)"}, columns
assert inspector.has_table("numbers")
with engine.connect() as connection:
    assert connection.execute(sqlalchemy.text("SELECT a FROM numbers WHERE b = :b"), {"b": "y"}).scalar() == 2
print("ok")
