// The directory: accounts and what is theirs (keys, users, domains, whitelist, webhooks, suppressions), key usage and quota
// counters, in an LMDB environment of its own.
//
// Reads run on the caller's thread in a read transaction of microseconds and see every commit of any process. Writes of the
// command line and of management calls wait for their own sync; the server's write-behind goes through write_later().
// Nothing above this header may assume that this process is the only writer.
#pragma once

#include "core/completion.h"
#include "core/result.h"
#include "core/stall.h"
#include "store/directory_log.h"
#include "store/records.h"

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

namespace postern::lmdb {
class LmdbEnvironment;
class Transaction;
class WriteTransaction;
}  // namespace postern::lmdb

namespace postern::store {

// An entry of the audit trail, and where it stands in it.
struct PlacedAudit {
  std::string place;  // octets; sorts as the entries do
  AuditRecord entry;
};

// Every question to the directory. Each is one read transaction, or inside the change that asks (DirectoryWriter).
// Any thread. Errors: CorruptRecord, IoError. Absent is nullopt.
class DirectoryReads {
 public:
  Result<std::optional<AccountRecord>> find_account(const AccountId& id) const;
  Result<std::optional<AccountRecord>> find_account_named(std::string_view name) const;
  Result<std::vector<AccountRecord>> list_accounts() const;

  struct KeyWithAccount {
    KeyRecord key;
    AccountRecord account;
  };
  // The hot path of AUTH and MAIL: both records in one read transaction.
  Result<std::optional<KeyWithAccount>> find_key_by_digest(const KeyDigest& digest) const;
  Result<std::optional<KeyWithAccount>> find_key(const KeyId& id) const;
  Result<std::vector<KeyRecord>> list_keys(const AccountId& account) const;
  // The same without a look at the keys' records: for a page of many.
  Result<std::vector<KeyOutline>> list_key_outlines(const AccountId& account) const;
  // Keys whose id text or prefix begins with `text`: what a person types. At most `limit`.
  Result<std::vector<KeyRecord>> find_keys_starting(std::string_view text, std::size_t limit) const;
  Result<std::optional<KeyUsage>> find_key_usage(const KeyId& id) const;
  Result<std::optional<KeyRefusal>> find_key_refusal(const KeyId& id) const;

  Result<bool> is_whitelisted(const AccountId& account, std::string_view normalised_address) const;
  Result<std::vector<WhitelistEntry>> list_whitelist(const AccountId& account) const;
  Result<std::optional<Confirmation>> find_confirmation(const AccountId& account, ConfirmationKind kind,
                                                        std::string_view normalised_address) const;
  // In order of kind and address; those whose time is over are among them.
  Result<std::vector<Confirmation>> list_confirmations(const AccountId& account) const;

  // Recipients counted in the period that contains `at` (UTC).
  Result<std::uint64_t> counter(const AccountId& account, CounterPeriod period, Instant at) const;

  // --- People ---
  Result<std::optional<UserRecord>> find_user(const UserId& id) const;
  Result<std::optional<UserRecord>> find_user_by_email(std::string_view normalised_address) const;
  Result<std::vector<UserRecord>> list_users(const AccountId& account) const;
  // Sessions at browsers, those that are over among them.
  Result<std::optional<SessionRecord>> find_session(const SessionId& id) const;
  Result<std::vector<SessionRecord>> list_sessions(const AccountId& account) const;
  // Accounts in the order of their ids, strictly after `after`.
  Result<std::vector<AccountRecord>> list_accounts_after(const std::optional<AccountId>& after, std::size_t limit) const;
  Result<std::optional<ProductionRequest>> find_production_request(const AccountId& account) const;
  Result<std::vector<ProductionRequest>> list_production_requests() const;

  // --- Domains ---
  Result<std::optional<DomainRecord>> find_domain(const DomainId& id) const;
  // On the path of every message that may be signed: one read transaction. `account` may be kVerifiedOwner.
  Result<std::optional<DomainRecord>> find_domain_named(const AccountId& account, std::string_view normalised_name) const;
  Result<std::vector<DomainRecord>> list_domains(const AccountId& account) const;

  // --- Suppressions: looked up before every attempt; `entry`: suppression_entry(), in any case of letters ---
  // One whose time is over is not.
  Result<bool> is_suppressed(const AccountId& account, std::string_view entry, Instant now) const;
  // In order of entry, strictly after `after`.
  Result<std::vector<SuppressionRecord>> list_suppressions(const AccountId& account, std::string_view after,
                                                           std::size_t limit) const;
  Result<std::optional<SuppressionRecord>> find_suppression(const AccountId& account, std::string_view entry) const;

  // --- Webhooks ---
  Result<std::optional<WebhookRecord>> find_webhook(const WebhookId& id) const;
  Result<std::vector<WebhookRecord>> list_webhooks(const AccountId& account) const;
  Result<std::vector<WebhookRecord>> list_all_webhooks() const;
  Result<WebhookProgress> webhook_progress(const WebhookId& id) const;  // zeroes where there is none yet
  // In order of sequence, strictly after `after`.
  Result<std::vector<PendingWebhookEvent>> list_pending_events(const WebhookId& id, std::uint64_t after, std::size_t limit) const;

  // The greatest event number that any webhook's record, progress or pending event names; 0: none.
  Result<std::uint64_t> last_seen_sequence() const;

  // --- Orders on live mail that waits ---
  // All; those whose time is over are among them until the server removes them.
  Result<std::vector<OrderRecord>> list_orders() const;
  Result<std::optional<OrderRecord>> find_order(const OrderId& id) const;

  // Days from `from` to before `to`, in order; the first `limit` rows.
  Result<std::vector<UsageRow>> list_usage(const AccountId& account, Instant from, Instant to, std::size_t limit) const;

  // Entries of an account, or of all, the newest first, strictly before the place `before` (empty: from the newest).
  Result<std::vector<PlacedAudit>> list_audit(const std::optional<AccountId>& account, std::string_view before,
                                              std::size_t limit) const;

  // Rows that begin from `from` to before `to`, in order; at most as many as there are hours or days.
  Result<std::vector<StatsRow>> list_stats(const AccountId& account, StatsWidth width, Environment environment, Instant from,
                                           Instant to) const;

 protected:
  explicit DirectoryReads(const lmdb::LmdbEnvironment& environment, lmdb::Transaction* transaction = nullptr)
      : environment_(&environment), transaction_(transaction) {}
  ~DirectoryReads() = default;
  DirectoryReads(const DirectoryReads&) = delete;
  DirectoryReads& operator=(const DirectoryReads&) = delete;

  template <class Read>
  auto look(Read read) const;  // store/directory_index.h

 private:
  friend class Replica;
  const lmdb::LmdbEnvironment* environment_;
  lmdb::Transaction* transaction_;  // null: one for each question
};

class Directory : public DirectoryReads {
 public:
  Directory(std::unique_ptr<lmdb::LmdbEnvironment> environment, std::chrono::milliseconds stall_after);
  ~Directory();

  // Makes the commit thread now; else the first write does. Throws std::system_error where there is none to spare.
  void start();

  // Every record is readable, every index agrees. One sentence per finding; empty: sound. Reads only.
  Result<std::vector<std::string>> examine() const;
  // One step of it (store/examination.h); `report` gets each finding as it is made.
  Result<void> examine(std::size_t step, const std::function<void(std::string)>& report) const;
  // Frees the reader slots of processes that died.
  void drop_dead_readers() const;
  // Brings what an earlier version wrote to the form in which it is looked up; a read transaction where nothing is to do.
  Result<void> upgrade();

  // See Store::back_up().
  Result<void> copy_to(const std::filesystem::path& folder) const;
  // As Spool::stall().
  std::optional<Stall> stall() const;

  // From here on shared rows are the log's to decide (store/directory_log.h); null: they are nobody else's. While nobody writes;
  // the log outlives every write.
  void follow(DirectoryLog* log) { log_ = log; }

  // Runs `change` in one write transaction as this thread's actor (store/actor.h), commits and syncs before it returns. An error
  // that `change` returns rolls all of it back and is returned. Blocks: not on an I/O thread. Errors: what `change` says,
  // StorageFull, StorageFailed, StorageShedding where no commit ends; Conflict: the directory belongs to a cluster and no log is
  // followed.
  Result<void> write(const DirectoryChange& change);
  // The same on the commit thread, together with what else waits; `done` is called there after the sync, or by the log.
  void write_later(DirectoryChange change, Completion done);
  // Erases a slice of the rows that accounts and webhooks left which were removed. True: there are more. Blocks, as write().
  Result<bool> remove_leftovers();

 private:
  friend class Replica;
  class Impl;
  // On the commit thread; returns after the sync.
  Result<void> run(std::function<Result<void>(lmdb::WriteTransaction&)> step);

  std::unique_ptr<Impl> impl_;
  DirectoryLog* log_ = nullptr;  // null: one machine
};

// Directory::find_domain_named() with this account: the domain of that name that an account has verified, whichever it is. No
// account has this id.
inline constexpr AccountId kVerifiedOwner{};

// Inside one write transaction of the directory. Each put_ inserts or replaces; NotFound: the account it belongs to is not there.
// Each remove_ fails with NotFound where there is nothing to remove. InvalidArgument: a name or an address is empty or too long for
// a key. What stands with a function comes beside these. What people or their programs change leaves an entry in the audit trail.
class DirectoryWriter final : public DirectoryReads {
 public:
  // `actor`: whose doing the changes are.
  explicit DirectoryWriter(lmdb::WriteTransaction& transaction, Actor actor = {});

  // AlreadyExists: another account has that name.
  Result<void> put_account(const AccountRecord& account);
  // With all that is the account's: keys, users, domains, whitelist, webhooks, suppressions, usage and counters. Nobody finds any
  // of it any more; where that is much, rows of it are left to Directory::remove_leftovers().
  Result<void> remove_account(const AccountId& id);
  Result<void> remove_leftovers();  // a slice
  // AlreadyExists: another key has that digest.
  Result<void> put_key(const KeyRecord& key);
  Result<void> remove_key(const KeyId& id);  // its last use too
  // Of a key that is gone nothing is stored, and that is no error: its last use is written some time after it.
  Result<void> put_key_usage(const KeyId& id, const KeyUsage& usage);
  Result<void> put_key_refusal(const KeyId& id, const KeyRefusal& refusal);

  // LimitExceeded above kMaxWhitelistEntries per account.
  Result<void> add_to_whitelist(const AccountId& account, const WhitelistEntry& entry);
  Result<void> remove_from_whitelist(const AccountId& account, std::string_view normalised_address);

  Result<void> put_confirmation(const Confirmation& confirmation);
  Result<void> remove_confirmation(const AccountId& account, ConfirmationKind kind,
                                   std::string_view normalised_address);  // absent: no error

  // Adds to the counter of the period that contains `at`.
  Result<void> add_to_counter(const AccountId& account, CounterPeriod period, Instant at, std::uint64_t count);
  // AlreadyExists: the address is another user's. LimitExceeded above kMaxUsersPerAccount.
  Result<void> put_user(const UserRecord& user);
  Result<void> remove_user(const UserId& id);
  // put_user() does not tell a new password from an old one that was hashed again.
  Result<void> note_password_change(const UserRecord& user);
  // Those of the account that are over go, and the oldest where there are kMaxSessionsOfOne of the same user or key.
  Result<void> put_session(const SessionRecord& session);
  Result<void> remove_session(const SessionId& id);
  Result<void> put_production_request(const ProductionRequest& request);
  Result<void> remove_production_request(const AccountId& account);  // absent: no error

  // AlreadyExists: the account has another record of that name. LimitExceeded above kMaxDomainsPerAccount.
  Result<void> put_domain(const DomainRecord& domain);
  Result<void> remove_domain(const DomainId& id);

  // One that lasts longer stays as it is. LimitExceeded above kMaxSuppressionsPerAccount.
  Result<void> put_suppression(const AccountId& account, const SuppressionRecord& suppression);
  Result<void> remove_suppression(const AccountId& account, std::string_view entry);

  // Looks at `limit` of all, those behind `after`, and drops whose time is over; `after` moves along and is empty behind the last.
  Result<void> expire_suppressions(Instant now, std::string& after, std::size_t limit);

  // LimitExceeded above kMaxWebhooksPerAccount.
  Result<void> put_webhook(const WebhookRecord& webhook);
  Result<void> remove_webhook(const WebhookId& id);  // its progress and pending events too, as with an account
  // As with the last use of a key: of a webhook that is gone nothing is stored.
  Result<void> put_webhook_progress(const WebhookId& id, const WebhookProgress& progress);
  Result<void> put_pending_event(const WebhookId& id, const PendingWebhookEvent& event);
  Result<void> remove_pending_event(const WebhookId& id, std::uint64_t sequence);  // absent: no error

  // Its author is this writer's actor. LimitExceeded above kMaxOrders.
  Result<void> put_order(OrderRecord order);
  Result<void> remove_order(const OrderId& id);

  // Adds to the row of the day that contains `at`.
  Result<void> add_usage(const AccountId& account, const KeyId& key, Instant at, std::uint64_t messages,
                         std::uint64_t recipients);
  // Drops usage rows of days before `before`, at most `limit`. Returns how many.
  Result<std::size_t> expire_usage(Instant before, std::size_t limit);

  // Drops entries from before `before`, and the oldest above kMaxAudit; at most `limit`. Returns how many.
  Result<std::size_t> expire_audit(Instant before, std::size_t limit);

  // Adds what was counted in an hour, to its row and to its day's.
  Result<void> add_stats(const AccountId& account, const StatsRow& counted);
  // Drops rows of hours and days that began before; at most `limit`. Returns how many.
  Result<std::size_t> expire_stats(Instant hours_before, Instant days_before, std::size_t limit);

  // Drops counters of periods that ended before `before`. Returns how many.
  Result<std::size_t> expire_counters(Instant before);

 private:
  // NotFound.
  Result<void> require_account(const AccountId& id) const;
  Result<void> remove_counters(const AccountId& account);

  lmdb::WriteTransaction& transaction_;
  Actor actor_;
};

// For each account; they bound the tables.
inline constexpr std::size_t kMaxWhitelistEntries = 10'000;
inline constexpr std::size_t kMaxUsersPerAccount = 1'000;
inline constexpr std::size_t kMaxDomainsPerAccount = 1'000;
inline constexpr std::size_t kMaxWebhooksPerAccount = 100;
inline constexpr std::size_t kMaxSuppressionsPerAccount = 1'000'000;
inline constexpr std::size_t kMaxSessionsPerAccount = 1'000;
inline constexpr std::size_t kMaxSessionsOfOne = 20;        // browsers that a person is signed in at
inline constexpr std::size_t kMaxAuditOfAccount = 10'000;   // nobody floods another account's history out
inline constexpr std::size_t kMaxOrders = 1'000;            // of the installation: the queue reads them once a second
inline constexpr std::size_t kMaxAudit = 1'000'000;         // of the installation: some 300 MiB

}  // namespace postern::store
