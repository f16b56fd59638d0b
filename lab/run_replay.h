// A run played again: what a file says was taken in comes in by the product's own way, at the same instants of a run's clock, and
// the run is advanced as far as it was. Needs a store that nothing else uses.
#pragma once

#include "core/clock.h"
#include "core/random.h"
#include "core/result.h"
#include "lab/run_export.h"
#include "net/awaitable.h"
#include "relay/run_clock.h"
#include "store/store.h"

#include <boost/asio/io_context.hpp>

namespace postern::lab {

// → the journal of what happened. What the script does in sessions is left out: the mail was taken in. InvalidArgument: the mail or
// the script is refused by this version, with the reason. Blocking. Nobody else runs `io`, which outlives the store: the thread
// that commits may not have left it when the last mail is in.
Result<json::object> replay_run(store::Store& store, net::asio::io_context& io, const RunExport& run,
                                const relay::RunClockSettings& settings, const Clock& clock, Random& random);

}  // namespace postern::lab
