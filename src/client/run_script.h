#pragma once
// Runs scripts statement by statement, up to the first that fails.

#include "client/run_end.h"
#include "client/script.h"
#include "client/session.h"

namespace tidemark {

// Runs one statement, be it the server's or the client's own (HELP, CLEAR, SOURCE, QUIT).
RunEnd run_statement(ClientSession& session, const ScriptText& script, const sql::Piece& piece);

// Runs all statements. A failure is written to standard error with its place in the script.
RunEnd run_script(ClientSession& session, const ScriptText& script);

// As run_script, for -i: only statements that prepare (DDL, USE, SET, RESET), no queries.
RunEnd run_init_script(ClientSession& session, const ScriptText& script);

}  // namespace tidemark
