// The directory's half of the examination: every record is whole, every index row leads to one, every record has its rows.
#include "store/codec.h"
#include "store/examination.h"
#include "store/examination_walk.h"
#include "store/leftovers.h"
#include "store/octets.h"

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

 private:
  template <class Visit>
  void walk(DirectoryTable table, Visit visit) {
    walk_counting(transaction_, table, name_of(table), report_, visit);
  }
  // Each record by itself; `check` with what could be read.
  template <class Decode, class Check>
  void walk_records(DirectoryTable table, Decode decode, Check check);
  template <class Decode>
  void walk_records(DirectoryTable table, Decode decode) {
    walk_records(table, decode, [](std::string_view, const auto&) {});
  }
  // Rows that end with, or hold, the key of a record in `of`: `target` picks it.
  template <class Target>
  void walk_index(DirectoryTable index, DirectoryTable of, Target target);

  static std::string_view name_of(DirectoryTable table) { return kDirectoryTables[static_cast<std::size_t>(table)]; }
  bool has_row(DirectoryTable table, std::string_view key) {
    const Result<std::optional<std::string_view>> row = Table(transaction_, table).find(key);
    return row && row->has_value();
  }
  void require_row(DirectoryTable table, std::string_view key, const std::string& of) {
    if (!has_row(table, key)) report_(of + " is not in the table " + std::string(name_of(table)));
  }

  Transaction& transaction_;
  const ReportFinding& report_;
};

constexpr std::size_t kIdOctets = 10;

std::string_view behind_account(std::string_view key) { return key.substr(std::min(kIdOctets, key.size())); }
std::string_view first_id(std::string_view key) { return key.substr(0, kIdOctets); }

template <class Decode, class Check>
void DirectoryExamination::walk_records(DirectoryTable table, Decode decode, Check check) {
  std::uint64_t number = 0;
  walk(table, [&](std::string_view key, std::string_view value) {
    ++number;
    const auto record = decode(value);
    if (record) return check(key, *record);
    report_("record " + std::to_string(number) + " of the table " + std::string(name_of(table)) + ": " + record.error().message());
  });
}

template <class Target>
void DirectoryExamination::walk_index(DirectoryTable index, DirectoryTable of, Target target) {
  walk(index, [&](std::string_view key, std::string_view value) {
    if (!has_row(of, target(key, value))) {
      report_("a row of the table " + std::string(name_of(index)) + " leads to nothing in " + std::string(name_of(of)));
    }
  });
}

std::string_view in_value(std::string_view, std::string_view value) { return value; }
std::string_view behind_account_in_key(std::string_view key, std::string_view) { return behind_account(key); }

void DirectoryExamination::examine_accounts() {
  walk_records(DirectoryTable::Accounts, decode_account, [this](std::string_view key, const AccountRecord& account) {
    const std::string words = "account " + format_id(account.id);
    if (key != octets_of(account.id.octets)) report_(words + " is stored under another id");
    require_row(DirectoryTable::AccountNames, account.name, words);
  });
  walk_index(DirectoryTable::AccountNames, DirectoryTable::Accounts, in_value);
  walk_records(DirectoryTable::ProductionRequests, decode_production_request);
}

void DirectoryExamination::examine_keys() {
  walk_records(DirectoryTable::Keys, decode_key, [this](std::string_view key, const KeyRecord& record) {
    const std::string words = "key " + format_id(record.id);
    if (key != octets_of(record.id.octets)) report_(words + " is stored under another id");
    require_row(DirectoryTable::KeyDigests, octets_of(record.digest), words);
    require_row(DirectoryTable::AccountKeys, KeyOctets().add(record.account.octets).add(record.id.octets), words);
  });
  walk_index(DirectoryTable::KeyDigests, DirectoryTable::Keys, in_value);
  walk_index(DirectoryTable::AccountKeys, DirectoryTable::Keys, behind_account_in_key);
  walk_records(DirectoryTable::KeyUsages, decode_key_usage);
  walk_records(DirectoryTable::KeyRefusals, decode_key_refusal);
}

void DirectoryExamination::examine_people() {
  walk_records(DirectoryTable::Users, decode_user, [this](std::string_view key, const UserRecord& user) {
    const std::string words = "user " + format_id(user.id);
    if (key != octets_of(user.id.octets)) report_(words + " is stored under another id");
    require_row(DirectoryTable::UserEmails, user.email, words);
    require_row(DirectoryTable::AccountUsers, KeyOctets().add(user.account.octets).add(user.id.octets), words);
  });
  walk_index(DirectoryTable::UserEmails, DirectoryTable::Users, in_value);
  walk_index(DirectoryTable::AccountUsers, DirectoryTable::Users, behind_account_in_key);
}

void DirectoryExamination::examine_domains() {
  walk_records(DirectoryTable::Domains, decode_domain, [this](std::string_view key, const DomainRecord& domain) {
    const std::string words = "domain " + format_id(domain.id);
    if (key != octets_of(domain.id.octets)) report_(words + " is stored under another id");
    require_row(DirectoryTable::DomainNames, std::string(octets_of(domain.account.octets)) + domain.name, words);
  });
  walk_index(DirectoryTable::DomainNames, DirectoryTable::Domains, in_value);
}

void DirectoryExamination::examine_webhooks() {
  walk_records(DirectoryTable::Webhooks, decode_webhook, [this](std::string_view key, const WebhookRecord& webhook) {
    const std::string words = "webhook " + format_id(webhook.id);
    if (key != octets_of(webhook.id.octets)) report_(words + " is stored under another id");
    require_row(DirectoryTable::AccountWebhooks, KeyOctets().add(webhook.account.octets).add(webhook.id.octets), words);
  });
  walk_index(DirectoryTable::AccountWebhooks, DirectoryTable::Webhooks, behind_account_in_key);
  walk_records(DirectoryTable::WebhookProgress, decode_webhook_progress);
  walk_records(DirectoryTable::PendingEvents, decode_pending_webhook_event);
  walk(DirectoryTable::PendingEvents, [this](std::string_view key, std::string_view) {
    if (has_row(DirectoryTable::Webhooks, first_id(key)) || is_left_over(transaction_, first_id(key))) return;
    report_("a row of the table pending_events leads to nothing in webhooks");
  });
}

void DirectoryExamination::examine_addresses() {
  walk_records(DirectoryTable::Whitelist, decode_whitelist_entry);
  walk_records(DirectoryTable::Confirmations, decode_confirmation);
  walk(DirectoryTable::Suppressions, [this](std::string_view key, std::string_view value) {
    // Under the account alone stands how many there are.
    const bool is_sound = key.size() == kIdOctets ? decode_counter(value).has_value() : decode_suppression(value).has_value();
    if (!is_sound) report_("a record of the table suppressions is damaged");
  });
}

void DirectoryExamination::examine_counts() {
  walk_records(DirectoryTable::Counters, decode_counter);
  walk_records(DirectoryTable::Usage, decode_usage);
}

constexpr std::array<std::string_view, 7> kDirectorySteps = {
    "accounts", "keys", "users", "domains", "webhooks", "whitelists and suppressions", "counters and usage"};
constexpr std::array<void (DirectoryExamination::*)(), kDirectorySteps.size()> kDirectoryWork = {
    &DirectoryExamination::examine_accounts,  &DirectoryExamination::examine_keys,
    &DirectoryExamination::examine_people,    &DirectoryExamination::examine_domains,
    &DirectoryExamination::examine_webhooks,  &DirectoryExamination::examine_addresses,
    &DirectoryExamination::examine_counts};

}  // namespace

std::span<const std::string_view> directory_examination_steps() { return kDirectorySteps; }

void examine_directory(Transaction& transaction, std::size_t step, const ReportFinding& report) {
  DirectoryExamination examination(transaction, report);
  (examination.*kDirectoryWork.at(step))();
}

}  // namespace postern::store
