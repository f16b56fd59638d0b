// What still has to be delivered, for commands that list it or end it.
#pragma once

#include "app/command_context.h"

#include <functional>
#include <vector>

namespace postern::app {

// Every due message in order of its next attempt, until `visit` returns false.
using VisitDue = std::function<Result<bool>(const store::DueEntry&, const store::StoredMessage&)>;
Result<void> for_each_due(store::Spool& spool, const VisitDue& visit);

// Those that `is_wanted` picks.
Result<std::vector<MessageId>> queued_messages(CommandContext& context,
                                               const std::function<bool(const store::StoredMessage&)>& is_wanted);

}  // namespace postern::app
