#include "store/upgrade.h"

#include "lmdb/glance.h"
#include "store/codec.h"
#include "store/delivery_marks.h"
#include "store/schema.h"

#include <algorithm>
#include <array>
#include <memory>

namespace postern::store {
namespace {

using lmdb::Glance;

// Of the slowest step, the due index: 200,000 rows took 18 s in a build without optimisation, on two busy cores.
constexpr std::uint64_t kRowsASecond = 10'000;
constexpr std::chrono::milliseconds kEachStep{50};  // its commits wait for the disk

std::string table_name(SpoolTable table) { return std::string(kSpoolTables[static_cast<std::size_t>(table)]); }
std::string table_name(DirectoryTable table) { return std::string(kDirectoryTables[static_cast<std::size_t>(table)]); }

// 0: there is none, as in what was never started.
Result<std::uint32_t> version_of(const Glance& part) {
  const auto stored = part.find(table_name(SpoolTable::Meta), kSchemaKey);  // index 0 in both
  if (!stored) return std::uint32_t{0};
  const Result<SchemaVersion> version = decode<SchemaVersion>(*stored);
  if (!version) return version.error();
  return version->number;
}

std::size_t missing_tables(const Glance& part, std::span<const std::string_view> names) {
  return static_cast<std::size_t>(
      std::ranges::count_if(names, [&](std::string_view name) { return !part.has_table(name); }));
}

class Foresight {
 public:
  Foresight(const Glance& directory, const Glance& spool) : directory_(directory), spool_(spool) {}

  std::vector<UpgradeStep> steps() {
    // As store/migration.cc, store/directory.cc and store/recovery.cc do it, in that order.
    add_if(spool_.rows(table_name(SpoolTable::DueOfOld)), "what waits is put in lanes, by destination");
    const std::size_t missing = missing_tables(directory_, kDirectoryTables) + missing_tables(spool_, kSpoolTables);
    add_if(missing, "tables are made that there were not");
    if (!has_mark(directory_, kFoldedKey)) {
      add_if(directory_.rows(table_name(DirectoryTable::Suppressions)), "suppressed addresses are compared without regard to case");
    }
    add_if(lacking(SpoolTable::AccountMessages, SpoolTable::Messages), "messages are listed by account");
    add_if(lacking(SpoolTable::AccountEvents, SpoolTable::Events), "events are listed by account");
    const std::uint64_t messages = spool_.rows(table_name(SpoolTable::Messages));
    if (!has_mark(spool_, kRunsIndexedKey)) add_if(messages, "test mail is listed by run");
    if (!has_mark(spool_, kDeliveriesMarkedKey)) add_if(messages, "accounts that had live mail delivered are marked");
    return std::move(steps_);
  }

 private:
  static bool has_mark(const Glance& part, std::string_view key) {
    return part.find(table_name(SpoolTable::Meta), key).has_value();
  }
  void add_if(std::uint64_t rows, std::string what) {
    if (rows > 0) steps_.push_back({std::move(what), rows});
  }
  std::uint64_t lacking(SpoolTable index, SpoolTable of) const {
    return spool_.rows(table_name(index)) == 0 ? spool_.rows(table_name(of)) : 0;
  }

  const Glance& directory_;
  const Glance& spool_;
  std::vector<UpgradeStep> steps_;
};

}  // namespace

Result<Upgrade> foresee_upgrade(const std::filesystem::path& folder) {
  const auto directory = Glance::open(folder / "directory");
  if (!directory) return directory.error();
  const auto spool = Glance::open(folder / "spool");
  if (!spool) return spool.error();
  const auto of_directory = version_of(**directory);
  const auto of_spool = version_of(**spool);
  if (!of_directory) return of_directory.error();
  if (!of_spool) return of_spool.error();
  Upgrade upgrade;
  // A store that is half brought over is gone on with.
  upgrade.from = std::max(*of_directory, *of_spool) > kSchemaVersion ? std::max(*of_directory, *of_spool)
                                                                     : std::min(*of_directory, *of_spool);
  upgrade.to = kSchemaVersion;
  upgrade.octets = (*directory)->octets() + (*spool)->octets();
  upgrade.is_readable = upgrade.from >= kOldestSchemaVersion && upgrade.from <= kSchemaVersion;
  if (!upgrade.is_readable) return upgrade;
  upgrade.steps = Foresight(**directory, **spool).steps();
  for (const UpgradeStep& step : upgrade.steps) {
    upgrade.about += kEachStep + std::chrono::milliseconds(step.rows * 1'000 / kRowsASecond);
  }
  return upgrade;
}

}  // namespace postern::store
