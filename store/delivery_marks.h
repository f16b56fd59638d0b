// Which accounts had live mail of theirs delivered: one row each in `meta`, written by the commit that settles the first such
// message. So what asks for it costs one look-up, whatever the account sent since.
#pragma once

#include "core/ids.h"
#include "store/tables.h"

#include <string_view>

namespace postern::store {

// In the spool's `meta`: the marks are complete. With an account's id behind it: that account's mark.
inline constexpr std::string_view kDeliveriesMarkedKey = "delivered";

Result<void> mark_delivered(WriteTransaction& transaction, const AccountId& account);
Result<bool> is_marked_delivered(Transaction& transaction, const AccountId& account);
// Of what was settled before there were marks; does nothing a second time.
Result<void> mark_earlier_deliveries(WriteTransaction& transaction);

}  // namespace postern::store
