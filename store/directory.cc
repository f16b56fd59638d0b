// The directory: each read is one read transaction, each change one nested transaction on the commit thread, so that a change
// that fails half way takes nothing of its batch with it.
#include "store/directory.h"

#include "store/account_table.h"
#include "store/commit_queue.h"
#include "store/counter_table.h"
#include "store/environment.h"
#include "store/key_table.h"
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
  Result<std::vector<KeyRecord>> list_keys(const AccountId& account) override {
    return store::list_keys(transaction_, account);
  }
  Result<void> put_account(const AccountRecord& account) override { return store::put_account(transaction_, account); }
  Result<void> remove_account(const AccountId& id) override;
  Result<void> put_key(const KeyRecord& key) override;
  Result<void> remove_key(const KeyId& id) override { return erase_key(transaction_, id); }
  Result<void> put_key_usage(const KeyId& id, const KeyUsage& usage) override {
    return store::put_key_usage(transaction_, id, usage);
  }
  Result<void> add_to_whitelist(const AccountId& account, const WhitelistEntry& entry) override {
    return store::add_to_whitelist(transaction_, account, entry);
  }
  Result<void> remove_from_whitelist(const AccountId& account, std::string_view normalised_address) override {
    return store::remove_from_whitelist(transaction_, account, normalised_address);
  }
  Result<void> add_to_counter(const AccountId& account, CounterPeriod period, Instant at,
                              std::uint64_t count) override {
    return store::add_to_counter(transaction_, account, period, at, count);
  }
  Result<std::size_t> expire_counters(Instant before) override { return store::expire_counters(transaction_, before); }

 private:
  WriteTransaction& transaction_;
};

Result<void> Writer::remove_account(const AccountId& id) {
  Result<std::vector<KeyRecord>> keys = list_keys(id);
  if (!keys) return keys.error();
  if (Result<void> erased = erase_account(transaction_, id); !erased) return erased;
  for (const KeyRecord& key : *keys) {
    if (Result<void> erased = erase_key(transaction_, key.id); !erased) return erased;
  }
  if (Result<void> cleared = clear_whitelist(transaction_, id); !cleared) return cleared;
  return clear_counters(transaction_, id);
}

Result<void> Writer::put_key(const KeyRecord& key) {
  Result<std::optional<AccountRecord>> account = find_account(key.account);
  if (!account) return account.error();
  if (!*account) return Error(ErrorCode::NotFound, "no account " + format_id(key.account));
  return store::put_key(transaction_, key);
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
  explicit Impl(std::unique_ptr<LmdbEnvironment> environment)
      : environment_(std::move(environment)), queue_(*environment_) {}

  // Runs `read` in a read transaction.
  template <class Read>
  auto with_reader(Read read) const -> decltype(read(std::declval<ReadTransaction&>())) {
    ReadTransaction transaction(*environment_);
    if (Result<void> begun = transaction.begin(); !begun) return begun.error();
    return read(transaction);
  }
  CommitQueue& queue() { return queue_; }

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
  if (!*account) return Error(ErrorCode::CorruptRecord, "key " + format_id((*key)->id) + " has no account");
  return std::optional(Directory::KeyWithAccount{.key = std::move(**key), .account = std::move(**account)});
}

}  // namespace

Directory::Directory(std::unique_ptr<LmdbEnvironment> environment)
    : impl_(std::make_unique<Impl>(std::move(environment))) {}
Directory::~Directory() = default;

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

Result<void> Directory::write(const Change& change) {
  return impl_->queue().run([&](WriteTransaction& transaction) { return apply_change(change, transaction); });
}

void Directory::write_later(Change change, Completion done) {
  impl_->queue().submit(std::make_unique<ChangeRequest>(std::move(change), std::move(done)), Urgency::Commits,
                        Admission::Bounded);
}

}  // namespace postern::store
