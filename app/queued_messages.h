// What still has to be delivered, for commands that list it or end it.
#pragma once

#include "app/command_context.h"

#include <cstddef>
#include <functional>
#include <vector>

namespace postern::app {

// Every message that waits, lane by lane of the due index, until `visit` returns false.
using VisitQueued = std::function<Result<bool>(const store::StoredMessage&)>;
Result<void> for_each_queued(store::Spool& spool, const VisitQueued& visit);

// The `limit` of them whose next attempts come first, in that order. Reads the whole index and no message.
Result<std::vector<store::DueKey>> soonest_queued(store::Spool& spool, std::size_t limit);

// Those that `is_wanted` picks.
Result<std::vector<MessageId>> queued_messages(CommandContext& context,
                                               const std::function<bool(const store::StoredMessage&)>& is_wanted);

}  // namespace postern::app
