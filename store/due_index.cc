// A row's key is the lane, an octet that no lane has, and the place in it. It has no value.
#include "store/due_index.h"

#include "store/octets.h"
#include "store/tables.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace postern::store {
namespace {

constexpr std::size_t kPlaceOctets = 8 + 16;  // due, message id

// No allocation, and nothing is written that is not used.
class DueRowKey {
 public:
  DueRowKey(std::string_view lane, const DueKey& key) : DueRowKey(lane, '\0') {
    const KeyOctets place = KeyOctets().add(key.due).add(key.id.octets);
    add(place);
  }
  // Behind all rows of the lane and before those of the next one.
  static DueRowKey behind(std::string_view lane) { return {lane, '\x01'}; }
  static DueRowKey before(std::string_view lane) { return {lane, '\0'}; }

  operator std::string_view() const { return {octets_.data(), size_}; }

 private:
  DueRowKey(std::string_view lane, char end) {
    add(lane.substr(0, kMaxLaneOctets));
    octets_[size_++] = end;
  }
  void add(std::string_view octets) {
    std::memcpy(octets_.data() + size_, octets.data(), octets.size());
    size_ += octets.size();
  }

  std::array<char, kMaxLaneOctets + 1 + kPlaceOctets> octets_;
  std::size_t size_ = 0;
};

bool is_in_lane(std::string_view key, std::string_view lane) {
  return key.size() == lane.size() + 1 + kPlaceOctets && key[lane.size()] == '\0' &&
         key.starts_with(lane);
}

DueKey place_of(std::string_view key) {
  KeyReader reader(key.substr(key.size() - kPlaceOctets));
  DueKey place;
  place.due = reader.instant();
  place.id.octets = reader.octets<16>();
  return place;
}

bool is_sound(std::string_view key) {
  return key.size() > kPlaceOctets && key.find('\0') == key.size() - kPlaceOctets - 1;
}

// True: the cursor is at the first row behind `from`.
bool seek_behind(Cursor& cursor, std::string_view from) {
  const bool found = cursor.seek(from);
  return found && cursor.key() == from ? cursor.next() : found;
}

}  // namespace

std::optional<DueEntry> read_due_row(std::string_view key) {
  if (!is_sound(key)) return std::nullopt;
  const DueKey place = place_of(key);
  return DueEntry{.due = place.due,
                  .id = place.id,
                  .lane = std::string(key.substr(0, key.size() - kPlaceOctets - 1))};
}

Result<DueSlice> list_due(Transaction& transaction, std::string_view lane,
                          const std::optional<DueKey>& after, Instant until, std::size_t limit) {
  DueSlice slice;
  Cursor cursor(Table(transaction, SpoolTable::Due));
  bool found =
      after ? seek_behind(cursor, DueRowKey(lane, *after)) : cursor.seek(DueRowKey::before(lane));
  const std::string_view end = lane.substr(0, kMaxLaneOctets);
  for (; found && cursor.key().starts_with(end) && !slice.next; found = cursor.next()) {
    if (cursor.key().size() > end.size() && cursor.key()[end.size()] != '\0')
      break;  // another lane's
    if (!is_in_lane(cursor.key(), end)) continue;
    const DueKey place = place_of(cursor.key());
    if (place.due > until || slice.keys.size() >= limit) {
      slice.next = place.due;
    } else {
      slice.keys.push_back(place);
    }
  }
  if (Result<void> walked = cursor.status(); !walked) return walked.error();
  return slice;
}

Result<std::vector<LaneHead>> list_lanes(Transaction& transaction,
                                         const std::optional<std::string>& after,
                                         std::size_t limit) {
  std::vector<LaneHead> heads;
  Cursor cursor(Table(transaction, SpoolTable::Due));
  bool found = after ? cursor.seek(DueRowKey::behind(*after)) : cursor.first();
  while (found && heads.size() < limit) {
    std::optional<DueEntry> entry = read_due_row(cursor.key());
    if (!entry) {
      found = cursor.next();
      continue;
    }
    heads.push_back({std::move(entry->lane), entry->key()});
    found = cursor.seek(DueRowKey::behind(heads.back().lane));
  }
  if (Result<void> walked = cursor.status(); !walked) return walked.error();
  return heads;
}

Result<std::vector<DueEntry>> list_queued(Transaction& transaction,
                                          const std::optional<DueEntry>& after, std::size_t limit) {
  std::vector<DueEntry> entries;
  Cursor cursor(Table(transaction, SpoolTable::Due));
  bool found = after ? seek_behind(cursor, DueRowKey(after->lane, after->key())) : cursor.first();
  for (; found && entries.size() < limit; found = cursor.next()) {
    if (std::optional<DueEntry> entry = read_due_row(cursor.key()))
      entries.push_back(std::move(*entry));
  }
  if (Result<void> walked = cursor.status(); !walked) return walked.error();
  return entries;
}

Result<bool> has_due(Transaction& transaction, std::string_view lane, const DueKey& key) {
  Result<std::optional<std::string_view>> row =
      Table(transaction, SpoolTable::Due).find(DueRowKey(lane, key));
  if (!row) return row.error();
  return row->has_value();
}

Result<void> put_due(WriteTransaction& transaction, std::string_view lane, const DueKey& key) {
  return WritableTable(transaction, SpoolTable::Due).put(DueRowKey(lane, key), {});
}

Result<void> erase_due(WriteTransaction& transaction, std::string_view lane, const DueKey& key) {
  Result<bool> erased = WritableTable(transaction, SpoolTable::Due).erase(DueRowKey(lane, key));
  if (!erased) return erased.error();
  return {};
}

}  // namespace postern::store
