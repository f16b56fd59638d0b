// The directory's half of the examination: every record is whole, every index row leads to one, every record has its rows.
#include "store/directory_index.h"
#include "store/examination.h"
#include "store/examination_walk.h"
#include "store/leftovers.h"

#include <algorithm>
#include <array>
#include <string>

namespace postern::store {
namespace {

class DirectoryExamination {
 public:
  DirectoryExamination(Transaction& transaction, const ReportFinding& report) : transaction_(transaction), report_(report) {}

  void examine_accounts();
  void examine_keys();
  void examine_people();
  void examine_domains();
  void examine_webhooks();
  void examine_addresses();
  void examine_counts();
  void examine_audit();

 private:
  template <class Visit>
  void walk(DirectoryTable table, Visit visit) {
    walk_counting(transaction_, table, name_of(table), report_, visit);
  }
  // Each record by itself; `check` with what could be read.
  template <class Record, class Check>
  void walk_records(Check check);
  template <class Record>
  void walk_records() {
    walk_records<Record>([](std::string_view, const Record&) {});
  }
  // Each record under its own id, and the rows that lead to it.
  template <class Record>
  void walk_indexed(std::string_view noun);
  // Rows that end with, or hold, the key of a record in `of`: `target` picks it.
  template <class Target>
  void walk_index(DirectoryTable index, DirectoryTable of, Target target);

  static std::string_view name_of(DirectoryTable table) { return kDirectoryTables[static_cast<std::size_t>(table)]; }
  bool is_there(DirectoryTable table, std::string_view key) {
    const Result<bool> row = has_row(transaction_, table, key);
    return row && *row;
  }

  Transaction& transaction_;
  const ReportFinding& report_;
};

constexpr std::size_t kIdOctets = 10;

std::string_view behind_account(std::string_view key) { return key.substr(std::min(kIdOctets, key.size())); }
std::string_view first_id(std::string_view key) { return key.substr(0, kIdOctets); }

template <class Record, class Check>
void DirectoryExamination::walk_records(Check check) {
  constexpr DirectoryTable table = TableOf<Record>::table;
  std::uint64_t number = 0;
  walk(table, [&](std::string_view key, std::string_view value) {
    ++number;
    const Result<Record> record = decode<Record>(value);
    if (record) return check(key, *record);
    report_("record " + std::to_string(number) + " of the table " + std::string(name_of(table)) + ": " + record.error().message());
  });
}

template <class Record>
void DirectoryExamination::walk_indexed(std::string_view noun) {
  walk_records<Record>([&](std::string_view key, const Record& record) {
    const std::string words = std::string(noun) + " " + format_id(record.id);
    if (key != octets_of(record.id.octets)) report_(words + " is stored under another id");
    for (const IndexRow& row : index_rows(record)) {
      const bool may_be_anothers = row.claim == Claim::First;
      if (may_be_anothers || is_there(row.index, row.key)) continue;
      report_(words + " is not in the table " + std::string(name_of(row.index)));
    }
  });
}

template <class Target>
void DirectoryExamination::walk_index(DirectoryTable index, DirectoryTable of, Target target) {
  walk(index, [&](std::string_view key, std::string_view value) {
    if (!is_there(of, target(key, value))) {
      report_("a row of the table " + std::string(name_of(index)) + " leads to nothing in " + std::string(name_of(of)));
    }
  });
}

std::string_view in_value(std::string_view, std::string_view value) { return value; }
std::string_view behind_account_in_key(std::string_view key, std::string_view) { return behind_account(key); }

void DirectoryExamination::examine_accounts() {
  walk_indexed<AccountRecord>("account");
  walk_index(DirectoryTable::AccountNames, DirectoryTable::Accounts, in_value);
  walk_records<ProductionRequest>();
}

void DirectoryExamination::examine_keys() {
  walk_indexed<KeyRecord>("key");
  walk_index(DirectoryTable::KeyDigests, DirectoryTable::Keys, in_value);
  walk_index(DirectoryTable::AccountKeys, DirectoryTable::Keys, behind_account_in_key);
  walk_records<KeyUsage>();
  walk_records<KeyRefusal>();
}

void DirectoryExamination::examine_people() {
  walk_indexed<UserRecord>("user");
  walk_index(DirectoryTable::UserEmails, DirectoryTable::Users, in_value);
  walk_index(DirectoryTable::AccountUsers, DirectoryTable::Users, behind_account_in_key);
  walk_indexed<SessionRecord>("session");
  walk_index(DirectoryTable::AccountSessions, DirectoryTable::Sessions, behind_account_in_key);
}

void DirectoryExamination::examine_domains() {
  walk_indexed<DomainRecord>("domain");
  walk_index(DirectoryTable::DomainNames, DirectoryTable::Domains, in_value);
}

void DirectoryExamination::examine_webhooks() {
  walk_indexed<WebhookRecord>("webhook");
  walk_index(DirectoryTable::AccountWebhooks, DirectoryTable::Webhooks, behind_account_in_key);
  walk_records<WebhookProgress>();
  walk_records<PendingWebhookEvent>();
  walk(DirectoryTable::PendingEvents, [this](std::string_view key, std::string_view) {
    if (is_there(DirectoryTable::Webhooks, first_id(key)) || is_left_over(transaction_, first_id(key))) return;
    report_("a row of the table pending_events leads to nothing in webhooks");
  });
}

void DirectoryExamination::examine_addresses() {
  walk_records<WhitelistEntry>();
  walk_records<Confirmation>();
  walk(DirectoryTable::Suppressions, [this](std::string_view key, std::string_view value) {
    // Under the account alone stands how many there are.
    const bool is_sound = key.size() == kIdOctets ? decode<Count>(value).has_value() : decode<SuppressionRecord>(value).has_value();
    if (!is_sound) report_("a record of the table suppressions is damaged");
  });
}

void DirectoryExamination::examine_counts() {
  walk_records<Count>();
  walk_records<UsageRow>();
  walk_records<StatsRow>();
}

void DirectoryExamination::examine_audit() {
  walk_records<AuditRecord>([this](std::string_view place, const AuditRecord& entry) {
    const std::string row = text_row(octets_of(entry.account.octets), place);
    if (!is_there(DirectoryTable::AccountAudit, row)) report_("an entry of the table audit is not in the table account_audit");
  });
  walk(DirectoryTable::AccountAudit, [this](std::string_view key, std::string_view) {
    if (key.size() == kIdOctets || is_there(DirectoryTable::Audit, behind_account(key))) return;
    report_("a row of the table account_audit leads to nothing in audit");
  });
}

constexpr std::array<std::string_view, 8> kDirectorySteps = {
    "accounts", "keys", "users", "domains", "webhooks", "whitelists and suppressions", "counters and usage", "audit trail"};
constexpr std::array<void (DirectoryExamination::*)(), kDirectorySteps.size()> kDirectoryWork = {
    &DirectoryExamination::examine_accounts,  &DirectoryExamination::examine_keys,
    &DirectoryExamination::examine_people,    &DirectoryExamination::examine_domains,
    &DirectoryExamination::examine_webhooks,  &DirectoryExamination::examine_addresses,
    &DirectoryExamination::examine_counts,    &DirectoryExamination::examine_audit};

}  // namespace

std::span<const std::string_view> directory_examination_steps() { return kDirectorySteps; }

void examine_directory(Transaction& transaction, std::size_t step, const ReportFinding& report) {
  DirectoryExamination examination(transaction, report);
  (examination.*kDirectoryWork.at(step))();
}

}  // namespace postern::store
