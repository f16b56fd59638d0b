#include "app/queued_messages.h"

namespace postern::app {
namespace {

constexpr std::size_t kDueAtOnce = 256;
constexpr Instant kEndOfTime = Instant::max();

}  // namespace

Result<void> for_each_due(store::Spool& spool, const VisitDue& visit) {
  std::optional<store::DueEntry> after;
  for (;;) {
    const auto entries = spool.due(after, kEndOfTime, kDueAtOnce);
    if (!entries) return entries.error();
    for (const auto& entry : *entries) {
      const auto stored = spool.find(entry.id);
      if (!stored) return stored.error();
      if (!*stored) continue;
      const auto goes_on = visit(entry, **stored);
      if (!goes_on) return goes_on.error();
      if (!*goes_on) return {};
    }
    if (entries->size() < kDueAtOnce) return {};
    after = entries->back();
  }
}

Result<std::vector<MessageId>> queued_messages(CommandContext& context,
                                               const std::function<bool(const store::StoredMessage&)>& is_wanted) {
  std::vector<MessageId> ids;
  const auto visited =
      for_each_due(context.spool(), [&](const store::DueEntry& entry, const store::StoredMessage& stored) -> Result<bool> {
        if (is_wanted(stored)) ids.push_back(entry.id);
        return true;
      });
  if (!visited) return visited.error();
  return ids;
}

}  // namespace postern::app
