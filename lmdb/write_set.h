// What a write transaction changed, row by row, so that the same can be done to another copy: replaying a write set over a copy
// that stands where the transaction began gives the same octets. Filled by WritableTable where the transaction has one
// (WriteTransaction::record_in()); costs nothing where it has none.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace postern::lmdb {

class WriteSet {
 public:
  using Place = std::pair<std::size_t, std::string>;         // the table's index in its environment, the key
  using Rows = std::map<Place, std::optional<std::string>>;  // nullopt: the row is gone

  // The last word on a row counts.
  void put(std::size_t table, std::string_view key, std::string_view value) {
    rows_.insert_or_assign(Place(table, key), std::string(value));
  }
  void erase(std::size_t table, std::string_view key) { rows_.insert_or_assign(Place(table, key), std::nullopt); }

  // What was written after it.
  void add(const WriteSet& later) {
    for (const auto& [place, value] : later.rows_) rows_.insert_or_assign(place, value);
  }

  // By table, then by key.
  const Rows& rows() const { return rows_; }
  bool empty() const { return rows_.empty(); }

 private:
  Rows rows_;
};

}  // namespace postern::lmdb
