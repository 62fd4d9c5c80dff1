#include "connectors/postgres_cdc/doctor.h"

#include <gtest/gtest.h>

#include "tests/harness/postgres_cluster.h"

namespace tidemark {
namespace {

const Finding* find(const std::vector<Finding>& findings, std::string_view title) {
  for (const Finding& finding : findings) {
    if (finding.title.starts_with(title)) {
      return &finding;
    }
  }
  return nullptr;
}

TEST(Doctor, a_healthy_server_has_no_errors) {
  Result<std::vector<Finding>> findings =
      run_doctor(shared_cluster().address(shared_cluster().make_database()));
  ASSERT_TRUE(findings.ok()) << findings.status().to_string();
  for (const Finding& finding : *findings) {
    EXPECT_NE(finding.severity, Finding::Severity::kError) << finding.title;
  }
  EXPECT_NE(find(*findings, "wal_level is logical"), nullptr);
}

TEST(Doctor, findings_come_with_the_statement_that_mends_them) {
  PostgresCluster cluster(
      ClusterOptions{.settings = {"wal_level = replica", "max_replication_slots = 1",
                                  "synchronous_commit = off", "wal_sender_timeout = 5s"}});
  cluster.run(
      "CREATE TABLE keyed (id int PRIMARY KEY); CREATE TABLE heap (id int); CREATE UNLOGGED TABLE "
      "fast (id int PRIMARY KEY);"
      "CREATE PUBLICATION tidemark_00000001 FOR TABLE keyed; SELECT "
      "pg_create_physical_replication_slot('idle', true);"
      "CREATE ROLE weak LOGIN PASSWORD 'weak'");
  PostgresAddress address = cluster.address();
  address.user = "weak";
  Result<std::vector<Finding>> findings = run_doctor(address);
  ASSERT_TRUE(findings.ok()) << findings.status().to_string();
  struct Expected {
    const char* title;
    Finding::Severity severity;
    const char* fix_sql;
  };
  for (const Expected& expected : {
           Expected{"wal_level is replica", Finding::Severity::kError,
                    "ALTER SYSTEM SET wal_level = 'logical';"},
           Expected{"role weak may not replicate", Finding::Severity::kError,
                    "ALTER ROLE \"weak\" REPLICATION;"},
           Expected{"role weak may not make publications", Finding::Severity::kWarning,
                    "GRANT CREATE ON DATABASE \"postgres\" TO \"weak\";"},
           Expected{"1 of 1 replication slots", Finding::Severity::kError,
                    "ALTER SYSTEM SET max_replication_slots = 6;"},
           Expected{"synchronous_commit is off", Finding::Severity::kWarning,
                    "ALTER SYSTEM SET wal_writer_delay = '10ms'; SELECT pg_reload_conf();"},
           Expected{"wal_sender_timeout is 5000 ms", Finding::Severity::kWarning,
                    "ALTER SYSTEM SET wal_sender_timeout = '60s'; SELECT pg_reload_conf();"},
           Expected{"slot idle keeps", Finding::Severity::kWarning,
                    "SELECT pg_drop_replication_slot('idle');"},
           Expected{"publication tidemark_00000001 was left", Finding::Severity::kWarning,
                    "DROP PUBLICATION \"tidemark_00000001\";"},
           Expected{"table public.heap has no usable", Finding::Severity::kWarning,
                    "ALTER TABLE \"public\".\"heap\" REPLICA IDENTITY FULL;"},
           Expected{"table public.fast is unlogged", Finding::Severity::kWarning,
                    "ALTER TABLE \"public\".\"fast\" SET LOGGED;"},
           Expected{"no right to read table public.keyed", Finding::Severity::kWarning,
                    "GRANT SELECT ON \"public\".\"keyed\" TO \"weak\";"},
       }) {
    const Finding* finding = find(*findings, expected.title);
    ASSERT_NE(finding, nullptr) << expected.title;
    EXPECT_EQ(finding->severity, expected.severity) << expected.title;
    EXPECT_EQ(finding->fix_sql, expected.fix_sql);
  }
}

TEST(Doctor, a_server_that_cannot_be_asked_is_an_error_without_the_password) {
  Status status = run_doctor(std::string("postgres://nobody:secret@127.0.0.1:1/none")).status();
  EXPECT_EQ(status.code(), StatusCode::kUnavailable);
  EXPECT_EQ(status.to_string().find("secret"), std::string::npos);
  EXPECT_EQ(
      run_doctor(std::string("postgres://bad url:secret@")).status().to_string().find("secret"),
      std::string::npos);
}

}  // namespace
}  // namespace tidemark
