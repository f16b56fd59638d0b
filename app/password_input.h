// A new password from standard input: typed twice without echo at a terminal, else the first line. Never from the command line,
// where every process of the machine can read it.
#pragma once

#include "core/result.h"
#include "core/secret.h"

#include <istream>
#include <ostream>

namespace postern::app {

// The first line of `in`, without its end. InvalidArgument: there is none.
Result<Secret> read_password(std::istream& in);

// From the process's standard input; where that is a terminal, with prompts on `prompts`. InvalidArgument: no line, or the two
// are not the same.
Result<Secret> ask_for_password(std::ostream& prompts);

}  // namespace postern::app
