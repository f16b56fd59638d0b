// Transactions over one environment. Views read inside one are valid until it ends, in a write transaction only until its next
// write. A read transaction is taken from the environment's pool and lasts one call; it is never held while anything waits.
#pragma once

#include "lmdb/environment.h"
#include "lmdb/write_set.h"

#include <cstdint>

namespace postern::lmdb {

class Transaction {
 public:
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;

  MDB_txn* handle() const { return handle_; }
  const LmdbEnvironment& environment() const { return *environment_; }
  MDB_dbi table(std::size_t index) const { return environment_->table(index); }

  // Keeps the first LMDB error that is not an answer ("not found", "exists"). Returns `code`.
  int note(int code) {
    if (code != 0 && code != MDB_NOTFOUND && code != MDB_KEYEXIST && broken_ == 0) broken_ = code;
    return code;
  }
  // That error, or 0. Nothing that a broken transaction wrote may be committed.
  int broken() const { return broken_; }

 protected:
  explicit Transaction(const LmdbEnvironment& environment) : environment_(&environment) {}
  ~Transaction() = default;

  const LmdbEnvironment* environment_;
  MDB_txn* handle_ = nullptr;

 private:
  int broken_ = 0;
};

class ReadTransaction final : public Transaction {
 public:
  explicit ReadTransaction(const LmdbEnvironment& environment) : Transaction(environment) {}
  ~ReadTransaction() {
    if (handle_ != nullptr) environment_->give_back_reader(handle_);
  }
  Result<void> begin() {
    Result<MDB_txn*> reader = environment_->take_reader();
    if (!reader) return reader.error();
    handle_ = *reader;
    return {};
  }
};

class WriteTransaction final : public Transaction {
 public:
  explicit WriteTransaction(const LmdbEnvironment& environment) : Transaction(environment) {}
  ~WriteTransaction() { abort(); }

  // LMDB codes: 0 is success. Waits for other processes' writers.
  int begin(WriteTransaction* parent = nullptr) {
    return note(mdb_txn_begin(environment_->handle(), parent != nullptr ? parent->handle_ : nullptr, 0, &handle_));
  }
  // Syncs, unless it has a parent.
  int commit() {
    MDB_txn* handle = handle_;
    handle_ = nullptr;
    return note(mdb_txn_commit(handle));
  }
  void abort() {
    if (handle_ != nullptr) mdb_txn_abort(handle_);
    handle_ = nullptr;
  }

  // From here on every row that is put or erased is noted in `set` as well, which outlives the transaction.
  void record_in(WriteSet& set) { recorded_ = &set; }
  WriteSet* recorded() const { return recorded_; }

  // How many writes were tried in it: tells a request that refused from one that failed half way.
  std::uint64_t writes() const { return writes_; }
  int note_write(int code) {
    ++writes_;
    return note(code);
  }

 private:
  std::uint64_t writes_ = 0;
  WriteSet* recorded_ = nullptr;
};

}  // namespace postern::lmdb
