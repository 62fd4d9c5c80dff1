#pragma once
// An INSERT as its job runs it: the query's rows as those of the sink.

#include <memory>
#include <span>
#include <string>

#include "catalog/catalog.h"
#include "connectors/sink.h"
#include "engine/plan_dataflow.h"
#include "plan/bind/bind_query.h"

namespace tidemark {

class Engine;

// `columns`: of the sink, one for each of the query's; the others get NULL. Optimized. An error if
// the query has more or fewer, or values that do not become the sink's by themselves.
Result<BoundQuery> bind_insert(const sql::Query& query, const CatalogObject& sink,
                               std::span<const size_t> columns, const BindContext& context);
// The same for one of a job that is in the catalog.
Result<BoundQuery> bind_insert(BindContext context, const CatalogObject& job, size_t insert);

// Opens the sink for one writer, whose name no other has.
Result<std::unique_ptr<Sink>> open_sink(Engine& engine, const CatalogObject& sink,
                                        std::string name);
// Writes rows that only come, with mark 0/0, and shows them before it returns. After an error
// nothing of them is shown, unless that error came while they were being shown. Waits for the disk.
Status write_rows(Sink& sink, const Schema& schema, RowBatch rows);

// Its dataflow, with the sink.
Result<PlannedDataflow> plan_insert(Engine& engine, const BoundQuery& bound,
                                    const CatalogObject& job, size_t insert, std::string zone,
                                    Sharing sharing);

}  // namespace tidemark
