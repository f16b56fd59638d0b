// Result<T>: a value or the reason why there is none. For expected failures; protocol outcomes are Verdicts and Replies.
#pragma once

#include "core/error.h"

#include <boost/system/result.hpp>

namespace postern {

// Check with `if (!r) return r.error();` before `*r`. value() throws and is for tests only.
template <class T>
using Result = boost::system::result<T, Error>;

}  // namespace postern
