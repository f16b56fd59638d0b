// What came in, by account, and what of it was not read yet.
#pragma once

#include "store/records.h"
#include "store/tables.h"

#include <optional>
#include <vector>

namespace postern::store {

// Inserts or replaces.
Result<void> put_inbound(WriteTransaction& transaction, const InboundRecord& record);
Result<void> erase_inbound(WriteTransaction& transaction, const AccountId& account, const MessageId& id);
Result<std::optional<InboundRecord>> find_inbound(Transaction& transaction, const AccountId& account, const MessageId& id);
// Newest first, strictly before `before` if given.
Result<std::vector<InboundRecord>> list_inbound(Transaction& transaction, const AccountId& account,
                                                const std::optional<MessageId>& before, std::size_t limit);
// Oldest first, strictly after `after` if given.
Result<std::vector<InboundRecord>> list_unread_inbound(Transaction& transaction, const std::optional<MessageId>& after,
                                                       std::size_t limit);

}  // namespace postern::store
