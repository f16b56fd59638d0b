// The directory: each read is one read transaction, each change one nested transaction on the commit thread, so that a change
// that fails half way takes nothing of its batch with it.
#include "store/directory.h"

#include "store/account_table.h"
#include "store/commit_queue.h"
#include "store/confirmation_table.h"
#include "store/counter_table.h"
#include "store/domain_table.h"
#include "store/environment.h"
#include "store/examination.h"
#include "store/key_table.h"
#include "store/leftovers.h"
#include "store/octets.h"
#include "store/production_request_table.h"
#include "store/suppression_table.h"
#include "store/usage_table.h"
#include "store/user_table.h"
#include "store/webhook_table.h"
#include "store/whitelist_table.h"

namespace postern::store {
namespace {

using Change = std::function<Result<void>(DirectoryWriter&)>;

class Writer final : public DirectoryWriter {
 public:
  explicit Writer(WriteTransaction& transaction) : transaction_(transaction) {}

  Result<std::optional<AccountRecord>> find_account(const AccountId& id) override {
    return store::find_account(transaction_, id);
  }
  Result<std::optional<KeyRecord>> find_key(const KeyId& id) override { return store::find_key(transaction_, id); }
  Result<std::vector<KeyOutline>> list_key_outlines(const AccountId& account) override {
    return store::list_key_outlines(transaction_, account);
  }
  Result<std::vector<KeyRecord>> list_keys(const AccountId& account) override {
    return store::list_keys(transaction_, account);
  }
  Result<void> put_account(const AccountRecord& account) override { return store::put_account(transaction_, account); }
  Result<void> remove_account(const AccountId& id) override;
  Result<void> remove_leftovers() override { return erase_leftovers(transaction_, kLeftoverSlice); }
  Result<void> put_key(const KeyRecord& key) override;
  Result<void> remove_key(const KeyId& id) override { return erase_key(transaction_, id); }
  Result<void> put_key_usage(const KeyId& id, const KeyUsage& usage) override {
    return store::put_key_usage(transaction_, id, usage);
  }
  Result<void> put_key_refusal(const KeyId& id, const KeyRefusal& refusal) override {
    return store::put_key_refusal(transaction_, id, refusal);
  }
  Result<void> add_to_whitelist(const AccountId& account, const WhitelistEntry& entry) override {
    return store::add_to_whitelist(transaction_, account, entry);
  }
  Result<void> remove_from_whitelist(const AccountId& account, std::string_view normalised_address) override {
    return store::remove_from_whitelist(transaction_, account, normalised_address);
  }
  Result<std::optional<Confirmation>> find_confirmation(const AccountId& account, ConfirmationKind kind,
                                                        std::string_view normalised_address) override {
    return store::find_confirmation(transaction_, account, kind, normalised_address);
  }
  Result<void> put_confirmation(const Confirmation& confirmation) override;
  Result<void> remove_confirmation(const AccountId& account, ConfirmationKind kind,
                                   std::string_view normalised_address) override {
    return erase_confirmation(transaction_, account, kind, normalised_address);
  }
  Result<std::uint64_t> counter(const AccountId& account, CounterPeriod period, Instant at) override {
    return store::counter(transaction_, account, period, at);
  }
  Result<void> add_to_counter(const AccountId& account, CounterPeriod period, Instant at,
                              std::uint64_t count) override {
    return store::add_to_counter(transaction_, account, period, at, count);
  }
  Result<std::size_t> expire_counters(Instant before) override { return store::expire_counters(transaction_, before); }

  Result<std::optional<UserRecord>> find_user(const UserId& id) override { return store::find_user(transaction_, id); }
  Result<void> put_user(const UserRecord& user) override;
  Result<void> remove_user(const UserId& id) override { return erase_user(transaction_, id); }
  Result<void> put_production_request(const ProductionRequest& request) override;
  Result<void> remove_production_request(const AccountId& account) override {
    return erase_production_request(transaction_, account);
  }
  Result<std::optional<DomainRecord>> find_domain(const DomainId& id) override {
    return store::find_domain(transaction_, id);
  }
  Result<void> put_domain(const DomainRecord& domain) override;
  Result<void> remove_domain(const DomainId& id) override { return erase_domain(transaction_, id); }
  Result<void> put_suppression(const AccountId& account, const SuppressionRecord& suppression) override;
  Result<void> remove_suppression(const AccountId& account, std::string_view normalised_address) override {
    return erase_suppression(transaction_, account, normalised_address);
  }
  Result<void> expire_suppressions(Instant now, std::string& after, std::size_t limit) override {
    return store::expire_suppressions(transaction_, now, after, limit);
  }
  Result<std::optional<WebhookRecord>> find_webhook(const WebhookId& id) override {
    return store::find_webhook(transaction_, id);
  }
  Result<void> put_webhook(const WebhookRecord& webhook) override;
  Result<void> remove_webhook(const WebhookId& id) override;
  Result<void> put_webhook_progress(const WebhookId& id, const WebhookProgress& progress) override {
    return store::put_webhook_progress(transaction_, id, progress);
  }
  Result<void> put_pending_event(const WebhookId& id, const PendingWebhookEvent& event) override {
    return store::put_pending_event(transaction_, id, event);
  }
  Result<void> remove_pending_event(const WebhookId& id, std::uint64_t sequence) override {
    return erase_pending_event(transaction_, id, sequence);
  }
  Result<void> add_usage(const AccountId& account, const KeyId& key, Instant at, std::uint64_t messages,
                         std::uint64_t recipients) override {
    return store::add_usage(transaction_, account,
                            {.day = at, .key = key, .messages = messages, .recipients = recipients});
  }
  Result<std::size_t> expire_usage(Instant before, std::size_t limit) override {
    return store::expire_usage(transaction_, before, limit);
  }

 private:
  // NotFound.
  Result<void> require_account(const AccountId& id);

  WriteTransaction& transaction_;
};

Result<void> Writer::require_account(const AccountId& id) {
  Result<std::optional<AccountRecord>> account = find_account(id);
  if (!account) return account.error();
  if (!*account) return Error(ErrorCode::NotFound, "no account " + format_id(id));
  return {};
}

// What has no bound, or a large one, goes in slices: most accounts have no more than the first holds.
Result<void> Writer::remove_account(const AccountId& id) {
  if (Result<void> erased = erase_account(transaction_, id); !erased) return erased;
  for (const auto clear : {clear_users, clear_domains, clear_webhooks, clear_counters, erase_production_request}) {
    if (Result<void> cleared = clear(transaction_, id); !cleared) return cleared;
  }
  if (Result<void> left = leave_rows(transaction_, octets_of(id.octets)); !left) return left;
  return remove_leftovers();
}

Result<void> Writer::remove_webhook(const WebhookId& id) {
  if (Result<void> erased = erase_webhook(transaction_, id); !erased) return erased;
  return remove_leftovers();
}

Result<void> Writer::put_key(const KeyRecord& key) {
  if (Result<void> required = require_account(key.account); !required) return required;
  return store::put_key(transaction_, key);
}

Result<void> Writer::put_confirmation(const Confirmation& confirmation) {
  if (Result<void> required = require_account(confirmation.account); !required) return required;
  return store::put_confirmation(transaction_, confirmation);
}

Result<void> Writer::put_user(const UserRecord& user) {
  if (Result<void> required = require_account(user.account); !required) return required;
  return store::put_user(transaction_, user);
}

Result<void> Writer::put_production_request(const ProductionRequest& request) {
  if (Result<void> required = require_account(request.account); !required) return required;
  return store::put_production_request(transaction_, request);
}

Result<void> Writer::put_domain(const DomainRecord& domain) {
  if (Result<void> required = require_account(domain.account); !required) return required;
  return store::put_domain(transaction_, domain);
}

Result<void> Writer::put_suppression(const AccountId& account, const SuppressionRecord& suppression) {
  if (Result<void> required = require_account(account); !required) return required;
  return store::put_suppression(transaction_, account, suppression);
}

Result<void> Writer::put_webhook(const WebhookRecord& webhook) {
  if (Result<void> required = require_account(webhook.account); !required) return required;
  return store::put_webhook(transaction_, webhook);
}

Result<void> apply_change(const Change& change, WriteTransaction& parent) {
  WriteTransaction transaction(parent.environment());
  if (int code = parent.note(transaction.begin(&parent)); code != 0) return lmdb_error(code, "begin a change");
  Writer writer(transaction);
  Result<void> changed = change(writer);
  if (parent.note(transaction.broken()) != 0) return lmdb_error(transaction.broken(), "write the directory");
  if (!changed) return changed;
  if (int code = parent.note_write(transaction.commit()); code != 0) return lmdb_error(code, "end a change");
  return {};
}

class ChangeRequest final : public CommitRequest {
 public:
  ChangeRequest(Change change, Completion done) : change_(std::move(change)), done_(std::move(done)) {}
  Result<void> apply(WriteTransaction& transaction) override { return apply_change(change_, transaction); }
  void complete(Result<void> outcome) override { done_(std::move(outcome)); }

 private:
  Change change_;
  Completion done_;
};

}  // namespace

class Directory::Impl {
 public:
  Impl(std::unique_ptr<LmdbEnvironment> environment, std::chrono::milliseconds stall_after)
      : environment_(std::move(environment)), queue_(*environment_, nullptr, stall_after) {}

  // Runs `read` in a read transaction.
  template <class Read>
  auto with_reader(Read read) const -> decltype(read(std::declval<ReadTransaction&>())) {
    ReadTransaction transaction(*environment_);
    if (Result<void> begun = transaction.begin(); !begun) return begun.error();
    return read(transaction);
  }
  CommitQueue& queue() { return queue_; }
  std::optional<Stall> stall() const { return queue_.stall(); }
  const LmdbEnvironment& environment() const { return *environment_; }

 private:
  std::unique_ptr<LmdbEnvironment> environment_;
  CommitQueue queue_;
};

namespace {

Result<std::optional<Directory::KeyWithAccount>> with_account(Transaction& transaction,
                                                              Result<std::optional<KeyRecord>> key) {
  if (!key) return key.error();
  if (!*key) return std::optional<Directory::KeyWithAccount>();
  Result<std::optional<AccountRecord>> account = find_account(transaction, (*key)->account);
  if (!account) return account.error();
  if (!*account && is_left_over(transaction, octets_of((*key)->account.octets))) return std::optional<Directory::KeyWithAccount>();
  if (!*account) return Error(ErrorCode::CorruptRecord, "key " + format_id((*key)->id) + " has no account");
  return std::optional(Directory::KeyWithAccount{.key = std::move(**key), .account = std::move(**account)});
}

}  // namespace

Directory::Directory(std::unique_ptr<LmdbEnvironment> environment, std::chrono::milliseconds stall_after)
    : impl_(std::make_unique<Impl>(std::move(environment), stall_after)) {}
Directory::~Directory() = default;

void Directory::start() { impl_->queue().start(); }
std::optional<Stall> Directory::stall() const { return impl_->stall(); }

Result<std::optional<AccountRecord>> Directory::find_account(const AccountId& id) const {
  return impl_->with_reader([&](ReadTransaction& transaction) { return store::find_account(transaction, id); });
}

Result<std::optional<AccountRecord>> Directory::find_account_named(std::string_view name) const {
  return impl_->with_reader([&](ReadTransaction& transaction) { return store::find_account_named(transaction, name); });
}

Result<std::vector<AccountRecord>> Directory::list_accounts() const {
  return impl_->with_reader([](ReadTransaction& transaction) { return store::list_accounts(transaction); });
}

Result<std::optional<Directory::KeyWithAccount>> Directory::find_key_by_digest(const KeyDigest& digest) const {
  return impl_->with_reader([&](ReadTransaction& transaction) {
    return with_account(transaction, store::find_key_by_digest(transaction, digest));
  });
}

Result<std::optional<Directory::KeyWithAccount>> Directory::find_key(const KeyId& id) const {
  return impl_->with_reader([&](ReadTransaction& transaction) {
    return with_account(transaction, store::find_key(transaction, id));
  });
}

Result<std::vector<KeyOutline>> Directory::list_key_outlines(const AccountId& account) const {
  return impl_->with_reader([&](ReadTransaction& transaction) { return store::list_key_outlines(transaction, account); });
}

Result<std::vector<KeyRecord>> Directory::list_keys(const AccountId& account) const {
  return impl_->with_reader([&](ReadTransaction& transaction) { return store::list_keys(transaction, account); });
}

Result<std::vector<KeyRecord>> Directory::find_keys_starting(std::string_view text, std::size_t limit) const {
  return impl_->with_reader([&](ReadTransaction& transaction) {
    return store::find_keys_starting(transaction, text, limit);
  });
}

Result<std::optional<KeyUsage>> Directory::find_key_usage(const KeyId& id) const {
  return impl_->with_reader([&](ReadTransaction& transaction) { return store::find_key_usage(transaction, id); });
}

Result<std::optional<KeyRefusal>> Directory::find_key_refusal(const KeyId& id) const {
  return impl_->with_reader([&](ReadTransaction& transaction) { return store::find_key_refusal(transaction, id); });
}

Result<std::optional<Confirmation>> Directory::find_confirmation(const AccountId& account, ConfirmationKind kind,
                                                                 std::string_view normalised_address) const {
  return impl_->with_reader([&](ReadTransaction& transaction) {
    return store::find_confirmation(transaction, account, kind, normalised_address);
  });
}

Result<std::vector<Confirmation>> Directory::list_confirmations(const AccountId& account) const {
  return impl_->with_reader([&](ReadTransaction& transaction) { return store::list_confirmations(transaction, account); });
}

Result<bool> Directory::is_whitelisted(const AccountId& account, std::string_view normalised_address) const {
  return impl_->with_reader([&](ReadTransaction& transaction) {
    return store::is_whitelisted(transaction, account, normalised_address);
  });
}

Result<std::vector<WhitelistEntry>> Directory::list_whitelist(const AccountId& account) const {
  return impl_->with_reader([&](ReadTransaction& transaction) { return store::list_whitelist(transaction, account); });
}

Result<std::uint64_t> Directory::counter(const AccountId& account, CounterPeriod period, Instant at) const {
  return impl_->with_reader([&](ReadTransaction& transaction) {
    return store::counter(transaction, account, period, at);
  });
}

Result<std::optional<UserRecord>> Directory::find_user(const UserId& id) const {
  return impl_->with_reader([&](ReadTransaction& transaction) { return store::find_user(transaction, id); });
}

Result<std::optional<UserRecord>> Directory::find_user_by_email(std::string_view normalised_address) const {
  return impl_->with_reader([&](ReadTransaction& transaction) {
    return store::find_user_by_email(transaction, normalised_address);
  });
}

Result<std::vector<UserRecord>> Directory::list_users(const AccountId& account) const {
  return impl_->with_reader([&](ReadTransaction& transaction) { return store::list_users(transaction, account); });
}

Result<std::optional<ProductionRequest>> Directory::find_production_request(const AccountId& account) const {
  return impl_->with_reader([&](ReadTransaction& transaction) {
    return store::find_production_request(transaction, account);
  });
}

Result<std::vector<ProductionRequest>> Directory::list_production_requests() const {
  return impl_->with_reader([](ReadTransaction& transaction) { return store::list_production_requests(transaction); });
}

Result<std::optional<DomainRecord>> Directory::find_domain(const DomainId& id) const {
  return impl_->with_reader([&](ReadTransaction& transaction) { return store::find_domain(transaction, id); });
}

Result<std::optional<DomainRecord>> Directory::find_domain_named(const AccountId& account,
                                                                 std::string_view normalised_name) const {
  return impl_->with_reader([&](ReadTransaction& transaction) {
    return store::find_domain_named(transaction, account, normalised_name);
  });
}

Result<std::vector<DomainRecord>> Directory::list_domains(const AccountId& account) const {
  return impl_->with_reader([&](ReadTransaction& transaction) { return store::list_domains(transaction, account); });
}

Result<bool> Directory::is_suppressed(const AccountId& account, std::string_view normalised_address, Instant now) const {
  return impl_->with_reader([&](ReadTransaction& transaction) {
    return store::is_suppressed(transaction, account, normalised_address, now);
  });
}

Result<std::vector<SuppressionRecord>> Directory::list_suppressions(const AccountId& account, std::string_view after,
                                                                    std::size_t limit) const {
  return impl_->with_reader([&](ReadTransaction& transaction) {
    return store::list_suppressions(transaction, account, after, limit);
  });
}

Result<std::optional<SuppressionRecord>> Directory::find_suppression(const AccountId& account,
                                                                     std::string_view normalised_address) const {
  return impl_->with_reader([&](ReadTransaction& transaction) {
    return store::find_suppression(transaction, account, normalised_address);
  });
}

Result<std::optional<WebhookRecord>> Directory::find_webhook(const WebhookId& id) const {
  return impl_->with_reader([&](ReadTransaction& transaction) { return store::find_webhook(transaction, id); });
}

Result<std::vector<WebhookRecord>> Directory::list_webhooks(const AccountId& account) const {
  return impl_->with_reader([&](ReadTransaction& transaction) { return store::list_webhooks(transaction, account); });
}

Result<std::vector<WebhookRecord>> Directory::list_all_webhooks() const {
  return impl_->with_reader([](ReadTransaction& transaction) { return store::list_all_webhooks(transaction); });
}

Result<WebhookProgress> Directory::webhook_progress(const WebhookId& id) const {
  return impl_->with_reader([&](ReadTransaction& transaction) {
    return store::load_webhook_progress(transaction, id);
  });
}

Result<std::vector<PendingWebhookEvent>> Directory::list_pending_events(const WebhookId& id, std::uint64_t after,
                                                                        std::size_t limit) const {
  return impl_->with_reader([&](ReadTransaction& transaction) {
    return store::list_pending_events(transaction, id, after, limit);
  });
}

Result<std::uint64_t> Directory::last_seen_sequence() const {
  return impl_->with_reader([](ReadTransaction& transaction) { return store::last_seen_sequence(transaction); });
}

Result<std::vector<UsageRow>> Directory::list_usage(const AccountId& account, Instant from, Instant to, std::size_t limit) const {
  return impl_->with_reader([&](ReadTransaction& transaction) {
    return store::list_usage(transaction, account, from, to, limit);
  });
}

Result<std::vector<std::string>> Directory::examine() const {
  return impl_->with_reader([](ReadTransaction& transaction) {
    return Result<std::vector<std::string>>(examine_all(transaction, directory_examination_steps(), examine_directory));
  });
}

Result<void> Directory::examine(std::size_t step, const ReportFinding& report) const {
  return impl_->with_reader([&](ReadTransaction& transaction) -> Result<void> {
    examine_directory(transaction, step, report);
    return {};
  });
}

Result<bool> Directory::remove_leftovers() {
  const auto look = [](ReadTransaction& transaction) { return has_leftovers(transaction); };
  Result<bool> has_some = impl_->with_reader(look);
  if (!has_some || !*has_some) return has_some;
  const Result<void> erased = write([](DirectoryWriter& writer) { return writer.remove_leftovers(); });
  if (!erased) return erased.error();
  return impl_->with_reader(look);
}

void Directory::drop_dead_readers() const { impl_->environment().drop_dead_readers(); }

Result<void> Directory::upgrade() {
  Result<bool> folded = impl_->with_reader([](ReadTransaction& transaction) { return are_suppressions_folded(transaction); });
  if (!folded) return folded.error();
  if (*folded) return {};
  return impl_->queue().run([](WriteTransaction& transaction) { return fold_suppressions(transaction); });
}

Result<void> Directory::copy_to(const std::filesystem::path& folder) const { return impl_->environment().copy_to(folder); }

Result<void> Directory::write(const Change& change) {
  return impl_->queue().run([&](WriteTransaction& transaction) { return apply_change(change, transaction); });
}

void Directory::write_later(Change change, Completion done) {
  impl_->queue().submit(std::make_unique<ChangeRequest>(std::move(change), std::move(done)), Urgency::Commits,
                        Admission::Bounded);
}

}  // namespace postern::store
