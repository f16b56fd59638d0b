// Webhooks by id and by account, how far each has come, and the events that it has not taken yet.
#pragma once

#include "store/records.h"
#include "store/transaction.h"

#include <optional>
#include <vector>

namespace postern::store {

Result<std::optional<WebhookRecord>> find_webhook(Transaction& transaction, const WebhookId& id);
Result<std::vector<WebhookRecord>> list_webhooks(Transaction& transaction, const AccountId& account);
Result<std::vector<WebhookRecord>> list_all_webhooks(Transaction& transaction);
// Zeroes where there is none yet.
Result<WebhookProgress> load_webhook_progress(Transaction& transaction, const WebhookId& id);
// In order of sequence, strictly after `after`.
Result<std::vector<PendingWebhookEvent>> list_pending_events(Transaction& transaction, const WebhookId& id,
                                                             std::uint64_t after, std::size_t limit);
// See Directory::last_seen_sequence(). Records that are damaged name none.
Result<std::uint64_t> last_seen_sequence(Transaction& transaction);

// LimitExceeded.
Result<void> put_webhook(WriteTransaction& transaction, const WebhookRecord& webhook);
// NotFound. Its progress and pending events go too.
Result<void> erase_webhook(WriteTransaction& transaction, const WebhookId& id);
Result<void> clear_webhooks(WriteTransaction& transaction, const AccountId& account);

// Of a webhook that is gone nothing is stored, and that is no error: who removed it did not wait for what was under way.
Result<void> put_webhook_progress(WriteTransaction& transaction, const WebhookId& id, const WebhookProgress& progress);
Result<void> put_pending_event(WriteTransaction& transaction, const WebhookId& id, const PendingWebhookEvent& event);
// Absent: no error.
Result<void> erase_pending_event(WriteTransaction& transaction, const WebhookId& id, std::uint64_t sequence);

}  // namespace postern::store
