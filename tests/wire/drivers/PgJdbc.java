// pgjdbc against a server: types both ways in text and binary, prepared statements, cursors, COPY, errors, cancel, and the
// metadata that tools built on JDBC ask for. usage: java -cp postgresql.jar PgJdbc.java HOST PORT
import java.io.StringWriter;
import java.math.BigDecimal;
import java.sql.*;
import java.time.*;
import java.util.*;
import org.postgresql.PGConnection;

public class PgJdbc {
  static void check(Object found, Object expected) {
    if (!Objects.equals(found, expected)) {
      throw new AssertionError("found " + found + ", expected " + expected);
    }
  }

  // The rows of a result, its columns joined with |.
  static List<String> rows(ResultSet result) throws SQLException {
    List<String> rows = new ArrayList<>();
    int columns = result.getMetaData().getColumnCount();
    while (result.next()) {
      StringBuilder row = new StringBuilder();
      for (int i = 1; i <= columns; ++i) {
        row.append(i == 1 ? "" : "|").append(result.getString(i));
      }
      rows.add(row.toString());
    }
    return rows;
  }

  static List<String> column(ResultSet result, String name) throws SQLException {
    List<String> values = new ArrayList<>();
    while (result.next()) {
      values.add(result.getString(name));
    }
    return values;
  }

  static Connection open(String url, String... options) throws SQLException {
    Properties properties = new Properties();
    properties.setProperty("user", "tidemark");
    for (int i = 0; i < options.length; i += 2) {
      properties.setProperty(options[i], options[i + 1]);
    }
    return DriverManager.getConnection(url, properties);
  }

  // From the fifth use on the driver prepares by name, and asks for binary results.
  static void types(Connection connection) throws SQLException {
    String sql = "SELECT ?::INT, ?::BIGINT, ?::SMALLINT, ?::DOUBLE, ?::REAL, ?::BOOLEAN, ?::TEXT, ?::NUMERIC(10, 2), ?::DATE, "
        + "?::TIMESTAMP, ?::BYTEA";
    try (PreparedStatement statement = connection.prepareStatement(sql)) {
      for (int i = 0; i < 12; ++i) {
        statement.setInt(1, i);
        statement.setLong(2, 1L << 40);
        statement.setShort(3, (short) -7);
        statement.setDouble(4, 1.5);
        statement.setFloat(5, 0.25f);
        statement.setBoolean(6, i % 2 == 0);
        statement.setString(7, "é '\\");
        statement.setObject(9, LocalDate.of(2024, 2, 29));
        statement.setBigDecimal(8, new BigDecimal("12.34"));
        statement.setObject(10, LocalDateTime.of(2024, 1, 2, 3, 4, 5, 678_000_000));
        statement.setBytes(11, new byte[] {0, 1, (byte) 255});
        try (ResultSet result = statement.executeQuery()) {
          check(result.next(), true);
          check(result.getInt(1), i);
          check(result.getLong(2), 1L << 40);
          check(result.getShort(3), (short) -7);
          check(result.getDouble(4), 1.5);
          check(result.getFloat(5), 0.25f);
          check(result.getBoolean(6), i % 2 == 0);
          check(result.getString(7), "é '\\");
          check(result.getBigDecimal(8), new BigDecimal("12.34"));
          check(result.getObject(9, LocalDate.class), LocalDate.of(2024, 2, 29));
          check(result.getObject(10, LocalDateTime.class), LocalDateTime.of(2024, 1, 2, 3, 4, 5, 678_000_000));
          check(Arrays.equals(result.getBytes(11), new byte[] {0, 1, (byte) 255}), true);
        }
      }
    }
    String nulls = "SELECT ?::INT IS NULL, COALESCE(?::TEXT, 'none')";
    try (PreparedStatement statement = connection.prepareStatement(nulls)) {
      for (int i = 0; i < 7; ++i) {
        statement.setNull(1, Types.INTEGER);
        statement.setNull(2, Types.VARCHAR);
        check(rows(statement.executeQuery()), List.of("t|none"));
      }
    }
    try (PreparedStatement statement = connection.prepareStatement(
        "SELECT a FROM (VALUES (1), (2), (3)) AS t (a) WHERE a = ANY(?) ORDER BY a")) {
      for (int i = 0; i < 7; ++i) {
        statement.setArray(1, connection.createArrayOf("int4", new Object[] {1, 3}));
        check(rows(statement.executeQuery()), List.of("1", "3"));
      }
    }
    try (PreparedStatement statement = connection.prepareStatement("SELECT a, b FROM numbers WHERE a = ?")) {
      for (int i = 0; i < 12; ++i) {
        statement.setInt(1, 1 + i % 2);
        check(rows(statement.executeQuery()), List.of(i % 2 == 0 ? "1|x" : "2|y"));
      }
    }
    try (Statement statement = connection.createStatement();
        ResultSet result = statement.executeQuery("SELECT ARRAY[1, NULL, 3] AS list, TIMESTAMP '2024-01-02 03:04:05' AS at")) {
      result.next();
      check(Arrays.asList((Object[]) result.getArray("list").getArray()), Arrays.asList(1, null, 3));
      check(result.getTimestamp("at"), Timestamp.valueOf("2024-01-02 03:04:05"));
    }
  }

  static void statements(Connection connection) throws SQLException, java.io.IOException {
    connection.setAutoCommit(false);
    try (Statement statement = connection.createStatement()) {
      statement.setFetchSize(3);  // a portal, three rows at a time
      check(rows(statement.executeQuery("SELECT * FROM GENERATE_SERIES(1, 10) AS t (n)")).size(), 10);
    }
    connection.commit();
    try (Statement statement = connection.createStatement()) {
      statement.executeQuery("SELECT nothing FROM numbers");
      throw new AssertionError("no error");
    } catch (SQLException error) {
      check(error.getSQLState(), "42703");
    }
    connection.rollback();
    Savepoint savepoint = connection.setSavepoint("one");
    connection.rollback(savepoint);
    connection.commit();
    connection.setAutoCommit(true);
    try (PreparedStatement statement = connection.prepareStatement("SELECT * FROM GENERATE_SERIES(1, 10) AS t (n)")) {
      statement.setMaxRows(2);
      check(rows(statement.executeQuery()).size(), 2);
    }
    try (PreparedStatement statement = connection.prepareStatement("SELECT 1 / ?::INT")) {
      for (int i = 0; i < 7; ++i) {
        statement.setInt(1, 0);
        try {
          statement.executeQuery();
          throw new AssertionError("no error");
        } catch (SQLException error) {
          check(error.getSQLState(), "22012");
        }
      }
    }
    try (Statement statement = connection.createStatement()) {
      statement.setQueryTimeout(1);  // a cancel request
      statement.executeQuery("SELECT COUNT(*) FROM (SELECT x FROM GENERATE_SERIES(1, 100000) a (x)) a "
          + "JOIN (SELECT x FROM GENERATE_SERIES(1, 100000) b (x)) b ON a.x + b.x < 0");
      throw new AssertionError("not cancelled");
    } catch (SQLException error) {
      check(error.getSQLState(), "57014");
    }
    StringWriter copied = new StringWriter();
    connection.unwrap(PGConnection.class).getCopyAPI().copyOut("COPY (SELECT a, b FROM numbers ORDER BY a) TO STDOUT WITH (FORMAT csv)", copied);
    check(copied.toString(), "1,x\n2,y\n");
    try (Statement statement = connection.createStatement()) {
      check(statement.execute("SELECT 1; SELECT 'two'"), true);
      check(rows(statement.getResultSet()), List.of("1"));
      check(statement.getMoreResults(), true);
      check(rows(statement.getResultSet()), List.of("two"));
    }
    check(connection.isValid(5), true);
  }

  static void metadata(Connection connection) throws SQLException {
    DatabaseMetaData meta = connection.getMetaData();
    check(meta.getDatabaseProductName(), "PostgreSQL");
    check(connection.getCatalog(), "tidemark");
    check(column(meta.getSchemas(), "TABLE_SCHEM").contains("public"), true);
    check(column(meta.getTables(null, "public", "num%", new String[] {"VIEW"}), "TABLE_NAME"), List.of("numbers"));
    List<String> columns = new ArrayList<>();
    try (ResultSet result = meta.getColumns(null, null, "numbers", "%")) {
      while (result.next()) {
        columns.add(result.getString("COLUMN_NAME") + " " + result.getInt("DATA_TYPE") + " " + result.getString("TYPE_NAME"));
      }
    }
    check(columns, List.of("a " + Types.INTEGER + " int4", "b " + Types.VARCHAR + " varchar"));
    // Those that tools ask for at once; what is not there is an empty answer, not an error.
    rows(meta.getCatalogs());
    rows(meta.getTableTypes());
    check(column(meta.getTypeInfo(), "TYPE_NAME").contains("int4"), true);
    rows(meta.getImportedKeys(null, "public", "numbers"));
    rows(meta.getExportedKeys(null, "public", "numbers"));
    rows(meta.getProcedures(null, "public", "%"));
    rows(meta.getFunctions(null, "public", "%"));
    rows(meta.getTablePrivileges(null, "public", "numbers"));
    rows(meta.getColumnPrivileges(null, "public", "numbers", "%"));
    rows(meta.getUDTs(null, "public", "%", null));
    rows(meta.getVersionColumns(null, "public", "numbers"));
    rows(meta.getClientInfoProperties());
    check(rows(meta.getPrimaryKeys(null, "public", "numbers")), List.of());
    check(column(meta.getPrimaryKeys(null, "public", "indexed"), "COLUMN_NAME"), List.of("a"));
    check(column(meta.getIndexInfo(null, "public", "indexed", false, true), "COLUMN_NAME"), List.of("a", "b", "a"));
    check(column(meta.getIndexInfo(null, "public", "indexed", false, true), "ORDINAL_POSITION"), List.of("1", "1", "2"));
    check(column(meta.getIndexInfo(null, "public", "indexed", true, true), "ASC_OR_DESC"), List.of("A"));
    check(column(meta.getBestRowIdentifier(null, "public", "indexed", DatabaseMetaData.bestRowSession, true), "COLUMN_NAME"), List.of("a"));
    check(meta.getSQLKeywords().contains("qualify"), true);
    check(column(meta.getFunctions(null, "public", "plus"), "FUNCTION_NAME"), List.of("plus"));
    check(meta.getMaxColumnNameLength() > 0, true);
    try (PreparedStatement statement = connection.prepareStatement("SELECT a AS x, b FROM numbers WHERE a > ?")) {
      ResultSetMetaData described = statement.getMetaData();
      check(described.getColumnName(1) + " " + described.getColumnTypeName(1) + " " + described.getColumnLabel(2), "x int4 b");
      check(described.isAutoIncrement(1), false);
      described.getTableName(1);
      described.isNullable(1);
      check(statement.getParameterMetaData().getParameterTypeName(1), "int4");
    }
  }

  // The driver writes the values into the text.
  static void simple(Connection connection) throws SQLException {
    try (PreparedStatement statement = connection.prepareStatement("SELECT a, b FROM indexed WHERE a = ? AND b <> ?")) {
      for (int i = 0; i < 12; ++i) {
        statement.setInt(1, 1 + i % 2);
        statement.setString(2, "it's \\ \u00e9");
        check(rows(statement.executeQuery()), List.of(i % 2 == 0 ? "1|x" : "2|y"));
      }
    }
    try (PreparedStatement statement = connection.prepareStatement(
        "SELECT ?::BIGINT, ?::SMALLINT, ?::DOUBLE, ?::BOOLEAN, ?::TEXT, ?::INT IS NULL")) {
      statement.setLong(1, 1L << 40);
      statement.setShort(2, (short) -7);
      statement.setDouble(3, -1.5);
      statement.setBoolean(4, true);
      statement.setString(5, "é '\\");
      statement.setNull(6, Types.INTEGER);
      check(rows(statement.executeQuery()), List.of((1L << 40) + "|-7|-1.5|t|é '\\|t"));
    }
    connection.setAutoCommit(false);
    try (PreparedStatement statement = connection.prepareStatement("SELECT b FROM indexed WHERE a = ?")) {
      for (int i = 0; i < 4; ++i) {
        statement.setInt(1, 1 + i % 2);
        check(rows(statement.executeQuery()), List.of(i % 2 == 0 ? "x" : "y"));
      }
    }
    connection.commit();
    connection.setAutoCommit(true);
    try (Statement statement = connection.createStatement()) {
      check(statement.execute("SELECT 1; SELECT 'two'"), true);
      check(rows(statement.getResultSet()), List.of("1"));
      check(statement.getMoreResults(), true);
      check(rows(statement.getResultSet()), List.of("two"));
      statement.executeQuery("SELECT nothing FROM numbers");
      throw new AssertionError("no error");
    } catch (SQLException error) {
      check(error.getSQLState(), "42703");
    }
  }

  public static void main(String[] arguments) throws Exception {
    String url = "jdbc:postgresql://" + arguments[0] + ":" + arguments[1] + "/tidemark";
    for (String mode : new String[] {"extended", "extendedForPrepared", "extendedCacheEverything"}) {
      try (Connection connection = open(url, "preferQueryMode", mode)) {
        types(connection);
        statements(connection);
        metadata(connection);
      } catch (AssertionError | SQLException error) {
        System.err.println("preferQueryMode=" + mode);
        throw error;
      }
    }
    try (Connection connection = open(url, "preferQueryMode", "simple")) {
      simple(connection);
    }
    try (Connection connection = open(url, "readOnly", "true", "ApplicationName", "reports", "options", "-c tidemark.min_mark=0/1")) {
      check(connection.isReadOnly(), true);
      connection.setTransactionIsolation(Connection.TRANSACTION_REPEATABLE_READ);
      check(connection.getTransactionIsolation(), Connection.TRANSACTION_REPEATABLE_READ);
      connection.setSchema("public");
      check(connection.getSchema(), "public");
      connection.setNetworkTimeout(Runnable::run, 5000);
    }
    System.out.println("ok");
  }
}
