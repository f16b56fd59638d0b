// Roll-ups of statistics: a row for an account, a width, an environment and its beginning.
#include "store/directory_index.h"
#include "store/statistics.h"

#include <algorithm>

namespace postern::store {
namespace {

using std::chrono::days;
using std::chrono::hours;

constexpr std::size_t kGroupOctets = 10 + 1 + 1;  // in front of the beginning

KeyOctets group_row(const AccountId& account, StatsWidth width, Environment environment) {
  return KeyOctets().add(account.octets).add(static_cast<std::uint8_t>(width)).add(static_cast<std::uint8_t>(environment));
}

Instant start_of_stats(StatsWidth width, Instant at) {
  if (width == StatsWidth::Hour) return std::chrono::floor<hours>(at);
  return std::chrono::floor<days>(at);
}

}  // namespace

Result<std::vector<StatsRow>> DirectoryReads::list_stats(const AccountId& account, StatsWidth width, Environment environment,
                                                         Instant from, Instant to) const {
  const auto list = [&](Transaction& transaction) -> Result<std::vector<StatsRow>> {
    std::vector<StatsRow> rows;
    const KeyOctets prefix = group_row(account, width, environment);
    Cursor cursor(Table(transaction, DirectoryTable::Stats));
    for (bool found = cursor.seek(KeyOctets(prefix).add(from)); found && cursor.key().starts_with(prefix); found = cursor.next()) {
      if (KeyReader(cursor.key().substr(kGroupOctets)).instant() >= to) break;
      Result<StatsRow> row = decode<StatsRow>(cursor.value());
      if (!row) return row.error();
      rows.push_back(std::move(*row));
    }
    if (Result<void> walked = cursor.status(); !walked) return walked.error();
    return rows;
  };
  return look(list);
}

Result<void> DirectoryWriter::add_stats(const AccountId& account, const StatsRow& counted) {
  for (const StatsWidth width : {StatsWidth::Hour, StatsWidth::Day}) {
    const Instant start = start_of_stats(width, counted.start);
    const KeyOctets row = group_row(account, width, counted.environment).add(start);
    Result<std::optional<StatsRow>> before = find_record<StatsRow>(transaction_, row);
    if (!before) return before.error();
    StatsRow sum = std::move(*before).value_or(StatsRow{});
    sum.environment = counted.environment;
    sum.start = start;
    store::add_stats(sum, counted);
    if (Result<void> put = put_record(transaction_, row, sum); !put) return put;
  }
  return {};
}

Result<std::size_t> DirectoryWriter::expire_stats(Instant hours_before, Instant days_before, std::size_t limit) {
  std::vector<std::string> ended;
  {
    Cursor cursor(Table(transaction_, DirectoryTable::Stats));
    bool found = cursor.first();
    while (found && ended.size() < limit) {
      const std::string key(cursor.key());
      const bool is_hour = key.size() > kGroupOctets && key[10] == static_cast<char>(StatsWidth::Hour);
      const Instant start = KeyReader(std::string_view(key).substr(std::min(kGroupOctets, key.size()))).instant();
      if (start < (is_hour ? hours_before : days_before)) {
        ended.push_back(key);
        found = cursor.next();
      } else {  // what follows in the group is younger
        found = cursor.seek(key.substr(0, kGroupOctets) + std::string(9, '\xff'));
      }
    }
    if (Result<void> walked = cursor.status(); !walked) return walked.error();
  }
  for (const std::string& key : ended) {
    if (Result<void> erased = erase_row(transaction_, DirectoryTable::Stats, key); !erased) return erased.error();
  }
  return ended.size();
}

}  // namespace postern::store
