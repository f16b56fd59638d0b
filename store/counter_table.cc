// What each account sent in a day or a month, and what each of its keys did.
#include "store/directory_index.h"

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

Result<void> erase_all(WriteTransaction& transaction, DirectoryTable table, const std::vector<std::string>& keys) {
  for (const std::string& key : keys) {
    if (Result<void> erased = erase_row(transaction, table, key); !erased) return erased;
  }
  return {};
}

// --- What each key did on each day ---
constexpr std::size_t kDayAccountOctets = 10;  // in front of the day

Instant day_of(Instant at) { return std::chrono::floor<std::chrono::days>(at); }

KeyOctets day_row(const AccountId& account, Instant day) { return KeyOctets().add(account.octets).add(day); }

std::uint64_t saturating_sum(std::uint64_t a, std::uint64_t b) { return a + b < a ? ~std::uint64_t{0} : a + b; }

// The keys of at most `limit` rows of days before `before`.
Result<std::vector<std::string>> collect_ended(Transaction& transaction, Instant before, std::size_t limit) {
  std::vector<std::string> keys;
  Cursor cursor(Table(transaction, DirectoryTable::Usage));
  bool found = cursor.first();
  while (found && keys.size() < limit) {
    KeyReader reader(cursor.key());
    const AccountId account{reader.octets<kDayAccountOctets>()};
    if (reader.instant() < before) {
      keys.emplace_back(cursor.key());
      found = cursor.next();
    } else {
      found = cursor.seek(KeyOctets().add(account.octets).add(~std::uint64_t{0}));
    }
  }
  if (Result<void> walked = cursor.status(); !walked) return walked.error();
  return keys;
}

}  // namespace

Result<std::uint64_t> DirectoryReads::counter(const AccountId& account, CounterPeriod period, Instant at) const {
  const Result<std::optional<Count>> count = look([&](Transaction& transaction) {
    return find_record<Count>(transaction, counter_row(account, period, at));
  });
  if (!count) return count.error();
  return count->value_or(Count{}).number;
}

Result<void> DirectoryWriter::add_to_counter(const AccountId& account, CounterPeriod period, Instant at, std::uint64_t count) {
  Result<std::uint64_t> before = counter(account, period, at);
  if (!before) return before.error();
  return put_record(transaction_, counter_row(account, period, at), Count{saturating_sum(*before, count)});
}

Result<std::size_t> DirectoryWriter::expire_counters(Instant before) {
  std::size_t count = 0;
  for (const CounterPeriod period : kCounterPeriods) {
    const auto has_ended = [&](Instant start) { return end_of(period, start) <= before; };
    Result<std::vector<std::string>> keys = collect(transaction_, period, has_ended);
    if (!keys) return keys.error();
    if (Result<void> erased = erase_all(transaction_, DirectoryTable::Counters, *keys); !erased) return erased.error();
    count += keys->size();
  }
  return count;
}

// By looking for its row of each day or month that has any: all rows are as many as there are accounts, and more.
Result<void> DirectoryWriter::remove_counters(const AccountId& account) {
  std::vector<std::string> keys;
  for (const CounterPeriod period : kCounterPeriods) {
    const KeyOctets prefix = KeyOctets().add(static_cast<std::uint8_t>(period));
    Cursor cursor(Table(transaction_, DirectoryTable::Counters));
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
  return erase_all(transaction_, DirectoryTable::Counters, keys);
}

Result<std::vector<UsageRow>> DirectoryReads::list_usage(const AccountId& account, Instant from, Instant to,
                                                         std::size_t limit) const {
  const auto list = [&](Transaction& transaction) -> Result<std::vector<UsageRow>> {
    std::vector<UsageRow> rows;
    const std::string_view prefix = octets_of(account.octets);
    Cursor cursor(Table(transaction, DirectoryTable::Usage));
    bool found = cursor.seek(day_row(account, day_of(from)));
    for (; found && cursor.key().starts_with(prefix) && rows.size() < limit; found = cursor.next()) {
      if (KeyReader(cursor.key().substr(kDayAccountOctets)).instant() >= to) break;
      Result<UsageRow> row = decode<UsageRow>(cursor.value());
      if (!row) return row.error();
      rows.push_back(*row);
    }
    if (Result<void> walked = cursor.status(); !walked) return walked.error();
    return rows;
  };
  return look(list);
}

Result<void> DirectoryWriter::add_usage(const AccountId& account, const KeyId& key, Instant at, std::uint64_t messages,
                                        std::uint64_t recipients) {
  const KeyOctets row = day_row(account, day_of(at)).add(key.octets);
  Result<std::optional<UsageRow>> before = find_record<UsageRow>(transaction_, row);
  if (!before) return before.error();
  UsageRow usage = before->value_or(UsageRow{.day = day_of(at), .key = key});
  usage.messages = saturating_sum(usage.messages, messages);
  usage.recipients = saturating_sum(usage.recipients, recipients);
  return put_record(transaction_, row, usage);
}

Result<std::size_t> DirectoryWriter::expire_usage(Instant before, std::size_t limit) {
  Result<std::vector<std::string>> keys = collect_ended(transaction_, day_of(before), limit);
  if (!keys) return keys.error();
  if (Result<void> erased = erase_all(transaction_, DirectoryTable::Usage, *keys); !erased) return erased.error();
  return keys->size();
}

}  // namespace postern::store
