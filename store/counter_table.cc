// Counters; see the header.
#include "store/counter_table.h"

#include "store/codec.h"
#include "store/octets.h"
#include "store/table.h"

#include <array>

namespace postern::store {
namespace {

constexpr std::array kCounterPeriods = {CounterPeriod::Day, CounterPeriod::Month, CounterPeriod::WhitelistDay};

Instant start_of(CounterPeriod period, Instant at) {
  const auto day = std::chrono::floor<std::chrono::days>(at);
  if (period != CounterPeriod::Month) return day;
  const std::chrono::year_month_day date{day};
  return std::chrono::sys_days{date.year() / date.month() / 1};
}

Instant end_of(CounterPeriod period, Instant start) {
  if (period != CounterPeriod::Month) return start + std::chrono::days(1);
  const std::chrono::year_month_day date{std::chrono::floor<std::chrono::days>(start)};
  return std::chrono::sys_days{(date.year() / date.month() + std::chrono::months(1)) / 1};
}

KeyOctets counter_row(const AccountId& account, CounterPeriod period, Instant at) {
  return KeyOctets().add(static_cast<std::uint8_t>(period)).add(start_of(period, at)).add(account.octets);
}

// The keys of `period`, the oldest first, as long as `goes_on` allows it for a row's start.
template <class GoesOn>
Result<std::vector<std::string>> collect(Transaction& transaction, CounterPeriod period, GoesOn goes_on) {
  std::vector<std::string> keys;
  const KeyOctets prefix = KeyOctets().add(static_cast<std::uint8_t>(period));
  Cursor cursor(Table(transaction, DirectoryTable::Counters));
  for (bool found = cursor.seek(prefix); found && cursor.key().starts_with(prefix); found = cursor.next()) {
    if (!goes_on(KeyReader(cursor.key().substr(1)).instant())) break;
    keys.emplace_back(cursor.key());
  }
  if (Result<void> walked = cursor.status(); !walked) return walked.error();
  return keys;
}

Result<void> erase_all(WriteTransaction& transaction, const std::vector<std::string>& keys) {
  WritableTable counters(transaction, DirectoryTable::Counters);
  for (const std::string& key : keys) {
    if (Result<bool> erased = counters.erase(key); !erased) return erased.error();
  }
  return {};
}

}  // namespace

Result<std::uint64_t> counter(Transaction& transaction, const AccountId& account, CounterPeriod period, Instant at) {
  Result<std::optional<std::string_view>> record =
      Table(transaction, DirectoryTable::Counters).find(counter_row(account, period, at));
  if (!record) return record.error();
  if (!*record) return std::uint64_t{0};
  return decode_counter(**record);
}

Result<void> add_to_counter(WriteTransaction& transaction, const AccountId& account, CounterPeriod period, Instant at,
                            std::uint64_t count) {
  Result<std::uint64_t> before = counter(transaction, account, period, at);
  if (!before) return before.error();
  const std::uint64_t after = *before + count < *before ? ~std::uint64_t{0} : *before + count;
  std::string record;
  encode_counter(after, record);
  return WritableTable(transaction, DirectoryTable::Counters).put(counter_row(account, period, at), record);
}

Result<std::size_t> expire_counters(WriteTransaction& transaction, Instant before) {
  std::size_t count = 0;
  for (const CounterPeriod period : kCounterPeriods) {
    const auto has_ended = [&](Instant start) { return end_of(period, start) <= before; };
    Result<std::vector<std::string>> keys = collect(transaction, period, has_ended);
    if (!keys) return keys.error();
    if (Result<void> erased = erase_all(transaction, *keys); !erased) return erased.error();
    count += keys->size();
  }
  return count;
}

// By looking for its row of each day or month that has any: all rows are as many as there are accounts, and more.
Result<void> clear_counters(WriteTransaction& transaction, const AccountId& account) {
  std::vector<std::string> keys;
  for (const CounterPeriod period : kCounterPeriods) {
    const KeyOctets prefix = KeyOctets().add(static_cast<std::uint8_t>(period));
    Cursor cursor(Table(transaction, DirectoryTable::Counters));
    bool found = cursor.seek(prefix);
    while (found && cursor.key().starts_with(prefix)) {
      const Instant start = KeyReader(cursor.key().substr(1)).instant();
      const KeyOctets own = counter_row(account, period, start);
      found = cursor.seek(own);
      if (found && cursor.key() == std::string_view(own)) keys.emplace_back(cursor.key());
      found = found && cursor.seek(KeyOctets(prefix).add(start + Duration(1)));
    }
    if (Result<void> walked = cursor.status(); !walked) return walked;
  }
  return erase_all(transaction, keys);
}

}  // namespace postern::store
