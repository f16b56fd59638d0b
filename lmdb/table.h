// One table inside a transaction: find, put, erase, and a cursor for ranges. Keys and values are octets; store/schema.h has
// their layouts. Nothing here allocates.
#pragma once

#include "lmdb/transaction.h"

#include <limits>
#include <optional>
#include <span>
#include <string_view>

namespace postern::lmdb {

inline MDB_val as_value(std::string_view octets) {
  return MDB_val{octets.size(), const_cast<char*>(octets.data())};
}
inline std::string_view as_view(const MDB_val& value) {
  return {static_cast<const char*>(value.mv_data), value.mv_size};
}

class Table {
 public:
  template <class Index>
  Table(Transaction& transaction, Index index)
      : transaction_(&transaction), handle_(transaction.table(static_cast<std::size_t>(index))) {}

  Result<std::optional<std::string_view>> find(std::string_view key) const;
  Result<std::uint64_t> count() const;

 private:
  friend class Cursor;
  Transaction* transaction_;
  MDB_dbi handle_;
};

class WritableTable {
 public:
  template <class Index>
  WritableTable(WriteTransaction& transaction, Index index)
      : transaction_(&transaction), index_(static_cast<std::size_t>(index)), handle_(transaction.table(index_)) {}

  // Inserts or replaces.
  Result<void> put(std::string_view key, std::string_view value) { return put_with(key, value, 0); }
  // For keys that are greater than every key there is.
  Result<void> append(std::string_view key, std::string_view value) { return put_with(key, value, MDB_APPEND); }
  // False, and nothing changed: the key was there.
  Result<bool> insert(std::string_view key, std::string_view value);
  // Room for a value of `size` octets that the caller fills before the next write. Not in a transaction that is recorded.
  Result<std::span<char>> reserve(std::string_view key, std::size_t size);
  // False: it was not there.
  Result<bool> erase(std::string_view key);
  // Keys that begin with `prefix`, the first `limit` of them. Returns how many.
  Result<std::size_t> erase_prefix(std::string_view prefix, std::size_t limit = std::numeric_limits<std::size_t>::max());

 private:
  Result<void> put_with(std::string_view key, std::string_view value, unsigned flags);

  WriteTransaction* transaction_;
  std::size_t index_;
  MDB_dbi handle_;
};

// Moves return false at the end and on an error, which error() then has.
class Cursor {
 public:
  explicit Cursor(const Table& table);
  ~Cursor();
  Cursor(const Cursor&) = delete;
  Cursor& operator=(const Cursor&) = delete;

  bool first() { return move(MDB_FIRST); }
  bool last() { return move(MDB_LAST); }
  bool next() { return move(MDB_NEXT); }
  bool previous() { return move(MDB_PREV); }
  // To the first key that is not below `key`.
  bool seek(std::string_view key);
  // To the last key that is below `key`.
  bool seek_before(std::string_view key);
  std::string_view key() const { return as_view(key_); }
  std::string_view value() const { return as_view(value_); }
  // Success, or why the last move failed.
  Result<void> status() const;

 private:
  bool move(MDB_cursor_op operation);
  bool accept(int code);

  Transaction* transaction_;
  MDB_cursor* handle_ = nullptr;
  MDB_val key_{};
  MDB_val value_{};
  int error_ = 0;
};

}  // namespace postern::lmdb
