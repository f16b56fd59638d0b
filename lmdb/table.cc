// Tables and cursors over LMDB.
#include "lmdb/table.h"

#include "core/check.h"

namespace postern::lmdb {

Result<std::optional<std::string_view>> Table::find(std::string_view key) const {
  MDB_val k = as_value(key);
  MDB_val v{};
  const int code = transaction_->note(mdb_get(transaction_->handle(), handle_, &k, &v));
  if (code == MDB_NOTFOUND) return std::optional<std::string_view>();
  if (code != 0) return lmdb_error(code, "read a record");
  return std::optional<std::string_view>(as_view(v));
}

Result<std::uint64_t> Table::count() const {
  MDB_stat stat{};
  const int code = mdb_stat(transaction_->handle(), handle_, &stat);
  if (code != 0) return lmdb_error(code, "count records");
  return std::uint64_t{stat.ms_entries};
}

Result<void> WritableTable::put_with(std::string_view key, std::string_view value, unsigned flags) {
  MDB_val k = as_value(key);
  MDB_val v = as_value(value);
  const int code = transaction_->note_write(mdb_put(transaction_->handle(), handle_, &k, &v, flags));
  if (code != 0) return lmdb_error(code, "write a record");
  if (WriteSet* set = transaction_->recorded()) set->put(index_, key, value);
  return {};
}

Result<std::span<char>> WritableTable::reserve(std::string_view key, std::size_t size) {
  POSTERN_CHECK(transaction_->recorded() == nullptr);
  MDB_val k = as_value(key);
  MDB_val v{size, nullptr};
  const int code = transaction_->note_write(mdb_put(transaction_->handle(), handle_, &k, &v, MDB_RESERVE));
  if (code != 0) return lmdb_error(code, "write a record");
  return std::span<char>(static_cast<char*>(v.mv_data), size);
}

Result<bool> WritableTable::erase(std::string_view key) {
  WriteSet* const set = transaction_->recorded();
  const std::string erased(set != nullptr ? key : std::string_view());  // the key may point to the row
  MDB_val k = as_value(key);
  const int code = transaction_->note_write(mdb_del(transaction_->handle(), handle_, &k, nullptr));
  if (code == MDB_NOTFOUND) return false;
  if (code != 0) return lmdb_error(code, "remove a record");
  if (set != nullptr) set->erase(index_, erased);
  return true;
}

Result<bool> WritableTable::insert(std::string_view key, std::string_view value) {
  MDB_val k = as_value(key);
  MDB_val v = as_value(value);
  const int code = transaction_->note(mdb_put(transaction_->handle(), handle_, &k, &v, MDB_NOOVERWRITE));
  if (code == MDB_KEYEXIST) return false;
  transaction_->note_write(code);
  if (code != 0) return lmdb_error(code, "write a record");
  if (WriteSet* set = transaction_->recorded()) set->put(index_, key, value);
  return true;
}

Result<std::size_t> WritableTable::erase_prefix(std::string_view prefix, std::size_t limit) {
  MDB_cursor* cursor = nullptr;
  int code = mdb_cursor_open(transaction_->handle(), handle_, &cursor);
  std::size_t count = 0;
  MDB_val key = as_value(prefix);
  MDB_val value{};
  if (code == 0) code = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);
  while (code == 0 && count < limit && as_view(key).starts_with(prefix)) {
    if (WriteSet* set = transaction_->recorded()) set->erase(index_, as_view(key));
    code = transaction_->note_write(mdb_cursor_del(cursor, 0));
    if (code == 0) code = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
    ++count;
  }
  if (cursor != nullptr) mdb_cursor_close(cursor);
  if (transaction_->note(code) != 0 && code != MDB_NOTFOUND) return lmdb_error(code, "remove records");
  return count;
}

Cursor::Cursor(const Table& table) : transaction_(table.transaction_) {
  accept(mdb_cursor_open(transaction_->handle(), table.handle_, &handle_));
}

Cursor::~Cursor() {
  if (handle_ != nullptr) mdb_cursor_close(handle_);
}

bool Cursor::seek(std::string_view key) {
  key_ = as_value(key);
  return move(MDB_SET_RANGE);
}

bool Cursor::seek_before(std::string_view key) {
  if (seek(key)) return previous();
  return error_ == 0 && last();
}

Result<void> Cursor::status() const {
  if (error_ != 0) return lmdb_error(error_, "walk a table");
  return {};
}

bool Cursor::move(MDB_cursor_op operation) {
  return handle_ != nullptr && accept(mdb_cursor_get(handle_, &key_, &value_, operation));
}

bool Cursor::accept(int code) {
  if (transaction_->note(code) != 0 && code != MDB_NOTFOUND) error_ = code;
  return code == 0;
}

}  // namespace postern::lmdb
