#pragma once
// Shell: statements as a person types them, over several lines, with history and completion.
//
// Threads: one; one shell per process, for the terminal and SIGINT are the process's.

#include "cli/sql_session.h"

namespace tradewind::cli {

// Until Ctrl-D, `exit` or `quit`; the exit code.
int run_shell(SqlSession& session);

}  // namespace tradewind::cli
